//! What the caller asks for.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use gateway_common::map::PREFIXES_MAX;
use serde::{Deserialize, Serialize};

use crate::balance::BalanceSettings;
use crate::load::name;
use crate::shed::Prefix;

/// `--datapath`, `--interface` and their siblings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatapathSettings {
    /// Default: [`Mode::Auto`].
    pub mode: Mode,
    /// Default: those that carry a listen address, loopback and interfaces named `mgmt…` excepted.
    pub interfaces: Option<Vec<String>>,
    /// How arriving packets are counted. Default: [`Ingress::Auto`].
    pub xdp: Ingress,
    /// How new connections are spread over workers. Default: [`Steering::Auto`].
    pub steering: Steering,
    /// Whose packets are dropped.
    pub shed: ShedSettings,
    /// SYNs are answered with cookies while a listener's queue overflows, at most so many a second. Default: they are
    /// not.
    pub cookies: Option<u32>,
    /// Virtual addresses, whose packets go to members.
    pub balance: BalanceSettings,
    /// Sockets can be tied. Default: they cannot.
    pub sockmap: bool,
    /// The kernel counts runs of the programs and their time, which costs each run some 70 ns. Default: it does not.
    pub statistics: bool,
    /// Log records of the programs, at `debug`. Default: off, as they cost a ring buffer entry a packet.
    pub log: bool,
}

/// What is dropped before the stack sees it. Default: nothing, with room for as many prefixes as there can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShedSettings {
    /// Files of prefixes whose packets are dropped, read again when they change.
    pub deny_files: Vec<PathBuf>,
    /// Files of prefixes whose packets always pass.
    pub allow_files: Vec<PathBuf>,
    /// Networks that nothing may deny.
    pub management: Vec<Prefix>,
    /// Proxies that others' requests come through: nothing may deny them either.
    pub trusted: Vec<Prefix>,
    /// Segments that no stack sends are dropped.
    pub drop_malformed: bool,
    /// New connections that one source may open.
    pub connections: ConnectionLimit,
    /// How long a source is kept off that kept being refused.
    pub feedback_for: Duration,
    /// Such sources at a time.
    pub feedback_max: usize,
    /// Prefixes that each list holds in the kernel, for each address family.
    pub prefixes_max: u32,
}

/// New connections of one source: an IPv4 address, or an IPv6 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimit {
    /// A second, at most 1,000,000; 0 = as many as it likes.
    pub rate: u32,
    /// At once, 1 to 32,768.
    pub burst: u32,
    /// Bits of an IPv6 address that make a source, 1 to 64.
    pub v6_bits: u8,
}

impl Default for ShedSettings {
    fn default() -> Self {
        Self {
            deny_files: Vec::new(),
            allow_files: Vec::new(),
            management: Vec::new(),
            trusted: Vec::new(),
            drop_malformed: false,
            connections: ConnectionLimit { rate: 0, burst: 100, v6_bits: 64 },
            feedback_for: Duration::from_mins(10),
            feedback_max: 1000,
            prefixes_max: PREFIXES_MAX,
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self { $(Self::$variant => $word),* })
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord { text: text.to_owned(), known: &[$($word),*] }),
                }
            }
        }
    };
}

words!(
    /// Whether the kernel path is wanted at all.
    Mode {
        /// What works is used, and what does not is reported.
        #[default]
        Auto = "auto",
        /// The start fails unless every interface counts and every binding is steered.
        Required = "required",
        /// Nothing is loaded.
        Off = "off",
    }
);

words!(
    /// How arriving packets are counted on an interface.
    Ingress {
        /// Native, else TCX, else generic; on virtual interfaces TCX only, where XDP would cost more than it saves.
        #[default]
        Auto = "auto",
        /// XDP in the driver, or nothing.
        Native = "native",
        /// XDP in the stack, or nothing.
        Generic = "generic",
        /// TCX, or nothing.
        Tcx = "tcx",
        /// TCX; native XDP while so much is dropped that it saves more than it costs.
        Attack = "attack",
        /// Not counted.
        Off = "off",
    }
);

impl Ingress {
    /// The program that sees arriving packets; `None` where there is none, or [`Ingress::Auto`] or [`Ingress::Attack`] has
    /// not become one of the others yet.
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::Native | Self::Generic => Some(name::INGRESS),
            Self::Tcx => Some(name::INGRESS_TC),
            Self::Auto | Self::Attack | Self::Off => None,
        }
    }

    /// As people call it.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Native => "native XDP",
            Self::Generic => "generic XDP",
            Self::Tcx => "TCX",
            Self::Auto | Self::Attack | Self::Off => "nothing",
        }
    }
}

words!(
    /// Which worker gets a new connection.
    Steering {
        /// By CPU if all workers are pinned and every interface has a receive queue for each, else by hash.
        #[default]
        Auto = "auto",
        /// The worker of the receiving CPU; by hash on CPUs without one.
        Cpu = "cpu",
        /// By the flow's hash.
        Hash = "hash",
    }
);

/// A word that is none of a setting's values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of {}", known.join(", "))]
pub struct UnknownWord {
    text: String,
    known: &'static [&'static str],
}

/// A listener, with all addresses it answers on and the sockets that its workers accept from.
#[derive(Clone, Debug)]
pub struct ListenerSpec<'a> {
    /// Its name in counters and status.
    pub name: String,
    /// Those that no socket is bound to are steered by `sk_lookup`.
    pub bindings: Vec<Binding>,
    /// By worker number, the same number for every listener.
    pub workers: Vec<Worker<'a>>,
}

/// An address with a range of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `::` is any address of either family, `0.0.0.0` any of IPv4.
    pub address: IpAddr,
    pub ports: RangeInclusive<u16>,
}

impl fmt::Display for Binding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(formatter, "{address}")?,
            IpAddr::V6(address) => write!(formatter, "[{address}]")?,
        }
        write!(formatter, ":{}", self.ports.start())?;
        if self.ports.start() == self.ports.end() {
            Ok(())
        } else {
            write!(formatter, "-{}", self.ports.end())
        }
    }
}

/// One worker's part of a listener.
#[derive(Clone, Debug)]
pub struct Worker<'a> {
    /// The CPU it is pinned to.
    pub cpu: Option<u32>,
    /// Its listening sockets; the first of each address family is steered to.
    pub sockets: Vec<BorrowedFd<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_every_value_reads_back() {
        for mode in [Mode::Auto, Mode::Required, Mode::Off] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for xdp in
            [Ingress::Auto, Ingress::Native, Ingress::Generic, Ingress::Tcx, Ingress::Attack, Ingress::Off]
        {
            assert_eq!(xdp.to_string().parse(), Ok(xdp));
        }
        for steering in [Steering::Auto, Steering::Cpu, Steering::Hash] {
            assert_eq!(steering.to_string().parse(), Ok(steering));
        }
    }

    #[test]
    fn mode_unknown_word_names_the_known_ones() {
        let error = "on".parse::<Mode>().unwrap_err();
        assert_eq!(error.to_string(), "`on` is none of auto, required, off");
    }

    #[test]
    fn binding_display_brackets_v6_and_shows_ranges() {
        let one = Binding { address: "192.0.2.1".parse().unwrap(), ports: 80..=80 };
        let range = Binding { address: "::".parse().unwrap(), ports: 80..=90 };
        assert_eq!((one.to_string(), range.to_string()), ("192.0.2.1:80".into(), "[::]:80-90".into()));
    }
}

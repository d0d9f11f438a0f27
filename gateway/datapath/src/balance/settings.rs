//! Which virtual addresses there are, and whose.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use gateway_common::map::{FLOWS_MAX, MEMBERS_MAX};
use gateway_common::numbers::{PROTOCOL_TCP, PROTOCOL_UDP};

/// Weights are this at most.
const WEIGHT_MAX: u32 = 100;

/// `datapath.balance.…`. Default: no virtual addresses, and nothing is unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceSettings {
    pub addresses: Vec<VirtualAddress>,
    /// Balancers whose packets in packets are unpacked here.
    pub accept: Vec<IpAddr>,
    /// Connections that are remembered.
    pub flows_max: u32,
    /// New ones that each CPU remembers in a second at most.
    pub flows_rate: u32,
    pub health: HealthSettings,
}

/// How members are asked whether they are ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    pub port: u16,
    pub path: String,
    /// Between two questions, and how long an answer may take.
    pub interval: Duration,
    /// Good answers in a row that bring a member back, and bad ones that take it out.
    pub rise: u32,
    pub fall: u32,
}

impl Default for BalanceSettings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            accept: Vec::new(),
            flows_max: FLOWS_MAX,
            flows_rate: 125_000,
            health: HealthSettings {
                port: 9090,
                path: "/healthz/ready".to_owned(),
                interval: Duration::from_secs(1),
                rise: 2,
                fall: 3,
            },
        }
    }
}

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => PROTOCOL_TCP,
            Self::Udp => PROTOCOL_UDP,
        }
    }
}

/// An address whose packets are shared out over members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    pub address: SocketAddr,
    pub transport: Transport,
    /// At least one, each once, all of the address's family.
    pub members: Vec<WeightedMember>,
}

/// A member with its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightedMember {
    pub address: IpAddr,
    /// Relative to the others', at most 100; 0 = it gets no new connections.
    pub weight: u32,
}

/// `203.0.113.10:443`, or with `/udp`.
impl fmt::Display for VirtualAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.address)?;
        match self.transport {
            Transport::Tcp => Ok(()),
            Transport::Udp => formatter.write_str("/udp"),
        }
    }
}

/// What is no virtual address, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VirtualAddressError {
    #[error("`{0}`: ADDR:PORT[/udp] = MEMBER[*WEIGHT] … is expected")]
    Form(String),
    #[error("`{0}` is no IP address with a port")]
    Address(String),
    #[error("`{0}` is no member: an IP address is expected, and *WEIGHT from 0 to {WEIGHT_MAX} behind it")]
    Member(String),
    #[error("member {member} of {address} is of the other address family")]
    Family { member: IpAddr, address: SocketAddr },
    #[error("member {0} stands there twice")]
    Twice(IpAddr),
    #[error("{0} stands there twice")]
    AddressTwice(SocketAddr),
    #[error("{count} members, at most {} are told apart", MEMBERS_MAX - 1)]
    TooMany { count: usize },
}

impl FromStr for VirtualAddress {
    type Err = VirtualAddressError;

    /// `203.0.113.10:443 = 10.0.0.11 10.0.0.12*2`.
    fn from_str(text: &str) -> Result<Self, VirtualAddressError> {
        use VirtualAddressError as Error;
        let form = || Error::Form(text.trim().to_owned());
        let (address, members) = text.split_once('=').ok_or_else(form)?;
        let (address, transport) = match address.trim().rsplit_once('/') {
            None => (address.trim(), Transport::Tcp),
            Some((address, "tcp")) => (address, Transport::Tcp),
            Some((address, "udp")) => (address, Transport::Udp),
            Some(_) => return Err(form()),
        };
        let wrong = |_| Error::Address(address.to_owned());
        let address: SocketAddr = address.parse().map_err(wrong)?;
        if address.port() == 0 || address.ip().is_unspecified() {
            return Err(Error::Address(address.to_string()));
        }
        let mut found = Vec::<WeightedMember>::new();
        for word in members.split_whitespace() {
            let member = member(word).ok_or_else(|| Error::Member(word.to_owned()))?;
            if member.address.is_ipv6() != address.is_ipv6() {
                return Err(Error::Family { member: member.address, address });
            }
            if found.iter().any(|one| one.address == member.address) {
                return Err(Error::Twice(member.address));
            }
            found.push(member);
        }
        if found.is_empty() { Err(form()) } else { Ok(Self { address, transport, members: found }) }
    }
}

fn member(word: &str) -> Option<WeightedMember> {
    let (address, weight) = word.split_once('*').unwrap_or((word, "1"));
    let weight = weight.parse().ok().filter(|weight| *weight <= WEIGHT_MAX)?;
    Some(WeightedMember { address: address.parse().ok()?, weight })
}

/// Whether they can stand side by side.
pub fn check_addresses(addresses: &[VirtualAddress]) -> Result<(), VirtualAddressError> {
    let mut seen = BTreeSet::new();
    for one in addresses {
        if !seen.insert(one.address) {
            return Err(VirtualAddressError::AddressTwice(one.address));
        }
    }
    let members: BTreeSet<IpAddr> =
        addresses.iter().flat_map(|one| &one.members).map(|one| one.address).collect();
    if members.len() >= MEMBERS_MAX as usize {
        return Err(VirtualAddressError::TooMany { count: members.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_address_reads_weights_protocol_and_family() {
        let one: VirtualAddress = " 203.0.113.10:443 = 10.0.0.11  10.0.0.12*2 10.0.0.13*0 ".parse().unwrap();
        assert_eq!((one.to_string(), one.transport), ("203.0.113.10:443".into(), Transport::Tcp));
        assert_eq!(one.members.iter().map(|member| member.weight).collect::<Vec<_>>(), [1, 2, 0]);
        let six: VirtualAddress = "[2001:db8::10]:53/udp=fd00::1".parse().unwrap();
        assert_eq!((six.to_string(), six.transport), ("[2001:db8::10]:53/udp".into(), Transport::Udp));
    }

    #[test]
    fn virtual_address_errors_name_the_thing() {
        let table = [
            ("203.0.113.10:443", "`203.0.113.10:443`: ADDR:PORT[/udp] = MEMBER[*WEIGHT] … is expected"),
            ("203.0.113.10:443=", "`203.0.113.10:443=`: ADDR:PORT[/udp] = MEMBER[*WEIGHT] … is expected"),
            ("203.0.113.10:443/sctp = 10.0.0.1", "ADDR:PORT[/udp] ="),
            ("203.0.113.10 = 10.0.0.1", "`203.0.113.10` is no IP address with a port"),
            ("203.0.113.10:0 = 10.0.0.1", "`203.0.113.10:0` is no IP address with a port"),
            ("0.0.0.0:1 = 10.0.0.1", "is no IP address"),
            ("203.0.113.10:443 = host", "`host` is no member"),
            ("203.0.113.10:443 = 10.0.0.1*101", "`10.0.0.1*101` is no member"),
            (
                "203.0.113.10:443 = fd00::1",
                "member fd00::1 of 203.0.113.10:443 is of the other address family",
            ),
            ("203.0.113.10:443 = 10.0.0.1 10.0.0.1*2", "member 10.0.0.1 stands there twice"),
        ];
        for (text, expected) in table {
            let error = text.parse::<VirtualAddress>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn check_addresses_counts_members_once() {
        let many = |count: u8| {
            let members: Vec<_> = (0..count).map(|last| format!("10.0.0.{last}")).collect();
            format!("203.0.113.10:443 = {}", members.join(" ")).parse::<VirtualAddress>().unwrap()
        };
        let mut other = many(63);
        other.address.set_port(80);
        assert_eq!(check_addresses(&[many(63), other]), Ok(()));
        assert_eq!(check_addresses(&[many(64)]), Err(VirtualAddressError::TooMany { count: 64 }));
        assert!(matches!(check_addresses(&[many(1), many(2)]), Err(VirtualAddressError::AddressTwice(_))));
    }
}

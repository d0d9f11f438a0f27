//! Whether an interface still works once a program is attached to it. Native XDP makes a driver set up its rings anew,
//! which has been known to cost the carrier, the way to the router, or the packets that the program should see. What was
//! not there before the attachment is not held against the program.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::{Duration, Instant};

use crate::interface::Interface;
use crate::kernel::Routes;
use crate::next_hops::next_hops;

/// Rings are set up in this time; nothing that is seen in it counts.
const SETTLING: Duration = Duration::from_secs(1);
/// How long, with a carrier, next hops and packets may take: the kernel asks a next hop three times, a second apart, and an IPv6 router
/// not at all where the interface has no link-local address, so that it is asked otherwise behind that.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a carrier may take to return.
const CARRIER: Duration = Duration::from_secs(10);
/// A next hop that was last heard of longer ago than this was not there before.
const RECENT: Duration = Duration::from_mins(1);
/// The kernel tells times by hundredths of a second.
const INEXACT: Duration = Duration::from_millis(20);
/// So many packets, none of which the program has seen, are no accident.
const UNSEEN: u64 = 16;
/// RFC 863.
const DISCARD: u16 = 9;

/// What is to be confirmed, or taken back.
#[derive(Debug)]
pub struct Probation {
    /// False: what is found is only told.
    pub takes_back: bool,
    /// Of the interface's network namespace.
    routes: Routes,
    interface: u32,
    had_carrier: bool,
    /// Next hops of default routes that answered before, and have not yet answered since.
    silent: Vec<Hop>,
    attached: Instant,
    /// Since when there has been a carrier without a break.
    steady: Instant,
    figures: Option<Figures>,
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Waits,
    Passed,
    /// What happened to the interface, in a few words.
    Failed(String),
}

#[derive(Debug)]
struct Hop {
    address: IpAddr,
    socket: UdpSocket,
}

/// Packets that the interface has received, and that programs have counted.
#[derive(Clone, Copy, Debug)]
struct Figures {
    received: u64,
    counted: u64,
}

/// Whether programs see the packets that come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Seen,
    Unseen,
    /// Hardly any came.
    Unknown,
}

impl Probation {
    /// How the interface is before anything is attached.
    pub fn before(interface: &Interface) -> io::Result<Self> {
        let routes = Routes::open()?;
        let had_carrier = routes.presence(interface.index)?.carrier;
        let answered = |hop: &IpAddr| routes.confirmed(interface.index, *hop).is_some_and(|ago| ago < RECENT);
        let hops = next_hops(&interface.name).into_iter().filter(answered).map(Hop::new);
        let silent = hops.collect::<io::Result<_>>()?;
        let now = Instant::now();
        let (interface, takes_back) = (interface.index, false);
        Ok(Self {
            takes_back,
            routes,
            interface,
            had_carrier,
            silent,
            attached: now,
            steady: now,
            figures: None,
        })
    }

    /// From now on something is attached.
    pub fn begin(self, takes_back: bool) -> Self {
        let now = Instant::now();
        Self { takes_back, attached: now, steady: now, ..self }
    }

    /// To be called about once a second. `counted`: packets that programs have counted, `None` while they are switched off.
    pub fn look(&mut self, counted: impl FnOnce() -> Option<u64>) -> Verdict {
        if self.attached.elapsed() < SETTLING {
            return Verdict::Waits;
        }
        // An interface that is gone is nobody's fault.
        let Ok(presence) = self.routes.presence(self.interface) else { return Verdict::Passed };
        if !presence.carrier {
            self.steady = Instant::now();
        }
        // Read after what the interface has received, so that nothing seems unseen.
        let figures = counted().map(|counted| Figures { received: presence.received, counted });
        let sight = sight(self.figures, figures);
        self.figures = figures.map(|now| self.figures.unwrap_or(now));
        self.ask_next_hops();
        let lost_carrier = self.had_carrier && !presence.carrier;
        let silent = self.silent.first().map(|hop| hop.address);
        judge(lost_carrier, silent, sight, self.attached.elapsed(), self.steady.elapsed())
    }

    /// Strikes those off that have answered, and asks the others.
    fn ask_next_hops(&mut self) {
        let Self { routes, interface, silent, attached, .. } = self;
        silent.retain(|hop| {
            let since = attached.elapsed();
            let answered = routes.confirmed(*interface, hop.address).is_some_and(|ago| ago + INEXACT < since);
            // Without an entry there is nobody to probe; a packet makes the kernel look for the hop.
            if !answered && routes.probe(*interface, hop.address).is_err() {
                hop.search(*interface);
            }
            !answered
        });
    }
}

impl Hop {
    fn new(address: IpAddr) -> io::Result<Self> {
        let any: IpAddr =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Self { address, socket })
    }

    fn search(&self, interface: u32) {
        let to = match self.address {
            IpAddr::V4(four) => SocketAddr::from((four, DISCARD)),
            IpAddr::V6(six) => SocketAddrV6::new(six, DISCARD, 0, interface).into(),
        };
        if let Err(error) = self.socket.send_to(&[], to) {
            tracing::debug!(hop = %self.address, %error, "next hop not looked for");
        }
    }
}

fn sight(before: Option<Figures>, now: Option<Figures>) -> Sight {
    let Some((before, now)) = before.zip(now) else { return Sight::Unknown };
    if now.counted > before.counted {
        Sight::Seen
    } else if now.received.saturating_sub(before.received) >= UNSEEN {
        Sight::Unseen
    } else {
        Sight::Unknown
    }
}

/// Times are those since the attachment, and since there has been a carrier.
fn judge(
    lost_carrier: bool,
    silent: Option<IpAddr>,
    sight: Sight,
    attached: Duration,
    steady: Duration,
) -> Verdict {
    if lost_carrier {
        let failed = || Verdict::Failed("it lost its carrier".to_owned());
        return if attached < CARRIER { Verdict::Waits } else { failed() };
    }
    match (silent, sight) {
        (None, Sight::Seen) => Verdict::Passed,
        _ if steady < PATIENCE => Verdict::Waits,
        (Some(hop), _) => {
            Verdict::Failed(format!("the default route's next hop {hop} did not answer any more"))
        }
        (None, Sight::Unseen) => Verdict::Failed("packets came in, and the program saw none".to_owned()),
        (None, Sight::Unknown) => Verdict::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

    fn verdict(lost_carrier: bool, silent: Option<IpAddr>, sight: Sight, seconds: [u64; 2]) -> Verdict {
        let [attached, steady] = seconds.map(Duration::from_secs);
        judge(lost_carrier, silent, sight, attached, steady)
    }

    fn failed(why: &str) -> Verdict {
        Verdict::Failed(why.to_owned())
    }

    #[test]
    fn judge_what_works_passes_at_once_and_what_says_nothing_after_a_while() {
        assert_eq!(verdict(false, None, Sight::Seen, [1, 1]), Verdict::Passed);
        assert_eq!(verdict(false, None, Sight::Unknown, [7, 7]), Verdict::Waits);
        assert_eq!(verdict(false, None, Sight::Unknown, [8, 8]), Verdict::Passed);
    }

    #[test]
    fn judge_what_fails_has_its_time_first() {
        let silent = "the default route's next hop 10.0.0.1 did not answer any more";
        for sight in [Sight::Seen, Sight::Unseen, Sight::Unknown] {
            assert_eq!(verdict(false, Some(HOP), sight, [7, 7]), Verdict::Waits);
            assert_eq!(verdict(false, Some(HOP), sight, [8, 8]), failed(silent));
        }
        assert_eq!(verdict(false, None, Sight::Unseen, [7, 7]), Verdict::Waits);
        let unseen = failed("packets came in, and the program saw none");
        assert_eq!(verdict(false, None, Sight::Unseen, [8, 8]), unseen);
    }

    #[test]
    fn judge_a_carrier_may_return_and_the_rest_is_asked_from_then_on() {
        assert_eq!(verdict(true, Some(HOP), Sight::Unknown, [9, 0]), Verdict::Waits);
        assert_eq!(verdict(true, None, Sight::Seen, [10, 0]), failed("it lost its carrier"));
        assert_eq!(verdict(false, Some(HOP), Sight::Seen, [9, 2]), Verdict::Waits);
        assert_eq!(verdict(false, None, Sight::Seen, [9, 2]), Verdict::Passed);
    }

    #[test]
    fn sight_by_what_has_moved() {
        let figures = |received, counted| Some(Figures { received, counted });
        let table = [
            (figures(100, 50), figures(100, 50), Sight::Unknown),
            (figures(100, 50), figures(100 + UNSEEN - 1, 50), Sight::Unknown),
            (figures(100, 50), figures(100 + UNSEEN, 50), Sight::Unseen),
            (figures(100, 50), figures(100 + UNSEEN, 51), Sight::Seen),
            // The first look, and programs that are switched off.
            (None, figures(100 + UNSEEN, 50), Sight::Unknown),
            (figures(100, 50), None, Sight::Unknown),
        ];
        for (before, now, expected) in table {
            assert_eq!(sight(before, now), expected, "{before:?} {now:?}");
        }
    }
}

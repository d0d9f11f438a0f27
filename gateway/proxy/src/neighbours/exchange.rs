//! What a gateway tells, and what it takes from others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::datagram::{Group, Kind, Message};
use crate::ports::counters::{RateCounters, SenderId};

/// Largest difference of clocks, and age of a datagram, that is believed.
const SKEW_MAX: Duration = Duration::from_secs(30);
/// Gateways that are known at a time.
const SENDERS_MAX: usize = 256;
/// A gateway not heard of for so long is forgotten; longer than any datagram is believed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(90);
/// A gateway not heard of for so long has missed what was told meanwhile: the network was cut. Two heartbeats and more.
const SILENT_AFTER: Duration = Duration::from_secs(5);
/// Counters told in one round; the rest waits for the next.
const CHANGES_MAX: usize = 5000;

/// One gateway's part in the exchange.
pub struct Exchange {
    counters: Arc<RateCounters>,
    group: Group,
    own: SenderId,
    sequence: u64,
    senders: HashMap<SenderId, Sender>,
}

struct Sender {
    /// Highest sequence of each kind.
    heartbeat: u64,
    counters: u64,
    heard: Instant,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Foreign, too old, a repetition, or our own.
    Ignored,
    Known,
    /// Of a gateway not heard of before, or not for [`SILENT_AFTER`]: it is told everything.
    New,
}

impl Exchange {
    pub fn new(counters: Arc<RateCounters>, group: Group, own: SenderId) -> Self {
        // A later process is ahead of an earlier one, should they have one name.
        let sequence = now_ms().saturating_mul(1000);
        Self { counters, group, own, sequence, senders: HashMap::new() }
    }

    /// Gateways heard of lately.
    pub fn neighbours(&self) -> usize {
        self.senders.values().filter(|sender| sender.heard.elapsed() < FORGOTTEN_AFTER).count()
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A sign of life.
    pub fn heartbeat(&mut self) -> Vec<u8> {
        let sequence = self.next();
        self.group.heartbeat(self.own, sequence, now_ms())
    }

    /// What has changed since the last call.
    pub fn changes(&mut self) -> Vec<Vec<u8>> {
        let changes = self.counters.take_changes(CHANGES_MAX, Instant::now());
        let mut sequence = self.sequence;
        let next = || {
            sequence += 1;
            sequence
        };
        let datagrams = self.group.counters(self.own, next, now_ms(), &changes);
        self.sequence = sequence;
        datagrams
    }

    /// Takes a datagram from the network: only of the group, of now, and once.
    pub fn take(&mut self, bytes: &[u8]) -> Taken {
        self.take_at(bytes, Instant::now())
    }

    fn take_at(&mut self, bytes: &[u8], now: Instant) -> Taken {
        let Some(message) = self.group.open(bytes).filter(|message| message.sender != self.own) else {
            return Taken::Ignored;
        };
        if now_ms().abs_diff(message.sent_ms) > SKEW_MAX.as_millis() as u64 {
            return Taken::Ignored;
        }
        let taken = self.note(&message, now);
        if taken != Taken::Ignored {
            self.learn(&message, Duration::ZERO);
        }
        if taken == Taken::New {
            self.counters.tell_all();
        }
        taken
    }

    /// Takes a datagram that a store kept: of any age, as nobody else writes there.
    pub fn take_kept(&mut self, bytes: &[u8]) {
        if let Some(message) = self.group.open(bytes).filter(|message| message.sender != self.own)
            && self.note(&message, Instant::now()) != Taken::Ignored
        {
            self.learn(&message, Duration::from_millis(now_ms().saturating_sub(message.sent_ms)));
        }
    }

    /// Whether the message is newer than all before of its kind and sender.
    fn note(&mut self, message: &Message, now: Instant) -> Taken {
        if !self.senders.contains_key(&message.sender) {
            self.senders.retain(|_, sender| now.saturating_duration_since(sender.heard) < FORGOTTEN_AFTER);
            if self.senders.len() >= SENDERS_MAX {
                return Taken::Ignored;
            }
        }
        let mut taken = Taken::Known;
        let sender = self.senders.entry(message.sender).or_insert_with(|| {
            taken = Taken::New;
            Sender { heartbeat: 0, counters: 0, heard: now }
        });
        let last = match message.kind {
            Kind::Heartbeat => &mut sender.heartbeat,
            Kind::Counters => &mut sender.counters,
        };
        if message.sequence <= *last {
            return Taken::Ignored;
        }
        *last = message.sequence;
        let heard = std::mem::replace(&mut sender.heard, now);
        if now.saturating_duration_since(heard) > SILENT_AFTER {
            taken = Taken::New;
        }
        taken
    }

    fn learn(&self, message: &Message, late: Duration) {
        if let Some(others) = self.counters.others() {
            let now = Instant::now();
            message.changes.iter().for_each(|change| others.learn(message.sender, change, late, now));
        }
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use gateway_policy::ports::{Counters, RateLimit};

    use super::*;
    use crate::ports::counters::Others;

    const LIMIT: RateLimit = RateLimit { calls: 100, period: Duration::from_mins(5) };

    fn gateway(number: u8) -> Exchange {
        let counters = Arc::new(RateCounters::shared(Others::new(b"s")));
        Exchange::new(counters, Group::new(b"s", "gw"), [number; 16])
    }

    fn is_passed(gateway: &Exchange) -> bool {
        gateway.counters.hit("k", LIMIT, 1).allowed
    }

    /// One round of the exchange between those whose numbers `hear` lets through.
    fn exchange(gateways: &mut [Exchange], hear: impl Fn(usize, usize) -> bool) {
        for from in 0..gateways.len() {
            let mut datagrams = gateways[from].changes();
            datagrams.push(gateways[from].heartbeat());
            for to in (0..gateways.len()).filter(|to| hear(from, *to)) {
                for datagram in &datagrams {
                    gateways[to].take(datagram);
                }
            }
        }
    }

    /// Calls that pass when each gateway gets `burst` of them between two rounds.
    fn passed(
        gateways: &mut [Exchange],
        burst: usize,
        rounds: usize,
        hear: impl Fn(usize, usize) -> bool,
    ) -> usize {
        let mut passed = 0;
        for _ in 0..rounds {
            for gateway in gateways.iter() {
                passed += (0..burst).filter(|_| is_passed(gateway)).count();
            }
            exchange(gateways, &hear);
        }
        passed
    }

    #[test]
    fn one_three_and_ten_gateways_keep_within_the_bound() {
        for count in [1, 3, 10] {
            for burst in [1, 4, 1000] {
                let mut gateways: Vec<_> = (1..=count).map(gateway).collect();
                let others = usize::from(count) - 1;
                let passed = passed(&mut gateways, burst, 120, |_, _| true);
                // What the others admit in one round.
                let bound = 100 + others * burst.min(100);
                assert!(
                    (100..=bound).contains(&passed),
                    "{count} gateways, {burst} a round: {passed}, {bound}"
                );
            }
        }
    }

    #[test]
    fn cut_network_limits_each_part_and_heals_within_a_round() {
        let mut gateways: Vec<_> = (1..=4).map(gateway).collect();
        let is_same_part = |a: usize, b: usize| a / 2 == b / 2;
        let passed = passed(&mut gateways, 1, 120, is_same_part);
        assert!((200..=204).contains(&passed), "two parts: {passed}");
        exchange(&mut gateways, |_, _| true);
        exchange(&mut gateways, |_, _| true);
        // Those who meet for the first time tell each other everything.
        let used: Vec<_> = gateways
            .iter()
            .map(|gateway| gateway.counters.peek("k", RateLimit { calls: 1000, ..LIMIT }))
            .collect();
        assert!(used.iter().all(|decision| decision.remaining == 1000 - passed as u64), "{used:?}");
    }

    #[test]
    fn cut_between_gateways_that_know_each_other_is_made_good() {
        let (mut a, mut b) = (gateway(1), gateway(2));
        let greet = |to: &mut Exchange, from: &mut Exchange, now| {
            let beat = from.heartbeat();
            to.take_at(&beat, now)
        };
        let now = Instant::now();
        assert_eq!((greet(&mut a, &mut b, now), greet(&mut b, &mut a, now)), (Taken::New, Taken::New));
        // While the network is cut, what they tell each other is lost.
        for gateway in [&mut a, &mut b] {
            assert!((0..30).all(|_| is_passed(gateway)));
            drop(gateway.changes());
        }
        let later = now + SILENT_AFTER + Duration::from_secs(1);
        assert_eq!((greet(&mut a, &mut b, later), greet(&mut b, &mut a, later)), (Taken::New, Taken::New));
        a.changes().iter().for_each(|datagram| assert_eq!(b.take_at(datagram, later), Taken::Known));
        b.changes().iter().for_each(|datagram| assert_eq!(a.take_at(datagram, later), Taken::Known));
        for gateway in [&a, &b] {
            assert_eq!(gateway.counters.peek("k", LIMIT).remaining, 40, "both shares count at both");
        }
    }

    #[test]
    fn restarted_gateway_is_told_and_its_former_share_counts_on() {
        let mut gateways: Vec<_> = (1..=2).map(gateway).collect();
        for gateway in &gateways {
            assert!((0..30).all(|_| is_passed(gateway)));
        }
        exchange(&mut gateways, |_, _| true);
        gateways[1] = gateway(3);
        exchange(&mut gateways, |_, _| true);
        exchange(&mut gateways, |_, _| true);
        let left = |gateway: &Exchange| gateway.counters.peek("k", LIMIT).remaining;
        assert_eq!(left(&gateways[0]), 40, "the former share of the second counts on");
        assert_eq!(left(&gateways[1]), 70, "the second is told the share of the first");
    }

    #[test]
    fn lost_datagram_is_made_good_by_the_next() {
        let mut gateways: Vec<_> = (1..=2).map(gateway).collect();
        assert!((0..60).all(|_| is_passed(&gateways[0])));
        drop(gateways[0].changes());
        exchange(&mut gateways, |_, _| true);
        assert_eq!(gateways[1].counters.peek("k", LIMIT).remaining, 40);
    }

    #[test]
    fn take_repeated_foreign_old_and_own_datagrams_are_ignored() {
        let (mut a, mut b) = (gateway(1), gateway(2));
        a.counters.hit("k", LIMIT, 30);
        let first = a.changes().remove(0);
        a.counters.hit("k", LIMIT, 30);
        let second = a.changes().remove(0);
        assert_eq!(b.take(&first), Taken::New);
        assert_eq!(b.take(&second), Taken::Known);
        assert_eq!(b.take(&first), Taken::Ignored, "a repetition cannot take counts back");
        assert_eq!(b.counters.peek("k", LIMIT).remaining, 40);
        assert_eq!(a.take(&second), Taken::Ignored, "its own");
        assert_eq!(b.take(b"gwn\x01 rubbish"), Taken::Ignored);
        let old = a.group.heartbeat([9; 16], u64::MAX, now_ms() - 31_000);
        assert_eq!(b.take(&old), Taken::Ignored, "recorded half a minute ago");
        let from_the_future = a.group.heartbeat([9; 16], u64::MAX, now_ms() + 31_000);
        assert_eq!(b.take(&from_the_future), Taken::Ignored);
    }

    #[test]
    fn senders_are_bounded() {
        let mut b = gateway(2);
        for number in 0..2 * SENDERS_MAX as u64 {
            let mut sender = [0; 16];
            sender[..8].copy_from_slice(&number.to_be_bytes());
            let datagram = b.group.heartbeat(sender, 1, now_ms());
            b.take(&datagram);
        }
        assert_eq!(b.neighbours(), SENDERS_MAX);
    }
}

//! Who wants which prefix, and a trie in the kernel that follows.
//!
//! Several rules may claim one prefix; the one with the lowest number is in force. What the kernel does not take,
//! because the trie is full, waits and is tried again: nothing is dropped for want of room.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::time::Instant;

use super::prefix::Prefix;

/// Prefix → rule, in the kernel.
pub trait Trie {
    fn put(&mut self, prefix: Prefix, rule: u32) -> io::Result<()>;
    fn remove(&mut self, prefix: Prefix) -> io::Result<()>;
    /// What the kernel has under that prefix, or under a shorter one.
    fn rule(&self, prefix: Prefix) -> io::Result<Option<u32>>;
}

/// How long a claim holds; without one it holds until it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub until: Instant,
    /// On trial: how it goes on when somebody confirms.
    pub trial: Option<Confirmed>,
}

impl Life {
    /// Until that time, without a trial.
    pub fn until(until: Instant) -> Self {
        Self { until, trial: None }
    }
}

/// The end of a claim that has been on trial; without one it holds until it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    pub until: Option<Instant>,
}

/// One list of prefixes.
#[derive(Debug)]
pub struct Table<T> {
    trie: T,
    claims: BTreeSet<(Prefix, u32)>,
    lives: BTreeMap<(Prefix, u32), Life>,
    ends: BTreeSet<(Instant, Prefix, u32)>,
    by_rule: BTreeMap<u32, usize>,
    waiting: BTreeSet<Prefix>,
    /// The last prefix that was compared with the kernel's.
    audited: Option<Prefix>,
}

/// Prefixes that are tried again at a time.
const RETRIES: usize = 1000;

impl<T: Trie> Table<T> {
    pub fn new(trie: T) -> Self {
        Self {
            trie,
            claims: BTreeSet::new(),
            lives: BTreeMap::new(),
            ends: BTreeSet::new(),
            by_rule: BTreeMap::new(),
            waiting: BTreeSet::new(),
            audited: None,
        }
    }

    /// Claims, or changes how long the claim holds. A claim that already holds is not put on trial again.
    pub fn claim(&mut self, prefix: Prefix, rule: u32, life: Option<Life>) {
        let is_new = self.claims.insert((prefix, rule));
        let was_on_trial = self.bury(prefix, rule).is_some_and(|life| life.trial.is_some());
        let life = match life {
            Some(Life { trial: Some(confirmed), .. }) if !is_new && !was_on_trial => {
                confirmed.until.map(Life::until)
            }
            other => other,
        };
        if let Some(life) = life {
            self.lives.insert((prefix, rule), life);
            self.ends.insert((life.until, prefix, rule));
        }
        if is_new {
            *self.by_rule.entry(rule).or_default() += 1;
            self.place(prefix);
        }
    }

    /// False if there was no such claim.
    pub fn release(&mut self, prefix: Prefix, rule: u32) -> bool {
        self.bury(prefix, rule);
        let was = self.claims.remove(&(prefix, rule));
        if was {
            if let Some(count) = self.by_rule.get_mut(&rule) {
                *count -= 1;
            }
            self.place(prefix);
        }
        was
    }

    /// Makes `wanted` all that the rule claims. What is new comes before what is gone.
    pub fn replace(&mut self, rule: u32, wanted: &BTreeSet<Prefix>) {
        let gone: Vec<_> = self
            .claims
            .iter()
            .filter(|(prefix, of)| *of == rule && !wanted.contains(prefix))
            .copied()
            .collect();
        for prefix in wanted {
            self.claim(*prefix, rule, None);
        }
        for (prefix, _) in gone {
            self.release(prefix, rule);
        }
    }

    /// Releases what has ended, and tries again what waits.
    pub fn tick(&mut self, now: Instant) -> Vec<(Prefix, u32)> {
        let mut ended = Vec::new();
        while let Some(&(until, prefix, rule)) = self.ends.first()
            && until <= now
        {
            self.release(prefix, rule);
            ended.push((prefix, rule));
        }
        let waiting: Vec<_> = self.waiting.iter().take(RETRIES).copied().collect();
        for prefix in waiting {
            if !self.place(prefix) {
                break;
            }
        }
        ended
    }

    /// Compares the next `count` prefixes with what the kernel has, and puts right what differs; how many that were.
    pub fn audit(&mut self, count: usize) -> usize {
        let from = self.audited.map_or(Bound::Unbounded, |last| Bound::Excluded((last, u32::MAX)));
        let mut next: Vec<(Prefix, u32)> = Vec::new();
        for (prefix, rule) in self.claims.range((from, Bound::Unbounded)) {
            if next.last().is_some_and(|(last, _)| last == prefix) {
                continue;
            }
            if next.len() == count {
                break;
            }
            next.push((*prefix, *rule));
        }
        self.audited = if next.len() < count { None } else { next.last().map(|(prefix, _)| *prefix) };
        next.retain(|(prefix, rule)| {
            let found = self.trie.rule(*prefix);
            !self.waiting.contains(prefix) && found.is_ok_and(|found| found != Some(*rule))
        });
        for (prefix, _) in &next {
            self.place(*prefix);
        }
        next.len()
    }

    /// Keeps everything that is on trial; how many that were.
    pub fn confirm(&mut self) -> usize {
        let on_trial = self.lives.iter().filter_map(|(key, life)| Some((*key, life.trial?)));
        let on_trial: Vec<_> = on_trial.collect();
        for ((prefix, rule), confirmed) in &on_trial {
            self.bury(*prefix, *rule);
            if let Some(until) = confirmed.until {
                self.lives.insert((*prefix, *rule), Life::until(until));
                self.ends.insert((until, *prefix, *rule));
            }
        }
        on_trial.len()
    }

    pub fn is_on_trial(&self, prefix: Prefix, rule: u32) -> bool {
        self.lives.get(&(prefix, rule)).is_some_and(|life| life.trial.is_some())
    }

    /// All claims, by prefix and rule.
    pub fn claims(&self) -> impl Iterator<Item = (Prefix, u32, Option<Life>)> {
        self.claims.iter().map(|key| (key.0, key.1, self.lives.get(key).copied()))
    }

    /// Prefixes that the rule claims.
    pub fn count(&self, rule: u32) -> usize {
        self.by_rule.get(&rule).copied().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Prefixes that the kernel did not take.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn bury(&mut self, prefix: Prefix, rule: u32) -> Option<Life> {
        let life = self.lives.remove(&(prefix, rule))?;
        self.ends.remove(&(life.until, prefix, rule));
        Some(life)
    }

    /// Brings the trie's entry into line; false if the kernel refuses.
    fn place(&mut self, prefix: Prefix) -> bool {
        let first = self.claims.range((prefix, 0)..=(prefix, u32::MAX)).next();
        let placed = match first {
            Some((_, rule)) => self.trie.put(prefix, *rule),
            None => self.trie.remove(prefix),
        };
        if placed.is_ok() {
            self.waiting.remove(&prefix);
        } else {
            self.waiting.insert(prefix);
        }
        placed.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A trie with room for a few.
    #[derive(Debug, Default)]
    struct Small {
        room: usize,
        entries: BTreeMap<Prefix, u32>,
    }

    impl Trie for Small {
        fn put(&mut self, prefix: Prefix, rule: u32) -> io::Result<()> {
            if self.entries.len() == self.room && !self.entries.contains_key(&prefix) {
                return Err(io::Error::from_raw_os_error(libc::ENOSPC));
            }
            self.entries.insert(prefix, rule);
            Ok(())
        }

        fn remove(&mut self, prefix: Prefix) -> io::Result<()> {
            self.entries.remove(&prefix);
            Ok(())
        }

        fn rule(&self, prefix: Prefix) -> io::Result<Option<u32>> {
            Ok(self.entries.get(&prefix).copied())
        }
    }

    fn table(room: usize) -> Table<Small> {
        Table::new(Small { room, ..Small::default() })
    }

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn entries(table: &Table<Small>) -> Vec<(String, u32)> {
        table.trie.entries.iter().map(|(prefix, rule)| (prefix.to_string(), *rule)).collect()
    }

    #[test]
    fn claim_of_two_rules_the_lower_number_is_in_force() {
        let mut table = table(9);
        let one = prefix("192.0.2.1");
        table.claim(one, 20, None);
        table.claim(one, 17, None);
        assert_eq!(entries(&table), [("192.0.2.1".to_owned(), 17)]);
        assert!(table.release(one, 17) && !table.release(one, 17));
        assert_eq!(entries(&table), [("192.0.2.1".to_owned(), 20)]);
        assert!(table.release(one, 20));
        assert!(entries(&table).is_empty() && table.is_empty());
    }

    #[test]
    fn claim_beyond_the_room_waits_until_there_is_some() {
        let mut table = table(2);
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
            table.claim(prefix(address), 16, None);
        }
        assert_eq!((table.trie.entries.len(), table.waiting(), table.count(16)), (2, 2, 4));
        table.release(prefix("192.0.2.1"), 16);
        table.release(prefix("192.0.2.4"), 16);
        table.tick(Instant::now());
        assert_eq!((entries(&table).len(), table.waiting()), (2, 0));
        assert!(entries(&table).contains(&("192.0.2.3".to_owned(), 16)));
    }

    /// E-12: what this process says holds, whatever somebody has done to the maps.
    #[test]
    fn audit_puts_right_what_differs_in_the_kernel() {
        let mut table = table(9);
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
            table.claim(prefix(address), 16, None);
        }
        table.claim(prefix("192.0.2.2"), 18, None);
        let right = entries(&table);
        assert_eq!([table.audit(3), table.audit(3), table.audit(3)], [0; 3]);
        table.trie.entries.remove(&prefix("192.0.2.4"));
        table.trie.entries.insert(prefix("192.0.2.2"), 17);
        let mut found = 0;
        for _ in 0..2 {
            found += table.audit(3);
        }
        assert_eq!((found, entries(&table)), (2, right));
        assert_eq!(table.audit(100), 0);
    }

    #[test]
    fn replace_keeps_what_stays() {
        let mut table = table(9);
        let set = |texts: &[&str]| texts.iter().map(|text| prefix(text)).collect::<BTreeSet<_>>();
        table.replace(18, &set(&["192.0.2.0/24", "198.51.100.0/24"]));
        table.claim(prefix("203.0.113.0/24"), 16, None);
        table.replace(18, &set(&["198.51.100.0/24", "2001:db8::/32"]));
        let expected = [("198.51.100.0/24", 18), ("203.0.113.0/24", 16), ("2001:db8::/32", 18)];
        assert_eq!(entries(&table), expected.map(|(prefix, rule)| (prefix.to_owned(), rule)));
        assert_eq!(table.count(18), 2);
    }

    #[test]
    fn trial_not_confirmed_is_rolled_back() {
        let mut table = table(9);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let trial = |until| Some(Life { until: after(60), trial: Some(Confirmed { until }) });
        table.claim(prefix("192.0.2.1"), 16, trial(None));
        assert!(table.is_on_trial(prefix("192.0.2.1"), 16) && !table.is_on_trial(prefix("192.0.2.2"), 16));
        assert!(table.tick(after(59)).is_empty());
        assert_eq!(table.tick(after(60)), [(prefix("192.0.2.1"), 16)]);
        assert!(entries(&table).is_empty());

        table.claim(prefix("192.0.2.1"), 16, trial(None));
        table.claim(prefix("192.0.2.2"), 16, trial(Some(after(100))));
        assert_eq!((table.confirm(), table.confirm()), (2, 0));
        assert!(table.tick(after(99)).is_empty());
        assert_eq!(table.tick(after(100)), [(prefix("192.0.2.2"), 16)]);
        // It holds already: a second trial cannot take it away.
        table.claim(prefix("192.0.2.1"), 16, trial(None));
        assert!(table.tick(after(10_000)).is_empty());
        assert_eq!(entries(&table), [("192.0.2.1".to_owned(), 16)]);
    }
}

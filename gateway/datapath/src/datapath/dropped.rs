//! What has been dropped, by rule and interface. The programs count in a few slots, which interfaces share by their index: a
//! look-up by interface would cost each dropped packet more. Here the slots get their names.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use gateway_common::map::DROP_SLOTS;

use super::{Active, Changing};
use crate::counters::{self, DropCount};
use crate::interface::Interface;

const SLOTS: usize = DROP_SLOTS as usize;
/// Interfaces that are gone and are still told apart.
const NAMES_MAX: usize = 64;
/// Those beyond.
const OTHERS: &str = "other";

/// Packets and bytes.
type Figures = (u64, u64);

/// Names of the slots, and what belongs to names that they had before.
#[derive(Debug, Default)]
pub struct Dropped {
    names: [String; SLOTS],
    /// By rule and name.
    ended: BTreeMap<(usize, String), Figures>,
    /// By place in `DROPS`: what the slot had counted before it had its name.
    before: Vec<Figures>,
}

impl Dropped {
    /// These interfaces have the slots now; `counted` is what `DROPS` holds. A slot whose interface is gone keeps its name
    /// until another one comes.
    fn name<'a>(&mut self, interfaces: impl Iterator<Item = &'a Interface>, counted: &[Figures]) {
        let mut names: [BTreeSet<&str>; SLOTS] = Default::default();
        for interface in interfaces {
            names[interface.index as usize % SLOTS].insert(&interface.name);
        }
        for (slot, names) in names.into_iter().enumerate().filter(|(_, names)| !names.is_empty()) {
            let name = names.into_iter().collect::<Vec<_>>().join("+");
            if self.names[slot] != name {
                self.end(slot, counted);
                self.names[slot] = name;
            }
        }
    }

    /// What the slot has counted stays with the name that it has.
    fn end(&mut self, slot: usize, counted: &[Figures]) {
        let name = std::mem::take(&mut self.names[slot]);
        // Counted before any interface was known: the first one's.
        if name.is_empty() {
            return;
        }
        let known: BTreeSet<_> = self.ended.keys().map(|(_, name)| name).collect();
        let name = if known.contains(&name) || known.len() < NAMES_MAX { name } else { OTHERS.to_owned() };
        self.before.resize(self.before.len().max(counted.len()), (0, 0));
        for place in (slot..counted.len()).step_by(SLOTS) {
            let since = less(counted[place], self.before[place]);
            if since.0 > 0 {
                add(self.ended.entry((place / SLOTS, name.clone())).or_default(), since);
            }
            self.before[place] = counted[place];
        }
    }

    /// What a rule has dropped on each interface that there is or was.
    fn of_rule(&self, rule: usize, counted: &[Figures]) -> BTreeMap<&str, Figures> {
        let mut figures = BTreeMap::<&str, Figures>::new();
        for (slot, name) in self.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let at = |all: &[Figures]| all.get(rule * SLOTS + slot).copied().unwrap_or_default();
            add(figures.entry(name).or_default(), less(at(counted), at(&self.before)));
        }
        for ((_, name), one) in self.ended.iter().filter(|((of, _), _)| *of == rule) {
            add(figures.entry(name).or_default(), *one);
        }
        figures
    }
}

impl Active {
    /// By the place in `DROPS`.
    pub(super) fn read_drops(&self) -> io::Result<Vec<Figures>> {
        let rules = self.shed().rules_end();
        counters::read_drops(&self.loaded.maps, rules)
    }

    pub(super) fn drops(&self) -> io::Result<Vec<DropCount>> {
        let counted = self.read_drops()?;
        let shed = self.shed();
        let Changing { dropped, attachments, .. } = &mut *self.changing();
        dropped.name(attachments.iter().map(|one| &one.interface), &counted);
        Ok(shed.drops(|rule| dropped.of_rule(rule as usize, &counted)))
    }
}

fn add(sum: &mut Figures, one: Figures) {
    *sum = (sum.0 + one.0, sum.1 + one.1);
}

fn less(now: Figures, before: Figures) -> Figures {
    (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, index: u32) -> Interface {
        Interface { name: name.to_owned(), index, loopback: false, addresses: Vec::new() }
    }

    /// Of rule 1.
    fn expect(dropped: &Dropped, counted: &[Figures], expected: &[(&str, u64)]) {
        let found = dropped.of_rule(1, counted).into_iter().map(|(name, (packets, _))| (name, packets));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn name_that_changes_keeps_what_was_counted_under_it() {
        let mut dropped = Dropped::default();
        let mut counted = vec![(0, 0); 2 * SLOTS];
        counted[SLOTS + 3] = (5, 500);
        dropped.name([interface("eth0", 3)].iter(), &counted);
        expect(&dropped, &counted, &[("eth0", 5)]);
        // Renamed, and another one beside it.
        counted[SLOTS + 3] = (7, 700);
        dropped.name([interface("lan0", 3), interface("eth0", 4)].iter(), &counted);
        counted[SLOTS + 3] = (8, 800);
        counted[SLOTS + 4] = (2, 200);
        expect(&dropped, &counted, &[("eth0", 9), ("lan0", 1)]);
        // Gone: the name stays.
        dropped.name(std::iter::empty(), &counted);
        expect(&dropped, &counted, &[("eth0", 9), ("lan0", 1)]);
    }

    #[test]
    fn name_of_a_shared_slot_is_that_of_all() {
        let mut dropped = Dropped::default();
        dropped.name([interface("b", 11), interface("a", 3)].iter(), &[]);
        expect(&dropped, &[], &[("a+b", 0)]);
    }

    /// Containers come and go for years.
    #[test]
    fn names_beyond_some_are_others() {
        let mut dropped = Dropped::default();
        let mut counted = vec![(0, 0); 2 * SLOTS];
        for number in 0..1000_u64 {
            dropped.name([interface(&format!("veth{number}"), 3)].iter(), &counted);
            counted[SLOTS + 3].0 += 1;
        }
        let names = dropped.of_rule(1, &counted);
        assert!(names.len() == NAMES_MAX + 2 && names[OTHERS].0 == 999 - NAMES_MAX as u64, "{names:?}");
        assert_eq!(names.values().map(|(packets, _)| packets).sum::<u64>(), 1000);
    }
}

//! Numbers and names of groups: unnamed ones are numbered first, then the named ones.

use std::collections::BTreeMap;

use super::engine::Span;

/// How a group was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Declaration {
    Unnamed,
    Number(i32),
    Name(String),
}

/// The groups of a pattern.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupTable {
    /// For each declaration, in order of appearance, the group's number.
    slots: Vec<i32>,
    /// Names by number; a group without one is called by its number.
    names: BTreeMap<i32, Option<String>>,
}

impl GroupTable {
    pub(super) fn new(declarations: &[Declaration]) -> Self {
        let mut names: BTreeMap<i32, Option<String>> = BTreeMap::from([(0, None)]);
        let mut slots = vec![0; declarations.len()];
        for declaration in declarations {
            if let Declaration::Number(number) = declaration {
                names.insert(*number, None);
            }
        }
        let mut next = 1;
        for (slot, declaration) in slots.iter_mut().zip(declarations) {
            match declaration {
                Declaration::Unnamed => {
                    // Unnamed groups count on, whatever numbers were given by hand.
                    names.insert(next, None);
                    *slot = next;
                    next += 1;
                }
                Declaration::Number(number) => *slot = *number,
                Declaration::Name(_) => {}
            }
        }
        let mut known: BTreeMap<&str, i32> = BTreeMap::new();
        for (slot, declaration) in slots.iter_mut().zip(declarations) {
            if let Declaration::Name(name) = declaration {
                let number = *known.entry(name).or_insert_with(|| {
                    while names.contains_key(&next) {
                        next += 1;
                    }
                    names.insert(next, Some(name.clone()));
                    next
                });
                *slot = number;
            }
        }
        Self { slots, names }
    }

    /// Numbers in ascending order, 0 first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        self.names.keys().copied()
    }

    pub(super) fn has_number(&self, number: i32) -> bool {
        self.names.contains_key(&number)
    }

    pub(super) fn number_of(&self, name: &str) -> Option<i32> {
        let named = self.names.iter().find(|(_, known)| known.as_deref() == Some(name));
        named
            .map(|(number, _)| *number)
            .or_else(|| name.parse().ok().filter(|number| self.has_number(*number)))
    }

    pub(super) fn name_of(&self, number: i32) -> String {
        match self.names.get(&number) {
            Some(Some(name)) => name.clone(),
            _ => number.to_string(),
        }
    }

    /// The declarations that make one group.
    pub(super) fn slots_of(&self, number: i32) -> impl Iterator<Item = usize> + '_ {
        self.slots.iter().enumerate().filter(move |(_, known)| **known == number).map(|(slot, _)| slot)
    }

    /// From the spans of all declarations (the whole match first) to the spans of the groups by number.
    pub(super) fn arrange(&self, spans: &[Option<Span>]) -> Vec<Option<Span>> {
        let by_number = |number: i32| {
            if number == 0 {
                return spans.first().copied().flatten();
            }
            // Of several declarations the one that matched last counts.
            let matched = self.slots_of(number).filter_map(|slot| spans.get(slot + 1).copied().flatten());
            matched.max_by_key(|(_, end)| *end)
        };
        self.numbers().map(by_number).collect()
    }
}

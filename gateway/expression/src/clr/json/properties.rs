//! The properties of an object: in order, found by name.

use std::collections::HashMap;
use std::rc::Rc;

use super::node::JToken;

/// Up to this many a scan is as quick as a table.
const SCANNED: usize = 8;

/// `JProperty` nodes in the order in which they were added.
#[derive(Default)]
pub(super) struct Properties {
    list: Vec<JToken>,
    /// Where each name stands; made when there are many, dropped when places change.
    places: Option<HashMap<Rc<str>, usize>>,
}

impl Properties {
    pub(super) fn list(&self) -> &[JToken] {
        &self.list
    }

    /// Where a property of this name stands.
    pub(super) fn place(&mut self, name: &str) -> Option<usize> {
        if self.list.len() <= SCANNED {
            return self.list.iter().position(|property| property.name() == Some(name));
        }
        self.table().get(name).copied()
    }

    fn table(&mut self) -> &mut HashMap<Rc<str>, usize> {
        let list = &self.list;
        self.places.get_or_insert_with(|| {
            list.iter()
                .enumerate()
                .filter_map(|(place, property)| Some((property.name_shared()?, place)))
                .collect()
        })
    }

    pub(super) fn get(&mut self, name: &str) -> Option<JToken> {
        let place = self.place(name)?;
        self.list.get(place).cloned()
    }

    pub(super) fn insert(&mut self, place: usize, property: JToken) {
        let place = place.min(self.list.len());
        if place == self.list.len() {
            if let (Some(places), Some(name)) = (&mut self.places, property.name_shared()) {
                places.insert(name, place);
            }
            self.list.push(property);
        } else {
            self.places = None;
            self.list.insert(place, property);
        }
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<JToken> {
        if place >= self.list.len() {
            return None;
        }
        let removed = self.list.remove(place);
        if place == self.list.len() {
            if let (Some(places), Some(name)) = (&mut self.places, removed.name()) {
                places.remove(name);
            }
        } else {
            self.places = None;
        }
        Some(removed)
    }

    pub(super) fn replace(&mut self, place: usize, property: JToken) -> Option<JToken> {
        self.places = None;
        let slot = self.list.get_mut(place)?;
        Some(std::mem::replace(slot, property))
    }

    pub(super) fn clear(&mut self) -> Vec<JToken> {
        self.places = None;
        std::mem::take(&mut self.list)
    }
}

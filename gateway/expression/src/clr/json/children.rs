//! Reading the tree: children, indexers, neighbours, paths.

use super::node::{Data, JToken};
use super::position;
use crate::clr::exception::{Error, Result};
use crate::clr::text;

pub(super) const INDEX_TEXT: &str =
    "Index was out of range. Must be non-negative and less than the size of the collection.";

impl JToken {
    /// `Children()`: the properties of an object, the items of an array, the value of a property.
    pub fn children(&self) -> Vec<Self> {
        match &self.0.data {
            Data::Object(properties) => properties.borrow().list().to_vec(),
            Data::Array(items) | Data::Constructor(_, items) => items.borrow().clone(),
            Data::Property(_, value) => vec![value.borrow().clone()],
            Data::Value(_) => Vec::new(),
        }
    }

    /// `Count` of a container; 0 for a value.
    pub fn count(&self) -> usize {
        match &self.0.data {
            Data::Object(properties) => properties.borrow().list().len(),
            Data::Array(items) | Data::Constructor(_, items) => items.borrow().len(),
            Data::Property(..) => 1,
            Data::Value(_) => 0,
        }
    }

    /// `HasValues`.
    pub fn has_values(&self) -> bool {
        self.count() > 0
    }

    /// A child by its place, without the checks of the indexers.
    pub fn child(&self, place: usize) -> Option<Self> {
        match &self.0.data {
            Data::Object(properties) => properties.borrow().list().get(place).cloned(),
            Data::Array(items) | Data::Constructor(_, items) => items.borrow().get(place).cloned(),
            Data::Property(_, value) if place == 0 => Some(value.borrow().clone()),
            Data::Property(..) | Data::Value(_) => None,
        }
    }

    /// `First`.
    ///
    /// # Errors
    /// `InvalidOperationException` on a value.
    pub fn first(&self) -> Result<Option<Self>> {
        self.require_container()?;
        Ok(self.child(0))
    }

    /// `Last`.
    ///
    /// # Errors
    /// `InvalidOperationException` on a value.
    pub fn last(&self) -> Result<Option<Self>> {
        self.require_container()?;
        Ok(self.count().checked_sub(1).and_then(|place| self.child(place)))
    }

    fn require_container(&self) -> Result<()> {
        if self.is_container() { Ok(()) } else { Err(self.no_children()) }
    }

    fn no_children(&self) -> Error {
        Error::invalid_operation(format!("Cannot access child value on {}.", self.full_class_name()))
    }

    /// `token["name"]`.
    ///
    /// # Errors
    /// `ArgumentException` on an array, `InvalidOperationException` on a value or property.
    pub fn by_name(&self, name: &str) -> Result<Option<Self>> {
        match &self.0.data {
            Data::Object(properties) => {
                Ok(properties.borrow_mut().get(name).and_then(|property| property.property_value()))
            }
            Data::Array(_) | Data::Constructor(..) => Err(Error::argument(format!(
                "Accessed {} values with invalid key value: \"{name}\". {} expected.",
                self.class_name(),
                if matches!(self.0.data, Data::Array(_)) {
                    "Int32 array index"
                } else {
                    "Argument position index"
                }
            ))),
            Data::Property(..) | Data::Value(_) => Err(self.no_children()),
        }
    }

    /// `token[index]`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`; `ArgumentException` on an object, `InvalidOperationException` on a value or
    /// property.
    pub fn by_index(&self, index: i32) -> Result<Self> {
        match &self.0.data {
            Data::Array(_) | Data::Constructor(..) => {
                let place = usize::try_from(index).ok();
                place
                    .and_then(|place| self.child(place))
                    .ok_or_else(|| Error::out_of_range(INDEX_TEXT, "index"))
            }
            Data::Object(_) => Err(Error::argument(format!(
                "Accessed JObject values with invalid key value: {index}. Object property name expected."
            ))),
            Data::Property(..) | Data::Value(_) => Err(self.no_children()),
        }
    }

    /// `JObject.Property(name)`.
    pub fn find_property(&self, name: &str) -> Option<Self> {
        match &self.0.data {
            Data::Object(properties) => properties.borrow_mut().get(name),
            _ => None,
        }
    }

    /// `JObject.GetValue(name, comparison)`: an exact match first, then one without case.
    pub fn get_value(&self, name: &str, ignore_case: bool) -> Option<Self> {
        let exact = self.find_property(name);
        let found = exact.or_else(|| {
            let properties = if ignore_case { self.children() } else { Vec::new() };
            let equals =
                |property: &Self| property.name().is_some_and(|other| text::equals(other, name, true));
            properties.into_iter().find(equals)
        });
        found.and_then(|property| property.property_value())
    }

    /// `Next`: the sibling behind.
    pub fn next(&self) -> Option<Self> {
        self.neighbour(|place| place.checked_add(1))
    }

    /// `Previous`: the sibling before.
    pub fn previous(&self) -> Option<Self> {
        self.neighbour(|place| place.checked_sub(1))
    }

    fn neighbour(&self, to: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let parent = self.parent()?;
        let place = parent.place_of(self)?;
        let neighbour = parent.child(to(place)?)?;
        neighbour.remember_place(to(place)?);
        Some(neighbour)
    }

    /// Where a child stands (`IndexOf`, by identity).
    pub fn place_of(&self, child: &Self) -> Option<usize> {
        match &self.0.data {
            Data::Object(properties) => child.place_in(properties.borrow().list()),
            Data::Array(items) | Data::Constructor(_, items) => child.place_in(&items.borrow()),
            Data::Property(_, value) => value.borrow().same(child).then_some(0),
            Data::Value(_) => None,
        }
    }

    /// `Ancestors()`: the parent first.
    pub fn ancestors(&self) -> Vec<Self> {
        std::iter::successors(self.parent(), Self::parent).collect()
    }

    /// `Descendants()`: in document order.
    pub fn descendants(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for child in self.children() {
            found.push(child.clone());
            found.extend(child.descendants());
        }
        found
    }

    /// `Path`: `a.b[0]['c d']`; empty at the root.
    pub fn path(&self) -> String {
        let mut chain = vec![self.clone()];
        chain.extend(self.ancestors());
        if chain.len() == 1 {
            return String::new();
        }
        chain.reverse();
        let mut path = String::new();
        for pair in chain.windows(2) {
            let [parent, child] = pair else { continue };
            match (&parent.0.data, child.name()) {
                (Data::Object(_), Some(name)) => position::push_name(&mut path, name),
                (Data::Array(_) | Data::Constructor(..), _) => {
                    position::push_index(&mut path, parent.place_of(child).unwrap_or(0));
                }
                _ => {}
            }
        }
        path
    }
}

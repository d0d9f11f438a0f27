//! Changing the tree. What is put in and already has a parent is copied first, as Newtonsoft does.

use super::children::INDEX_TEXT;
use super::node::{Data, JToken};
use crate::clr::exception::{Error, Result};

impl JToken {
    /// `DeepClone()`.
    #[must_use]
    pub fn deep_clone(&self) -> Self {
        match &self.0.data {
            Data::Value(value) => Self::value(value.borrow().clone()),
            Data::Property(name, value) => {
                Self::property_of_fresh(std::rc::Rc::clone(name), &value.borrow().deep_clone())
            }
            Data::Object(_) => self.clone_children_into(Self::object()),
            Data::Array(_) => self.clone_children_into(Self::array()),
            Data::Constructor(name, _) => self.clone_children_into(Self::constructor(&name.borrow())),
        }
    }

    fn clone_children_into(&self, copy: Self) -> Self {
        for child in self.children() {
            copy.push_fresh(child.deep_clone());
        }
        copy
    }

    /// Appends a child that has no parent, is of the right kind and fits.
    pub(super) fn push_fresh(&self, child: Self) {
        self.adopt(&child);
        self.insert_child(self.count(), child);
    }

    fn insert_child(&self, place: usize, child: Self) {
        self.touch();
        child.remember_place(place);
        match &self.0.data {
            Data::Object(properties) => properties.borrow_mut().insert(place, child),
            Data::Array(items) | Data::Constructor(_, items) => items.borrow_mut().insert(place, child),
            Data::Property(_, value) => *value.borrow_mut() = child,
            Data::Value(_) => {}
        }
    }

    /// The child as it will be put in: itself, or a copy when it stands elsewhere or would contain itself.
    fn prepared(&self, child: &Self) -> Result<Self> {
        let elsewhere = child.parent().is_some() || (child.is_container() && self.root().same(child));
        let child = if elsewhere || child.same(self) { child.deep_clone() } else { child.clone() };
        self.check_depth(&child)?;
        Ok(child)
    }

    /// Refuses children that the container does not take. `replaced` = the child that makes room.
    fn check_child(&self, child: &Self, replaced: Option<&Self>) -> Result<()> {
        let refusal = || {
            Error::argument(format!("Can not add {} to {}.", child.full_class_name(), self.full_class_name()))
        };
        let is_property = matches!(child.0.data, Data::Property(..));
        match &self.0.data {
            Data::Object(properties) => {
                let Some(name) = child.name().filter(|_| is_property) else { return Err(refusal()) };
                if replaced.is_some_and(|old| old.name() == Some(name)) {
                    return Ok(());
                }
                match properties.borrow_mut().get(name) {
                    Some(_) => Err(Error::argument(format!(
                        "Can not add property {name} to {}. Property with the same name already exists on object.",
                        self.full_class_name()
                    ))),
                    None => Ok(()),
                }
            }
            Data::Array(_) | Data::Constructor(..) | Data::Property(..) if is_property => Err(refusal()),
            Data::Value(_) => Err(refusal()),
            _ => Ok(()),
        }
    }

    /// `Add(content)` of one node at the end.
    ///
    /// # Errors
    /// `ArgumentException` when the container does not take it, a property already has a value, or the node is a
    /// value; too deep a tree.
    pub fn add(&self, child: &Self) -> Result<()> {
        if matches!(self.0.data, Data::Property(..)) {
            return Err(super::super::exception::Error::new(
                crate::clr::exception::ExceptionKind::Json,
                "Newtonsoft.Json.Linq.JProperty cannot have multiple values.",
            ));
        }
        self.insert_at(self.count(), child)
    }

    /// `AddFirst(content)`.
    ///
    /// # Errors
    /// As [`JToken::add`].
    pub fn add_first(&self, child: &Self) -> Result<()> {
        self.insert_at(0, child)
    }

    fn insert_at(&self, place: usize, child: &Self) -> Result<()> {
        self.check_child(child, None)?;
        let child = self.prepared(child)?;
        self.adopt(&child);
        self.insert_child(place, child);
        Ok(())
    }

    /// `JObject.Add(name, value)`.
    ///
    /// # Errors
    /// `ArgumentException` when the name exists.
    pub fn add_property(&self, name: &str, value: &Self) -> Result<()> {
        self.add(&Self::property(name, value)?)
    }

    /// `JArray.Insert(index, item)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn insert(&self, index: i32, child: &Self) -> Result<()> {
        let place = usize::try_from(index).map_err(|_| Error::out_of_range(INDEX_TEXT, "index"))?;
        if place > self.count() {
            return Err(Error::out_of_range("Index must be within the bounds of the List.", "index"));
        }
        self.insert_at(place, child)
    }

    /// `token["name"] = value`: adds or replaces.
    ///
    /// # Errors
    /// As [`JToken::by_name`].
    pub fn set_by_name(&self, name: &str, value: &Self) -> Result<()> {
        match self.find_property(name) {
            Some(property) => property.set_property_value(value),
            None if matches!(self.0.data, Data::Object(_)) => self.add_property(name, value),
            None => match &self.0.data {
                Data::Array(_) | Data::Constructor(..) => Err(Error::argument(format!(
                    "Set {} values with invalid key value: \"{name}\". Int32 array index expected.",
                    self.class_name()
                ))),
                _ => Err(self.cannot_set()),
            },
        }
    }

    /// `token[index] = value`.
    ///
    /// # Errors
    /// As [`JToken::by_index`].
    pub fn set_by_index(&self, index: i32, value: &Self) -> Result<()> {
        match &self.0.data {
            Data::Array(_) | Data::Constructor(..) => {
                let place = usize::try_from(index).map_err(|_| Error::out_of_range(INDEX_TEXT, "index"))?;
                let Some(old) = self.child(place) else {
                    return Err(Error::out_of_range("Index is equal to or greater than Count.", "index"));
                };
                self.replace_child(place, &old, value)
            }
            Data::Object(_) => Err(Error::argument(format!(
                "Set JObject values with invalid key value: {index}. Object property name expected."
            ))),
            _ => Err(self.cannot_set()),
        }
    }

    fn cannot_set(&self) -> Error {
        Error::invalid_operation(format!("Cannot set child value on {}.", self.full_class_name()))
    }

    /// `JProperty.Value = value`.
    ///
    /// # Errors
    /// `ArgumentException` for a property as value.
    pub fn set_property_value(&self, value: &Self) -> Result<()> {
        match self.property_value() {
            Some(old) => self.replace_child(0, &old, value),
            None => Err(self.cannot_set()),
        }
    }

    /// Gives a property a value that has no parent and fits.
    pub(super) fn replace_value_fresh(&self, value: Self) {
        if let Data::Property(_, slot) = &self.0.data {
            self.adopt(&value);
            slot.replace(value).orphan();
        }
    }

    fn replace_child(&self, place: usize, old: &Self, new: &Self) -> Result<()> {
        if old.same(new) {
            return Ok(());
        }
        self.check_child(new, Some(old))?;
        let new = self.prepared(new)?;
        new.remember_place(place);
        self.touch();
        self.adopt(&new);
        match &self.0.data {
            Data::Object(properties) => {
                properties.borrow_mut().replace(place, new);
            }
            Data::Array(items) | Data::Constructor(_, items) => {
                if let Some(slot) = items.borrow_mut().get_mut(place) {
                    *slot = new;
                }
            }
            Data::Property(_, value) => *value.borrow_mut() = new,
            Data::Value(_) => {}
        }
        old.orphan();
        Ok(())
    }

    /// `JArray.RemoveAt(index)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn remove_at(&self, index: i32) -> Result<()> {
        let place =
            usize::try_from(index).map_err(|_| Error::out_of_range("Index is less than 0.", "index"))?;
        if place >= self.count() {
            return Err(Error::out_of_range("Index is equal to or greater than Count.", "index"));
        }
        self.remove_child(place);
        Ok(())
    }

    fn remove_child(&self, place: usize) {
        self.touch();
        let removed = match &self.0.data {
            Data::Object(properties) => properties.borrow_mut().remove(place),
            Data::Array(items) | Data::Constructor(_, items) => {
                let mut items = items.borrow_mut();
                (place < items.len()).then(|| items.remove(place))
            }
            Data::Property(_, value) => Some(value.replace(self.adopted_null())),
            Data::Value(_) => None,
        };
        if let Some(removed) = removed {
            removed.orphan();
        }
    }

    fn adopted_null(&self) -> Self {
        let null = Self::null();
        self.adopt(&null);
        null
    }

    /// `JArray.Remove(item)`, by identity; false when it is not there.
    pub fn remove_item(&self, item: &Self) -> bool {
        let place = self.place_of(item);
        if let Some(place) = place {
            self.remove_child(place);
        }
        place.is_some()
    }

    /// `JObject.Remove(name)`; false when there is none.
    pub fn remove_property(&self, name: &str) -> bool {
        let Some(property) = self.find_property(name) else { return false };
        self.remove_item(&property)
    }

    /// `Remove()`: takes the node out of its parent.
    ///
    /// # Errors
    /// `InvalidOperationException` without a parent; `JsonException` for the value of a property.
    pub fn remove(&self) -> Result<()> {
        let Some(parent) = self.parent() else {
            return Err(Error::invalid_operation("The parent is missing."));
        };
        if matches!(parent.0.data, Data::Property(..)) {
            let text = format!("Cannot add or remove items from {}.", parent.full_class_name());
            return Err(Error::new(crate::clr::exception::ExceptionKind::Json, text));
        }
        parent.remove_item(self);
        Ok(())
    }

    /// `Replace(value)`.
    ///
    /// # Errors
    /// `InvalidOperationException` without a parent; what putting the value in throws.
    pub fn replace(&self, value: &Self) -> Result<()> {
        let Some(parent) = self.parent() else {
            return Err(Error::invalid_operation("The parent is missing."));
        };
        let place = parent.place_of(self).unwrap_or(0);
        parent.replace_child(place, self, value)
    }

    /// `AddAfterSelf(content)` of one node.
    ///
    /// # Errors
    /// `InvalidOperationException` without a parent; what adding throws.
    pub fn add_after_self(&self, sibling: &Self) -> Result<()> {
        self.add_beside(sibling, 1)
    }

    /// `AddBeforeSelf(content)` of one node.
    ///
    /// # Errors
    /// As [`JToken::add_after_self`].
    pub fn add_before_self(&self, sibling: &Self) -> Result<()> {
        self.add_beside(sibling, 0)
    }

    fn add_beside(&self, sibling: &Self, offset: usize) -> Result<()> {
        let Some(parent) = self.parent() else {
            return Err(Error::invalid_operation("The parent is missing."));
        };
        if matches!(parent.0.data, Data::Property(..)) {
            let text = format!("{} cannot have multiple values.", parent.full_class_name());
            return Err(Error::new(crate::clr::exception::ExceptionKind::Json, text));
        }
        let place = parent.place_of(self).unwrap_or(0);
        parent.insert_at(place + offset, sibling)
    }

    /// `RemoveAll()`, `Clear()`.
    pub fn clear(&self) {
        self.touch();
        let removed = match &self.0.data {
            Data::Object(properties) => properties.borrow_mut().clear(),
            Data::Array(items) | Data::Constructor(_, items) => std::mem::take(&mut *items.borrow_mut()),
            Data::Property(..) => {
                self.remove_child(0);
                Vec::new()
            }
            Data::Value(_) => Vec::new(),
        };
        removed.iter().for_each(Self::orphan);
    }
}

//! `Merge(content, settings)`.

use super::equality::deep_equals;
use super::node::{JToken, TokenType};
use crate::clr::exception::Result;

/// `MergeArrayHandling`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MergeArrays {
    /// 0: the items of the other array are appended.
    #[default]
    Concat,
    /// 1: those that are not there yet are appended.
    Union,
    /// 2: they take the place of all items.
    Replace,
    /// 3: they are merged by their index.
    Merge,
}

/// `JsonMergeSettings`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MergeSettings {
    /// `MergeArrayHandling`.
    pub arrays: MergeArrays,
    /// `MergeNullValueHandling.Merge`: a JSON null replaces a value.
    pub null_replaces: bool,
    /// `PropertyNameComparison` ignores case.
    pub ignore_case: bool,
}

impl JToken {
    /// `container.Merge(content, settings)`; content of another kind is left out.
    ///
    /// # Errors
    /// Too deep a tree.
    pub fn merge(&self, content: &Self, settings: MergeSettings) -> Result<()> {
        match (self.token_type(), content.token_type()) {
            (TokenType::Object, TokenType::Object) => self.merge_object(content, settings),
            (TokenType::Array, TokenType::Array) => self.merge_array(content, settings),
            _ => Ok(()),
        }
    }

    fn merge_object(&self, content: &Self, settings: MergeSettings) -> Result<()> {
        for property in content.children() {
            let (Some(name), Some(value)) = (property.name(), property.property_value()) else { continue };
            let same_name =
                |other: &Self| other.name().is_some_and(|other| crate::clr::text::equals(other, name, true));
            let existing = self.find_property(name).or_else(|| {
                if settings.ignore_case { self.children().into_iter().find(same_name) } else { None }
            });
            let Some(existing) = existing else {
                self.add_property(name, &value)?;
                continue;
            };
            let old = existing.property_value().unwrap_or_else(Self::null);
            if old.is_container() && old.token_type() == value.token_type() {
                old.merge(&value, settings)?;
            } else if value.token_type() != TokenType::Null || settings.null_replaces {
                existing.set_property_value(&value)?;
            }
        }
        Ok(())
    }

    fn merge_array(&self, content: &Self, settings: MergeSettings) -> Result<()> {
        let items = content.children();
        match settings.arrays {
            MergeArrays::Concat => items.iter().try_for_each(|item| self.add(item)),
            MergeArrays::Union => {
                for item in &items {
                    if !self.children().iter().any(|own| deep_equals(Some(own), Some(item))) {
                        self.add(item)?;
                    }
                }
                Ok(())
            }
            MergeArrays::Replace => {
                self.clear();
                items.iter().try_for_each(|item| self.add(item))
            }
            MergeArrays::Merge => {
                for (index, item) in items.iter().enumerate() {
                    match self.child(index) {
                        None => self.add(item)?,
                        Some(own) if own.is_container() => own.merge(item, settings)?,
                        Some(_) if item.token_type() == TokenType::Null => {}
                        Some(own) => own.replace(item)?,
                    }
                }
                Ok(())
            }
        }
    }
}

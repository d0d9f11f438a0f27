//! `SelectToken` and `SelectTokens`.

use super::node::{Data, JToken};
use super::path::{Step, error, parse_path};
use crate::clr::exception::{Error, ExceptionKind, Result};

/// A path at work on a document.
pub(super) struct Selection<'a> {
    root: JToken,
    /// Nodes that may still be looked at; `$..*..*..*` on a large document would never end.
    steps_left: &'a mut usize,
}

impl JToken {
    /// `SelectTokens(path, errorWhenNoMatch)`, in document order. Nodes looked at are taken from `steps_left`.
    ///
    /// # Errors
    /// `JsonException` for a malformed path, and with `must_match` where a step finds nothing; `OutOfMemoryException`
    /// when no steps are left.
    pub fn select_tokens(&self, path: &str, must_match: bool, steps_left: &mut usize) -> Result<Vec<Self>> {
        let steps = parse_path(path)?;
        let mut selection = Selection { root: self.clone(), steps_left };
        selection.walk(&steps, self, must_match)
    }

    /// `SelectToken(path, errorWhenNoMatch)`.
    ///
    /// # Errors
    /// As [`JToken::select_tokens`]; also when there are several.
    pub fn select_token(&self, path: &str, must_match: bool, steps_left: &mut usize) -> Result<Option<Self>> {
        let mut found = self.select_tokens(path, must_match, steps_left)?;
        if found.len() > 1 {
            return Err(error("Path returned multiple tokens."));
        }
        Ok(found.pop())
    }

    fn items(&self) -> Option<Vec<Self>> {
        matches!(self.0.data, Data::Array(_) | Data::Constructor(..)).then(|| self.children())
    }

    fn is_object(&self) -> bool {
        matches!(self.0.data, Data::Object(_))
    }

    fn is_array(&self) -> bool {
        matches!(self.0.data, Data::Array(_))
    }
}

impl Selection<'_> {
    /// Counts one node looked at.
    pub(super) fn step(&mut self) -> Result<()> {
        *self.steps_left =
            self.steps_left.checked_sub(1).ok_or_else(|| Error::of(ExceptionKind::OutOfMemory))?;
        Ok(())
    }

    pub(super) fn walk(&mut self, steps: &[Step], start: &JToken, must_match: bool) -> Result<Vec<JToken>> {
        let mut current = vec![start.clone()];
        for step in steps {
            let mut found = Vec::new();
            for token in &current {
                self.step()?;
                self.apply(step, token, must_match, &mut found)?;
            }
            current = found;
        }
        Ok(current)
    }

    fn apply(
        &mut self,
        step: &Step,
        token: &JToken,
        must_match: bool,
        found: &mut Vec<JToken>,
    ) -> Result<()> {
        match step {
            Step::Root => found.push(self.root.clone()),
            Step::Field(name) => fields(name.as_deref(), token, must_match, found)?,
            Step::Fields(names) => {
                if token.is_object() {
                    names.iter().try_for_each(|name| fields(Some(name), token, false, found))?;
                    // Newtonsoft complains behind the first name, whether it was found or not.
                    if let Some(first) = names.first().filter(|_| must_match) {
                        return Err(error(format!("Property '{first}' does not exist on JObject.")));
                    }
                } else if must_match {
                    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
                    let names = names.join(", ");
                    return Err(error(format!("Properties {names} not valid on {}.", token.class_name())));
                }
            }
            Step::Scan(name) => self.scan(name.as_ref().map(std::slice::from_ref), token, found)?,
            Step::ScanFields(names) => self.scan(Some(names), token, found)?,
            Step::Index(Some(index)) => found.extend(item(*index, token, must_match)?),
            Step::Index(None) => match token.items() {
                Some(items) => found.extend(items),
                None if must_match => {
                    return Err(error(format!("Index * not valid on {}.", token.class_name())));
                }
                None => {}
            },
            Step::Indexes(indexes) => {
                for index in indexes {
                    found.extend(item(*index, token, must_match)?);
                }
            }
            Step::Slice { start, end, step } => slice((*start, *end, *step), token, must_match, found)?,
            Step::Query(condition) => {
                for child in token.children() {
                    self.step()?;
                    if condition.is_match(&child, self)? {
                        found.push(child);
                    }
                }
            }
            Step::ScanQuery(condition) => {
                for node in std::iter::once(token.clone()).chain(token.descendants()) {
                    self.step()?;
                    if condition.is_match(&node, self)? {
                        found.push(node);
                    }
                }
            }
        }
        Ok(())
    }

    /// The values of all properties below that have one of the names; without names every node.
    fn scan(&mut self, names: Option<&[String]>, token: &JToken, found: &mut Vec<JToken>) -> Result<()> {
        if names.is_none() {
            found.push(token.clone());
        }
        for node in token.descendants() {
            self.step()?;
            match (names, &node.0.data) {
                (Some(names), Data::Property(name, value)) if names.iter().any(|one| **one == **name) => {
                    found.push(value.borrow().clone());
                }
                (None, Data::Property(..)) | (Some(_), _) => {}
                (None, _) => found.push(node),
            }
        }
        Ok(())
    }
}

fn fields(name: Option<&str>, token: &JToken, must_match: bool, found: &mut Vec<JToken>) -> Result<()> {
    if !token.is_object() {
        let problem = format!("Property '{}' not valid on {}.", name.unwrap_or("*"), token.class_name());
        return if must_match { Err(error(problem)) } else { Ok(()) };
    }
    let Some(name) = name else {
        found.extend(token.children().iter().filter_map(JToken::property_value));
        return Ok(());
    };
    match token.find_property(name).and_then(|property| property.property_value()) {
        Some(value) => found.push(value),
        None if must_match => return Err(error(format!("Property '{name}' does not exist on JObject."))),
        None => {}
    }
    Ok(())
}

fn item(index: i32, token: &JToken, must_match: bool) -> Result<Option<JToken>> {
    let refuse = |problem: String| if must_match { Err(error(problem)) } else { Ok(None) };
    let Some(items) = token.items() else {
        return refuse(format!("Index {index} not valid on {}.", token.class_name()));
    };
    match usize::try_from(index) {
        Ok(place) => match items.get(place) {
            Some(item) => Ok(Some(item.clone())),
            None => refuse(format!("Index {index} outside the bounds of {}.", token.class_name())),
        },
        Err(_) => Err(Error::out_of_range(super::children::INDEX_TEXT, "index")),
    }
}

type Slice = (Option<i32>, Option<i32>, Option<i32>);

fn slice((start, end, step): Slice, token: &JToken, must_match: bool, found: &mut Vec<JToken>) -> Result<()> {
    let by = i64::from(step.unwrap_or(1));
    if by == 0 {
        return Err(error("Step cannot be zero."));
    }
    if !token.is_array() {
        let problem = format!("Array slice is not valid on {}.", token.class_name());
        return if must_match { Err(error(problem)) } else { Ok(()) };
    }
    let items = token.children();
    let count = items.len() as i64;
    let forward = by > 0;
    let place = |bound: Option<i32>, default: i64| match bound.map(i64::from) {
        Some(bound) if bound < 0 => count + bound,
        Some(bound) => bound,
        None => default,
    };
    let first = place(start, if forward { 0 } else { count - 1 });
    let first = if forward { first.clamp(0, count) } else { first.min(count - 1) };
    let stop = place(end, if forward { count } else { -1 }).clamp(-1, count);
    let inside = |index: i64| if forward { index < stop } else { index > stop };
    if !inside(first) && must_match {
        let text = |bound: Option<i32>| bound.map_or_else(|| "*".to_owned(), |bound| bound.to_string());
        let problem = format!("Array slice of {} to {} returned no results.", text(start), text(end));
        return Err(error(problem));
    }
    let mut index = first;
    while inside(index) {
        found.extend(usize::try_from(index).ok().and_then(|index| items.get(index)).cloned());
        index += by;
    }
    Ok(())
}

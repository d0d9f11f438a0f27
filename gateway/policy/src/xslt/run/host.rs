//! What expressions ask a transformation for.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Global, Index, Transformation};
use crate::xslt::Error;
use crate::xslt::format_number::{DecimalFormat, format};
use crate::xslt::tree::{Name, Tree};
use crate::xslt::xpath::{Context, Host, Node, Value, string_of};

impl Host for Transformation<'_> {
    fn tree(&self, tree: u32) -> Option<&Tree> {
        self.trees.get(tree as usize)
    }

    fn variable(&self, name: &Name) -> Result<Value, Error> {
        let own = self.locals.get(self.frame..).unwrap_or_default();
        if let Some((_, value)) = own.iter().rev().find(|(known, _)| *known == name) {
            return Ok(value.clone());
        }
        let index = self.sheet.globals.iter().position(|global| global.name == *name);
        match index.and_then(|index| self.globals.get(index)) {
            Some(Global::Set(value)) => Ok(value.clone()),
            Some(Global::Busy) => {
                Err(Error::new(format!("The variable '{}' needs its own value.", name.local)))
            }
            Some(Global::Unset) => {
                self.missing.set(index);
                Err(Error::new("A variable is not there yet."))
            }
            None => Err(Error::new(format!(
                "The variable or parameter '{}' is either not defined or it is out of scope.",
                name.local
            ))),
        }
    }

    fn charge(&self, steps: u64) -> Result<(), Error> {
        let left = self.steps_left.get().checked_sub(steps);
        self.steps_left.set(left.ok_or_else(|| Error::new("The stylesheet takes too many steps."))?);
        Ok(())
    }

    fn key(&self, name: &str, value: &str, tree: u32) -> Result<Rc<[Node]>, Error> {
        let local = name.rsplit(':').next().unwrap_or_default();
        let keys: Vec<usize> = self
            .sheet
            .keys
            .iter()
            .enumerate()
            .filter(|(_, key)| *key.name.local == *local)
            .map(|(at, _)| at)
            .collect();
        if keys.is_empty() {
            return Err(Error::new(format!("A reference to key '{name}' cannot be resolved.")));
        }
        let mut found = Vec::new();
        for key in keys {
            if let Some(nodes) = self.index(tree, key)?.get(value) {
                self.charge(nodes.len() as u64)?;
                found.extend_from_slice(nodes);
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found.into())
    }

    fn format_number(&self, number: f64, pattern: &str, name: Option<&str>) -> Result<String, Error> {
        self.charge(10 + pattern.len() as u64)?;
        match (self.sheet.formats.get(name.unwrap_or_default()), name) {
            (Some(by), _) => format(number, pattern, by),
            (None, None) => format(number, pattern, &DecimalFormat::default()),
            (None, Some(name)) => Err(Error::new(format!("The decimal format '{name}' is not defined."))),
        }
    }
}

impl Transformation<'_> {
    /// The nodes of a tree by what a key says of them, worked out when it is first asked for.
    fn index(&self, tree: u32, key: usize) -> Result<Rc<Index>, Error> {
        if let Some(known) = self.keys.borrow().get(&(tree, key)) {
            return Ok(Rc::clone(known));
        }
        // A key whose own expressions ask for it finds nothing.
        self.keys.borrow_mut().insert((tree, key), Rc::default());
        let mut made: Index = HashMap::new();
        let count = self.trees.get(tree as usize).map_or(0, |tree| tree.nodes.len() as u32);
        let Some(definition) = self.sheet.keys.get(key) else { return Ok(Rc::default()) };
        for index in 0..count {
            let node = Node { tree, index };
            let context = Context { host: self, node, position: 1, size: 1, current: node };
            if !definition.pattern.matches(&context)? {
                continue;
            }
            let values = match context.value(&definition.value)? {
                Value::Nodes(nodes) => {
                    nodes.iter().map(|node| string_of(self, *node)).collect::<Result<Vec<_>, _>>()?
                }
                other => vec![other.string(self)?.to_string()],
            };
            for value in values {
                made.entry(value).or_default().push(node);
            }
        }
        let made = Rc::new(made);
        self.keys.borrow_mut().insert((tree, key), Rc::clone(&made));
        Ok(made)
    }
}

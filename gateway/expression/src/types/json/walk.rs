//! Sequences over a tree. They see what the tree is when they come to it, and end with an exception when what they go
//! through is changed meanwhile.

use super::super::Type;
use super::super::runtime::lazy;
use super::{class_type, value};
use crate::clr::json::{JToken, TokenType};
use crate::run::{Fault, Iter, Vm};
use crate::value::Value;

/// Where an enumeration of a container stands.
struct Place {
    of: JToken,
    version: u32,
    at: usize,
}

impl Place {
    fn start(of: &JToken) -> Self {
        Self { of: of.clone(), version: of.version(), at: 0 }
    }

    fn next(&mut self, vm: &mut Vm<'_>) -> Result<Option<JToken>, Fault> {
        // A property has always one value: setting it is no change of a list.
        if self.of.version() != self.version && self.of.token_type() != TokenType::Property {
            return Err(Fault::invalid_operation(
                "Collection was modified; enumeration operation may not execute.",
            ));
        }
        let child = self.of.child(self.at);
        if child.is_some() {
            vm.charge(24)?;
            self.at += 1;
        }
        Ok(child)
    }
}

struct Children<F> {
    place: Place,
    show: F,
}

impl<F: Fn(JToken) -> Value> Iter for Children<F> {
    fn next(&mut self, vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        Ok(self.place.next(vm)?.map(&self.show))
    }
}

/// The children of a token one by one.
pub(super) fn children(of: &JToken, show: impl Fn(JToken) -> Value + 'static) -> Box<dyn Iter> {
    Box::new(Children { place: Place::start(of), show })
}

/// The children as a sequence.
pub(super) fn live(element: Type, of: &JToken, show: impl Fn(JToken) -> Value + Clone + 'static) -> Value {
    let of = of.clone();
    lazy(element, move |_| Ok(children(&of, show.clone())))
}

struct Descendants {
    open: Vec<Place>,
    /// The token given last: its children are next.
    last: Option<JToken>,
}

impl Iter for Descendants {
    fn next(&mut self, vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        if let Some(last) = self.last.take().filter(JToken::is_container) {
            self.open.push(Place::start(&last));
        }
        while let Some(place) = self.open.last_mut() {
            if let Some(child) = place.next(vm)? {
                self.last = Some(child.clone());
                return Ok(Some(value(child)));
            }
            self.open.pop();
        }
        Ok(None)
    }
}

/// `Descendants()`, `DescendantsAndSelf()`: in document order.
pub(super) fn descendants(of: &JToken, and_self: bool) -> Value {
    let of = of.clone();
    lazy(class_type("JToken"), move |_| {
        let open = vec![Place::start(&of)];
        let below = Descendants { open, last: None };
        Ok(if and_self { Box::new(AndSelf { own: Some(of.clone()), below }) } else { Box::new(below) })
    })
}

struct AndSelf {
    own: Option<JToken>,
    below: Descendants,
}

impl Iter for AndSelf {
    fn next(&mut self, vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        match self.own.take() {
            Some(own) => Ok(Some(value(own))),
            None => self.below.next(vm),
        }
    }
}

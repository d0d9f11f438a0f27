//! Nodes of the tree: what they are, and how they are linked.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use super::properties::Properties;
use super::scalar::Scalar;
use crate::clr::depth::{self, Level};
use crate::clr::exception::Result;

/// Levels of a tree, each property counted as one. .NET would end the process much deeper.
pub const DEPTH_MAX: u16 = 1000;

/// `JTokenType`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are .NET's")]
pub enum TokenType {
    None = 0,
    Object = 1,
    Array = 2,
    Constructor = 3,
    Property = 4,
    Comment = 5,
    Integer = 6,
    Float = 7,
    String = 8,
    Boolean = 9,
    Null = 10,
    Undefined = 11,
    Date = 12,
    Raw = 13,
    Bytes = 14,
    Guid = 15,
    Uri = 16,
    TimeSpan = 17,
}

/// A node of a JSON tree. A clone is the same node.
#[derive(Clone)]
pub struct JToken(pub(super) Rc<Node>);

pub(super) struct Node {
    parent: RefCell<Weak<Node>>,
    height: Cell<u16>,
    /// Changes of its list of children.
    version: Cell<u32>,
    /// Where it stood in its parent when last looked for.
    place: Cell<usize>,
    pub(super) data: Data,
}

pub(super) enum Data {
    Object(RefCell<Properties>),
    Array(RefCell<Vec<JToken>>),
    Constructor(RefCell<Rc<str>>, RefCell<Vec<JToken>>),
    Property(Rc<str>, RefCell<JToken>),
    Value(RefCell<Scalar>),
}

impl JToken {
    fn make(data: Data) -> Self {
        Self(Rc::new(Node {
            parent: RefCell::new(Weak::new()),
            height: Cell::new(1),
            version: Cell::new(0),
            place: Cell::new(0),
            data,
        }))
    }

    /// `new JObject()`.
    pub fn object() -> Self {
        Self::make(Data::Object(RefCell::default()))
    }

    /// `new JArray()`.
    pub fn array() -> Self {
        Self::make(Data::Array(RefCell::default()))
    }

    /// `new JConstructor(name)`.
    pub fn constructor(name: &str) -> Self {
        Self::make(Data::Constructor(RefCell::new(name.into()), RefCell::default()))
    }

    /// `new JProperty(name, value)`. A value that has a parent is copied.
    ///
    /// # Errors
    /// `ArgumentException` when the value is itself a property.
    pub fn property(name: &str, value: &Self) -> Result<Self> {
        let made = Self::make(Data::Property(name.into(), RefCell::new(Self::null())));
        made.set_property_value(value)?;
        Ok(made)
    }

    /// A property around a fresh value of the reader.
    pub(super) fn property_of_fresh(name: Rc<str>, value: &Self) -> Self {
        let made = Self::make(Data::Property(name, RefCell::new(value.clone())));
        made.adopt(value);
        made
    }

    /// `new JValue(value)`.
    pub fn value(value: Scalar) -> Self {
        Self::make(Data::Value(RefCell::new(value)))
    }

    /// `JValue.CreateNull()`.
    pub fn null() -> Self {
        Self::value(Scalar::Null)
    }

    /// Whether both handles are the same node (`ReferenceEquals`).
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// An identity that lives as long as the node, for hashing.
    pub fn identity(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    /// `Type`.
    pub fn token_type(&self) -> TokenType {
        match &self.0.data {
            Data::Object(_) => TokenType::Object,
            Data::Array(_) => TokenType::Array,
            Data::Constructor(..) => TokenType::Constructor,
            Data::Property(..) => TokenType::Property,
            Data::Value(value) => value.borrow().token_type(),
        }
    }

    /// The CLR class: `JObject`, `JArray`, `JConstructor`, `JProperty`, `JValue` or `JRaw`.
    pub fn class_name(&self) -> &'static str {
        match &self.0.data {
            Data::Object(_) => "JObject",
            Data::Array(_) => "JArray",
            Data::Constructor(..) => "JConstructor",
            Data::Property(..) => "JProperty",
            Data::Value(value) => match *value.borrow() {
                Scalar::Raw(_) => "JRaw",
                _ => "JValue",
            },
        }
    }

    /// The CLR class with its namespace.
    pub fn full_class_name(&self) -> String {
        format!("Newtonsoft.Json.Linq.{}", self.class_name())
    }

    /// Whether it is an object, an array, a constructor or a property.
    pub fn is_container(&self) -> bool {
        !matches!(self.0.data, Data::Value(_))
    }

    /// `JValue.Value`; `None` for containers.
    pub fn scalar(&self) -> Option<Scalar> {
        match &self.0.data {
            Data::Value(value) => Some(value.borrow().clone()),
            _ => None,
        }
    }

    /// Sets `JValue.Value`; nothing happens on containers.
    pub fn set_scalar(&self, new: Scalar) {
        if let Data::Value(value) = &self.0.data {
            *value.borrow_mut() = new;
        }
    }

    /// `JConstructor.Name`.
    pub fn constructor_name(&self) -> Option<Rc<str>> {
        match &self.0.data {
            Data::Constructor(name, _) => Some(Rc::clone(&name.borrow())),
            _ => None,
        }
    }

    /// Sets `JConstructor.Name`.
    pub fn set_constructor_name(&self, new: &str) {
        if let Data::Constructor(name, _) = &self.0.data {
            *name.borrow_mut() = new.into();
        }
    }

    /// `JProperty.Name`.
    pub fn name(&self) -> Option<&str> {
        match &self.0.data {
            Data::Property(name, _) => Some(name),
            _ => None,
        }
    }

    pub(super) fn name_shared(&self) -> Option<Rc<str>> {
        match &self.0.data {
            Data::Property(name, _) => Some(Rc::clone(name)),
            _ => None,
        }
    }

    /// `JProperty.Value`.
    pub fn property_value(&self) -> Option<Self> {
        match &self.0.data {
            Data::Property(_, value) => Some(value.borrow().clone()),
            _ => None,
        }
    }

    /// `Parent`.
    pub fn parent(&self) -> Option<Self> {
        self.0.parent.borrow().upgrade().map(Self)
    }

    /// `Root`.
    #[must_use]
    pub fn root(&self) -> Self {
        let mut root = self.clone();
        while let Some(parent) = root.parent() {
            root = parent;
        }
        root
    }

    /// The place among the parent's children.
    pub(super) fn place_in(&self, siblings: &[Self]) -> Option<usize> {
        let hint = self.0.place.get();
        if siblings.get(hint).is_some_and(|there| there.same(self)) {
            return Some(hint);
        }
        let place = siblings.iter().position(|sibling| sibling.same(self))?;
        self.0.place.set(place);
        Some(place)
    }

    /// Grows with each change of the list of children.
    pub fn version(&self) -> u32 {
        self.0.version.get()
    }

    pub(super) fn touch(&self) {
        self.0.version.set(self.version().wrapping_add(1));
    }

    pub(super) fn remember_place(&self, place: usize) {
        self.0.place.set(place);
    }

    /// Makes this node the parent of a child that fits.
    pub(super) fn adopt(&self, child: &Self) {
        *child.0.parent.borrow_mut() = Rc::downgrade(&self.0);
        depth::raise(self, child);
    }

    /// Forgets the parent.
    pub(super) fn orphan(&self) {
        *self.0.parent.borrow_mut() = Weak::new();
    }

    /// Refuses a child with which the tree would become too deep.
    pub(super) fn check_depth(&self, child: &Self) -> Result<()> {
        depth::check(self, child)
    }
}

impl Level for JToken {
    const MAX: u16 = DEPTH_MAX;

    fn height(&self) -> &Cell<u16> {
        &self.0.height
    }

    fn above(&self) -> Option<Self> {
        self.parent()
    }
}

impl fmt::Debug for JToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json(super::writer::Formatting::None))
    }
}

impl fmt::Display for JToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

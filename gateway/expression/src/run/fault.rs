//! Exceptions, and the limits that no policy can catch.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use crate::host::Host;
use crate::text::Text;
use crate::types::{Type, library};
use crate::value::{Object, Value};

/// A budget that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`crate::Limits::steps`].
    Steps,
    /// [`crate::Limits::memory_bytes`].
    Memory,
    /// [`crate::Limits::depth`].
    Depth,
    /// [`crate::Limits::string_units`].
    StringLength,
    /// [`crate::Limits::elements`].
    Elements,
    /// [`crate::Limits::time`].
    Time,
}

impl Limit {
    /// Text for the error that ends the evaluation.
    pub fn message(self) -> &'static str {
        match self {
            Self::Steps => "The expression exceeded the limit of steps.",
            Self::Memory => "The expression exceeded the limit of memory.",
            Self::Depth => "The expression exceeded the limit of nested calls.",
            Self::StringLength => "The expression exceeded the limit of string length.",
            Self::Elements => "The expression exceeded the limit of collection size.",
            Self::Time => "The expression exceeded the limit of time.",
        }
    }
}

/// Why an evaluation stopped.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A C# exception.
    Exception(Rc<Thrown>),
    /// A budget; passes every `catch` and `finally`.
    Limit(Limit),
}

/// A C# exception object.
#[derive(Debug)]
pub struct Thrown {
    ty: Type,
    type_name: &'static str,
    message: Text,
    inner: Value,
    notes: RefCell<Notes>,
}

/// What code may note on an exception, and what throwing it does.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// A handler has taken it.
    pub is_caught: bool,
    /// `HelpLink`; null unless set.
    pub help_link: Option<Text>,
    /// `Source`, when it was set.
    pub source: Option<Text>,
    /// `HResult`, when it was set.
    pub result: Option<i32>,
    /// `Data`, when it was asked for.
    pub data: Option<Value>,
}

impl Thrown {
    /// An exception of a type of the library.
    pub fn new(type_name: &'static str, message: Text, inner: Value) -> Self {
        Self { ty: library().named(type_name), type_name, message, inner, notes: RefCell::default() }
    }

    /// `Message`.
    pub fn message(&self) -> &Text {
        &self.message
    }

    /// `InnerException`.
    pub fn inner(&self) -> &Value {
        &self.inner
    }

    /// What is noted on it.
    pub(crate) fn notes(&self) -> &RefCell<Notes> {
        &self.notes
    }

    /// CLR name.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        crate::value::release((
            std::mem::replace(&mut self.inner, Value::Null),
            self.notes.get_mut().data.take(),
        ));
    }
}

impl Object for Thrown {
    fn ty(&self) -> Type {
        // A type that the library lacks is still an exception.
        if self.ty == Type::OBJECT { Type::EXCEPTION } else { self.ty.clone() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, host: Option<&dyn Host>) -> Text {
        Text::written(|text| {
            text.push_str(self.type_name);
            if !self.message.is_empty() {
                text.push_str(": ");
                self.message.append_to(text);
            }
            if let Value::Object(inner) = &self.inner {
                text.push_str("\n ---> ");
                inner.text(host).append_to(text);
                text.push_str("\n   --- End of inner exception stack trace ---");
            }
        })
    }
}

impl Fault {
    /// An exception by its CLR type and message.
    pub fn new(type_name: &'static str, message: impl AsRef<str>) -> Self {
        Self::Exception(Rc::new(Thrown::new(type_name, Text::from(message.as_ref()), Value::Null)))
    }

    /// The CLR name of the exception's type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Exception(thrown) => thrown.type_name,
            Self::Limit(_) => "Gateway.LimitExceededException",
        }
    }

    /// The text of the exception or limit.
    pub fn message(&self) -> String {
        match self {
            Self::Exception(thrown) => thrown.message.as_str().to_owned(),
            Self::Limit(limit) => limit.message().to_owned(),
        }
    }

    /// `NullReferenceException`.
    pub fn null_reference() -> Self {
        Self::new("System.NullReferenceException", "Object reference not set to an instance of an object.")
    }

    /// `ArgumentNullException`.
    pub fn argument_null(name: &str) -> Self {
        Self::new("System.ArgumentNullException", format!("Value cannot be null. (Parameter '{name}')"))
    }

    /// `ArgumentException`, with the parameter's name appended when there is one.
    pub fn argument(message: &str, name: &str) -> Self {
        let message =
            if name.is_empty() { message.to_owned() } else { format!("{message} (Parameter '{name}')") };
        Self::new("System.ArgumentException", message)
    }

    /// `ArgumentOutOfRangeException`.
    pub fn out_of_range(message: &str, name: &str) -> Self {
        Self::new("System.ArgumentOutOfRangeException", format!("{message} (Parameter '{name}')"))
    }

    /// `ArgumentOutOfRangeException` of a list's index.
    pub fn index_argument() -> Self {
        Self::index_argument_of("index")
    }

    /// As [`Fault::index_argument`], of another parameter.
    pub fn index_argument_of(name: &str) -> Self {
        Self::out_of_range(
            "Index was out of range. Must be non-negative and less than the size of the collection.",
            name,
        )
    }

    /// `IndexOutOfRangeException`.
    pub fn index() -> Self {
        Self::new("System.IndexOutOfRangeException", "Index was outside the bounds of the array.")
    }

    /// `InvalidCastException` of a cast.
    pub fn invalid_cast(value: &Value, to: &Type) -> Self {
        let from = value.clr_type_name().unwrap_or_else(|| "null".to_owned());
        let to = to.clr_name();
        Self::new(
            "System.InvalidCastException",
            format!("Unable to cast object of type '{from}' to type '{to}'."),
        )
    }

    /// `InvalidOperationException`.
    pub fn invalid_operation(message: &str) -> Self {
        Self::new("System.InvalidOperationException", message)
    }

    /// `KeyNotFoundException`.
    pub fn key_not_found(key: &str) -> Self {
        let message = format!("The given key '{key}' was not present in the dictionary.");
        Self::new("System.Collections.Generic.KeyNotFoundException", message)
    }

    /// `FormatException` of a number's text.
    pub fn format() -> Self {
        Self::new("System.FormatException", "Input string was not in a correct format.")
    }

    /// `OverflowException` of checked arithmetic.
    pub fn overflow() -> Self {
        Self::new("System.OverflowException", "Arithmetic operation resulted in an overflow.")
    }

    /// `DivideByZeroException`.
    pub fn divide_by_zero() -> Self {
        Self::new("System.DivideByZeroException", "Attempted to divide by zero.")
    }

    /// `NotSupportedException`.
    pub fn not_supported(message: &str) -> Self {
        Self::new("System.NotSupportedException", message)
    }
}

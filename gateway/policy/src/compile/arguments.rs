//! Arguments of a statement: literals settled at compile time, expressions evaluated per request.

use std::borrow::Cow;
use std::sync::Arc;

use gateway_expression::{Expected, Expression, Value, is_expression};

use super::Compiler;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::xml::{Element, Position};

/// A text argument.
#[derive(Clone, Debug)]
pub enum TextArg {
    Literal(Arc<str>),
    Expression(Expression),
}

/// A true/false argument.
#[derive(Clone, Debug)]
pub enum BoolArg {
    Literal(bool),
    Expression(Expression),
}

/// A whole-number argument.
#[derive(Clone, Debug)]
pub enum IntArg {
    Literal(i64),
    Expression(Expression),
}

/// An argument of any type, which stays as it is.
#[derive(Clone, Debug)]
pub enum AnyArg {
    /// A string.
    Literal(Arc<str>),
    Expression(Expression),
}

/// Evaluates an expression over the exchange.
pub fn evaluate(expression: &Expression, exchange: &Exchange) -> Result<Value, Fault> {
    expression.evaluate(exchange).map_err(|exception| Fault::expression(&exception.message))
}

impl TextArg {
    /// The text; null gives the empty text.
    pub fn get<'a>(&'a self, exchange: &Exchange) -> Result<Cow<'a, str>, Fault> {
        match self {
            Self::Literal(text) => Ok(Cow::Borrowed(text)),
            Self::Expression(expression) => Ok(Cow::Owned(evaluate(expression, exchange)?.to_text())),
        }
    }

    /// The text; `None` when an expression gives null.
    pub fn get_non_null<'a>(&'a self, exchange: &Exchange) -> Result<Option<Cow<'a, str>>, Fault> {
        match self {
            Self::Literal(text) => Ok(Some(Cow::Borrowed(text))),
            Self::Expression(expression) => {
                let value = evaluate(expression, exchange)?;
                Ok((!value.is_null()).then(|| Cow::Owned(value.to_text())))
            }
        }
    }

    /// The literal, where there is one.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Expression(_) => None,
        }
    }
}

impl AnyArg {
    pub fn get(&self, exchange: &Exchange) -> Result<Value, Fault> {
        match self {
            Self::Literal(text) => Ok(Value::str(text)),
            Self::Expression(expression) => evaluate(expression, exchange),
        }
    }
}

impl BoolArg {
    pub fn get(&self, exchange: &Exchange) -> Result<bool, Fault> {
        match self {
            Self::Literal(value) => Ok(*value),
            Self::Expression(expression) => {
                let value = evaluate(expression, exchange)?;
                value.as_bool().ok_or_else(|| Fault::expression("The value is not a Boolean."))
            }
        }
    }
}

impl IntArg {
    pub fn get(&self, exchange: &Exchange) -> Result<i64, Fault> {
        match self {
            Self::Literal(value) => Ok(*value),
            Self::Expression(expression) => {
                let value = evaluate(expression, exchange)?;
                value
                    .as_i64()
                    .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
                    .ok_or_else(|| Fault::expression("The value is not a whole number."))
            }
        }
    }
}

impl Compiler<'_> {
    /// A text attribute; `None` when absent (or wrong, which has been reported).
    pub fn text(&mut self, element: &Element, name: &str) -> Option<TextArg> {
        let attribute = element.attribute(name)?;
        self.text_of(&attribute.value, attribute.at)
    }

    /// A text attribute, or its default; `None` when it is wrong, which has been reported.
    pub fn text_or(&mut self, element: &Element, name: &str, default: &str) -> Option<TextArg> {
        match element.attribute(name) {
            Some(_) => self.text(element, name),
            None => Some(TextArg::Literal(default.into())),
        }
    }

    /// Text content of an element, trimmed.
    pub fn content(&mut self, element: &Element) -> Option<TextArg> {
        self.text_of(element.text().trim(), element.text_at())
    }

    /// A text that is a literal or an expression.
    pub fn text_of(&mut self, text: &str, at: Position) -> Option<TextArg> {
        if is_expression(text) {
            self.expression(text, Expected::String, at).map(TextArg::Expression)
        } else {
            Some(TextArg::Literal(text.into()))
        }
    }

    /// An attribute of any type; a literal is a string.
    pub fn any(&mut self, element: &Element, name: &str) -> Option<AnyArg> {
        let attribute = element.attribute(name)?;
        if is_expression(&attribute.value) {
            self.expression(&attribute.value, Expected::Any, attribute.at).map(AnyArg::Expression)
        } else {
            Some(AnyArg::Literal(attribute.value.as_str().into()))
        }
    }

    /// A true/false attribute.
    pub fn boolean(&mut self, element: &Element, name: &str) -> Option<BoolArg> {
        let attribute = element.attribute(name)?;
        if is_expression(&attribute.value) {
            self.expression(&attribute.value, Expected::Bool, attribute.at).map(BoolArg::Expression)
        } else {
            Some(BoolArg::Literal(is_true(&attribute.value)))
        }
    }

    /// A true/false attribute, or its default; `None` when it is wrong, which has been reported.
    pub fn boolean_or(&mut self, element: &Element, name: &str, default: bool) -> Option<BoolArg> {
        match element.attribute(name) {
            Some(_) => self.boolean(element, name),
            None => Some(BoolArg::Literal(default)),
        }
    }

    /// A whole-number attribute.
    pub fn int(&mut self, element: &Element, name: &str) -> Option<IntArg> {
        let attribute = element.attribute(name)?;
        if is_expression(&attribute.value) {
            self.expression(&attribute.value, Expected::Long, attribute.at).map(IntArg::Expression)
        } else {
            attribute.value.trim().parse().ok().map(IntArg::Literal)
        }
    }

    /// An attribute that takes no expression.
    pub fn literal(&self, element: &Element, name: &str) -> Option<Arc<str>> {
        element.attribute(name).map(|attribute| attribute.value.trim().into())
    }

    /// A true/false attribute that takes no expression, with its default.
    pub fn literal_bool(&self, element: &Element, name: &str, default: bool) -> bool {
        element.attribute(name).map_or(default, |attribute| is_true(&attribute.value))
    }
}

/// XML Schema's and C#'s spellings of true; the schema check has refused everything that is neither.
fn is_true(text: &str) -> bool {
    matches!(text.trim(), "true" | "True" | "1")
}

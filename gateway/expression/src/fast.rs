//! The closed shapes that most expressions have (expressions.md §4.1, §9.2), read straight from the host.
//!
//! A shape is recognised in the lowered code, so it means exactly what the code means; the property test in
//! `tests/forms.rs` holds both forms against each other. Reads allocate nothing.

mod recognise;

pub(crate) use recognise::recognise;

use std::sync::Arc;

use crate::host::{Host, Message};
use crate::message::{StoredPart, StoredValue};
use crate::run::Fault;
use crate::syntax::Binary;
use crate::types::{Type, jwt_claim};
use crate::value::Value;

/// An expression in a closed shape.
#[derive(Debug)]
pub(crate) enum Fast {
    Text(Text),
    Bool(Bool),
}

/// Reads one text of the exchange; `None` where the object that has it is null.
type Read = for<'h> fn(&'h dyn Host) -> Option<&'h str>;

/// A text, perhaps null.
#[derive(Debug)]
pub(crate) enum Text {
    Const(Arc<str>),
    /// `Headers.GetValueOrDefault(name[, default])`.
    Header {
        message: Message,
        name: Arc<str>,
        default: Option<Arc<str>>,
    },
    /// `(string)context.Variables[name]`.
    Variable(Arc<str>),
    /// `context.Variables.GetValueOrDefault<string>(name[, default])`.
    VariableOr {
        name: Arc<str>,
        default: Option<Arc<str>>,
    },
    /// `((Jwt)context.Variables[variable]).Claims.GetValueOrDefault(name[, default])`.
    Claim {
        variable: Arc<str>,
        name: Arc<str>,
        default: Option<Arc<str>>,
    },
    /// `context.Request.MatchedParameters[name]`.
    Matched(Arc<str>),
    Read(Read),
    Concat(Vec<Text>),
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Bool {
    Const(bool),
    Not(Box<Bool>),
    All(Box<(Bool, Bool)>),
    Any(Box<(Bool, Bool)>),
    /// Whether two texts are equal, compared with the wanted answer.
    Equal(bool, Box<(Text, Text)>),
    /// `context.Variables.ContainsKey(name)`.
    HasVariable(Arc<str>),
    /// `Headers.ContainsKey(name)`.
    HasHeader(Message, Arc<str>),
    /// `StatusCode` of the exchange's response, or of the one in a variable.
    Status {
        variable: Option<Arc<str>>,
        operator: Binary,
        code: i32,
    },
}

impl Fast {
    pub fn value(&self, host: &dyn Host) -> Result<Value, Fault> {
        match self {
            Self::Bool(condition) => condition.holds(host).map(Value::Bool),
            Self::Text(Text::Const(text)) => Ok(Value::Str(crate::text::Text::shared(text))),
            Self::Text(Text::Variable(name)) => variable(host, name),
            Self::Text(Text::Concat(parts)) => {
                let mut made = String::new();
                for part in parts {
                    part.append(host, &mut made)?;
                }
                Ok(Value::str(&made))
            }
            Self::Text(text) => {
                let mut value = Value::Null;
                text.with(host, &mut |text| value = text.map_or(Value::Null, Value::str))?;
                Ok(value)
            }
        }
    }
}

/// `(string)context.Variables[name]`.
fn variable(host: &dyn Host, name: &str) -> Result<Value, Fault> {
    match host.variable(name) {
        Some(value @ (Value::Str(_) | Value::Null)) => Ok(value),
        Some(other) => Err(Fault::invalid_cast(&other, &Type::STRING)),
        None => Err(Fault::key_not_found(name)),
    }
}

impl Text {
    /// Hands the text to a function. Where it has several parts the function sees a later, whole one last.
    fn with(&self, host: &dyn Host, f: &mut dyn FnMut(Option<&str>)) -> Result<(), Fault> {
        match self {
            Self::Const(text) => f(Some(text)),
            Self::Header { message, name, default } => header(host, *message, name, default.as_deref(), f),
            Self::Variable(name) => f(variable(host, name)?.as_str()),
            Self::VariableOr { name, default } => match host.variable(name) {
                None => f(default.as_deref()),
                Some(Value::Null) => f(None),
                Some(Value::Str(text)) => f(Some(text.as_str())),
                Some(other) => return Err(crate::types::wrong_variable(&other, name, &Type::STRING)),
            },
            Self::Claim { variable, name, default } => {
                let Some(value) = host.variable(variable) else { return Err(Fault::key_not_found(variable)) };
                match jwt_claim(&value, name)? {
                    Some([only]) => f(Some(only)),
                    Some(many) => f(Some(&many.join(","))),
                    None => f(default.as_deref()),
                }
            }
            Self::Matched(name) => match host.matched_parameter(name) {
                Some(text) => f(Some(text)),
                None => return Err(Fault::key_not_found(name)),
            },
            Self::Read(read) => match read(host) {
                Some(text) => f(Some(text)),
                None => return Err(Fault::null_reference()),
            },
            Self::Concat(parts) => {
                let mut made = String::new();
                for part in parts {
                    part.append(host, &mut made)?;
                }
                f(Some(&made));
            }
        }
        Ok(())
    }

    /// Appends the text; gives false for null.
    pub fn append(&self, host: &dyn Host, out: &mut String) -> Result<bool, Fault> {
        if let Self::Concat(parts) = self {
            for part in parts {
                part.append(host, out)?;
            }
            return Ok(true);
        }
        let start = out.len();
        let mut found = false;
        self.with(host, &mut |text| {
            // A header of several lines comes a second time, joined.
            out.truncate(start);
            found = text.is_some();
            out.push_str(text.unwrap_or_default());
        })?;
        Ok(found)
    }
}

fn header(
    host: &dyn Host,
    message: Message,
    name: &str,
    default: Option<&str>,
    f: &mut dyn FnMut(Option<&str>),
) {
    let mut lines = 0;
    host.header(message, name, &mut |value| {
        lines += 1;
        if lines == 1 {
            f(Some(value));
        }
    });
    match lines {
        0 => f(default),
        1 => {}
        _ => {
            let mut joined = String::new();
            let mut first = true;
            host.header(message, name, &mut |value| {
                if !std::mem::take(&mut first) {
                    joined.push(',');
                }
                joined.push_str(value);
            });
            f(Some(&joined));
        }
    }
}

impl Bool {
    pub fn holds(&self, host: &dyn Host) -> Result<bool, Fault> {
        Ok(match self {
            Self::Const(value) => *value,
            Self::Not(inner) => !inner.holds(host)?,
            Self::All(pair) => pair.0.holds(host)? && pair.1.holds(host)?,
            Self::Any(pair) => pair.0.holds(host)? || pair.1.holds(host)?,
            Self::Equal(wanted, pair) => equal(host, &pair.0, &pair.1)? == *wanted,
            Self::HasVariable(name) => host.has_variable(name),
            Self::HasHeader(message, name) => {
                let mut found = false;
                host.header(*message, name, &mut |_| found = true);
                found
            }
            Self::Status { variable, operator, code } => {
                let status = match variable {
                    None => host.response_status().map(|(status, _)| i32::from(status)),
                    Some(name) => stored_status(host, name)?,
                };
                compare(*operator, status.ok_or_else(Fault::null_reference)?, *code)
            }
        })
    }
}

fn compare(operator: Binary, a: i32, b: i32) -> bool {
    match operator {
        Binary::Eq => a == b,
        Binary::Ne => a != b,
        Binary::Lt => a < b,
        Binary::Le => a <= b,
        Binary::Gt => a > b,
        _ => a >= b,
    }
}

/// The status of a stored response; `None` for a null variable.
fn stored_status(host: &dyn Host, name: &str) -> Result<Option<i32>, Fault> {
    let Some(value) = host.variable(name) else { return Err(Fault::key_not_found(name)) };
    if value.is_null() {
        return Ok(None);
    }
    match value.downcast::<StoredValue>() {
        Some(found) if found.part == StoredPart::Response => Ok(Some(i32::from(found.stored.data.status))),
        _ => {
            let value = crate::run::cast(value, &crate::types::model_type("IResponse"))?;
            let is_own = matches!(value, Value::Context(_));
            Ok(host.response_status().filter(|_| is_own).map(|(status, _)| i32::from(status)))
        }
    }
}

/// Equality of two texts without copying a constant one.
fn equal(host: &dyn Host, a: &Text, b: &Text) -> Result<bool, Fault> {
    let mut same = false;
    match (a, b) {
        (Text::Const(wanted), other) | (other, Text::Const(wanted)) => {
            other.with(host, &mut |text| same = text == Some(wanted))?;
        }
        _ => {
            let mut first = None;
            a.with(host, &mut |text| first = text.map(str::to_owned))?;
            b.with(host, &mut |text| same = text == first.as_deref())?;
        }
    }
    Ok(same)
}

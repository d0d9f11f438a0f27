//! Expressions to values.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::fault::Stop;
use super::function;
use super::scope::Scope;
use super::syntax::Expression;

/// What stands around an expression, innermost first.
#[derive(Clone, Copy, Debug)]
pub enum Frame<'f> {
    Root,
    /// The default of a parameter: `newGuid` and `utcNow` are allowed there.
    Default,
    /// An item of a loop.
    Loop {
        name: &'f str,
        index: u64,
        outer: &'f Frame<'f>,
    },
    /// A variable of a lambda.
    Local {
        name: &'f str,
        value: &'f Value,
        outer: &'f Frame<'f>,
    },
    /// A function that the template declares sees its own parameters only.
    Function {
        parameters: &'f HashMap<String, Arc<Value>>,
        depth: usize,
    },
}

/// Calls of declared functions inside one another.
pub const FUNCTION_DEPTH_MAX: usize = 16;

impl Frame<'_> {
    /// The index of a loop by name; of the innermost for none.
    pub fn index(&self, wanted: Option<&str>) -> Option<u64> {
        match self {
            Self::Loop { name, index, outer } => {
                let is_it = wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(name));
                if is_it { Some(*index) } else { outer.index(wanted) }
            }
            Self::Local { outer, .. } => outer.index(wanted),
            _ => None,
        }
    }

    /// The variable of a lambda.
    pub fn local(&self, wanted: &str) -> Option<&Value> {
        match self {
            Self::Local { name, value, .. } if name.eq_ignore_ascii_case(wanted) => Some(value),
            Self::Local { outer, .. } | Self::Loop { outer, .. } => outer.local(wanted),
            _ => None,
        }
    }

    /// How many declared functions are being called.
    pub fn function_depth(&self) -> usize {
        match self {
            Self::Function { depth, .. } => *depth,
            Self::Local { outer, .. } | Self::Loop { outer, .. } => outer.function_depth(),
            _ => 0,
        }
    }

    /// Whether it is inside the default of a parameter.
    pub fn is_default(&self) -> bool {
        match self {
            Self::Default => true,
            Self::Local { outer, .. } | Self::Loop { outer, .. } => outer.is_default(),
            _ => false,
        }
    }

    /// The parameters of the declared function that this is in.
    pub fn parameters(&self) -> Option<&HashMap<String, Arc<Value>>> {
        match self {
            Self::Function { parameters, .. } => Some(parameters),
            Self::Local { outer, .. } | Self::Loop { outer, .. } => outer.parameters(),
            _ => None,
        }
    }
}

/// The value of an expression. Every value that is made is paid for.
pub fn evaluate(scope: &Scope<'_>, expression: &Expression, frame: &Frame<'_>) -> Result<Value, Stop> {
    let value = scope.inside(|| match expression {
        Expression::Text(text) => Ok(Value::from(text.as_str())),
        Expression::Integer(number) => Ok(Value::from(*number)),
        Expression::Call { name, arguments } => function::call(scope, name, arguments, frame),
        Expression::Member(..) | Expression::Index(..) => member(scope, expression, frame),
    })?;
    scope.fuel.pay(&value)?;
    Ok(value)
}

/// A value that may be shared with others: a parameter or a variable is not copied to look into it.
fn shared(scope: &Scope<'_>, expression: &Expression, frame: &Frame<'_>) -> Result<Arc<Value>, Stop> {
    if let Expression::Call { name, arguments } = expression
        && let Some(value) = function::declared(scope, name, arguments, frame)
    {
        return value;
    }
    evaluate(scope, expression, frame).map(Arc::new)
}

/// A member of a member of a value.
fn member(scope: &Scope<'_>, expression: &Expression, frame: &Frame<'_>) -> Result<Value, Stop> {
    let mut steps = Vec::new();
    let mut at = expression;
    loop {
        at = match at {
            Expression::Member(of, name) => {
                steps.push(Value::from(name.as_str()));
                of
            }
            Expression::Index(of, index) => {
                steps.push(evaluate(scope, index, frame)?);
                of
            }
            _ => break,
        };
    }
    let whole = shared(scope, at, frame)?;
    let mut value = &*whole;
    for step in steps.iter().rev() {
        value = inside(value, step)?;
    }
    Ok(value.clone())
}

/// An item of a list by number, or a member of an object by name, compared without case.
pub fn inside<'v>(value: &'v Value, step: &Value) -> Result<&'v Value, Stop> {
    match (value, step) {
        (Value::Object(members), Value::String(name)) => {
            let exact = members.get(name);
            let found = exact.or_else(|| {
                members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v)
            });
            found.ok_or_else(|| {
                let known: Vec<&str> = members.keys().map(String::as_str).take(20).collect();
                format!(
                    "The language expression property '{name}' doesn't exist, available properties are '{}'.",
                    known.join(", ")
                )
                .into()
            })
        }
        (Value::Array(items), Value::Number(index)) => {
            let found = index.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?));
            found.ok_or_else(|| {
                format!("The language expression property array index '{index}' is out of bounds.").into()
            })
        }
        (value, step) => Err(format!(
            "The language expression property '{}' can't be evaluated: it is asked of {}.",
            function::to_text(step),
            function::kind_of(value)
        )
        .into()),
    }
}

//! The functions of templates. Names are compared without case.

mod array;
mod convert;
mod date;
mod lambda;
mod logic;
mod resource;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::evaluate::{FUNCTION_DEPTH_MAX, Frame, evaluate};
use super::fault::Stop;
use super::object::evaluated_value;
use super::scope::Scope;
use super::syntax::Expression;

/// A function of values alone.
type Pure = fn(&[Value]) -> Result<Value, String>;

/// Name, fewest and most arguments, and what it does.
type Row = (&'static str, usize, usize, Pure);

/// Any number of arguments.
const ANY: usize = usize::MAX;

const TABLES: [&[Row]; 5] = [text::TABLE, array::TABLE, logic::TABLE, convert::TABLE, date::TABLE];

/// The value of a call.
pub fn call(
    scope: &Scope<'_>,
    name: &str,
    arguments: &[Expression],
    frame: &Frame<'_>,
) -> Result<Value, Stop> {
    if let Some(value) = declared(scope, name, arguments, frame) {
        return value.map(|value| Value::clone(&value));
    }
    let lower = name.to_ascii_lowercase();
    let value = |at: usize| match arguments.get(at) {
        Some(argument) => evaluate(scope, argument, frame),
        None => Err(format!("The template function '{name}' lacks an argument.").into()),
    };
    if let Some(made) = lambda::call(scope, &lower, arguments, frame) {
        return made;
    }
    match (lower.as_str(), arguments.len()) {
        ("if", 3) => match value(0)? {
            Value::Bool(true) => value(1),
            Value::Bool(false) => value(2),
            other => {
                Err(format!("The first argument of 'if' must be true or false; it is {}.", kind_of(&other))
                    .into())
            }
        },
        ("and" | "or", 2..) => {
            let stops_at = lower == "or";
            for at in 0..arguments.len() {
                match value(at)? {
                    Value::Bool(is) if is == stops_at => return Ok(Value::Bool(stops_at)),
                    Value::Bool(_) => {}
                    other => {
                        return Err(format!(
                            "The arguments of '{name}' must be true or false; one is {}.",
                            kind_of(&other)
                        )
                        .into());
                    }
                }
            }
            Ok(Value::Bool(!stops_at))
        }
        ("coalesce", 1..) => {
            for at in 0..arguments.len() {
                let value = value(at)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Ok(Value::Null)
        }
        ("copyindex", 0..=2) => copy_index(scope, arguments, frame),
        ("newguid" | "utcnow", _) if !frame.is_default() => {
            Err(format!("The template function '{name}' is allowed in the default of a parameter only.")
                .into())
        }
        _ => {
            let values = arguments.iter().map(|argument| evaluate(scope, argument, frame));
            let values: Vec<Value> = values.collect::<Result<_, _>>()?;
            of_values(scope, name, &lower, &values, frame)
        }
    }
}

fn of_values(
    scope: &Scope<'_>,
    name: &str,
    lower: &str,
    values: &[Value],
    frame: &Frame<'_>,
) -> Result<Value, Stop> {
    if let Some(made) = resource::call(scope, lower, values) {
        return made.map_err(|stop| within(name, stop));
    }
    let row = TABLES.iter().copied().flatten().find(|(known, ..)| *known == lower);
    if let Some((_, least, most, function)) = row {
        if !(*least..=*most).contains(&values.len()) {
            let most = if *most == ANY { "any number".to_owned() } else { most.to_string() };
            return Err(format!(
                "The template function '{name}' takes {least} to {most} arguments; {} are given.",
                values.len()
            )
            .into());
        }
        text::foresee(scope.fuel, lower, values)?;
        return function(values).map_err(|message| within(name, message.into()));
    }
    if name.contains('.') {
        return own(scope, name, values, frame);
    }
    Err(format!("The template function '{name}' is not valid.").into())
}

fn within(name: &str, stop: Stop) -> Stop {
    match stop {
        Stop::Fault(mut fault) => {
            fault.message = format!("Unable to evaluate the template function '{name}': {}", fault.message);
            Stop::Fault(fault)
        }
        need @ Stop::Need(_) => need,
    }
}

/// What is kept and need not be made: parameters, variables, variables of a lambda. `None` is another function.
pub fn declared(
    scope: &Scope<'_>,
    name: &str,
    arguments: &[Expression],
    frame: &Frame<'_>,
) -> Option<Result<Arc<Value>, Stop>> {
    let kinds = ["parameters", "variables", "lambdaVariables"];
    let kind = kinds.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
    let [argument] = arguments else {
        return Some(Err(format!("The template function '{name}' takes one argument.").into()));
    };
    let wanted = match evaluate(scope, argument, frame) {
        Ok(Value::String(wanted)) => wanted,
        Ok(_) => return Some(Err(format!("The argument of '{name}' must be a text.").into())),
        Err(stop) => return Some(Err(stop)),
    };
    Some(match (kind, frame.parameters()) {
        ("parameters", Some(own)) => {
            let found = own.get(&wanted.to_ascii_lowercase()).cloned();
            found.ok_or_else(|| format!("The function's parameter '{wanted}' is not found.").into())
        }
        ("parameters", None) => scope.parameter(&wanted),
        ("variables", None) => scope.variable(&wanted),
        ("variables", Some(_)) => Err("A function that a template declares sees no variables.".into()),
        _ => {
            let found = frame.local(&wanted).cloned().map(Arc::new);
            found.ok_or_else(|| format!("The variable '{wanted}' of a lambda is not found.").into())
        }
    })
}

fn copy_index(scope: &Scope<'_>, arguments: &[Expression], frame: &Frame<'_>) -> Result<Value, Stop> {
    let (mut name, mut offset) = (None, 0);
    for argument in arguments {
        match evaluate(scope, argument, frame)? {
            Value::String(given) => name = Some(given),
            Value::Number(given) => offset = given.as_i64().unwrap_or_default(),
            other => {
                return Err(format!(
                    "'copyIndex' takes a loop's name and a number, not {}.",
                    kind_of(&other)
                )
                .into());
            }
        }
    }
    let index = frame.index(name.as_deref()).and_then(|index| i64::try_from(index).ok()?.checked_add(offset));
    index.map(Value::from).ok_or_else(|| match name {
        Some(name) => format!("'copyIndex' names '{name}', and is in no loop of that name.").into(),
        None => "'copyIndex' is in no loop.".into(),
    })
}

/// A function that the template declares: `functions: [{namespace, members: {name: {parameters, output}}}]`.
fn own(scope: &Scope<'_>, name: &str, values: &[Value], frame: &Frame<'_>) -> Result<Value, Stop> {
    let unknown = || {
        Stop::from(format!("The template function '{name}' is not valid: the template does not declare it."))
    };
    let (namespace, member) = name.split_once('.').ok_or_else(unknown)?;
    let spaces =
        scope.template.root.get("functions").and_then(|functions| functions.as_array()).unwrap_or_default();
    let space = spaces
        .iter()
        .find(|space| space.text("namespace").is_some_and(|it| it.eq_ignore_ascii_case(namespace)));
    let members = space.and_then(|space| space.get("members")?.as_object()).ok_or_else(unknown)?;
    let function = members.iter().find(|(known, _)| known.eq_ignore_ascii_case(member));
    let function = function.map(|(_, function)| function).ok_or_else(unknown)?;
    let declared =
        function.get("parameters").and_then(|parameters| parameters.as_array()).unwrap_or_default();
    if declared.len() != values.len() {
        let message =
            format!("The function '{name}' takes {} arguments; {} are given.", declared.len(), values.len());
        return Err(message.into());
    }
    let depth = frame.function_depth() + 1;
    if depth > FUNCTION_DEPTH_MAX {
        return Err(format!("Functions call one another more than {FUNCTION_DEPTH_MAX} deep.").into());
    }
    let names =
        declared.iter().map(|parameter| parameter.text("name").unwrap_or_default().to_ascii_lowercase());
    let parameters: HashMap<String, Arc<Value>> = names.zip(values.iter().cloned().map(Arc::new)).collect();
    let output = function.get("output").and_then(|output| output.get("value")).ok_or_else(unknown)?;
    let frame = Frame::Function { parameters: &parameters, depth };
    evaluated_value(scope, output, &frame, &format!("functions.{name}.output"))
}

/// The kind of a value, in words.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value as text: `True`, JSON of lists and objects.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// An argument that must be a text.
fn text_at(values: &[Value], at: usize) -> Result<&str, String> {
    match values.get(at) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("argument {} must be a text; it is {}.", at + 1, kind_of(other))),
        None => Err(format!("argument {} is missing.", at + 1)),
    }
}

/// An argument that must be a whole number.
fn int_at(values: &[Value], at: usize) -> Result<i64, String> {
    let value = values.get(at).ok_or_else(|| format!("argument {} is missing.", at + 1))?;
    value
        .as_i64()
        .ok_or_else(|| format!("argument {} must be a whole number; it is {}.", at + 1, kind_of(value)))
}

/// An argument that must be a list.
fn list_at(values: &[Value], at: usize) -> Result<&[Value], String> {
    match values.get(at) {
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(format!("argument {} must be a list; it is {}.", at + 1, kind_of(other))),
        None => Err(format!("argument {} is missing.", at + 1)),
    }
}

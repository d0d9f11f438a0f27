//! Functions (`XPath` 1.0 §4, XSLT 1.0 §12).

use std::rc::Rc;

use super::evaluate::Context;
use super::numbers::round;
use super::value::{Node, Value, data, string_of};
use super::{Expr, Function};
use crate::xslt::Error;
use crate::xslt::stylesheet::ELEMENTS;
use crate::xslt::tree::{Kind, Name};

/// Bytes of a text that is put together.
const TEXT_BYTES_MAX: usize = 4 << 20;

type Found = Result<Value, Error>;

/// Calls a function; the parser has checked how many arguments there are.
pub fn call(c: &Context<'_>, function: Function, arguments: &[Expr]) -> Found {
    let text = |index: usize| match arguments.get(index) {
        Some(argument) => c.string(argument),
        None => string_of(c.host, c.node).map(Rc::from),
    };
    let number = |index: usize| match arguments.get(index) {
        Some(argument) => c.number(argument),
        None => Value::Text(string_of(c.host, c.node)?.into()).number(c.host),
    };
    let value =
        |index: usize| arguments.get(index).map_or(Ok(Value::Boolean(false)), |argument| c.value(argument));
    Ok(match function {
        Function::Last => Value::Number(c.size as f64),
        Function::Position => Value::Number(c.position as f64),
        Function::True => Value::Boolean(true),
        Function::False => Value::Boolean(false),
        Function::Boolean => Value::Boolean(value(0)?.boolean()),
        Function::Not => Value::Boolean(!value(0)?.boolean()),
        Function::Number => Value::Number(number(0)?),
        Function::Floor => Value::Number(number(0)?.floor()),
        Function::Ceiling => Value::Number(number(0)?.ceil()),
        Function::Round => Value::Number(round(number(0)?)),
        Function::String => Value::Text(text(0)?),
        Function::StringLength => Value::Number(text(0)?.encode_utf16().count() as f64),
        Function::NormalizeSpace => {
            let text = text(0)?;
            let words = text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
            let words: Vec<&str> = words.collect();
            Value::text(&words.join(" "))
        }
        Function::StartsWith => Value::Boolean(text(0)?.starts_with(&*text(1)?)),
        Function::Contains => Value::Boolean(text(0)?.contains(&*text(1)?)),
        Function::SubstringBefore => {
            Value::text(text(0)?.split_once(&*text(1)?).map_or("", |(before, _)| before))
        }
        Function::SubstringAfter => {
            Value::text(text(0)?.split_once(&*text(1)?).map_or("", |(_, after)| after))
        }
        Function::Substring => {
            substring(&text(0)?, number(1)?, arguments.get(2).map(|_| number(2)).transpose()?)
        }
        Function::Concat => concat(c, arguments)?,
        Function::Translate => translate(c, &text(0)?, &text(1)?, &text(2)?)?,
        Function::FormatNumber => {
            let format = arguments.get(2).map(|_| text(2)).transpose()?;
            Value::text(&c.host.format_number(number(0)?, &text(1)?, format.as_deref())?)
        }
        Function::SystemProperty => system_property(&text(0)?),
        // There are no DTDs, so no entities and no identifiers.
        Function::UnparsedEntityUri => Value::text(""),
        Function::Id => Value::Nodes(Rc::from([])),
        Function::ElementAvailable => Value::Boolean(element_available(&text(0)?)),
        Function::FunctionAvailable => Value::Boolean(function_available(&text(0)?)),
        Function::ObjectType => Value::text(match value(0)? {
            Value::Nodes(_) => "node-set",
            Value::Boolean(_) => "boolean",
            Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::Fragment(_) => "RTF",
        }),
        other => of_nodes(c, other, arguments)?,
    })
}

fn element_available(name: &str) -> bool {
    name.split_once(':').is_some_and(|(_, local)| ELEMENTS.contains(&local))
}

fn function_available(name: &str) -> bool {
    match name.split_once(':') {
        Some((_, local)) => Function::named(&format!("{{{local}}}")).is_some(),
        None => Function::named(name).is_some(),
    }
}

/// The functions that take or give nodes.
fn of_nodes(c: &Context<'_>, function: Function, arguments: &[Expr]) -> Found {
    let first = || match arguments.first() {
        Some(argument) => Ok(c.nodes(argument)?.first().copied()),
        None => Ok(Some(c.node)),
    };
    let nodes = || arguments.first().map_or_else(|| Ok(Rc::from([])), |argument| c.nodes(argument));
    Ok(match function {
        Function::Count => Value::Number(nodes()?.len() as f64),
        Function::Sum => {
            let mut sum = 0.0;
            for node in nodes()?.iter() {
                sum += super::numbers::number_of(&string_of(c.host, *node)?);
            }
            Value::Number(sum)
        }
        Function::LocalName => {
            Value::text(&name(c, first()?).map_or_else(String::new, |(_, name)| name.local.to_string()))
        }
        Function::NamespaceUri => {
            Value::text(&name(c, first()?).map_or_else(String::new, |(_, name)| name.namespace.to_string()))
        }
        Function::NameOf => Value::text(&name(c, first()?).map_or_else(String::new, |(written, _)| written)),
        Function::Lang => Value::Boolean(lang(c, &first_text(c, arguments)?)),
        Function::Current => Value::Nodes(Rc::from([c.current])),
        Function::GenerateId => match first()? {
            Some(node) => Value::text(&format!("ID{}x{}", node.tree, node.index)),
            None => Value::text(""),
        },
        Function::Key => key(c, arguments)?,
        Function::NodeSet => match arguments.first().map(|argument| c.value(argument)).transpose()? {
            Some(Value::Fragment(tree)) => Value::Nodes(Rc::from([Node { tree, index: 0 }])),
            Some(nodes @ Value::Nodes(_)) => nodes,
            _ => return Err(Error::new("Cannot convert the operand of node-set() to a node-set.")),
        },
        _ => return Err(Error::new("The function is not known.")),
    })
}

fn first_text(c: &Context<'_>, arguments: &[Expr]) -> Result<Rc<str>, Error> {
    arguments.first().map_or_else(|| Ok("".into()), |argument| c.string(argument))
}

fn name(c: &Context<'_>, node: Option<Node>) -> Option<(String, Name)> {
    let node = data(c.host, node?)?;
    let name = node.name.as_deref()?;
    Some((name.written(), name.name.clone()))
}

/// UTF-16 units, which are .NET's characters, from a position, 1 is the first (§4.2, with its rounding).
fn substring(text: &str, start: f64, length: Option<f64>) -> Value {
    let start = round(start);
    let end = length.map(|length| start + round(length));
    let inside = |position: f64| position >= start && end.is_none_or(|end| position < end);
    let units = text.encode_utf16().enumerate().filter(|(index, _)| inside((*index + 1) as f64));
    let kept: Vec<u16> = units.map(|(_, unit)| unit).collect();
    Value::text(&String::from_utf16_lossy(&kept))
}

fn concat(c: &Context<'_>, arguments: &[Expr]) -> Found {
    let mut joined = String::new();
    for argument in arguments {
        joined.push_str(&c.string(argument)?);
        c.host.charge(joined.len() as u64 / 64)?;
        if joined.len() > TEXT_BYTES_MAX {
            return Err(Error::new("A text of the stylesheet is too large."));
        }
    }
    Ok(Value::text(&joined))
}

fn translate(c: &Context<'_>, text: &str, from: &str, to: &str) -> Found {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    c.host.charge((text.len() as u64).saturating_mul(from.len() as u64 + 1) / 64)?;
    let mapped = text.chars().filter_map(|c| match from.iter().position(|known| *known == c) {
        Some(place) => to.get(place).copied(),
        None => Some(c),
    });
    Ok(Value::text(&mapped.collect::<String>()))
}

/// What stylesheets ask to know where they run; the names are those of Azure's processor.
fn system_property(name: &str) -> Value {
    match name.rsplit(':').next().unwrap_or_default() {
        "version" if !name.starts_with("msxsl") => Value::Number(1.0),
        "vendor" => Value::text("Microsoft"),
        "vendor-url" => Value::text("http://www.microsoft.com"),
        _ => Value::text(""),
    }
}

fn lang(c: &Context<'_>, wanted: &str) -> bool {
    let Some(tree) = c.host.tree(c.node.tree) else { return false };
    let mut at = c.node.index;
    loop {
        if let Some(found) = tree.attribute(at, crate::xslt::tree::XML_NAMESPACE, "lang") {
            let (found, wanted) = (found.to_ascii_lowercase(), wanted.to_ascii_lowercase());
            return found == wanted || found.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('-'));
        }
        match tree.get(at) {
            Some(node) if node.kind != Kind::Root => at = node.parent,
            _ => return false,
        }
    }
}

/// `key(name, value)`: of a node-set every node's text is a value.
fn key(c: &Context<'_>, arguments: &[Expr]) -> Found {
    let name = first_text(c, arguments)?;
    let value = arguments.get(1).map_or(Ok(Value::text("")), |argument| c.value(argument))?;
    let Value::Nodes(nodes) = value else {
        return Ok(Value::Nodes(c.host.key(&name, &value.string(c.host)?, c.node.tree)?));
    };
    let mut found = Vec::new();
    for node in nodes.iter() {
        found.extend(c.host.key(&name, &string_of(c.host, *node)?, c.node.tree)?.iter());
    }
    Ok(Value::nodes(found))
}

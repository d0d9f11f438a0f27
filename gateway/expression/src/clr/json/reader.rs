//! `JToken.Parse`, `JObject.Parse`, `JArray.Parse`: tokens to trees, without recursion.

use std::rc::Rc;

use super::lexer::{Event, Lexer};
use super::node::{JToken, TokenType};
use super::scalar::Scalar;
use crate::clr::exception::{Error, Result};

/// How deep a document may be when nothing else is asked for.
pub const DEPTH_DEFAULT: usize = 128;

/// Depth beyond which a document could not become a tree.
const DEPTH_BOUND: usize = super::node::DEPTH_MAX as usize / 2 - 1;

/// `JToken.Parse(text)`; `depth_max` containers may be open at once (at most 499).
///
/// # Errors
/// `JsonReaderException`; `ArgumentOutOfRangeException` for a `/Date(ms)/` out of range.
pub fn parse(text: &str, depth_max: usize) -> Result<JToken> {
    read(Lexer::new(text, depth_max.min(DEPTH_BOUND)))
}

/// As [`parse`] with the default depth, strings staying strings (`DateParseHandling.None`).
///
/// # Errors
/// As [`parse`].
pub fn parse_without_dates(text: &str) -> Result<JToken> {
    let mut lexer = Lexer::new(text, DEPTH_DEFAULT);
    lexer.dates = false;
    read(lexer)
}

/// As [`parse`] with the default depth, what stands before the value as a comment left out: how the serializer reads.
///
/// # Errors
/// As [`parse`].
pub fn parse_content(text: &str) -> Result<JToken> {
    content(Lexer::new(text, DEPTH_DEFAULT))
}

/// As [`parse_content`], every value but null as the string that was written: what `ReadAsString` gives.
///
/// # Errors
/// As [`parse`].
pub fn parse_as_written(text: &str) -> Result<JToken> {
    let mut lexer = Lexer::new(text, DEPTH_DEFAULT);
    (lexer.dates, lexer.as_written) = (false, true);
    content(lexer)
}

fn content(mut lexer: Lexer<'_>) -> Result<JToken> {
    let first = loop {
        match lexer.next()? {
            Some(Event::Comment(_)) => {}
            Some(event) => break event,
            None => return Err(lexer.error("Error reading JToken from JsonReader.")),
        }
    };
    whole(&mut lexer, &first)
}

fn read(mut lexer: Lexer<'_>) -> Result<JToken> {
    let Some(first) = lexer.next()? else { return Err(lexer.error("Error reading JToken from JsonReader.")) };
    whole(&mut lexer, &first)
}

fn whole(lexer: &mut Lexer<'_>, first: &Event) -> Result<JToken> {
    let token = match first {
        Event::Comment(text) => JToken::value(Scalar::Comment(Rc::clone(text))),
        Event::Value(value) => JToken::value(value.clone()),
        start => container(lexer, start)?,
    };
    finish(lexer)?;
    Ok(token)
}

/// `JObject.Parse(text)`.
///
/// # Errors
/// As [`parse`]; also when the document is no object.
pub fn parse_object(text: &str, depth_max: usize) -> Result<JToken> {
    parse_container(text, depth_max, "JObject", "an object", |event| matches!(event, Event::StartObject))
}

/// `JArray.Parse(text)`.
///
/// # Errors
/// As [`parse`]; also when the document is no array.
pub fn parse_array(text: &str, depth_max: usize) -> Result<JToken> {
    parse_container(text, depth_max, "JArray", "an array", |event| matches!(event, Event::StartArray))
}

fn parse_container(
    text: &str,
    depth_max: usize,
    class: &str,
    article: &str,
    fits: impl Fn(&Event) -> bool,
) -> Result<JToken> {
    let mut lexer = Lexer::new(text, depth_max.min(DEPTH_BOUND));
    let first = loop {
        match lexer.next()? {
            Some(Event::Comment(_)) => {}
            Some(event) => break event,
            None => return Err(lexer.error(&format!("Error reading {class} from JsonReader."))),
        }
    };
    if !fits(&first) {
        let item = event_name(&first);
        return Err(lexer.error(&format!(
            "Error reading {class} from JsonReader. Current JsonReader item is not {article}: {item}."
        )));
    }
    let token = container(&mut lexer, &first)?;
    finish(&mut lexer)?;
    Ok(token)
}

/// `JsonToken`'s name for an event.
fn event_name(event: &Event) -> &'static str {
    match event {
        Event::StartObject => "StartObject",
        Event::StartArray => "StartArray",
        Event::StartConstructor(_) => "StartConstructor",
        Event::Name(_) => "PropertyName",
        Event::Comment(_) => "Comment",
        Event::EndObject => "EndObject",
        Event::EndArray => "EndArray",
        Event::EndConstructor => "EndConstructor",
        Event::Value(value) => match value.token_type() {
            TokenType::Integer => "Integer",
            TokenType::Float => "Float",
            TokenType::String => "String",
            TokenType::Boolean => "Boolean",
            TokenType::Undefined => "Undefined",
            TokenType::Date => "Date",
            _ => "Null",
        },
    }
}

/// Only comments may stand behind the document.
fn finish(lexer: &mut Lexer<'_>) -> Result<()> {
    while lexer.next()?.is_some() {}
    Ok(())
}

/// A container under construction, and the name that waits for its value.
struct Open {
    token: JToken,
    name: Option<Rc<str>>,
}

fn container(lexer: &mut Lexer<'_>, start: &Event) -> Result<JToken> {
    let Some(root) = started(start) else {
        // An end without a start was refused by the lexer.
        return Err(lexer.error("Unexpected content while parsing JSON."));
    };
    let mut open = vec![Open { token: root.clone(), name: None }];
    let mut empty = true;
    loop {
        let Some(event) = lexer.next()? else { return Err(cut_off(lexer, &root, empty)) };
        empty = false;
        match event {
            Event::Name(name) => {
                if let Some(top) = open.last_mut() {
                    top.name = Some(name);
                }
            }
            Event::Value(value) => put(&mut open, JToken::value(value)),
            Event::Comment(_) => {}
            Event::EndObject | Event::EndArray | Event::EndConstructor => {
                let Some(done) = open.pop() else { return Ok(root) };
                if open.is_empty() {
                    return Ok(done.token);
                }
                put(&mut open, done.token);
            }
            start => open.extend(started(&start).map(|token| Open { token, name: None })),
        }
    }
}

fn cut_off(lexer: &Lexer<'_>, root: &JToken, empty: bool) -> Error {
    let class = root.class_name();
    lexer.error(&if empty && lexer.depth() > 0 {
        format!("Error reading {class} from JsonReader.")
    } else {
        format!("Unexpected end of content while loading {class}.")
    })
}

fn started(event: &Event) -> Option<JToken> {
    match event {
        Event::StartObject => Some(JToken::object()),
        Event::StartArray => Some(JToken::array()),
        Event::StartConstructor(name) => Some(JToken::constructor(name)),
        _ => None,
    }
}

/// Puts a finished value into the innermost container; of properties with one name the last wins.
fn put(open: &mut [Open], value: JToken) {
    let Some(top) = open.last_mut() else { return };
    match top.name.take() {
        None => top.token.push_fresh(value),
        Some(name) => match top.token.find_property(&name) {
            Some(property) => property.replace_value_fresh(value),
            None => top.token.push_fresh(JToken::property_of_fresh(name, &value)),
        },
    }
}

//! The filters, by name (`policies.md` B 2.6). `DotLiquid`'s C# mode writes them in Pascal case; Liquid's own spelling
//! (`url_encode`) is understood too.

use std::borrow::Cow;

use gateway_expression::clr::date_time::DateTime;
use gateway_expression::clr::exception::{Error, ExceptionKind};
use gateway_expression::clr::number::format;
use gateway_expression::clr::regex::{Regex, RegexOptions};

use super::condition::{equal, order};
use super::numbers::{self, Operation, as_double, as_int, calculate};
use super::strings;
use super::value::Value;

/// A filter. Names and what they do stand together in the table below.
pub type Filter = fn(&Call, &Value, &[Value]) -> Result<Value, String>;

/// What filters may know beside their input.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub now: DateTime,
    /// Of any text that a filter makes.
    pub bytes_max: usize,
}

impl Call {
    /// Runs a filter.
    pub fn apply(&self, filter: Filter, input: &Value, arguments: &[Value]) -> Result<Value, String> {
        filter(self, input, arguments)
    }

    /// Fails before a text would be made that is too long.
    fn check(&self, bytes: usize) -> Result<(), String> {
        if bytes > self.bytes_max {
            return Err(format!("The value would be longer than {} bytes.", self.bytes_max));
        }
        Ok(())
    }
}

/// The filter of that name.
pub fn find(name: &str) -> Option<Filter> {
    let plain: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    TABLE.iter().find(|(known, _)| *known == plain).map(|(_, filter)| *filter)
}

type Row = (&'static str, Filter);

/// Nil stays nil; anything else is made into a text.
fn text_filter(input: &Value, make: impl FnOnce(&str) -> String) -> Result<Value, String> {
    match input {
        Value::Nil => Ok(Value::Nil),
        other => Ok(Value::text(&make(&other.to_text()))),
    }
}

fn text_at(arguments: &[Value], at: usize) -> String {
    arguments.get(at).map(Value::to_text).unwrap_or_default()
}

fn int_at(arguments: &[Value], at: usize, default: i64) -> i64 {
    arguments.get(at).and_then(as_int).unwrap_or(default)
}

fn arithmetic(operation: Operation, input: &Value, arguments: &[Value]) -> Result<Value, String> {
    calculate(operation, input, arguments.first().unwrap_or(&Value::Nil))
}

static TABLE: &[Row] = &[
    ("abs", |_, input, _| Ok(numbers::abs(input))),
    ("append", |call, input, a| {
        let (text, more) = (input.to_text(), text_at(a, 0));
        call.check(text.len() + more.len())?;
        Ok(Value::text(&(text + &more)))
    }),
    ("atleast", |_, input, a| bound(input, a, true)),
    ("atmost", |_, input, a| bound(input, a, false)),
    ("capitalize", |_, input, _| text_filter(input, strings::capitalize)),
    ("ceil", |_, input, _| Ok(numbers::to_whole(input, true))),
    ("compact", |_, input, _| list_filter(input, |items| items.retain(|item| !matches!(item, Value::Nil)))),
    ("concat", |_, input, a| {
        let more = a.first().map(Value::items).unwrap_or_default();
        list_filter(input, |items| items.extend(more))
    }),
    ("currency", |_, input, _| Ok(currency(input))),
    ("date", date),
    ("default", |_, input, a| {
        let missing = !input.is_true() || input.is_empty();
        Ok(if missing { a.first().cloned().unwrap_or(Value::Nil) } else { input.clone() })
    }),
    ("dividedby", |_, input, a| arithmetic(Operation::DividedBy, input, a)),
    ("downcase", |_, input, _| text_filter(input, strings::downcase)),
    ("escape", |_, input, _| text_filter(input, strings::escape)),
    ("first", |_, input, _| Ok(edge(input, true))),
    ("floor", |_, input, _| Ok(numbers::to_whole(input, false))),
    ("h", |_, input, _| text_filter(input, strings::escape)),
    ("join", |call, input, a| join(call, input, a.first().map_or_else(|| " ".to_owned(), Value::to_text))),
    ("last", |_, input, _| Ok(edge(input, false))),
    ("lstrip", |_, input, _| text_filter(input, |text| text.trim_start().to_owned())),
    ("map", |_, input, a| {
        let name = text_at(a, 0);
        list_filter(input, |items| items.iter_mut().for_each(|item| *item = property(item, &name)))
    }),
    ("minus", |_, input, a| arithmetic(Operation::Minus, input, a)),
    ("modulo", |_, input, a| arithmetic(Operation::Modulo, input, a)),
    ("newlinetobr", |call, input, _| {
        call.check(input.to_text().len().saturating_mul(7))?;
        text_filter(input, strings::newline_to_br)
    }),
    ("plus", |_, input, a| arithmetic(Operation::Plus, input, a)),
    ("prepend", |call, input, a| {
        let (text, more) = (input.to_text(), text_at(a, 0));
        call.check(text.len() + more.len())?;
        Ok(Value::text(&(more + &text)))
    }),
    ("remove", |call, input, a| replace(call, input, &text_at(a, 0), "", usize::MAX)),
    ("removefirst", |call, input, a| replace(call, input, &text_at(a, 0), "", 1)),
    ("replace", |call, input, a| replace(call, input, &text_at(a, 0), &text_at(a, 1), usize::MAX)),
    ("replacefirst", |call, input, a| replace(call, input, &text_at(a, 0), &text_at(a, 1), 1)),
    ("reverse", |_, input, _| list_filter(input, |items| items.reverse())),
    ("round", |_, input, a| Ok(numbers::round(input, int_at(a, 0, 0)))),
    ("rstrip", |_, input, _| text_filter(input, |text| text.trim_end().to_owned())),
    ("size", |_, input, _| Ok(Value::Int(size(input)))),
    ("slice", slice),
    ("sort", sort),
    ("split", |_, input, a| Ok(split(&input.to_text(), &text_at(a, 0)))),
    ("strip", |_, input, _| text_filter(input, |text| text.trim().to_owned())),
    ("striphtml", |_, input, _| text_filter(input, strings::strip_html)),
    ("stripnewlines", |_, input, _| text_filter(input, strings::strip_newlines)),
    ("times", |_, input, a| arithmetic(Operation::Times, input, a)),
    ("truncate", |_, input, a| {
        let (length, ending) = (int_at(a, 0, 50), ending(a));
        text_filter(input, |text| strings::truncate(text, length.max(0) as usize, &ending))
    }),
    ("truncatewords", |_, input, a| {
        let (count, ending) = (int_at(a, 0, 15), ending(a));
        text_filter(input, |text| strings::truncate_words(text, count.max(0) as usize, &ending))
    }),
    ("uniq", |_, input, _| uniq(input)),
    ("upcase", |_, input, _| text_filter(input, strings::upcase)),
    ("urldecode", |_, input, _| text_filter(input, strings::url_decode)),
    ("urlencode", |_, input, _| text_filter(input, strings::url_encode)),
];

fn ending(arguments: &[Value]) -> String {
    arguments.get(1).map_or_else(|| "...".to_owned(), Value::to_text)
}

fn list_filter(input: &Value, change: impl FnOnce(&mut Vec<Value>)) -> Result<Value, String> {
    let mut items = input.items();
    change(&mut items);
    Ok(Value::list(items))
}

fn property(item: &Value, name: &str) -> Value {
    match item {
        Value::Hash(hash) => hash.get(name).cloned().unwrap_or(Value::Nil),
        _ => Value::Nil,
    }
}

fn edge(input: &Value, first: bool) -> Value {
    let Value::List(items) = input else { return Value::Nil };
    let found = if first { items.first() } else { items.last() };
    found.cloned().unwrap_or(Value::Nil)
}

fn bound(input: &Value, arguments: &[Value], least: bool) -> Result<Value, String> {
    let other = arguments.first().unwrap_or(&Value::Nil);
    let (Some(own), Some(limit)) = (as_double(input), as_double(other)) else { return Ok(input.clone()) };
    let beyond = if least { own < limit } else { own > limit };
    Ok(if beyond { other.clone() } else { input.clone() })
}

/// The invariant culture's form: `¤1,234.50`.
fn currency(input: &Value) -> Value {
    match as_double(input).map(|value| format::double(value, "C")) {
        Some(Ok(text)) => Value::text(&text),
        _ => input.clone(),
    }
}

/// `Date`: .NET format strings; a text that is no date stays as it is.
fn date(call: &Call, input: &Value, arguments: &[Value]) -> Result<Value, String> {
    let parsed = match input {
        Value::Date(date) => *date,
        Value::Str(text) if text.eq_ignore_ascii_case("now") || text.eq_ignore_ascii_case("today") => {
            call.now
        }
        Value::Str(text) => match DateTime::parse(text, call.now) {
            Ok(date) => date,
            Err(_) => return Ok(input.clone()),
        },
        _ => return Ok(input.clone()),
    };
    let format = text_at(arguments, 0);
    call.check(format.len())?;
    parsed.to_text(&format).map(|text| Value::text(&text)).map_err(|error| error.message)
}

fn join(call: &Call, input: &Value, between: String) -> Result<Value, String> {
    let items = input.items();
    let texts: Vec<_> = items.iter().map(Value::to_text).collect();
    let bytes = texts.iter().map(String::len).sum::<usize>() + between.len().saturating_mul(texts.len());
    call.check(bytes)?;
    Ok(Value::text(&texts.join(&between)))
}

/// The pattern is a regular expression and the replacement may have `$1`, as in `DotLiquid`: the policies that Azure makes for
/// SOAP count on it.
fn replace(call: &Call, input: &Value, from: &str, to: &str, times: usize) -> Result<Value, String> {
    if matches!(input, Value::Nil) || from.is_empty() {
        return Ok(input.clone());
    }
    let text = input.to_text();
    if let Some(from) = literal(from).filter(|_| !to.contains('$')) {
        let found = text.matches(&*from).take(times).count();
        call.check(text.len().saturating_add(found.saturating_mul(to.len())))?;
        return Ok(Value::text(&text.replacen(&*from, to, times)));
    }
    let pattern = Regex::new(from, RegexOptions::NONE).map_err(|error| error.message)?;
    let times = i32::try_from(times).unwrap_or(i32::MAX);
    let mut bytes = text.len();
    let made = pattern.replace_checked(&text, to, (times, 0), |more| {
        bytes = bytes.saturating_add(more);
        call.check(bytes).map_err(|message| Error { kind: ExceptionKind::InvalidOperation, message })
    });
    made.map(|made| Value::text(&made)).map_err(|error| error.message)
}

/// The text that a pattern stands for, where it stands for one only.
fn literal(pattern: &str) -> Option<Cow<'_, str>> {
    if !pattern.contains(['\\', '.', '$', '^', '{', '[', '(', '|', ')', '*', '+', '?', '#']) {
        return Some(Cow::Borrowed(pattern));
    }
    match pattern {
        r"\\" => Some(Cow::Borrowed("\\")),
        r"\n" => Some(Cow::Borrowed("\n")),
        r"\r" => Some(Cow::Borrowed("\r")),
        r"\t" => Some(Cow::Borrowed("\t")),
        _ => None,
    }
}

fn size(input: &Value) -> i64 {
    match input {
        Value::List(items) => items.len() as i64,
        Value::Hash(hash) => hash.entries.len() as i64,
        Value::Str(text) => text.encode_utf16().count() as i64,
        _ => 0,
    }
}

fn slice(_: &Call, input: &Value, arguments: &[Value]) -> Result<Value, String> {
    let (start, length) = (int_at(arguments, 0, 0), int_at(arguments, 1, 1).max(0) as usize);
    if let Value::List(items) = input {
        let start = if start < 0 { start + items.len() as i64 } else { start };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        return Ok(Value::list(items.iter().skip(start).take(length).cloned().collect()));
    }
    text_filter(input, |text| strings::slice(text, start, length))
}

fn sort(_: &Call, input: &Value, arguments: &[Value]) -> Result<Value, String> {
    let name = arguments.first().map(Value::to_text);
    let key = |item: &Value| name.as_ref().map_or_else(|| item.clone(), |name| property(item, name));
    list_filter(input, |items| {
        // Values that cannot be compared go by their text, so that the order is total.
        items.sort_by_cached_key(|item| {
            let key = key(item);
            let number = matches!(key, Value::Int(_) | Value::Double(_)).then(|| as_double(&key)).flatten();
            // Bits of a finite double, ordered as the numbers are.
            let rank = number.map(|value| {
                let bits = value.to_bits() as i64;
                bits ^ (((bits >> 63) as u64) >> 1) as i64
            });
            (rank.is_none(), rank, key.to_text())
        });
    })
}

fn split(text: &str, by: &str) -> Value {
    if by.is_empty() {
        return Value::list(text.chars().map(|c| Value::text(&c.to_string())).collect());
    }
    Value::list(text.split(by).filter(|part| !part.is_empty()).map(Value::text).collect())
}

/// Quadratic only in the number of different items that are no texts.
fn uniq(input: &Value) -> Result<Value, String> {
    let mut texts = std::collections::HashSet::new();
    let mut others: Vec<Value> = Vec::new();
    list_filter(input, |items| {
        items.retain(|item| match item {
            Value::Str(text) => texts.insert(text.clone()),
            other => {
                let is_new = !others.iter().any(|known| {
                    equal(known, other) || order(known, other).is_some_and(std::cmp::Ordering::is_eq)
                });
                if is_new && others.len() < 1000 {
                    others.push(other.clone());
                }
                is_new
            }
        });
    })
}

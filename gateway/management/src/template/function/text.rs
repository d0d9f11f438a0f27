//! Functions of texts.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::{ANY, Row, int_at, kind_of, list_at, text_at, to_text};
use crate::template::Fuel;

/// What `uriComponent` leaves: RFC 3986 §2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest text of `padLeft`.
const PAD_MAX: i64 = 65_536;

pub const TABLE: &[Row] = &[
    ("tolower", 1, 1, |values| Ok(text_at(values, 0)?.to_lowercase().into())),
    ("toupper", 1, 1, |values| Ok(text_at(values, 0)?.to_uppercase().into())),
    ("trim", 1, 1, |values| Ok(text_at(values, 0)?.trim().into())),
    ("format", 1, ANY, format),
    ("replace", 3, 3, |values| {
        Ok(text_at(values, 0)?.replace(text_at(values, 1)?, text_at(values, 2)?).into())
    }),
    ("split", 2, 2, split),
    ("join", 2, 2, join),
    ("substring", 2, 3, substring),
    ("padleft", 2, 3, pad_left),
    ("startswith", 2, 2, |values| Ok(lower(values, 0)?.starts_with(&lower(values, 1)?).into())),
    ("endswith", 2, 2, |values| Ok(lower(values, 0)?.ends_with(&lower(values, 1)?).into())),
    ("uri", 2, 2, uri),
    ("uricomponent", 1, 1, |values| {
        Ok(utf8_percent_encode(text_at(values, 0)?, UNRESERVED).to_string().into())
    }),
    ("uricomponenttostring", 1, 1, |values| {
        Ok(percent_decode_str(text_at(values, 0)?).decode_utf8_lossy().into_owned().into())
    }),
];

fn lower(values: &[Value], at: usize) -> Result<String, String> {
    Ok(text_at(values, at)?.to_lowercase())
}

/// Pays beforehand for a call that makes much more than it is given.
pub fn foresee(fuel: &Fuel, name: &str, values: &[Value]) -> Result<(), String> {
    let length = |at| values.get(at).and_then(Value::as_str).map_or(0, str::len);
    let bytes = match name {
        // Each place of an empty or short text may become a long one.
        "replace" => (length(0) + 1).saturating_mul(length(2).max(1)) / length(1).max(1),
        "format" => {
            length(0).saturating_mul(values.iter().map(|value| to_text(value).len()).max().unwrap_or(0)) / 3
        }
        "join" => values.first().and_then(Value::as_array).map_or(0, Vec::len).saturating_mul(length(1)),
        _ => 0,
    };
    fuel.pay_bytes(bytes)
}

/// Composite format of .NET: `{0}` and doubled braces. Alignments and format specifiers are refused.
fn format(values: &[Value]) -> Result<Value, String> {
    let mut rest = text_at(values, 0)?;
    let mut out = String::new();
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let brace = rest.get(at..=at).unwrap_or_default();
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let (place, after) = match rest.split_once('}') {
            Some(parts) if brace == "{" => parts,
            _ => return Err(format!("'{brace}' stands alone; write it twice.")),
        };
        let index: usize = place.trim().parse().map_err(|_| {
            format!(
                "'{{{place}}}' is not a number in braces; alignments and format specifiers are not offered."
            )
        })?;
        let value = index.checked_add(1).and_then(|at| values.get(at));
        out.push_str(&to_text(value.ok_or_else(|| format!("no argument stands for '{{{index}}}'."))?));
        rest = after;
    }
    out.push_str(rest);
    Ok(out.into())
}

fn split(values: &[Value]) -> Result<Value, String> {
    let text = text_at(values, 0)?;
    let delimiters: Vec<&str> = match values.get(1) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => vec![text_at(values, 1)?],
    };
    let mut parts = vec![text];
    for delimiter in delimiters.into_iter().filter(|delimiter| !delimiter.is_empty()) {
        parts = parts.into_iter().flat_map(|part| part.split(delimiter)).collect();
    }
    Ok(parts.into())
}

fn join(values: &[Value]) -> Result<Value, String> {
    let items: Vec<String> = list_at(values, 0)?.iter().map(to_text).collect();
    Ok(items.join(text_at(values, 1)?).into())
}

fn substring(values: &[Value]) -> Result<Value, String> {
    let text = text_at(values, 0)?;
    let chars: Vec<char> = text.chars().collect();
    let start = usize::try_from(int_at(values, 1)?).unwrap_or(usize::MAX);
    let length = match values.get(2) {
        Some(_) => usize::try_from(int_at(values, 2)?).unwrap_or(usize::MAX),
        None => chars.len().saturating_sub(start),
    };
    let part = start.checked_add(length).and_then(|end| chars.get(start..end));
    let part =
        part.ok_or_else(|| format!("the text has {} characters; the part is outside of it.", chars.len()))?;
    Ok(part.iter().collect::<String>().into())
}

fn pad_left(values: &[Value]) -> Result<Value, String> {
    let text = values.first().map(to_text).unwrap_or_default();
    let length = int_at(values, 1)?;
    if length > PAD_MAX {
        return Err(format!("the length may be at most {PAD_MAX}."));
    }
    let with = match values.get(2) {
        Some(_) => text_at(values, 2)?.chars().next().unwrap_or(' '),
        None => ' ',
    };
    let missing = usize::try_from(length).unwrap_or(0).saturating_sub(text.chars().count());
    Ok(format!("{}{text}", with.to_string().repeat(missing)).into())
}

/// An address below another: as RFC 3986 §5.2 for a path, without `..`.
fn uri(values: &[Value]) -> Result<Value, String> {
    let (base, relative) = (text_at(values, 0)?, text_at(values, 1)?);
    if relative.contains("://") {
        return Ok(relative.into());
    }
    let after_scheme = base.find("://").map(|at| at + 3);
    let after_scheme = after_scheme.ok_or_else(|| format!("'{base}' is no address with a scheme."))?;
    let authority =
        base.get(after_scheme..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| at + after_scheme);
    let upto = match relative.strip_prefix('/') {
        Some(_) => authority,
        None => base.rfind('/').filter(|at| *at >= authority).unwrap_or(authority),
    };
    let base = base.get(..upto).unwrap_or_default();
    Ok(format!("{base}/{}", relative.trim_start_matches('/')).into())
}

/// The position of a text in another, or -1.
pub fn index_of(values: &[Value], is_last: bool) -> Result<Value, String> {
    if let Some(Value::Array(items)) = values.first() {
        let wanted = values.get(1);
        let is_it = |item: &Value| Some(item) == wanted;
        let found = if is_last { items.iter().rposition(is_it) } else { items.iter().position(is_it) };
        return Ok(found.map_or(Value::from(-1), Value::from));
    }
    let (text, part) = (lower(values, 0)?, lower(values, 1)?);
    let at = if is_last { text.rfind(&part) } else { text.find(&part) };
    let chars = at.map(|at| text.get(..at).unwrap_or_default().chars().count());
    Ok(chars.map_or(Value::from(-1), Value::from))
}

/// The first or last character.
pub fn end(text: &str, is_last: bool) -> Value {
    let found = if is_last { text.chars().next_back() } else { text.chars().next() };
    found.map(String::from).unwrap_or_default().into()
}

/// `concat` of texts.
pub fn concat(values: &[Value]) -> Result<Value, String> {
    let unfit = values.iter().find(|value| matches!(value, Value::Object(_) | Value::Array(_)));
    match unfit {
        Some(unfit) => Err(format!("texts and {} cannot be put together.", kind_of(unfit))),
        None => Ok(values.iter().map(to_text).collect::<String>().into()),
    }
}

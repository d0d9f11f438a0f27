//! From one kind of value to another.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{ANY, Row, kind_of, text_at, to_text};

pub const TABLE: &[Row] = &[
    ("string", 1, 1, |values| Ok(values.first().map(to_text).unwrap_or_default().into())),
    ("int", 1, 1, |values| match values.first() {
        Some(Value::Number(number)) if number.is_i64() => Ok(number.clone().into()),
        Some(Value::String(text)) => {
            text.trim().parse::<i64>().map(Value::from).map_err(|_| format!("'{text}' is no whole number."))
        }
        other => Err(format!("{} is no whole number.", kind_of(other.unwrap_or(&Value::Null)))),
    }),
    ("bool", 1, 1, |values| match values.first() {
        Some(Value::Bool(is)) => Ok((*is).into()),
        Some(Value::Number(number)) => Ok((number.as_i64() != Some(0)).into()),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") || text == "1" => Ok(true.into()),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") || text == "0" => Ok(false.into()),
        other => Err(format!("'{}' is neither true nor false.", other.map(to_text).unwrap_or_default())),
    }),
    ("json", 1, 1, |values| json(text_at(values, 0)?)),
    ("base64", 1, 1, |values| Ok(STANDARD.encode(text_at(values, 0)?).into())),
    ("base64tostring", 1, 1, |values| Ok(base64_text(text_at(values, 0)?)?.into())),
    ("base64tojson", 1, 1, |values| json(&base64_text(text_at(values, 0)?)?)),
    ("datauri", 1, 1, |values| {
        Ok(format!("data:text/plain;charset=utf8;base64,{}", STANDARD.encode(text_at(values, 0)?)).into())
    }),
    ("datauritostring", 1, 1, |values| {
        let written = text_at(values, 0)?;
        let (_, encoded) = written.split_once("base64,").ok_or("it is no data URI in base64.")?;
        Ok(base64_text(encoded)?.into())
    }),
    ("uniquestring", 1, ANY, |values| Ok(unique(values)?.into())),
    ("guid", 1, ANY, |values| Ok(guid(values)?.into())),
    ("newguid", 0, 0, |_| Ok(uuid::Uuid::new_v4().to_string().into())),
];

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("the text is no JSON: {error}."))
}

fn base64_text(encoded: &str) -> Result<String, String> {
    let bytes =
        STANDARD.decode(encoded.trim()).map_err(|error| format!("the text is no base64: {error}."))?;
    String::from_utf8(bytes).map_err(|_| "what is encoded is no UTF-8.".to_owned())
}

fn hash(values: &[Value]) -> Result<Vec<u8>, String> {
    let texts: Vec<&str> = (0..values.len()).map(|at| text_at(values, at)).collect::<Result<_, _>>()?;
    Ok(digest(&SHA256, texts.join("-").as_bytes()).as_ref().to_vec())
}

/// 13 letters and digits, the same for the same texts; not those of Azure.
fn unique(values: &[Value]) -> Result<String, String> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let letters = hash(values)?.into_iter().take(13);
    Ok(letters
        .filter_map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()))
        .map(|byte| char::from(*byte))
        .collect())
}

/// A UUID, the same for the same texts; not that of Azure.
fn guid(values: &[Value]) -> Result<String, String> {
    let bytes: Vec<u8> = hash(values)?.into_iter().take(16).collect();
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| "it has no hash.".to_owned())?;
    Ok(uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string())
}

//! From one kind of value to another.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
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

/// What names are made of.
fn joined(values: &[Value]) -> Result<String, String> {
    let texts: Vec<&str> = (0..values.len()).map(|at| text_at(values, at)).collect::<Result<_, _>>()?;
    Ok(texts.join("-"))
}

/// 13 letters and digits: the bits of a hash in groups of five, the highest first.
fn unique(values: &[Value]) -> Result<String, String> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bits = hash64(joined(values)?.as_bytes());
    let letters = (0..13).filter_map(|_| {
        let letter = LETTERS.get(usize::try_from(bits >> 59).ok()?);
        bits <<= 5;
        letter.map(|byte| char::from(*byte))
    });
    Ok(letters.collect())
}

/// Azure's hash of 64 bits: blocks and rounds of `MurmurHash3`, as it is for machines of 32 bits, with two
/// lanes instead of four.
fn hash64(bytes: &[u8]) -> u64 {
    const FACTORS: [u32; 2] = [0x239b_961b, 0xab0e_9789];
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    let first = |word: u32| word.wrapping_mul(FACTORS[0]).rotate_left(15).wrapping_mul(FACTORS[1]);
    let second = |word: u32| word.wrapping_mul(FACTORS[1]).rotate_left(17).wrapping_mul(FACTORS[0]);
    let (mut low, mut high) = (0_u32, 0_u32);
    let mut blocks = bytes.chunks_exact(8);
    for block in &mut blocks {
        let (left, right) = block.split_at(4);
        low = (low ^ first(word(left))).rotate_left(19).wrapping_add(high);
        low = low.wrapping_mul(5).wrapping_add(0x561c_cd1b);
        high = (high ^ second(word(right))).rotate_left(13).wrapping_add(low);
        high = high.wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    let (left, right) = blocks.remainder().split_at(blocks.remainder().len().min(4));
    low ^= first(word(left));
    high ^= second(word(right));
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    high ^= length;
    low = (low ^ length).wrapping_add(high);
    high = high.wrapping_add(low);
    low = mixed(low);
    high = mixed(high);
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    u64::from(high) << 32 | u64::from(low)
}

/// The last step of `MurmurHash3`: each bit of the result depends on all.
fn mixed(word: u32) -> u32 {
    let word = (word ^ word >> 16).wrapping_mul(0x85eb_ca6b);
    let word = (word ^ word >> 13).wrapping_mul(0xc2b2_ae35);
    word ^ word >> 16
}

/// The UUID of a name (version 5, RFC 9562 §5.5) in the namespace of Azure's templates.
fn guid(values: &[Value]) -> Result<String, String> {
    const NAMESPACE: u128 = 0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830;
    let mut digested = NAMESPACE.to_be_bytes().to_vec();
    digested.extend(joined(values)?.bytes());
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &digested);
    let bytes = hash.as_ref().first_chunk::<16>().ok_or("it has no hash.")?;
    Ok(uuid::Builder::from_sha1_bytes(*bytes).into_uuid().to_string())
}

//! Header fields: an ordered list over two arenas.
//!
//! A message has some 5–30 fields, so a linear scan beats hashing, and one arena for all names and one for all values
//! makes reading a message three allocations, none of them per field. The list lies on the heap as well: messages are
//! handed on many times, and what is moved each time should be small.

use std::fmt;

use thiserror::Error;

use super::method::is_token_byte;

/// Fields in the order received or set. Names compare case-insensitively and keep the spelling they came with.
#[derive(Clone, Default)]
pub struct Headers {
    names: String,
    values: Vec<u8>,
    fields: Vec<Field>,
    /// Values before this place in their arena came from the peer, later ones from policies.
    received: u32,
}

#[derive(Clone, Copy)]
struct Field {
    name_at: u32,
    name_len: u32,
    value_at: u32,
    value_len: u32,
}

/// Why a field cannot be set (RFC 9110 §5.1, §5.5): it would break the message it stands in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidField {
    #[error("header name is empty or not a token")]
    Name,
    #[error("header value contains a carriage return, line feed or NUL")]
    Value,
    #[error("header fields exceed 16 MiB")]
    TooLarge,
}

/// Bound on each arena, far above every configured limit; keeps offsets in 32 bits.
const ARENA_BYTES_MAX: usize = 16 << 20;
/// Bytes that a field takes up in a usual head, to make room once.
const FIELD_BYTES: usize = 32;

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for a head of `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            names: String::with_capacity(bytes / 2),
            values: Vec::with_capacity(bytes),
            fields: Vec::with_capacity(bytes / FIELD_BYTES + 4),
            received: 0,
        }
    }

    /// Forgets all fields, keeps the memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.values.clear();
        self.fields.clear();
        self.received = 0;
    }

    /// Says that all there is now came from the peer.
    pub fn mark_received(&mut self) {
        // A byte between keeps an empty last value apart from what comes after.
        self.values.push(0);
        self.received = self.values.len() as u32;
    }

    /// Whether a line of the field was set after [`Headers::mark_received`]: by a policy, not by the peer.
    pub fn was_set(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.value_at >= self.received && self.is_named(*field, name))
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| (self.name_of(*field), self.value_of(*field)))
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|field| self.is_named(**field, name)).map(|field| self.value_of(*field))
    }

    /// The first value of a field as text; `None` when it is absent or not UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value of a field, one entry a line.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |field| self.is_named(**field, name))
            .map(|field| self.value_of(*field))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.fields.iter().any(|field| self.is_named(*field, name))
    }

    /// Adds a line behind the others.
    pub fn append(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidField> {
        check_name(name)?;
        check_value(value)?;
        let field = Field {
            name_at: self.names.len() as u32,
            name_len: name.len() as u32,
            value_at: self.values.len() as u32,
            value_len: value.len() as u32,
        };
        if self.names.len() + name.len() > ARENA_BYTES_MAX
            || self.values.len() + value.len() > ARENA_BYTES_MAX
        {
            return Err(InvalidField::TooLarge);
        }
        self.names.push_str(name);
        self.values.extend_from_slice(value);
        self.fields.push(field);
        Ok(())
    }

    /// Makes `value` the only line of the field, in the place of the first line there was.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidField> {
        check_name(name)?;
        check_value(value)?;
        let Some(at) = self.fields.iter().position(|field| self.is_named(*field, name)) else {
            return self.append(name, value);
        };
        self.fields[at].value_at = self.values.len() as u32;
        self.fields[at].value_len = value.len() as u32;
        self.values.extend_from_slice(value);
        let mut place = 0;
        let keep = at;
        let names = &self.names;
        self.fields.retain(|field| {
            let kept = place == keep || !named(names, *field, name);
            place += 1;
            kept
        });
        Ok(())
    }

    /// Removes every line of the field; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        let names = &self.names;
        self.fields.retain(|field| !named(names, *field, name));
        self.fields.len() != before
    }

    /// Keeps the lines for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &[u8]) -> bool) {
        let (names, values) = (&self.names, &self.values);
        self.fields.retain(|field| keep(name_in(names, *field), value_in(values, *field)));
    }

    /// The values of a field joined with `,`, as `GetValueOrDefault` gives them; `None` when absent.
    pub fn joined(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        let mut values = self.fields.iter().filter(|field| self.is_named(**field, name));
        let first = String::from_utf8_lossy(self.value_of(*values.next()?));
        let mut rest = values.peekable();
        if rest.peek().is_none() {
            return Some(first);
        }
        let mut joined = first.into_owned();
        for field in rest {
            joined.push(',');
            joined.push_str(&String::from_utf8_lossy(self.value_of(*field)));
        }
        Some(joined.into())
    }

    fn is_named(&self, field: Field, name: &str) -> bool {
        named(&self.names, field, name)
    }

    fn name_of(&self, field: Field) -> &str {
        name_in(&self.names, field)
    }

    fn value_of(&self, field: Field) -> &[u8] {
        value_in(&self.values, field)
    }
}

fn name_in(names: &str, field: Field) -> &str {
    names.get(field.name_at as usize..(field.name_at + field.name_len) as usize).unwrap_or_default()
}

fn value_in(values: &[u8], field: Field) -> &[u8] {
    values.get(field.value_at as usize..(field.value_at + field.value_len) as usize).unwrap_or_default()
}

fn named(names: &str, field: Field, name: &str) -> bool {
    field.name_len as usize == name.len() && name_in(names, field).eq_ignore_ascii_case(name)
}

fn check_name(name: &str) -> Result<(), InvalidField> {
    if name.is_empty() || !name.bytes().all(is_token_byte) { Err(InvalidField::Name) } else { Ok(()) }
}

fn check_value(value: &[u8]) -> Result<(), InvalidField> {
    if memchr::memchr3(b'\r', b'\n', 0, value).is_some() { Err(InvalidField::Value) } else { Ok(()) }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(headers: &Headers) -> Vec<(String, String)> {
        headers.iter().map(|(n, v)| (n.to_owned(), String::from_utf8_lossy(v).into_owned())).collect()
    }

    #[test]
    fn set_several_lines_leaves_one_in_the_first_place() {
        let mut headers = Headers::new();
        for (name, value) in [("A", "1"), ("X", "2"), ("a", "3"), ("B", "4")] {
            headers.append(name, value.as_bytes()).unwrap();
        }
        headers.set("a", b"9").unwrap();
        let expected = [("A", "9"), ("X", "2"), ("B", "4")];
        assert_eq!(lines(&headers), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn joined_several_lines_are_separated_by_commas() {
        let mut headers = Headers::new();
        headers.append("Accept", b"a").unwrap();
        headers.append("accept", b"b").unwrap();
        assert_eq!(headers.joined("ACCEPT").as_deref(), Some("a,b"));
        assert_eq!(headers.joined("none"), None);
    }

    #[test]
    fn append_line_breaks_are_refused() {
        let mut headers = Headers::new();
        assert_eq!(headers.append("a", b"x\r\nb: c"), Err(InvalidField::Value));
        assert_eq!(headers.append("a b", b"x"), Err(InvalidField::Name));
        assert_eq!(headers.append("", b"x"), Err(InvalidField::Name));
        assert!(headers.is_empty());
    }

    #[test]
    fn was_set_tells_policies_from_the_peer() {
        let mut headers = Headers::new();
        headers.append("A", b"1").unwrap();
        headers.append("B", b"").unwrap();
        headers.mark_received();
        assert!(!headers.was_set("a") && !headers.was_set("none"));
        headers.set("a", b"1").unwrap();
        headers.append("C", b"").unwrap();
        assert!(headers.was_set("A") && headers.was_set("c") && !headers.was_set("B"));
    }

    #[test]
    fn remove_is_case_insensitive() {
        let mut headers = Headers::new();
        headers.append("Set-Cookie", b"a=1").unwrap();
        headers.append("set-cookie", b"b=2").unwrap();
        assert!(headers.remove("SET-COOKIE"));
        assert!(!headers.remove("SET-COOKIE"));
        assert!(headers.is_empty());
    }
}

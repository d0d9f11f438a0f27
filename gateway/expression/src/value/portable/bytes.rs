//! Portable values as bytes, for caches outside of the process.
//!
//! One byte tells the variant; numbers are little-endian, texts and lists stand behind their length (32 bits). Types
//! of the library go by their names, which later versions keep.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Kind, Portable};
use crate::message::ResponseData;
use crate::types::{DefId, Type, library};

/// Deepest nesting of arrays and types that is read or written.
const DEPTH_MAX: u8 = 32;

impl Portable {
    /// The value as bytes; `None` when it is of a type that has no lasting name, or nests too deep.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.size_bytes());
        write(self, &mut out, DEPTH_MAX)?;
        Some(out)
    }

    /// The value that [`Self::to_bytes`] wrote; `None` for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let value = read(&mut input, DEPTH_MAX)?;
        input.0.is_empty().then_some(value)
    }
}

fn write(value: &Portable, out: &mut Vec<u8>, depth: u8) -> Option<()> {
    let mut number = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(bytes);
    };
    match value {
        Portable::Null => number(0, &[]),
        Portable::Bool(v) => number(1, &[u8::from(*v)]),
        Portable::Char(v) => number(2, &v.to_le_bytes()),
        Portable::I8(v) => number(3, &v.to_le_bytes()),
        Portable::U8(v) => number(4, &v.to_le_bytes()),
        Portable::I16(v) => number(5, &v.to_le_bytes()),
        Portable::U16(v) => number(6, &v.to_le_bytes()),
        Portable::I32(v) => number(7, &v.to_le_bytes()),
        Portable::U32(v) => number(8, &v.to_le_bytes()),
        Portable::I64(v) => number(9, &v.to_le_bytes()),
        Portable::U64(v) => number(10, &v.to_le_bytes()),
        Portable::F32(v) => number(11, &v.to_le_bytes()),
        Portable::F64(v) => number(12, &v.to_le_bytes()),
        Portable::Decimal(v) => number(13, &v.serialize()),
        Portable::DateTime(ticks, kind) => {
            number(15, &ticks.to_le_bytes());
            out.push(*kind as u8);
        }
        Portable::DateTimeOffset(ticks, minutes) => {
            number(16, &ticks.to_le_bytes());
            out.extend_from_slice(&minutes.to_le_bytes());
        }
        Portable::TimeSpan(ticks) => number(17, &ticks.to_le_bytes()),
        Portable::Guid(bytes) => number(18, bytes),
        Portable::Str(text) => tagged(14, text.as_bytes(), out)?,
        Portable::Enum(def, v) => {
            number(19, &v.to_le_bytes());
            write_def(*def, out)?;
        }
        Portable::Bytes(bytes) => tagged(20, bytes, out)?,
        Portable::Json(text) => tagged(22, text.as_bytes(), out)?,
        Portable::Jwt(text) => tagged(23, text.as_bytes(), out)?,
        Portable::Xml(text, document) => {
            tagged(25, text.as_bytes(), out)?;
            out.push(u8::from(*document));
        }
        Portable::Array(element, items) => {
            out.push(21);
            write_type(element, out, depth)?;
            length(items.len(), out)?;
            let depth = depth.checked_sub(1)?;
            items.iter().try_for_each(|item| write(item, out, depth))?;
        }
        Portable::Response(data) => {
            out.push(24);
            out.extend_from_slice(&data.status.to_le_bytes());
            text(data.reason.as_bytes(), out)?;
            length(data.headers.len(), out)?;
            for (name, value) in &data.headers {
                text(name.as_bytes(), out)?;
                text(value.as_bytes(), out)?;
            }
            text(&data.body, out)?;
        }
    }
    Some(())
}

fn tagged(tag: u8, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.push(tag);
    text(bytes, out)
}

fn length(count: usize, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&u32::try_from(count).ok()?.to_le_bytes());
    Some(())
}

fn text(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    length(bytes.len(), out)?;
    out.extend_from_slice(bytes);
    Some(())
}

fn write_def(def: DefId, out: &mut Vec<u8>) -> Option<()> {
    let def = library().get(def);
    out.push(def.variance.len() as u8);
    text(def.full_name.as_bytes(), out)
}

fn write_type(ty: &Type, out: &mut Vec<u8>, depth: u8) -> Option<()> {
    let inner = depth.checked_sub(1)?;
    match ty {
        Type::Def(def) => {
            out.push(0);
            write_def(*def, out)
        }
        Type::Generic(def, arguments) => {
            out.push(1);
            write_def(*def, out)?;
            length(arguments.len(), out)?;
            arguments.iter().try_for_each(|argument| write_type(argument, out, inner))
        }
        Type::Array(element, rank) => {
            out.extend_from_slice(&[2, *rank]);
            write_type(element, out, inner)
        }
        _ => None,
    }
}

/// Bytes still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A count of things that take up at least a byte each.
    fn count(&mut self) -> Option<usize> {
        let count = u32::from_le_bytes(self.array()?) as usize;
        (count <= self.0.len()).then_some(count)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn def(&mut self) -> Option<DefId> {
        let arity = self.byte()?;
        library().by_full_name(self.text()?, arity)
    }
}

fn read(input: &mut Input<'_>, depth: u8) -> Option<Portable> {
    Some(match input.byte()? {
        0 => Portable::Null,
        1 => Portable::Bool(input.byte()? != 0),
        2 => Portable::Char(u16::from_le_bytes(input.array()?)),
        3 => Portable::I8(i8::from_le_bytes(input.array()?)),
        4 => Portable::U8(u8::from_le_bytes(input.array()?)),
        5 => Portable::I16(i16::from_le_bytes(input.array()?)),
        6 => Portable::U16(u16::from_le_bytes(input.array()?)),
        7 => Portable::I32(i32::from_le_bytes(input.array()?)),
        8 => Portable::U32(u32::from_le_bytes(input.array()?)),
        9 => Portable::I64(i64::from_le_bytes(input.array()?)),
        10 => Portable::U64(u64::from_le_bytes(input.array()?)),
        11 => Portable::F32(f32::from_le_bytes(input.array()?)),
        12 => Portable::F64(f64::from_le_bytes(input.array()?)),
        13 => Portable::Decimal(decimal(input.array()?)?),
        14 => Portable::Str(input.text()?.into()),
        15 => Portable::DateTime(i64::from_le_bytes(input.array()?), kind(input.byte()?)?),
        16 => {
            let ticks = i64::from_le_bytes(input.array()?);
            Portable::DateTimeOffset(ticks, i16::from_le_bytes(input.array()?))
        }
        17 => Portable::TimeSpan(i64::from_le_bytes(input.array()?)),
        18 => Portable::Guid(input.array()?),
        19 => {
            let value = i64::from_le_bytes(input.array()?);
            Portable::Enum(input.def()?, value)
        }
        20 => Portable::Bytes(input.bytes()?.into()),
        21 => {
            let element = read_type(input, depth)?;
            let (count, depth) = (input.count()?, depth.checked_sub(1)?);
            let items: Option<Vec<_>> = (0..count).map(|_| read(input, depth)).collect();
            Portable::Array(element, items?.into())
        }
        22 => Portable::Json(input.text()?.into()),
        23 => Portable::Jwt(input.text()?.into()),
        24 => Portable::Response(Arc::new(response(input)?)),
        25 => {
            let text = input.text()?.into();
            Portable::Xml(text, input.byte()? != 0)
        }
        _ => return None,
    })
}

fn decimal(bytes: [u8; 16]) -> Option<Decimal> {
    // The scale stands in bits 16–23 of the first word; at most 28 is one.
    (bytes[2] <= 28 && bytes[0] == 0 && bytes[1] == 0 && bytes[3].trailing_zeros() >= 7)
        .then(|| Decimal::deserialize(bytes))
}

fn kind(byte: u8) -> Option<Kind> {
    [Kind::Unspecified, Kind::Utc, Kind::Local].into_iter().find(|kind| *kind as u8 == byte)
}

fn response(input: &mut Input<'_>) -> Option<ResponseData> {
    let status = u16::from_le_bytes(input.array()?);
    let reason = input.text()?.to_owned();
    let count = input.count()?;
    let headers: Option<Vec<_>> =
        (0..count).map(|_| Some((input.text()?.to_owned(), input.text()?.to_owned()))).collect();
    Some(ResponseData { status, reason, headers: headers?, body: input.bytes()?.to_vec() })
}

fn read_type(input: &mut Input<'_>, depth: u8) -> Option<Type> {
    let inner = depth.checked_sub(1)?;
    Some(match input.byte()? {
        0 => Type::Def(input.def()?),
        1 => {
            let def = input.def()?;
            let count = input.count()?;
            let arguments: Option<Vec<_>> = (0..count).map(|_| read_type(input, inner)).collect();
            Type::generic(def, arguments?)
        }
        2 => {
            let rank = input.byte()?;
            Type::array_of(read_type(input, inner)?, rank)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> Vec<Portable> {
        let response = ResponseData {
            status: 200,
            reason: "Fine".into(),
            headers: vec![("A".into(), "b".into())],
            body: b"body".to_vec(),
        };
        vec![
            Portable::Null,
            Portable::Bool(true),
            Portable::Char(0xD800),
            Portable::I8(-1),
            Portable::U8(1),
            Portable::I16(-2),
            Portable::U16(2),
            Portable::I32(-3),
            Portable::U32(3),
            Portable::I64(-4),
            Portable::U64(4),
            Portable::F32(-0.5),
            Portable::F64(f64::MAX),
            Portable::Decimal(Decimal::new(-1234, 3)),
            Portable::Str("x\0é".into()),
            Portable::DateTime(5, Kind::Utc),
            Portable::DateTimeOffset(6, -60),
            Portable::TimeSpan(-7),
            Portable::Guid([8; 16]),
            Portable::Enum(library().by_full_name("System.DateTimeKind", 0).unwrap_or(DefId(3)), 1),
            Portable::Bytes([1, 2].into()),
            Portable::Json("{\"a\":1}".into()),
            Portable::Jwt("a.b.c".into()),
            Portable::Xml("<a/>".into(), true),
            Portable::Xml("<b/>".into(), false),
            Portable::Response(Arc::new(response)),
            Portable::Array(Type::STRING, [Portable::Str("a".into()), Portable::Null].into()),
            Portable::Array(Type::array_of(Type::INT, 1), [].into()),
        ]
    }

    #[test]
    fn to_bytes_every_variant_comes_back() {
        for value in all() {
            let bytes = value.to_bytes().unwrap();
            assert_eq!(format!("{:?}", Portable::from_bytes(&bytes).unwrap()), format!("{value:?}"));
            for length in 0..bytes.len() {
                assert!(Portable::from_bytes(&bytes[..length]).is_none(), "{value:?} cut to {length}");
            }
        }
    }

    #[test]
    fn to_bytes_too_deep_is_refused() {
        let mut value = Portable::Null;
        for _ in 0..40 {
            value = Portable::Array(Type::OBJECT, [value].into());
        }
        assert!(value.to_bytes().is_none());
    }

    proptest! {
        #[test]
        fn from_bytes_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(value) = Portable::from_bytes(&bytes) {
                prop_assert!(value.to_bytes().is_some());
            }
        }
    }
}

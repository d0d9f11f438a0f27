//! Between C# values and tokens.

use super::super::format::{date, date_value, offset, offset_value};
use super::super::runtime::{anonymous_fields, is_instance, record_field};
use super::super::{Type, collection};
use super::Json;
use super::token::charge_copy;
use crate::clr::date_time::DateTime;
use crate::clr::json::{self, CastTarget, JToken, Scalar};
use crate::clr::number::IntegerType;
use crate::clr::time_span::TimeSpan;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Kind, Value};

/// Today, which completes partial dates.
pub(in super::super) fn today(vm: &Vm<'_>) -> DateTime {
    date(vm.host.now_ticks(), Kind::Utc).unwrap_or(DateTime::MIN).date()
}

/// As [`today`] where the target is one that it can complete: the clock is not read for others.
fn today_for(vm: &Vm<'_>, target: CastTarget) -> DateTime {
    match target {
        CastTarget::DateTime | CastTarget::DateTimeOffset => today(vm),
        _ => DateTime::MIN,
    }
}

/// What a `JValue` of a C# value holds; `None` when there is no such value.
pub(super) fn scalar(value: &Value) -> Option<Scalar> {
    Some(match value {
        Value::Null => Scalar::Null,
        Value::Bool(v) => Scalar::Bool(*v),
        Value::Char(unit) => Scalar::String(crate::clr::text::from_units(&[*unit]).into()),
        Value::U64(v) => i64::try_from(*v).map_or(Scalar::Unsigned(*v), Scalar::Integer),
        Value::F32(v) => Scalar::Single(*v),
        Value::F64(v) => Scalar::Float(*v),
        Value::Decimal(v) => Scalar::Decimal(*v),
        Value::Str(text) => Scalar::String(text.as_str().into()),
        Value::DateTime(ticks, kind) => Scalar::Date(date(*ticks, *kind).ok()?),
        Value::DateTimeOffset(ticks, minutes) => Scalar::DateOffset(offset(*ticks, *minutes).ok()?),
        Value::TimeSpan(ticks) => Scalar::TimeSpan(TimeSpan(*ticks)),
        Value::Guid(bytes) => Scalar::Guid(*bytes),
        Value::Enum(_, v) => Scalar::Integer(*v),
        Value::Array(array) => Scalar::Bytes(array.bytes()?.into()),
        Value::I8(_)
        | Value::U8(_)
        | Value::I16(_)
        | Value::U16(_)
        | Value::I32(_)
        | Value::U32(_)
        | Value::I64(_) => Scalar::Integer(value.as_i64()?),
        Value::Object(_) => Scalar::Uri(super::super::uri_text(value)?.into()),
        _ => return None,
    })
}

/// A C# value of a scalar.
pub(super) fn plain(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null | Scalar::Undefined => Value::Null,
        Scalar::Bool(v) => Value::Bool(*v),
        Scalar::Integer(v) => Value::I64(*v),
        Scalar::Unsigned(v) => Value::U64(*v),
        Scalar::Float(v) => Value::F64(*v),
        Scalar::Single(v) => Value::F32(*v),
        Scalar::Decimal(v) => Value::Decimal(*v),
        Scalar::String(text) | Scalar::Comment(text) | Scalar::Raw(text) => Value::Str(Text::local(text)),
        Scalar::Date(v) => date_value(*v),
        Scalar::DateOffset(v) => offset_value(*v),
        Scalar::Guid(bytes) => Value::Guid(*bytes),
        Scalar::TimeSpan(v) => Value::TimeSpan(v.0),
        Scalar::Bytes(bytes) => Value::bytes(bytes.to_vec()),
        Scalar::Big(_) | Scalar::Uri(_) => Value::str(&scalar.to_text()),
    }
}

/// The conversion target that a type is.
pub(super) fn target(ty: &Type) -> Option<CastTarget> {
    let integer = |t: IntegerType| Some(CastTarget::Integer(t));
    match ty.non_nullable() {
        t if *t == Type::STRING => Some(CastTarget::String),
        t if *t == Type::INT => integer(IntegerType::Int32),
        t if *t == Type::BOOL => Some(CastTarget::Boolean),
        t if *t == Type::CHAR => Some(CastTarget::Char),
        t if *t == Type::SBYTE => integer(IntegerType::SByte),
        t if *t == Type::BYTE => integer(IntegerType::Byte),
        t if *t == Type::SHORT => integer(IntegerType::Int16),
        t if *t == Type::USHORT => integer(IntegerType::UInt16),
        t if *t == Type::UINT => integer(IntegerType::UInt32),
        t if *t == Type::LONG => integer(IntegerType::Int64),
        t if *t == Type::ULONG => integer(IntegerType::UInt64),
        t if *t == Type::FLOAT => Some(CastTarget::Single),
        t if *t == Type::DOUBLE => Some(CastTarget::Double),
        t if *t == Type::DECIMAL => Some(CastTarget::Decimal),
        t if *t == Type::DATE_TIME => Some(CastTarget::DateTime),
        t if *t == Type::DATE_TIME_OFFSET => Some(CastTarget::DateTimeOffset),
        t if *t == Type::TIME_SPAN => Some(CastTarget::TimeSpan),
        t if *t == Type::GUID => Some(CastTarget::Guid),
        Type::Array(element, 1) if **element == Type::BYTE => Some(CastTarget::Bytes),
        t if *t == super::super::uri_type() => Some(CastTarget::Uri),
        _ => None,
    }
}

/// A converted scalar as a value of exactly the type.
pub(super) fn typed(vm: &mut Vm<'_>, scalar: &Scalar, ty: &Type) -> Result<Value, Fault> {
    let plain = plain(scalar);
    let number = plain.as_i64();
    Ok(match (ty.non_nullable(), number) {
        (_, _) if plain.is_null() => Value::Null,
        (t, _) if *t == Type::STRING => plain,
        (t, Some(v)) if *t == Type::INT => Value::I32(v as i32),
        (t, Some(v)) if *t == Type::CHAR => Value::Char(v as u16),
        (t, Some(v)) if *t == Type::SBYTE => Value::I8(v as i8),
        (t, Some(v)) if *t == Type::BYTE => Value::U8(v as u8),
        (t, Some(v)) if *t == Type::SHORT => Value::I16(v as i16),
        (t, Some(v)) if *t == Type::USHORT => Value::U16(v as u16),
        (t, Some(v)) if *t == Type::UINT => Value::U32(v as u32),
        (t, Some(v)) if *t == Type::ULONG => Value::U64(v as u64),
        (t, _) if *t == super::super::uri_type() => super::super::uri_value(vm, &scalar.to_text())?,
        _ => plain,
    })
}

/// `(T)token`.
pub(super) fn cast(vm: &mut Vm<'_>, token: &Value, ty: &Type) -> Result<Value, Fault> {
    if target(ty).is_none() {
        return Err(Fault::invalid_cast(token, ty));
    }
    cast_token(vm, token.downcast::<Json>().map(|json| &json.0), ty)
}

/// As [`cast`], to a type that tokens have an operator for.
pub(super) fn cast_token(vm: &mut Vm<'_>, token: Option<&JToken>, ty: &Type) -> Result<Value, Fault> {
    let Some(target) = target(ty) else { return Err(Fault::invalid_cast(&Value::Null, ty)) };
    // The operator to `byte[]` takes a missing token, but no JSON null.
    let nullable = ty.accepts_null() && target != json::CastTarget::Bytes;
    let found = json::cast(token, target, nullable, today_for(vm, target))?;
    typed(vm, &found, ty)
}

/// `token.Value<T>()`, of a token that is there.
pub(super) fn value_as(vm: &mut Vm<'_>, token: &Value, ty: &Type) -> Result<Value, Fault> {
    if token.is_null() {
        return Ok(super::super::default_value(ty));
    }
    if is_instance(token, ty) {
        return Ok(token.clone());
    }
    let Some(json) = token.downcast::<Json>() else { return Err(Fault::invalid_cast(token, ty)) };
    let of_property = || json.0.property_value().and_then(|inner| inner.scalar());
    let Some(inner) = json.0.scalar().or_else(of_property) else {
        let class = json.0.full_class_name();
        let problem = format!("Cannot cast {class} to Newtonsoft.Json.Linq.JToken.");
        return Err(Fault::new("System.InvalidCastException", problem));
    };
    if *ty == Type::OBJECT {
        return Ok(plain(&inner));
    }
    let Some(target) = target(ty) else { return Err(Fault::invalid_cast(token, ty)) };
    if matches!(inner, Scalar::Null | Scalar::Undefined) && ty.accepts_null() {
        return Ok(Value::Null);
    }
    let found = json::change_type(&inner, target, today_for(vm, target))?;
    typed(vm, &found, ty)
}

/// `JToken.FromObject` and what the serializer makes of a value.
pub(in super::super) fn from_object(vm: &mut Vm<'_>, source: &Value, depth: u32) -> Result<JToken, Fault> {
    vm.steps(1)?;
    if depth > 64 {
        return Err(Fault::Limit(crate::run::Limit::Depth));
    }
    if let Some(json) = source.downcast::<Json>() {
        charge_copy(vm, &json.0)?;
        return Ok(json.0.clone());
    }
    if let Some(scalar) = scalar(source) {
        return Ok(JToken::value(scalar));
    }
    if let Some(fields) = anonymous_fields(source) {
        let object = JToken::object();
        for (name, field) in fields {
            let token = from_object(vm, &field, depth + 1)?;
            object.set_by_name(&name, &token)?;
        }
        return Ok(object);
    }
    let is_pair = source.ty().and_then(|ty| ty.def()) == Some(super::super::KEY_VALUE_PAIR);
    if !is_pair && record_field(source, 0).is_some() {
        let object = JToken::object();
        let items = (0..8).map_while(|index| record_field(source, index));
        for (index, field) in items.enumerate() {
            let token = from_object(vm, &field, depth + 1)?;
            object.set_by_name(&format!("Item{}", index + 1), &token)?;
        }
        return Ok(object);
    }
    if let (Some(key), Some(item)) = (record_field(source, 0), record_field(source, 1)) {
        let object = JToken::object();
        for (name, field) in [("Key", key), ("Value", item)] {
            let token = from_object(vm, &field, depth + 1)?;
            object.set_by_name(name, &token)?;
        }
        return Ok(object);
    }
    let is_map = source.downcast::<collection::Map>().is_some()
        || matches!(source, Value::Context(_))
        || source.downcast::<crate::message::StoredValue>().is_some();
    if is_map {
        let object = JToken::object();
        for (key, item) in super::super::dictionary::entries(vm, source)? {
            let token = from_object(vm, &item, depth + 1)?;
            object.set_by_name(&key.to_text(), &token)?;
        }
        return Ok(object);
    }
    let array = JToken::array();
    if vm.is_sequence(source) {
        for item in vm.collect(source)? {
            array.add(&from_object(vm, &item, depth + 1)?)?;
        }
        return Ok(array);
    }
    Ok(JToken::object())
}

/// The content that constructors and `Add` take: tokens as they are, sequences flattened.
pub(super) fn content(vm: &mut Vm<'_>, source: &Value, into: &mut Vec<JToken>) -> Result<(), Fault> {
    if let Some(json) = source.downcast::<Json>() {
        // A container's children are its items only where the container is an array itself.
        into.push(json.0.clone());
        return Ok(());
    }
    if let Some(scalar) = scalar(source).filter(|_| !matches!(source, Value::Char(_))) {
        into.push(JToken::value(scalar));
        return Ok(());
    }
    if vm.is_sequence(source) {
        let items = vm.collect(source)?;
        // Lists inside lists go down by recursion.
        return vm.nested(|vm| items.iter().try_for_each(|item| content(vm, item, into)));
    }
    let name = source.clr_type_name().unwrap_or_default();
    Err(Fault::argument(&format!("Could not determine JSON object type for type {name}."), ""))
}

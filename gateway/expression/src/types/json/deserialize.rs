//! `ToObject<T>()` and `DeserializeObject<T>()`.
//!
//! The serializer asks its reader for what it needs, and readers of texts answer otherwise than readers of trees: a text's
//! `1.50` asked for a string is `1.50`, a tree's is `1.5`. So beside a tree that comes from a text goes one of what was written.

use std::rc::Rc;

use super::super::core::parse_enum;
use super::super::runtime::{is_instance, record, type_value};
use super::super::{Type, collection, default_value, library};
use super::convert::{cast, plain, target, today, typed};
use super::{class_type, value};
use crate::clr::json::{self, CastTarget, JToken, Scalar, TokenType};
use crate::clr::number::IntegerType;
use crate::run::{Fault, Limit, Vm};
use crate::value::Value;

/// Containers inside each other.
const DEPTH_MAX: u32 = 64;

/// A token to convert, and where it comes from.
#[derive(Clone)]
struct Source {
    token: JToken,
    /// The same place in the tree of what was written, when it comes from a text.
    written: Option<JToken>,
}

/// `token.ToObject<T>()`.
pub(super) fn of_tree(vm: &mut Vm<'_>, token: &JToken, ty: &Type) -> Result<Value, Fault> {
    let own = value(token.clone());
    match target(ty) {
        // Of the simple types it is the explicit conversion.
        Some(simple) if simple != CastTarget::Bytes => cast(vm, &own, ty),
        None if ty.non_nullable().is_enum() && token.token_type() == TokenType::String => {
            let text = own.to_text();
            enumerated(&Scalar::from(text.as_str()), ty.non_nullable()).ok_or_else(|| {
                Fault::argument(&format!("Could not convert '{text}' to {}.", ty.display()), "")
            })
        }
        _ => convert(vm, &Source { token: token.clone(), written: None }, ty, 0),
    }
}

/// `JsonConvert.DeserializeObject<T>(text)`; blank text is null.
pub(super) fn of_text(vm: &mut Vm<'_>, text: &str, ty: &Type) -> Result<Value, Fault> {
    if text.trim().is_empty() {
        if ty.accepts_null() {
            return Ok(default_value(ty));
        }
        let name = ty.clr_name();
        let problem =
            format!("No JSON content found and type '{name}' is not nullable. Path '', line 0, position 0.");
        return Err(Fault::new(SERIALIZATION, problem));
    }
    vm.steps(text.len() as u64 / 64)?;
    vm.charge(text.len().saturating_mul(4))?;
    let token = json::parse_content(text)?;
    let written = if *ty == Type::OBJECT || is_token(ty) {
        None
    } else {
        vm.steps(text.len() as u64 / 64)?;
        vm.charge(text.len().saturating_mul(4))?;
        Some(json::parse_as_written(text)?)
    };
    convert(vm, &Source { token, written }, ty, 0)
}

const SERIALIZATION: &str = "Newtonsoft.Json.JsonSerializationException";
const READER: &str = "Newtonsoft.Json.JsonReaderException";

fn convert(vm: &mut Vm<'_>, source: &Source, ty: &Type, depth: u32) -> Result<Value, Fault> {
    vm.steps(1)?;
    if depth > DEPTH_MAX {
        return Err(Fault::Limit(Limit::Depth));
    }
    let own = value(source.token.clone());
    if is_instance(&own, ty) && *ty != Type::OBJECT {
        return Ok(own);
    }
    if let Some(scalar) = source.token.scalar() {
        return leaf(vm, source, &scalar, ty);
    }
    if *ty == Type::OBJECT {
        return Ok(own);
    }
    if is_token(ty) {
        return Err(Fault::invalid_cast(&own, ty));
    }
    if *ty == Type::STRING {
        let is_array = source.token.class_name() == "JArray";
        let (first, name) = if is_array { ("[", "StartArray") } else { ("{", "StartObject") };
        return Err(source.refused(first, "string", name));
    }
    container(vm, source, ty, depth)?.ok_or_else(|| wrong_container(&source.token, ty))
}

fn wrong_container(token: &JToken, ty: &Type) -> Fault {
    let is_array = token.class_name() == "JArray";
    let (found, wanted) = ("object (e.g. {\"name\":\"value\"})", "array (e.g. [1,2,3])");
    let (found, wanted) = if is_array { (wanted, found) } else { (found, wanted) };
    Fault::new(
        SERIALIZATION,
        format!(
            "Cannot deserialize the current JSON {found} into type '{}' because the type requires a JSON {wanted} to deserialize correctly. Path '{}'.",
            ty.clr_name(),
            token.path()
        ),
    )
}

/// A value that is no container.
fn leaf(vm: &mut Vm<'_>, source: &Source, scalar: &Scalar, ty: &Type) -> Result<Value, Fault> {
    if *ty == Type::OBJECT {
        return Ok(plain(scalar));
    }
    let path = source.token.path();
    let wrong = |shown: &str| {
        let name = ty.clr_name();
        Fault::new(SERIALIZATION, format!("Error converting value {shown} to type '{name}'. Path '{path}'."))
    };
    let empty = matches!(scalar, Scalar::String(text) if text.is_empty()) && *ty != Type::STRING;
    if matches!(scalar, Scalar::Null | Scalar::Undefined) || (empty && ty.accepts_null()) {
        return if ty.accepts_null() { Ok(Value::Null) } else { Err(wrong("{null}")) };
    }
    if ty.non_nullable().is_enum() {
        return enumerated(scalar, ty.non_nullable()).ok_or_else(|| wrong(&shown(scalar)));
    }
    let Some(target) = target(ty) else { return Err(wrong(&shown(scalar))) };
    let written = source.written.as_ref().and_then(JToken::scalar);
    let asked = asked_of_reader(target);
    let scalar = match (&written, scalar, asked) {
        // The reader makes no dates of strings where it is asked for something else.
        (Some(written), Scalar::Date(_), Some(kind)) if kind != "DateTime" => written,
        _ => scalar,
    };
    if let (Some(kind), Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Float(_)) = (asked, scalar) {
        let is_bool = matches!(scalar, Scalar::Bool(_));
        if kind == "DateTime" || (is_bool && kind != "boolean") {
            let text = shown(written.as_ref().unwrap_or(scalar));
            let first = text.trim_start_matches('"').get(..1).unwrap_or_default().to_owned();
            let name = if is_bool { "Boolean" } else { "Integer" };
            return Err(source.refused(&first, kind, name));
        }
    }
    if let (CastTarget::String | CastTarget::DateTimeOffset, Some(written)) = (target, &written) {
        let found = json::cast(Some(&JToken::value(written.clone())), target, true, today(vm));
        return typed(vm, &found.map_err(|_| wrong(&shown(scalar)))?, ty);
    }
    let is_int = target == CastTarget::Integer(IntegerType::Int32);
    if let (true, Scalar::Float(_), Some(Scalar::String(text))) = (is_int, scalar, &written) {
        let problem = format!("Input string '{text}' is not a valid integer. Path '{path}'.");
        return Err(Fault::new(READER, problem));
    }
    let changed = match (scalar, target) {
        (
            Scalar::String(_),
            CastTarget::Guid | CastTarget::Uri | CastTarget::TimeSpan | CastTarget::Bytes,
        ) => json::cast(Some(&source.token), target, ty.accepts_null(), today(vm)),
        _ => json::change_type(scalar, target, today(vm)),
    };
    match changed {
        Ok(found) => typed(vm, &found, ty),
        Err(error) => Err(match (scalar, asked) {
            (Scalar::String(text), Some(kind)) => {
                Fault::new(READER, format!("Could not convert string to {kind}: {text}. Path '{path}'."))
            }
            (_, Some("integer")) if written.is_some() => {
                let number = shown(scalar);
                let problem =
                    format!("JSON integer {number} is too large or small for an Int32. Path '{path}'.");
                Fault::new(READER, problem)
            }
            (_, Some(_)) => Fault::from(error),
            (_, None) => wrong(&shown(scalar)),
        }),
    }
}

/// What the reader itself makes of a string, by the name in its errors. Of other types the serializer converts what was read.
fn asked_of_reader(target: CastTarget) -> Option<&'static str> {
    Some(match target {
        CastTarget::Integer(IntegerType::Int32) => "integer",
        CastTarget::Boolean => "boolean",
        CastTarget::Double => "double",
        CastTarget::Decimal => "decimal",
        CastTarget::DateTime | CastTarget::DateTimeOffset => "DateTime",
        _ => return None,
    })
}

/// As error messages show a value.
fn shown(scalar: &Scalar) -> String {
    match scalar {
        Scalar::String(text) => format!("\"{text}\""),
        other => other.to_text(),
    }
}

fn enumerated(scalar: &Scalar, ty: &Type) -> Option<Value> {
    match scalar {
        Scalar::String(text) => parse_enum(&type_value(ty), text, true).ok(),
        other => Some(Value::Enum(ty.def()?, plain(other).as_i64()?)),
    }
}

/// Whether a type is one of the token classes.
fn is_token(ty: &Type) -> bool {
    let token = class_type("JToken").def();
    ty.def().zip(token).is_some_and(|(def, token)| library().derives(def, token))
}

impl Source {
    /// What the reader answers when it is asked for something that does not stand there.
    fn refused(&self, first: &str, kind: &str, found: &str) -> Fault {
        let path = self.token.path();
        Fault::new(
            READER,
            if self.written.is_some() {
                format!("Unexpected character encountered while parsing value: {first}. Path '{path}'.")
            } else {
                format!("Error reading {kind}. Unexpected token: {found}. Path '{path}'.")
            },
        )
    }

    /// The items of an array, the properties of an object.
    fn children(&self) -> Vec<Self> {
        let written = self.written.as_ref().map(JToken::children);
        let one = |(place, token)| Self {
            token,
            written: written.as_ref().and_then(|all| all.get(place).cloned()),
        };
        self.token.children().into_iter().enumerate().map(one).collect()
    }

    /// The value of a property.
    fn of_property(&self) -> Self {
        Self {
            token: self.token.property_value().unwrap_or_else(JToken::null),
            written: self.written.as_ref().and_then(JToken::property_value),
        }
    }
}

/// Arrays, lists, dictionaries, pairs and tuples.
fn container(vm: &mut Vm<'_>, source: &Source, ty: &Type, depth: u32) -> Result<Option<Value>, Fault> {
    let is_array = source.token.class_name() == "JArray";
    let is_object = source.token.class_name() == "JObject";
    if let (Type::Array(element, 1), true) = (ty, is_array) {
        let items = items(vm, source, element, depth)?;
        return Ok(Some(Value::array((**element).clone(), items)));
    }
    if let (Type::Tuple(fields), true) = (ty, is_object) {
        let types: Vec<Type> = fields.iter().map(|(ty, _)| ty.clone()).collect();
        return record_of(vm, source, ty, &types, depth).map(Some);
    }
    let Some(def) = ty.def() else { return Ok(None) };
    let name = library().get(def).full_name.as_str();
    if is_object && (def == super::super::KEY_VALUE_PAIR || name == "System.Tuple") {
        return record_of(vm, source, ty, ty.arguments(), depth).map(Some);
    }
    match (name.strip_prefix("System.Collections.Generic."), ty.arguments()) {
        (
            Some(
                "List"
                | "IList"
                | "IEnumerable"
                | "ICollection"
                | "IReadOnlyList"
                | "IReadOnlyCollection"
                | "HashSet",
            ),
            [element],
        ) if is_array => {
            let items = items(vm, source, element, depth)?;
            if name.ends_with("HashSet") {
                return collection::new_set(vm, element.clone(), items, false).map(Some);
            }
            collection::new_list(vm, element.clone(), items).map(Some)
        }
        (Some("Dictionary" | "IDictionary" | "IReadOnlyDictionary"), [key, item]) if is_object => {
            let mut entries = Vec::new();
            for child in source.children() {
                let name = JToken::value(Scalar::String(Rc::from(child.token.name().unwrap_or_default())));
                let key = convert(vm, &Source { token: name, written: None }, key, depth + 1)?;
                entries.push((key, convert(vm, &child.of_property(), item, depth + 1)?));
            }
            collection::new_dictionary(vm, (key.clone(), item.clone()), false, entries).map(Some)
        }
        _ => Ok(None),
    }
}

fn items(vm: &mut Vm<'_>, source: &Source, element: &Type, depth: u32) -> Result<Vec<Value>, Fault> {
    let children = source.children();
    vm.elements(children.len())?;
    children.iter().map(|child| convert(vm, child, element, depth + 1)).collect()
}

/// `Key` and `Value` of a pair, `Item1`… of a tuple; what is not there is the type's default.
fn record_of(
    vm: &mut Vm<'_>,
    source: &Source,
    ty: &Type,
    types: &[Type],
    depth: u32,
) -> Result<Value, Fault> {
    let is_pair = ty.def() == Some(super::super::KEY_VALUE_PAIR);
    let children = source.children();
    let mut fields = Vec::with_capacity(types.len());
    for (place, field) in types.iter().enumerate() {
        let name = match (is_pair, place) {
            (true, 0) => "Key".to_owned(),
            (true, _) => "Value".to_owned(),
            (false, place) => format!("Item{}", place + 1),
        };
        let same =
            |child: &&Source| child.token.name().is_some_and(|other| other.eq_ignore_ascii_case(&name));
        fields.push(match children.iter().find(same) {
            Some(child) => convert(vm, &child.of_property(), field, depth + 1)?,
            None => default_value(field),
        });
    }
    vm.charge(fields.len() * 24)?;
    Ok(record(ty.clone(), fields))
}

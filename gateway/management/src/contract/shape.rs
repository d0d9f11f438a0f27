//! Shapes of JSON objects, and what of a document does not fit.

use serde_json::{Map, Value};

use crate::arm_error::Detail;

/// No limit of its own: the size of the request bounds it.
pub(super) const LONG: usize = usize::MAX;
/// As [`LONG`], for lists.
pub(super) const MANY: usize = usize::MAX;

/// An object.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub fields: &'static [Field],
}

/// A member of an object.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Type,
    pub is_mandatory: bool,
    /// Set by the service: what a client sends is ignored.
    pub is_read_only: bool,
}

/// What a member may hold. `null` always stands for absent.
#[derive(Debug)]
pub enum Type {
    /// Shortest and longest, in characters.
    Text(usize, usize),
    Int(i64, i64),
    Number(i64, i64),
    Bool,
    /// RFC 3339.
    DateTime,
    /// ISO 8601.
    Duration,
    Any,
    /// One of these, without regard to case.
    OneOf(&'static [&'static str]),
    Object(&'static Shape),
    /// Items, and how many at most.
    List(&'static Type, usize),
    Map(&'static Type),
}

pub(super) const fn field(name: &'static str, kind: Type) -> Field {
    Field { name, kind, is_mandatory: false, is_read_only: false }
}

pub(super) const fn mandatory(name: &'static str, kind: Type) -> Field {
    Field { name, kind, is_mandatory: true, is_read_only: false }
}

pub(super) const fn read_only(name: &'static str, kind: Type) -> Field {
    Field { name, kind, is_mandatory: false, is_read_only: true }
}

impl Shape {
    /// Checks an object. Members of no field are removed, as those are that the service sets; `null` as well, unless
    /// the object is a patch, where it clears the field. A patch lacks no field.
    pub fn read(&self, object: &mut Map<String, Value>, is_patch: bool, found: &mut Vec<Detail>) {
        self.read_at("", object, is_patch, found);
    }

    fn read_at(&self, place: &str, object: &mut Map<String, Value>, is_patch: bool, found: &mut Vec<Detail>) {
        object.retain(|name, value| {
            let field = self.fields.iter().find(|field| field.name == name);
            field.is_some_and(|field| !field.is_read_only) && (is_patch || !value.is_null())
        });
        for field in self.fields {
            let target =
                if place.is_empty() { field.name.to_owned() } else { format!("{place}.{}", field.name) };
            match object.get_mut(field.name) {
                Some(Value::Null) if field.is_mandatory => found.push(required(&target)),
                Some(Value::Null) => {}
                Some(value) => field.kind.read(&target, value, found),
                None if field.is_mandatory && !is_patch => found.push(required(&target)),
                None => {}
            }
        }
    }
}

fn required(target: &str) -> Detail {
    Detail::new(target, format!("'{target}' must not be empty."))
}

impl Type {
    fn read(&self, target: &str, value: &mut Value, found: &mut Vec<Detail>) {
        let problem = match (self, &mut *value) {
            (Self::Text(min, max), Value::String(text)) => {
                let chars = text.chars().count();
                (chars < *min || chars > *max).then(|| {
                    let most = if *max == LONG { "any number".to_owned() } else { max.to_string() };
                    format!("'{target}' must have between {min} and {most} characters; it has {chars}.")
                })
            }
            (Self::OneOf(values), Value::String(text)) => {
                (!values.iter().any(|known| known.eq_ignore_ascii_case(text)))
                    .then(|| format!("'{target}' must be one of {}; it is '{text}'.", values.join(", ")))
            }
            (Self::DateTime, Value::String(text)) => text
                .parse::<jiff::Timestamp>()
                .is_err()
                .then(|| format!("'{target}' must be a date and time as in 2026-01-31T12:00:00Z.")),
            (Self::Duration, Value::String(text)) => gateway_model::resource::IsoDuration::parse(text)
                .is_none()
                .then(|| format!("'{target}' must be a duration as in PT1M.")),
            (Self::Bool, Value::Bool(_)) | (Self::Any, _) => None,
            (Self::Int(min, max), Value::Number(number)) => {
                let fits = number.as_i64().is_some_and(|number| (*min..=*max).contains(&number));
                (!fits).then(|| format!("'{target}' must be a whole number{}.", range(*min, *max)))
            }
            (Self::Number(min, max), Value::Number(number)) => {
                let fits = number.as_f64().is_some_and(|n| (*min as f64..=*max as f64).contains(&n));
                (!fits).then(|| format!("'{target}' must be a number{}.", range(*min, *max)))
            }
            (Self::Object(shape), Value::Object(object)) => {
                shape.read_at(target, object, false, found);
                None
            }
            (Self::List(of, max), Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    of.read(&format!("{target}[{index}]"), item, found);
                }
                (items.len() > *max).then(|| format!("'{target}' must not have more than {max} items."))
            }
            (Self::Map(of), Value::Object(members)) => {
                for (name, member) in members.iter_mut() {
                    of.read(&format!("{target}.{name}"), member, found);
                }
                None
            }
            (_, _) => Some(format!("'{target}' must be {}.", self.in_words())),
        };
        found.extend(problem.map(|message| Detail::new(target, message)));
    }

    fn in_words(&self) -> &'static str {
        match self {
            Self::Text(..) | Self::OneOf(_) => "a text",
            Self::DateTime => "a date and time as in 2026-01-31T12:00:00Z",
            Self::Duration => "a duration as in PT1M",
            Self::Int(..) => "a whole number",
            Self::Number(..) => "a number",
            Self::Bool => "true or false",
            Self::Object(_) | Self::Map(_) => "an object",
            Self::List(..) => "a list",
            Self::Any => "anything",
        }
    }
}

fn range(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => String::new(),
        (min, i64::MAX) => format!(" of at least {min}"),
        (min, max) => format!(" from {min} to {max}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::shapes::{API_CREATE_OR_UPDATE_PARAMETER, NAMED_VALUE_CREATE_CONTRACT};
    use super::*;

    fn read(shape: &Shape, value: Value, is_patch: bool) -> (Value, Vec<String>) {
        let Value::Object(mut object) = value else { panic!("not an object") };
        let mut found = Vec::new();
        shape.read(&mut object, is_patch, &mut found);
        (Value::Object(object), found.into_iter().map(|detail| detail.message).collect())
    }

    #[test]
    fn shape_drops_what_it_does_not_know_or_the_service_sets() {
        let (value, found) = read(
            &API_CREATE_OR_UPDATE_PARAMETER,
            json!({"path": "a", "isOnline": false, "future": 1, "contact": {"name": "n", "x": 1}, "license": null}),
            false,
        );
        assert_eq!(value, json!({"path": "a", "contact": {"name": "n"}}));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn shape_names_every_member_that_does_not_fit() {
        let (_, found) = read(
            &API_CREATE_OR_UPDATE_PARAMETER,
            json!({"type": "carrier-pigeon", "protocols": ["http", 7], "isCurrent": "yes"}),
            false,
        );
        assert_eq!(
            found,
            [
                "'type' must be one of http, soap, websocket, graphql, odata, grpc; it is 'carrier-pigeon'.",
                "'isCurrent' must be true or false.",
                "'path' must not be empty.",
                "'protocols[1]' must be a text.",
            ]
        );
    }

    #[test]
    fn shape_of_a_patch_keeps_null_and_lacks_nothing() {
        let (value, found) = read(&NAMED_VALUE_CREATE_CONTRACT, json!({"secret": null, "tags": ["x"]}), true);
        assert_eq!(value, json!({"secret": null, "tags": ["x"]}));
        assert_eq!(found, Vec::<String>::new());
    }
}

//! JSON values as the objects of an execution.

use std::cell::RefCell;

use apollo_compiler::ast::Type;
use apollo_compiler::executable;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use apollo_compiler::schema::ExtendedType;
use rustc_hash::FxHashMap;

use super::{FieldContext, GraphQlApi};

/// What data sources have answered so far, by place: response keys and list indices from the root.
pub type Answers = FxHashMap<String, Result<JsonValue, String>>;

/// A field that waits for its data source.
#[derive(Debug)]
pub struct Pending {
    pub place: String,
    pub owner: String,
    pub field: String,
    pub context: FieldContext,
}

/// One walk over the operation with the answers known.
pub struct Round<'a> {
    pub api: &'a GraphQlApi,
    pub answers: &'a Answers,
    /// Fields at the root run one after the other (mutations).
    pub one_by_one: bool,
    pub pending: RefCell<Vec<Pending>>,
}

/// An object of the response.
pub struct Node<'a> {
    pub round: &'a Round<'a>,
    pub type_name: String,
    /// `""` at the root.
    pub place: String,
    /// The object; what it does not hold is null.
    pub value: &'a JsonValue,
    /// The object came from the backend's own response: its members are named by response key.
    pub is_aliased: bool,
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let key = response_key(info);
        let field = info.field_name();
        let place = format!("{}/{key}", self.place);
        if self.round.api.resolver(&self.type_name, field).is_none() {
            let member = if self.is_aliased { key } else { field };
            let value =
                self.value.as_object().and_then(|object| object.get(member)).unwrap_or(&JsonValue::Null);
            return self.complete(&info.field_definition().ty, value, &place, self.is_aliased);
        }
        match self.round.answers.get(&place) {
            Some(Ok(value)) => self.complete(&info.field_definition().ty, value, &place, false),
            Some(Err(message)) => Err(FieldError { message: message.clone() }),
            None => {
                self.ask(place, info);
                Ok(ResolvedValue::SkipForPartialExecution)
            }
        }
    }
}

impl Node<'_> {
    /// Notes that the field's data source is to be asked, unless an earlier mutation is still under way.
    fn ask(&self, place: String, info: &ResolveInfo<'_>) {
        let mut pending = self.round.pending.borrow_mut();
        if self.round.one_by_one && self.place.is_empty() && !pending.is_empty() {
            return;
        }
        let parent = if self.place.is_empty() { "{}".to_owned() } else { text(self.value) };
        pending.push(Pending {
            place,
            owner: self.type_name.clone(),
            field: info.field_name().to_owned(),
            context: FieldContext { arguments: text(info.arguments()), parent },
        });
    }

    /// A JSON value as the schema's type.
    fn complete<'a>(
        &'a self,
        ty: &Type,
        value: &'a JsonValue,
        place: &str,
        is_aliased: bool,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        if value.is_null() {
            return Ok(ResolvedValue::null());
        }
        if ty.is_list() {
            let items = value.as_array().ok_or_else(|| mismatch(ty, value))?;
            let item_type = ty.item_type().clone();
            let place = place.to_owned();
            let items = items.iter().enumerate();
            return Ok(ResolvedValue::List(Box::new(items.map(move |(index, item)| {
                self.complete(&item_type, item, &format!("{place}/{index}"), is_aliased)
            }))));
        }
        let name = ty.inner_named_type();
        let type_name = match self.round.api.schema.0.types.get(name) {
            Some(ExtendedType::Object(object)) => object.name.to_string(),
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                let told = value
                    .as_object()
                    .and_then(|object| object.get("__typename"))
                    .and_then(|name| name.as_str());
                let missing =
                    || FieldError { message: format!("the value of type {name} has no __typename") };
                told.ok_or_else(missing)?.to_owned()
            }
            _ => return Ok(ResolvedValue::leaf(value.clone())),
        };
        if !value.is_object() {
            return Err(mismatch(ty, value));
        }
        Ok(ResolvedValue::object(Node {
            round: self.round,
            type_name,
            place: place.to_owned(),
            value,
            is_aliased,
        }))
    }
}

fn text(json: &impl serde::Serialize) -> String {
    // Maps with text keys always serialize.
    serde_json::to_string(json).unwrap_or_else(|_| "{}".to_owned())
}

fn response_key<'a>(info: &ResolveInfo<'a>) -> &'a str {
    let fields: &'a [&'a executable::Field] = info.field_selections();
    fields.first().map_or(info.field_name(), |field| field.response_key().as_str())
}

fn mismatch(ty: &Type, value: &JsonValue) -> FieldError {
    let kind = match value {
        JsonValue::Object(_) => "an object",
        JsonValue::Array(_) => "a list",
        JsonValue::String(_) => "a string",
        JsonValue::Number(_) => "a number",
        JsonValue::Bool(_) => "a Boolean",
        JsonValue::Null => "null",
    };
    FieldError { message: format!("{kind} is no value of type {ty}") }
}

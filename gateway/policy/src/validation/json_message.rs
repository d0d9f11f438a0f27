//! Problems in the words of Newtonsoft's schema validator, which the service uses: its texts and its places.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::Problem;
use super::json_position::{Step, locate};

/// Errors as problems; missing properties of one object are one problem.
pub fn problems<'a>(
    errors: impl Iterator<Item = ValidationError<'a>>,
    text: &str,
    ignore_case: bool,
) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    let mut missing: Vec<(String, Vec<Step>, Vec<String>)> = Vec::new();
    for error in errors {
        let steps = steps(&error);
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default().to_owned();
                let path = error.instance_path().to_string();
                match missing.iter_mut().find(|(known, ..)| *known == path) {
                    Some((_, _, names)) => names.push(name),
                    None => missing.push((path, steps, vec![name])),
                }
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    let message = format!(
                        "Property '{name}' has not been defined and the schema does not allow additional properties."
                    );
                    let mut steps = steps.clone();
                    steps.push(Step::Name(name.clone()));
                    found.push(placed(message, &steps, text, (true, ignore_case)));
                }
            }
            kind => found.push(placed(
                message(kind, error.instance(), &error),
                &steps,
                text,
                (false, ignore_case),
            )),
        }
    }
    for (_, steps, names) in missing {
        let message = format!("Required properties are missing from object: {}.", names.join(", "));
        found.push(placed(message, &steps, text, (false, ignore_case)));
    }
    found
}

fn placed(message: String, steps: &[Step], text: &str, (at_name, ignore_case): (bool, bool)) -> Problem {
    let (line, position) = locate(text, steps, at_name, ignore_case);
    Problem { message, line, position }
}

fn steps(error: &ValidationError<'_>) -> Vec<Step> {
    let step = |segment: LocationSegment<'_>| match segment {
        LocationSegment::Property(name) => Step::Name(name.to_string()),
        LocationSegment::Index(index) => Step::Index(index),
    };
    error.instance_path().segments().map(step).collect()
}

fn message(kind: &Kind, instance: &Value, error: &ValidationError<'_>) -> String {
    let number = if instance.is_f64() { "Float" } else { "Integer" };
    let text = shortened(instance.as_str().unwrap_or_default());
    let items = instance.as_array().map_or(0, Vec::len);
    let properties = instance.as_object().map_or(0, serde_json::Map::len);
    match kind {
        Kind::Type { kind } => {
            format!("Invalid type. Expected {} but got {}.", expected(kind), type_of(instance))
        }
        Kind::Minimum { limit } => format!("{number} {instance} is less than minimum value of {limit}."),
        Kind::Maximum { limit } => format!("{number} {instance} exceeds maximum value of {limit}."),
        Kind::ExclusiveMinimum { limit } if limit == instance => {
            format!("{number} {instance} equals minimum value of {limit} and exclusive minimum is true.")
        }
        Kind::ExclusiveMinimum { limit } => {
            format!("{number} {instance} is less than minimum value of {limit}.")
        }
        Kind::ExclusiveMaximum { limit } if limit == instance => {
            format!("{number} {instance} equals maximum value of {limit} and exclusive maximum is true.")
        }
        Kind::ExclusiveMaximum { limit } => format!("{number} {instance} exceeds maximum value of {limit}."),
        Kind::MultipleOf { multiple_of } => {
            format!("{number} {instance} is not a multiple of {multiple_of}.")
        }
        Kind::MinLength { limit } => format!("String '{text}' is less than minimum length of {limit}."),
        Kind::MaxLength { limit } => format!("String '{text}' exceeds maximum length of {limit}."),
        Kind::Pattern { pattern } => format!("String '{text}' does not match regex pattern '{pattern}'."),
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            "Timeout when matching the regex pattern.".to_owned()
        }
        Kind::Format { format } => format!("String '{text}' does not validate against format '{format}'."),
        Kind::Enum { .. } => format!("Value {} is not defined in enum.", shortened(&instance.to_string())),
        Kind::Constant { .. } => format!("Value {} does not match const.", shortened(&instance.to_string())),
        Kind::MinItems { limit } => {
            format!("Array item count {items} is less than minimum count of {limit}.")
        }
        Kind::MaxItems { limit } => format!("Array item count {items} exceeds maximum count of {limit}."),
        Kind::AdditionalItems { limit } => {
            format!("Array item count {items} exceeds maximum count of {limit}.")
        }
        Kind::UniqueItems => format!("Non-unique array item at index {}.", repeated(instance)),
        Kind::Contains => "No items match contains.".to_owned(),
        Kind::MinProperties { limit } => {
            format!("Object property count {properties} is less than minimum count of {limit}.")
        }
        Kind::MaxProperties { limit } => {
            format!("Object property count {properties} exceeds maximum count of {limit}.")
        }
        Kind::AnyOf { .. } => "JSON does not match any schemas from 'anyOf'.".to_owned(),
        Kind::OneOfMultipleValid { .. } => {
            "JSON is valid against more than one schema from 'oneOf'.".to_owned()
        }
        Kind::OneOfNotValid { .. } => "JSON is valid against no schemas from 'oneOf'.".to_owned(),
        Kind::Not { .. } => "JSON is valid against schema from 'not'.".to_owned(),
        Kind::FalseSchema => "Schema always fails validation.".to_owned(),
        _ => format!("{}.", shortened(&error.to_string())),
    }
}

/// Types in the order in which .NET lists them.
fn expected(kind: &TypeKind) -> String {
    let order = [
        (JsonType::String, "String"),
        (JsonType::Number, "Number"),
        (JsonType::Integer, "Integer"),
        (JsonType::Boolean, "Boolean"),
        (JsonType::Object, "Object"),
        (JsonType::Array, "Array"),
        (JsonType::Null, "Null"),
    ];
    let is_expected = |wanted: JsonType| match kind {
        TypeKind::Single(one) => *one == wanted,
        TypeKind::Multiple(set) => set.iter().any(|one| one == wanted),
    };
    let names: Vec<_> =
        order.into_iter().filter(|(kind, _)| is_expected(*kind)).map(|(_, name)| name).collect();
    names.join(", ")
}

/// Values are shown up to this many characters: the message of a large one is no larger.
const SHOWN_MAX: usize = 500;

fn shortened(text: &str) -> &str {
    text.char_indices().nth(SHOWN_MAX).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Number",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// The first item that stands in the array twice; looked for among the first ones only.
fn repeated(instance: &Value) -> usize {
    let items = instance.as_array().map_or(&[][..], Vec::as_slice);
    let items = items.get(..items.len().min(1000)).unwrap_or_default();
    items
        .iter()
        .enumerate()
        .position(|(index, item)| items.iter().take(index).any(|known| known == item))
        .unwrap_or(0)
}

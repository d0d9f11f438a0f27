//! A parameter of an operation, and whether values fit it.

use gateway_model::resource::Parameter;
use serde_json::Value;

use super::schemas::{DefinitionError, Schemas};
use crate::validation::Problem;
use crate::validation::definition::Definition;
use crate::validation::json_schema::Options;

/// What is promised of a parameter or header.
#[derive(Debug)]
pub struct ParameterContract {
    pub name: Box<str>,
    pub required: bool,
    kind: Box<str>,
    /// Values allowed; empty = any.
    values: Vec<Box<str>>,
    described_by: Option<(Box<str>, Box<str>)>,
}

/// Where a parameter stands, which decides how lists are written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    RequestHeader,
    ResponseHeader,
}

/// Why values do not fit.
#[derive(Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Several values of a parameter that is no array.
    Multiple,
    Unfit(Problem),
    /// It is no number, or whatever else it must be.
    Unparsable(String),
    Definition(DefinitionError),
}

impl ParameterContract {
    pub fn new(parameter: &Parameter) -> Self {
        let described_by = parameter.schema_id.as_deref().zip(parameter.type_name.as_deref());
        Self {
            name: parameter.name.as_str().into(),
            required: parameter.required,
            kind: parameter.parameter_type.to_ascii_lowercase().into(),
            values: parameter.values.iter().map(|value| value.as_str().into()).collect(),
            described_by: described_by.map(|(schema, name)| (schema.into(), name.into())),
        }
    }

    /// Checks the values given, one or more. Arrays are read in OpenAPI's default style of the place: repeated in a
    /// query (`form`, exploded), behind commas elsewhere (`simple`).
    pub fn check(&self, values: &[String], place: Place, schemas: &Schemas) -> Result<(), Mismatch> {
        let Some((schema, name)) = &self.described_by else { return self.check_plain(values) };
        let definition =
            schemas.definition(schema, name, Options::default()).map_err(Mismatch::Definition)?;
        let described = schemas.types(schema).and_then(|types| resolve(types, name));
        let kind = described.and_then(type_of).unwrap_or(&self.kind);
        if kind == "array" {
            let items = described.and_then(|schema| schema.get("items"));
            let items = items.map(|items| follow(schemas.types(schema), items));
            let kind = items.and_then(type_of).unwrap_or("string");
            let parts: Vec<&str> = match place {
                Place::Query => values.iter().map(String::as_str).collect(),
                _ => values.iter().flat_map(|value| value.split(',')).map(str::trim).collect(),
            };
            let items: Result<Vec<_>, _> = parts.into_iter().map(|part| parse(part, kind)).collect();
            return fit(&definition, Value::Array(items.map_err(Mismatch::Unparsable)?));
        }
        let [value] = values else { return Err(Mismatch::Multiple) };
        if !kind.is_empty() {
            return fit(&definition, parse(value, kind).map_err(Mismatch::Unparsable)?);
        }
        // The schema leaves the type open: whatever the text may be.
        let text = fit(&definition, Value::String(value.clone()));
        match (text, serde_json::from_str::<Value>(value)) {
            (Err(problem), Ok(other)) => fit(&definition, other).map_err(|_| problem),
            (result, _) => result,
        }
    }

    /// Without a schema: the type and the list of values.
    fn check_plain(&self, values: &[String]) -> Result<(), Mismatch> {
        if &*self.kind != "array" && values.len() > 1 {
            return Err(Mismatch::Multiple);
        }
        for value in values {
            parse(value, if &*self.kind == "array" { "string" } else { &self.kind })
                .map_err(Mismatch::Unparsable)?;
            if !self.values.is_empty() && !self.values.iter().any(|known| **known == **value) {
                let message = format!("Value {} is not defined in enum.", Value::String(value.clone()));
                return Err(Mismatch::Unfit(Problem { message, line: 1, position: value.chars().count() }));
            }
        }
        Ok(())
    }
}

/// The named type, behind references to other types.
fn resolve<'t>(types: &'t Value, name: &str) -> Option<&'t Value> {
    types.get(name).map(|schema| follow(Some(types), schema))
}

fn follow<'t>(types: Option<&'t Value>, schema: &'t Value) -> &'t Value {
    let mut schema = schema;
    // A chain longer than this is a circle; the definition's own check refuses that.
    for _ in 0..16 {
        let reference =
            schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
        match reference.and_then(|name| types?.get(name)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The type that a schema names, null aside.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

fn parse(text: &str, kind: &str) -> Result<Value, String> {
    let number = || {
        let plain =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        plain.then(|| serde_json::from_str::<Value>(text).ok()).flatten().filter(Value::is_number)
    };
    let parsed = match kind {
        "integer" => {
            number().filter(|number| !number.is_f64() || number.as_f64().is_some_and(|n| n.fract() == 0.0))
        }
        "number" => number(),
        "boolean" => match text {
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        "object" => serde_json::from_str(text).ok().filter(Value::is_object),
        _ => Some(Value::String(text.to_owned())),
    };
    parsed.ok_or_else(|| format!("Could not convert string to {kind}: {text}."))
}

fn fit(definition: &Definition, value: Value) -> Result<(), Mismatch> {
    let Definition::Json(schema) = definition else { return Ok(()) };
    let text = value.to_string();
    match schema.validate_value(value, &text).into_iter().next() {
        Some(problem) => Err(Mismatch::Unfit(problem)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use gateway_model::resource::ApiSchema;

    use super::*;

    #[test]
    fn check_reads_values_by_their_type() {
        let mut schema = ApiSchema { id: "s".into(), ..ApiSchema::default() };
        schema.document.components = serde_json::from_str(
            r##"{"schemas":{"Int":{"type":"integer","minimum":1},"Ref":{"$ref":"#/components/schemas/Int"},
                "Ints":{"type":"array","items":{"$ref":"#/components/schemas/Int"},"maxItems":2},"Flag":{"type":"boolean"},
                "Open":{"enum":["a",5]},"Circle":{"$ref":"#/components/schemas/Circle"}}}"##,
        )
        .ok();
        let schemas = Schemas::new([&schema].into_iter());
        let check = |kind: &str, values: &[&str], place| {
            let parameter = Parameter {
                schema_id: Some("s".into()),
                type_name: Some(kind.into()),
                ..Parameter::default()
            };
            let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
            match ParameterContract::new(&parameter).check(&values, place, &schemas) {
                Ok(()) => "fits".to_owned(),
                Err(Mismatch::Unfit(problem)) => problem.message,
                Err(other) => format!("{other:?}"),
            }
        };
        for (kind, values, place, expected) in [
            ("Int", &["5"][..], Place::Query, "fits"),
            ("Ref", &["0"], Place::Query, "Integer 0 is less than minimum value of 1."),
            ("Int", &["x"], Place::Path, "Unparsable(\"Could not convert string to integer: x.\")"),
            ("Int", &["1", "2"], Place::Query, "Multiple"),
            ("Ints", &["1", "2"], Place::Query, "fits"),
            ("Ints", &["1, 2"], Place::RequestHeader, "fits"),
            ("Ints", &["1,2"], Place::Query, "Unparsable(\"Could not convert string to integer: 1,2.\")"),
            ("Flag", &["true"], Place::Query, "fits"),
            ("Flag", &["yes"], Place::Query, "Unparsable(\"Could not convert string to boolean: yes.\")"),
            ("Open", &["a"], Place::Query, "fits"),
            ("Open", &["5"], Place::Query, "fits"),
            ("Open", &["b"], Place::Query, "Value \"b\" is not defined in enum."),
            ("None", &["b"], Place::Query, "Definition(Missing(\"None\"))"),
        ] {
            assert_eq!(check(kind, values, place), expected, "{kind} {values:?}");
        }
        assert!(check("Circle", &["1"], Place::Query).contains("Broken"));
    }
}

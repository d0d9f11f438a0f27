//! What the API's description promises of an operation: responses, their examples and schemas.

mod sample;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use gateway_model::resource::{ApiSchema, Operation, ParameterExample, Representation};
use serde_json::Value;

/// The description of one operation. Shared by all requests of a snapshot.
#[derive(Debug, Default)]
pub struct OperationContract {
    responses: Vec<ResponseContract>,
    schemas: Arc<Schemas>,
}

/// A response that the operation may give.
#[derive(Debug)]
struct ResponseContract {
    status: u16,
    representations: Vec<RepresentationContract>,
}

/// Its body in one content type.
#[derive(Debug)]
struct RepresentationContract {
    content_type: Box<str>,
    examples: Vec<Bytes>,
    /// Schema and type inside it.
    described_by: Option<(Box<str>, Box<str>)>,
}

/// The schemas of an API revision: types by schema and name. Made once an API, shared by its operations.
#[derive(Debug, Default)]
pub struct Schemas {
    documents: HashMap<Box<str>, Value>,
}

/// A body made up from the description.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mock {
    /// Content type of the representation; `None` where the description has none that fits.
    pub content_type: Option<Box<str>>,
    pub body: Bytes,
}

impl Schemas {
    /// Takes what `gateway_model::ResourceSet::schemas_of` lists. Schemas that are no JSON are left out.
    pub fn new<'a>(schemas: impl Iterator<Item = &'a ApiSchema>) -> Self {
        let types = |schema: &ApiSchema| {
            let document = &schema.document;
            let text = document.value.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
            if let Some(types) = document.definitions.clone() {
                return Some(types);
            }
            let components = document.components.clone().or(text)?;
            let nested = components.get("components").or(Some(&components));
            nested.and_then(|own| own.get("schemas").or_else(|| own.get("definitions"))).cloned()
        };
        let documents =
            schemas.filter_map(|schema| Some((schema.id.as_str().into(), types(schema)?))).collect();
        Self { documents }
    }

    fn types(&self, schema: &str) -> Option<&Value> {
        self.documents.get(schema)
    }
}

impl OperationContract {
    /// The contract of an operation, over the schemas of its API.
    pub fn new(operation: &Operation, schemas: Arc<Schemas>) -> Self {
        let responses = operation.responses.iter().map(|response| ResponseContract {
            status: response.status_code,
            representations: response.representations.iter().map(RepresentationContract::new).collect(),
        });
        Self { responses: responses.collect(), schemas }
    }

    /// What `mock-response` answers (`policies.md` B 2.14): the n-th example of the representation, else a sample
    /// made from its schema, else nothing. Without `content_type` the first representation is taken.
    pub fn mock(&self, status: u16, content_type: Option<&str>, index: usize) -> Mock {
        let response = self.responses.iter().find(|response| response.status == status);
        let fits = |own: &&RepresentationContract| {
            content_type.is_none_or(|asked| same_type(asked, &own.content_type))
        };
        let Some(own) = response.and_then(|response| response.representations.iter().find(fits)) else {
            return Mock::default();
        };
        let body = own.examples.get(index).cloned().or_else(|| self.sample(own)).unwrap_or_default();
        Mock { content_type: Some(own.content_type.clone()), body }
    }

    fn sample(&self, representation: &RepresentationContract) -> Option<Bytes> {
        if !is_json(&representation.content_type) {
            return None;
        }
        let (schema, name) = representation.described_by.as_ref()?;
        let types = self.schemas.types(schema)?;
        Some(sample::json(types.get(&**name)?, types)?.to_string().into())
    }
}

impl RepresentationContract {
    fn new(representation: &Representation) -> Self {
        let mut examples: Vec<Bytes> = representation.examples.values().filter_map(example_text).collect();
        if let (true, Some(sample)) = (examples.is_empty(), &representation.sample) {
            examples.push(sample.clone().into());
        }
        let described_by = representation.schema_id.as_deref().zip(representation.type_name.as_deref());
        Self {
            content_type: representation.content_type.as_str().into(),
            examples,
            described_by: described_by.map(|(schema, name)| (schema.into(), name.into())),
        }
    }
}

/// An example that is a text is sent as it is, anything else as JSON.
fn example_text(example: &ParameterExample) -> Option<Bytes> {
    match example.value.as_ref()? {
        Value::String(text) => Some(text.clone().into()),
        value => Some(value.to_string().into()),
    }
}

/// Whether two content types are the same but for parameters and case.
fn same_type(a: &str, b: &str) -> bool {
    essence(a).eq_ignore_ascii_case(essence(b))
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type).to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> OperationContract {
        let operation = serde_json::from_str::<Operation>(
            r#"{ "responses": [
                { "statusCode": 200, "representations": [
                    { "contentType": "application/json", "examples": { "a": { "value": { "n": 1 } }, "b": { "value": "text" } } },
                    { "contentType": "Application/Problem+JSON; v=1", "schemaId": "s", "typeName": "Pet" },
                    { "contentType": "text/plain", "sample": "old" } ] } ] }"#,
        );
        let mut schema = ApiSchema { id: "s".into(), ..ApiSchema::default() };
        schema.document.components = serde_json::from_str(
            r#"{ "schemas": { "Pet": { "properties": { "id": { "type": "integer" } } } } }"#,
        )
        .ok();
        OperationContract::new(&operation.unwrap(), Arc::new(Schemas::new([&schema].into_iter())))
    }

    #[test]
    fn mock_picks_status_type_and_example() {
        let contract = contract();
        for (status, content_type, index, shown, body) in [
            (200, None, 0, Some("application/json"), r#"{"n":1}"#),
            (200, Some("APPLICATION/json; charset=utf-8"), 1, Some("application/json"), "text"),
            (200, Some("application/problem+json"), 0, Some("Application/Problem+JSON; v=1"), r#"{"id":0}"#),
            (200, Some("text/plain"), 0, Some("text/plain"), "old"),
            (200, Some("text/plain"), 1, Some("text/plain"), ""),
            (200, Some("text/html"), 0, None, ""),
            (404, None, 0, None, ""),
        ] {
            let expected = Mock { content_type: shown.map(Into::into), body: body.into() };
            assert_eq!(
                contract.mock(status, content_type, index),
                expected,
                "{status} {content_type:?} {index}"
            );
        }
    }
}

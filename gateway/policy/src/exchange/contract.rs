//! What the API's description promises of an operation: parameters, bodies, their examples and schemas.

pub mod parameter;
mod sample;
mod schemas;

use std::sync::Arc;

use bytes::Bytes;
use gateway_model::resource::{Operation, ParameterExample, Representation};
use serde_json::Value;

use super::payload::{essence, is_json};
use parameter::ParameterContract;
pub use schemas::{DefinitionError, Schemas};

/// The description of one operation. Shared by all requests of a snapshot.
#[derive(Debug, Default)]
pub struct OperationContract {
    pub path: Vec<ParameterContract>,
    pub query: Vec<ParameterContract>,
    pub headers: Vec<ParameterContract>,
    request: Vec<RepresentationContract>,
    responses: Vec<ResponseContract>,
    schemas: Arc<Schemas>,
}

/// A response that the operation may give.
#[derive(Debug)]
pub struct ResponseContract {
    status: u16,
    pub headers: Vec<ParameterContract>,
    representations: Vec<RepresentationContract>,
}

/// Its body in one content type.
#[derive(Debug)]
pub struct RepresentationContract {
    content_type: Box<str>,
    examples: Vec<Bytes>,
    /// Schema and type inside it.
    pub described_by: Option<(Box<str>, Box<str>)>,
}

/// A body made up from the description.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mock {
    /// Content type of the representation; `None` where the description has none that fits.
    pub content_type: Option<Box<str>>,
    pub body: Bytes,
}

impl OperationContract {
    /// The contract of an operation, over the schemas of its API.
    pub fn new(operation: &Operation, schemas: Arc<Schemas>) -> Self {
        let responses = operation.responses.iter().map(|response| ResponseContract {
            status: response.status_code,
            headers: response.headers.iter().map(ParameterContract::new).collect(),
            representations: response.representations.iter().map(RepresentationContract::new).collect(),
        });
        let in_path = operation.url_template.split('?').next().unwrap_or_default();
        let is_in_path = |name: &str| {
            in_path.contains(&format!("{{{name}}}")) || in_path.contains(&format!("{{*{name}}}"))
        };
        let own = operation.template_parameters.iter().map(ParameterContract::new);
        let (path, mut query): (Vec<_>, Vec<_>) = own.partition(|parameter| is_in_path(&parameter.name));
        let request = operation.request.as_ref();
        query
            .extend(request.iter().flat_map(|request| &request.query_parameters).map(ParameterContract::new));
        let headers =
            request.iter().flat_map(|request| &request.headers).map(ParameterContract::new).collect();
        let bodies = request.iter().flat_map(|request| &request.representations);
        let request = bodies.map(RepresentationContract::new).collect();
        Self { path, query, headers, request, responses: responses.collect(), schemas }
    }

    /// The schemas that the contract refers to.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// The response of a status.
    pub fn response(&self, status: u16) -> Option<&ResponseContract> {
        self.responses.iter().find(|response| response.status == status)
    }

    /// The body that the request, or the response of a status, has in a content type.
    pub fn representation(
        &self,
        response: Option<u16>,
        content_type: &str,
    ) -> Option<&RepresentationContract> {
        let representations = match response {
            None => &self.request,
            Some(status) => &self.response(status)?.representations,
        };
        representations.iter().find(|own| same_type(content_type, &own.content_type))
    }

    /// What `mock-response` answers (`policies.md` B 2.14): the n-th example of the representation, else a sample
    /// made from its schema, else nothing. Without `content_type` the first representation is taken.
    pub fn mock(&self, status: u16, content_type: Option<&str>, index: usize) -> Mock {
        let response = self.response(status);
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
pub fn same_type(a: &str, b: &str) -> bool {
    essence(a) == essence(b)
}

#[cfg(test)]
mod tests {
    use gateway_model::resource::ApiSchema;

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

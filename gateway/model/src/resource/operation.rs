//! Operations of an API, with what mock-response and the validation policies need.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Deserialize, Extra, Serialize, is_default, resource};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, OperationId};
use crate::origin::Origin;

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// The API revision it belongs to.
    #[serde(skip)]
    pub api: ApiId,
    /// Name.
    #[serde(skip)]
    pub id: OperationId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title; `context.Operation.Name`.
    #[serde(skip_serializing_if = "is_default")]
    pub display_name: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Method, any token; `*` is none of ours.
    pub method: String,
    /// Template of path and query, such as `/orders/{id}?page={page}`.
    pub url_template: String,
    /// Parameters of the template.
    #[serde(skip_serializing_if = "is_default")]
    pub template_parameters: Vec<Parameter>,
    /// What it takes.
    #[serde(skip_serializing_if = "is_default")]
    pub request: Option<Request>,
    /// What it answers; a response without a status is the `default` one of OpenAPI and is not kept.
    #[serde(skip_serializing_if = "is_default")]
    pub responses: Vec<Response>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A parameter of a template, query, header or form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Type: string, number, integer, boolean, array, object.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub parameter_type: String,
    /// Value when absent.
    #[serde(skip_serializing_if = "is_default")]
    pub default_value: Option<String>,
    /// Whether it must be there; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub required: bool,
    /// Allowed values; empty: any.
    #[serde(skip_serializing_if = "is_default")]
    pub values: Vec<String>,
    /// Schema of the API that describes it.
    #[serde(skip_serializing_if = "is_default")]
    pub schema_id: Option<String>,
    /// Type inside the schema.
    #[serde(skip_serializing_if = "is_default")]
    pub type_name: Option<String>,
    /// Examples by name.
    #[serde(skip_serializing_if = "is_default")]
    pub examples: IndexMap<String, ParameterExample>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An example value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParameterExample {
    /// Title.
    #[serde(skip_serializing_if = "is_default")]
    pub summary: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// The value.
    #[serde(skip_serializing_if = "is_default")]
    pub value: Option<Value>,
    /// Address of the value, never fetched.
    #[serde(skip_serializing_if = "is_default")]
    pub external_value: Option<String>,
}

/// What an operation takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Query parameters that are not in the template.
    #[serde(skip_serializing_if = "is_default")]
    pub query_parameters: Vec<Parameter>,
    /// Headers.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<Parameter>,
    /// Bodies by content type.
    #[serde(skip_serializing_if = "is_default")]
    pub representations: Vec<Representation>,
}

/// An answer of an operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Response {
    /// Status code.
    pub status_code: u16,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Bodies by content type.
    #[serde(skip_serializing_if = "is_default")]
    pub representations: Vec<Representation>,
    /// Headers.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<Parameter>,
}

/// A body in one content type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Representation {
    /// Content type.
    pub content_type: String,
    /// Schema of the API that describes it.
    #[serde(skip_serializing_if = "is_default")]
    pub schema_id: Option<String>,
    /// Type inside the schema.
    #[serde(skip_serializing_if = "is_default")]
    pub type_name: Option<String>,
    /// Fields of a form.
    #[serde(skip_serializing_if = "is_default")]
    pub form_parameters: Vec<Parameter>,
    /// Examples by name, in the order written: mock-response takes the first.
    #[serde(skip_serializing_if = "is_default")]
    pub examples: IndexMap<String, ParameterExample>,
    /// Example in the form of API versions before 2021-12-01.
    #[serde(skip_serializing_if = "is_default")]
    pub sample: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

resource!(
    Operation,
    operations,
    (ApiId, OperationId),
    |this| (this.api.clone(), this.id.clone()),
    ResourceId::Operation(this.api.clone(), this.id.clone())
);

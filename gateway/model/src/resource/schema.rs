//! Schemas: of an API, and of the service.

use super::{Deserialize, Extra, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, SchemaId};
use crate::origin::Origin;
use serde_json::Value;

text_enum! {
    /// Kind of a global schema.
    #[derive(Default)]
    SchemaType {
        #[default]
        Json = "json",
        Xml = "xml",
    }
}

/// Content type of the schemas of OpenAPI 3 documents.
pub const OPENAPI_COMPONENTS: &str = "application/vnd.oai.openapi.components+json";
/// Content type of the schemas of OpenAPI 2 documents.
pub const SWAGGER_DEFINITIONS: &str = "application/vnd.ms-azure-apim.swagger.definitions+json";
/// Content type of a GraphQL schema.
pub const GRAPHQL_SCHEMA: &str = "application/vnd.ms-azure-apim.graphql.schema";

/// A schema of an API revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiSchema {
    /// The API revision.
    #[serde(skip)]
    pub api: ApiId,
    /// Name.
    #[serde(skip)]
    pub id: SchemaId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Content type, see the constants of this module.
    pub content_type: String,
    /// The schema itself.
    pub document: SchemaDocument,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The text or the objects of a schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SchemaDocument {
    /// Text (XSD, SDL, or JSON as text).
    #[serde(skip_serializing_if = "is_default")]
    pub value: Option<String>,
    /// Types of an OpenAPI 2 document.
    #[serde(skip_serializing_if = "is_default")]
    pub definitions: Option<Value>,
    /// Components of an OpenAPI 3 document: `{"schemas": {…}}`.
    #[serde(skip_serializing_if = "is_default")]
    pub components: Option<Value>,
}

/// A schema of the service, used by validation policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Schema {
    /// Name.
    #[serde(skip)]
    pub id: SchemaId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Kind.
    pub schema_type: SchemaType,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// XML schema text.
    #[serde(skip_serializing_if = "is_default")]
    pub value: Option<Value>,
    /// JSON schema.
    #[serde(skip_serializing_if = "is_default")]
    pub document: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

resource!(
    ApiSchema,
    api_schemas,
    (ApiId, SchemaId),
    |this| (this.api.clone(), this.id.clone()),
    ResourceId::ApiSchema(this.api.clone(), this.id.clone())
);
resource!(Schema, schemas, SchemaId, |this| this.id.clone(), ResourceId::Schema(this.id.clone()));

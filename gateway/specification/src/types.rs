//! Types of a definition: the named ones, and those written in place, which get a name.

use std::collections::BTreeSet;

use gateway_model::resource::SchemaDocument;
use gateway_model::resource::schema::{OPENAPI_COMPONENTS, SWAGGER_DEFINITIONS};
use gateway_model::{ApiId, ApiSchema, Origin, SchemaId};
use serde_json::{Map, Value};

use crate::document::Node;

/// A type that an operation refers to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TypeReference {
    pub(crate) schema_id: Option<String>,
    pub(crate) type_name: Option<String>,
}

/// Where a definition keeps its named types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// OpenAPI 3: `#/components/schemas`.
    Components,
    /// OpenAPI 2: `#/definitions`.
    Definitions,
}

impl Home {
    fn prefix(self) -> &'static str {
        match self {
            Self::Components => "#/components/schemas/",
            Self::Definitions => "#/definitions/",
        }
    }

    fn schema_id(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::Definitions => "definitions",
        }
    }
}

/// Types of one definition.
#[derive(Debug)]
pub(crate) struct Types {
    home: Home,
    taken: BTreeSet<String>,
    in_place: Map<String, Value>,
}

impl Types {
    /// `named` is the object of named types, where there is one.
    pub(crate) fn new(home: Home, named: Option<&Node>) -> Self {
        let taken = named.and_then(Node::as_object).map(|members| members.keys().cloned().collect());
        Self { home, taken: taken.unwrap_or_default(), in_place: Map::new() }
    }

    /// Refers to a schema; one written in place is kept under the name `name`, or one like it.
    pub(crate) fn refer(&mut self, schema: &Node, name: &str) -> TypeReference {
        let named = schema.text("$ref").and_then(|reference| reference.strip_prefix(self.home.prefix()));
        let type_name = match named {
            Some(named) if self.taken.contains(named) => named.to_owned(),
            _ => self.keep(schema, name),
        };
        TypeReference { schema_id: Some(self.home.schema_id().to_owned()), type_name: Some(type_name) }
    }

    fn keep(&mut self, schema: &Node, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut suffix = 0;
        while !self.taken.insert(unique.clone()) {
            suffix += 1;
            unique = format!("{name}{suffix}");
        }
        self.in_place.insert(unique.clone(), schema.to_json());
        unique
    }

    /// The schema resource of the API; none without types.
    pub(crate) fn finish(self, api: &ApiId, origin: &Origin, named: Option<&Node>) -> Option<ApiSchema> {
        let mut all = match named.map(Node::to_json) {
            Some(Value::Object(all)) => all,
            _ => Map::new(),
        };
        all.extend(self.in_place);
        if all.is_empty() {
            return None;
        }
        let (content_type, document) = match self.home {
            Home::Components => {
                let components = Map::from_iter([("schemas".to_owned(), Value::Object(all))]);
                let components = Some(Value::Object(components));
                (OPENAPI_COMPONENTS, SchemaDocument { components, ..SchemaDocument::default() })
            }
            Home::Definitions => {
                let definitions = Some(Value::Object(all));
                (SWAGGER_DEFINITIONS, SchemaDocument { definitions, ..SchemaDocument::default() })
            }
        };
        Some(ApiSchema {
            api: api.clone(),
            id: SchemaId::from(self.home.schema_id()),
            origin: origin.clone(),
            content_type: content_type.to_owned(),
            document,
            ..ApiSchema::default()
        })
    }
}

//! The schemas of an API revision, and definitions compiled when they are first asked for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use gateway_model::resource::ApiSchema;
use serde_json::{Value, json};
use thiserror::Error;

use crate::odata::Model;
use crate::validation::SCHEMA_BYTES_MAX;
use crate::validation::definition::Definition;
use crate::validation::json_schema::{JsonSchema, Options};
use crate::validation::xml_schema::XmlSchema;

/// The schemas of an API revision. Made once an API, shared by its operations.
#[derive(Debug, Default)]
pub struct Schemas {
    documents: HashMap<Box<str>, Source>,
    compiled: RwLock<HashMap<Key, Compiled>>,
    metadata: OnceLock<Option<Result<Model, String>>>,
}

/// Schema, type, options.
type Key = (Box<str>, Box<str>, Options);
type Compiled = Result<Arc<Definition>, DefinitionError>;

#[derive(Debug)]
enum Source {
    /// Types by name, and the members that lead to them in the document they come from.
    Types(Home, Value),
    Xml(String),
    TooLarge,
}

#[derive(Clone, Copy, Debug)]
enum Home {
    Components,
    Definitions,
}

/// Why there is no definition (`policies.md` B 1.0).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DefinitionError {
    #[error("API's schema does not exist or it could not be resolved.")]
    NoSchema,
    #[error("API's schema does not specify definitions.")]
    NoDefinitions,
    /// The schema has no type of that name.
    #[error("API's schema does not contain definition {0}")]
    Missing(Box<str>),
    /// It is no schema.
    #[error("{0}")]
    Broken(Box<str>),
}

impl Schemas {
    /// Takes what `gateway_model::ResourceSet::schemas_of` lists. Schemas of other languages are left out.
    pub fn new<'a>(schemas: impl Iterator<Item = &'a ApiSchema>) -> Self {
        let documents = schemas.filter_map(|schema| Some((schema.id.as_str().into(), Source::of(schema)?)));
        Self { documents: documents.collect(), compiled: RwLock::default(), metadata: OnceLock::new() }
    }

    /// The types of a schema.
    pub fn types(&self, schema: &str) -> Option<&Value> {
        match self.documents.get(schema)? {
            Source::Types(_, types) => Some(types),
            Source::Xml(_) | Source::TooLarge => None,
        }
    }

    /// A definition. An XML schema is one definition, whatever the type is called: any of its elements may be the root.
    pub fn definition(&self, schema: &str, name: &str, options: Options) -> Compiled {
        let key = (schema.into(), name.into(), options);
        // Compiled definitions are only added: a writer that panicked has left nothing half done.
        if let Some(known) = self.compiled.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let compiled = self.compile(schema, name, options).map(Arc::new);
        let mut all = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert(compiled).clone()
    }

    /// The OData metadata among the schemas, where there is one.
    pub fn metadata(&self) -> Option<&Result<Model, String>> {
        let read = || {
            let texts = self.documents.values().filter_map(|source| match source {
                Source::Xml(text) => Some(text),
                Source::Types(..) | Source::TooLarge => None,
            });
            texts
                .filter(|text| text.contains(":Edmx") || text.contains("<Edmx"))
                .map(|text| Model::read(text))
                .next()
        };
        self.metadata.get_or_init(read).as_ref()
    }

    fn compile(&self, schema: &str, name: &str, options: Options) -> Result<Definition, DefinitionError> {
        let broken = |text: String| DefinitionError::Broken(text.into());
        match self.documents.get(schema).ok_or(DefinitionError::NoSchema)? {
            Source::TooLarge => Err(broken(format!("The schema is longer than {SCHEMA_BYTES_MAX} bytes."))),
            Source::Xml(text) => XmlSchema::compile(text, &|_| None).map(Definition::Xml).map_err(broken),
            Source::Types(home, types) => {
                let own = types
                    .as_object()
                    .filter(|types| !types.is_empty())
                    .ok_or(DefinitionError::NoDefinitions)?;
                if !own.contains_key(name) {
                    return Err(DefinitionError::Missing(name.into()));
                }
                let escaped = name.replace('~', "~0").replace('/', "~1").replace('%', "%25");
                let document = match home {
                    Home::Components => {
                        let reference = format!("#/components/schemas/{escaped}");
                        json!({ "$ref": reference, "components": { "schemas": types } })
                    }
                    Home::Definitions => {
                        json!({ "$ref": format!("#/definitions/{escaped}"), "definitions": types })
                    }
                };
                JsonSchema::compile(&document, options).map(Definition::Json).map_err(broken)
            }
        }
    }
}

impl Source {
    fn of(schema: &ApiSchema) -> Option<Self> {
        let document = &schema.document;
        if let Some(types) = document.definitions.clone() {
            return Some(Self::Types(Home::Definitions, types));
        }
        if let Some(text) = &document.value {
            if text.len() > SCHEMA_BYTES_MAX {
                return Some(Self::TooLarge);
            }
            if text.trim_start().starts_with('<') {
                return Some(Self::Xml(text.clone()));
            }
        }
        let text = document.value.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let whole = document.components.clone().or(text)?;
        let own = whole.get("components").unwrap_or(&whole);
        let components = own.get("schemas").map(|types| Self::Types(Home::Components, types.clone()));
        components
            .or_else(|| own.get("definitions").map(|types| Self::Types(Home::Definitions, types.clone())))
    }
}

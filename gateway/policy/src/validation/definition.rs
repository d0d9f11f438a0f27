//! A compiled definition: of JSON or of XML.

use super::Problem;
use super::json_schema::JsonSchema;
use super::xml_schema::XmlSchema;

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidateAs {
    Json,
    Xml,
    /// The content of a SOAP envelope's body.
    Soap,
}

impl ValidateAs {
    pub const NAMES: &[&str] = &["json", "xml", "soap"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Json),
            "xml" => Some(Self::Xml),
            "soap" => Some(Self::Soap),
            _ => None,
        }
    }
}

/// What a message is held against.
#[derive(Debug)]
pub enum Definition {
    Json(JsonSchema),
    Xml(XmlSchema),
}

impl Definition {
    /// What in the text does not fit; the error says why it cannot be read at all.
    pub fn validate(&self, text: &str, validate_as: ValidateAs) -> Result<Vec<Problem>, String> {
        match (self, validate_as) {
            (Self::Json(schema), ValidateAs::Json) => schema.validate(text),
            (Self::Xml(schema), ValidateAs::Xml) => schema.validate(text),
            (Self::Xml(schema), ValidateAs::Soap) => schema.validate_soap(text),
            (Self::Json(_), _) => {
                Err("The schema is a JSON schema, the content is validated as XML.".to_owned())
            }
            (Self::Xml(_), _) => {
                Err("The schema is an XML schema, the content is validated as JSON.".to_owned())
            }
        }
    }
}

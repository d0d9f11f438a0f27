//! JSON to XML and back, by Newtonsoft's convention (`policies.md` B 2.9, B 2.10): `@name` is an attribute, `#text` text,
//! `?xml` the declaration, repeated elements are an array.

mod json_to_xml;
mod xml_to_json;

pub use json_to_xml::{ConvertError, JsonToXml};
pub use xml_to_json::{Shape, XmlToJson};

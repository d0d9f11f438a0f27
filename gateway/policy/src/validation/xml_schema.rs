//! XML Schema, and the payload of SOAP envelopes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use uppsala::{Document, NodeId, XsdValidator};

use super::{PROBLEMS_MAX, Problem};
use crate::markup;

mod compose;

/// Namespaces of SOAP 1.1 and 1.2 envelopes.
const SOAP: [&str; 2] =
    ["http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"];

/// A compiled XML schema.
pub struct XmlSchema {
    validator: XsdValidator,
}

impl std::fmt::Debug for XmlSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("XmlSchema")
    }
}

impl XmlSchema {
    /// Compiles a schema; the error says what is wrong with it. `include` gives the text of the schemas that it
    /// includes by `schemaLocation="/schemas/{id}"`; nothing else is ever loaded.
    pub fn compile<'t>(text: &'t str, include: &dyn Fn(&str) -> Option<&'t str>) -> Result<Self, String> {
        let document = compose::compose(text, include)?;
        guarded(|| XsdValidator::from_schema(&document))?
            .map(|validator| Self { validator })
            .map_err(|error| error.to_string())
    }

    /// What in the text does not fit; the error says why it is no XML.
    pub fn validate(&self, text: &str) -> Result<Vec<Problem>, String> {
        let document = markup::read(text).map_err(|error| error.to_string())?;
        self.check(&document, (0, 0))
    }

    /// The same for the payload of a SOAP envelope. An empty body and a fault have none.
    pub fn validate_soap(&self, text: &str) -> Result<Vec<Problem>, String> {
        let envelope = markup::read(text).map_err(|error| error.to_string())?;
        let Some(payload) = payload(&envelope)? else { return Ok(Vec::new()) };
        let mut document = Document::new();
        let copy = document.import_subtree(&envelope, payload).ok_or("The payload cannot be read.")?;
        let root = document.root();
        document.append_child(root, copy);
        // Prefixes in values (`xsi:type`) may be declared on the envelope.
        for ancestor in envelope.ancestors(payload) {
            let declared = envelope.element(ancestor).map(|element| element.namespace_declarations.clone());
            for (prefix, uri) in declared.into_iter().flatten() {
                let known = |element: &uppsala::Element<'_>| {
                    element.namespace_declarations.iter().any(|(known, _)| *known == prefix)
                };
                if !prefix.is_empty() && !document.element(copy).is_some_and(known) {
                    document.declare_namespace(copy, Some(&prefix), uri.into_owned());
                }
            }
        }
        self.check(&document, (envelope.node_line(payload), envelope.node_column(payload)))
    }

    fn check(&self, document: &Document<'_>, place: (usize, usize)) -> Result<Vec<Problem>, String> {
        let errors = guarded(|| self.validator.validate(document))?;
        let problem = |error: uppsala::ValidationError| {
            let message =
                if error.message.ends_with('.') { error.message } else { format!("{}.", error.message) };
            let (line, position) = if place.0 > 0 {
                place
            } else {
                (error.line.unwrap_or_default(), error.column.unwrap_or_default())
            };
            Problem { message, line, position }
        };
        Ok(errors.into_iter().take(PROBLEMS_MAX).map(problem).collect())
    }
}

/// The library is young: a panic in it fails the message at hand, not the worker.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "The XML schema validator failed.".to_owned())
}

/// The first element inside the envelope's body, unless it is a fault.
fn payload(envelope: &Document<'_>) -> Result<Option<NodeId>, String> {
    let is_soap = |node: NodeId, name: &str| {
        SOAP.iter()
            .any(|uri| envelope.element(node).is_some_and(|element| element.name.matches(Some(*uri), name)))
    };
    let root = envelope.document_element().filter(|root| is_soap(*root, "Envelope"));
    let root = root.ok_or("The content is no SOAP envelope.")?;
    let body = markup::elements(envelope, root).find(|child| is_soap(*child, "Body"));
    let body = body.ok_or("The SOAP envelope has no body.")?;
    Ok(markup::elements(envelope, body).next().filter(|payload| !is_soap(*payload, "Fault")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o" xmlns:o="urn:o" elementFormDefault="qualified">
        <s:include schemaLocation="/schemas/parts"/>
        <s:element name="order"><s:complexType><s:sequence><s:element name="id" type="s:int"/><s:element name="size" type="o:Size" minOccurs="0"/></s:sequence></s:complexType></s:element>
        </s:schema>"#;
    const PARTS: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o" elementFormDefault="qualified">
        <xs:simpleType name="Size"><xs:restriction base="xs:string"><xs:pattern value="[SML]"/></xs:restriction></xs:simpleType></xs:schema>"#;

    fn order() -> XmlSchema {
        XmlSchema::compile(ORDER, &|id| (id == "parts").then_some(PARTS)).unwrap()
    }

    #[test]
    fn validate_by_types_and_includes() {
        let schema = order();
        let fits = |text: &str| schema.validate(text).unwrap().is_empty();
        assert!(fits("<order xmlns='urn:o'><id>1</id><size>M</size></order>"));
        assert!(!fits("<order xmlns='urn:o'><id>x</id></order>"));
        assert!(!fits("<order xmlns='urn:o'><id>1</id><size>Q</size></order>"));
        assert!(!fits("<order xmlns='urn:o'/>"));
        assert!(!fits("<order><id>1</id></order>"));
        assert!(!fits("<other xmlns='urn:o'/>"));
        let found = schema.validate("<order xmlns='urn:o'>\n  <id>x</id></order>").unwrap();
        assert_eq!(found.first().map(|problem| problem.line), Some(2), "{found:?}");
    }

    #[test]
    fn validate_soap_looks_at_the_payload() {
        let schema = order();
        let envelope = |uri: &str, payload: &str| {
            format!(
                "<e:Envelope xmlns:e='{uri}' xmlns:o='urn:o'><e:Header/><e:Body>{payload}</e:Body></e:Envelope>"
            )
        };
        let fits = |text: &str| schema.validate_soap(text).map(|found| found.is_empty());
        for uri in SOAP {
            assert_eq!(fits(&envelope(uri, "<o:order><o:id>1</o:id></o:order>")), Ok(true));
            assert_eq!(fits(&envelope(uri, "<o:order><o:id>x</o:id></o:order>")), Ok(false));
            assert_eq!(fits(&envelope(uri, "<e:Fault/>")), Ok(true));
            assert_eq!(fits(&envelope(uri, "")), Ok(true));
        }
        assert!(fits(&envelope("urn:other", "")).is_err());
        assert!(fits("<a/>").is_err() && fits("<!DOCTYPE a><a/>").is_err());
    }

    #[test]
    fn hostile_schemas_are_refused() {
        let schema = |inner: &str| {
            let text = format!("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>{inner}</xs:schema>");
            XmlSchema::compile(Box::leak(text.into_boxed_str()), &|_| None).map(|_| ())
        };
        for inner in [
            "<xs:include schemaLocation='/schemas/none'/>",
            "<xs:include schemaLocation='file:///etc/passwd'/>",
            "<xs:import namespace='urn:x' schemaLocation='http://attacker.test/x.xsd'/>",
            "<xs:redefine schemaLocation='/schemas/parts'/>",
        ] {
            assert!(schema(inner).is_err(), "{inner}");
        }
        assert!(XmlSchema::compile("<!DOCTYPE a><a/>", &|_| None).is_err());
        assert!(XmlSchema::compile("<a/>", &|_| None).is_err());
        let circle = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:include schemaLocation='/schemas/a'/><xs:element name='a'/></xs:schema>";
        assert!(XmlSchema::compile(circle, &|_| Some(circle)).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_document_is_judged(text in "<(order|id|size|a)( xmlns='urn:o'| xsi:type='o:Size'){0,1}>(<id>|</id>|<size>|</size>|[0-9a-z&; ]){0,12}</(order|id|a)>") {
            let _ = order().validate(&text);
        }
    }
}

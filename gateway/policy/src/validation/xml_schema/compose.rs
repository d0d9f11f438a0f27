//! A schema with those that it includes, as one document.

use uppsala::{Document, NodeId, XS_NAMESPACE};

use crate::markup;

/// Included schemas, all levels together.
const INCLUDES_MAX: usize = 32;

/// Reads a schema and puts the content of every included one in the place of its `include`.
pub fn compose<'t>(text: &'t str, include: &dyn Fn(&str) -> Option<&'t str>) -> Result<Document<'t>, String> {
    let mut document = read(text)?;
    let mut included: Vec<String> = Vec::new();
    while let Some((node, id)) = next_include(&document)? {
        if included.contains(&id) {
            document.detach(node);
            continue;
        }
        if included.len() >= INCLUDES_MAX {
            return Err(format!("A schema may include at most {INCLUDES_MAX} others."));
        }
        let text = include(&id).ok_or_else(|| format!("The schema '/schemas/{id}' does not exist."))?;
        let inner = read(text)?;
        splice(&mut document, node, &inner)?;
        included.push(id);
    }
    Ok(document)
}

fn read(text: &str) -> Result<Document<'_>, String> {
    let document = markup::read(text).map_err(|error| error.to_string())?;
    let is_schema =
        document.document_element().is_some_and(|root| is_schema_element(&document, root, "schema"));
    if is_schema { Ok(document) } else { Err("The root element is no XML schema.".to_owned()) }
}

fn is_schema_element(document: &Document<'_>, node: NodeId, name: &str) -> bool {
    document.element(node).is_some_and(|element| element.matches_name_ns(XS_NAMESPACE, name))
}

/// The next `include`; everything else that would load a schema is refused.
fn next_include(document: &Document<'_>) -> Result<Option<(NodeId, String)>, String> {
    let Some(root) = document.document_element() else { return Ok(None) };
    for node in markup::elements(document, root) {
        let location = document.get_attribute(node, "schemaLocation");
        for name in ["import", "redefine", "override"] {
            if location.is_some() && is_schema_element(document, node, name) {
                return Err(format!("xs:{name} of another schema is not supported; xs:include is."));
            }
        }
        if !is_schema_element(document, node, "include") {
            continue;
        }
        let id = location.and_then(|location| location.strip_prefix("/schemas/"));
        let Some(id) = id.filter(|id| !id.is_empty() && !id.contains('/')) else {
            let location = location.unwrap_or_default();
            return Err(format!("The schemaLocation '{location}' is not supported; /schemas/{{id}} is."));
        };
        return Ok(Some((node, id.to_owned())));
    }
    Ok(None)
}

fn splice(document: &mut Document<'_>, place: NodeId, inner: &Document<'_>) -> Result<(), String> {
    let (Some(outer_root), Some(inner_root)) = (document.document_element(), inner.document_element()) else {
        return Ok(());
    };
    for name in ["targetNamespace", "elementFormDefault", "attributeFormDefault"] {
        let (outer, inner) =
            (document.get_attribute(outer_root, name), inner.get_attribute(inner_root, name));
        let is_chameleon = name == "targetNamespace" && inner.is_none();
        if outer != inner && !is_chameleon {
            return Err(format!(
                "The attribute '{name}' of an included schema must be that of the including one."
            ));
        }
    }
    let declared =
        inner.element(inner_root).map(|root| root.namespace_declarations.clone()).unwrap_or_default();
    for child in markup::elements(inner, inner_root) {
        let Some(copy) = document.import_subtree(inner, child) else { continue };
        for (prefix, uri) in &declared {
            let own = document.element(copy).is_some_and(|element| {
                element.namespace_declarations.iter().any(|(known, _)| known == prefix)
            });
            if !own {
                let prefix = (!prefix.is_empty()).then_some(&**prefix);
                document.declare_namespace(copy, prefix, uri.to_string());
            }
        }
        document.insert_before(outer_root, copy, place);
    }
    document.detach(place);
    Ok(())
}

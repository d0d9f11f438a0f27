//! The schema check: attributes, datatypes, children, cardinality, with the messages of the service's validator.

use super::{Compiler, expected_names, visible_text};
use crate::catalogue::{AttributeDef, ChildDef, Content, Kind};
use crate::xml::{Attribute, Element, unresolved};

/// Checks an element against what it may carry; whether nothing was wrong.
pub fn check(
    element: &Element,
    attributes: &[AttributeDef],
    content: &Content,
    c: &mut Compiler<'_>,
) -> bool {
    let before = c.findings();
    check_attributes(element, attributes, c);
    check_content(element, content, c);
    c.findings() == before
}

fn check_attributes(element: &Element, defs: &[AttributeDef], c: &mut Compiler<'_>) {
    for attribute in &element.attributes {
        match defs.iter().find(|def| def.name == &*attribute.name) {
            Some(def) => check_value(attribute, def, c),
            None if &*attribute.name == "id" => {}
            None => {
                c.error("xsd", attribute.at, format!("The '{}' attribute is not declared.", attribute.name));
            }
        }
    }
    for def in defs.iter().filter(|def| def.required && element.attribute(def.name).is_none()) {
        c.error("xsd", element.at, format!("The required attribute '{}' is missing.", def.name));
    }
}

fn check_value(attribute: &Attribute, def: &AttributeDef, c: &mut Compiler<'_>) {
    let value = attribute.value.trim();
    if gateway_expression::is_expression(value) {
        if !def.expression {
            let text = format!("The '{}' attribute cannot hold a policy expression.", attribute.name);
            c.error("expression-not-allowed", attribute.at, text);
        }
        return;
    }
    if let Some(name) = unresolved(value) {
        return c.named_value_missing(name, attribute.at);
    }
    if let Err(reason) = check_datatype(value, def.kind) {
        let message = format!(
            "The '{}' attribute is invalid - The value '{value}' is invalid according to its datatype '{}' - {reason}",
            attribute.name,
            datatype(def.kind)
        );
        c.error("xsd", attribute.at, message);
    }
}

fn datatype(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::OneOf(_) => "String",
        Kind::Bool => "http://www.w3.org/2001/XMLSchema:boolean",
        Kind::Int(..) => "http://www.w3.org/2001/XMLSchema:int",
        Kind::Double => "http://www.w3.org/2001/XMLSchema:double",
    }
}

fn check_datatype(value: &str, kind: Kind) -> Result<(), String> {
    match kind {
        Kind::Text => Ok(()),
        Kind::Bool if matches!(value, "true" | "false" | "1" | "0" | "True" | "False") => Ok(()),
        Kind::Bool => Err(format!("The string '{value}' is not a valid Boolean value.")),
        Kind::Int(least, most) => match value.parse::<i64>() {
            Err(_) => Err(format!("The string '{value}' is not a valid Int32 value.")),
            Ok(number) if number < least => {
                Err(format!("The MinInclusive constraint failed: at least {least}."))
            }
            Ok(number) if number > most => {
                Err(format!("The MaxInclusive constraint failed: at most {most}."))
            }
            Ok(_) => Ok(()),
        },
        Kind::Double => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(()),
            _ => Err(format!("The string '{value}' is not a valid Double value.")),
        },
        Kind::OneOf(values) if values.contains(&value) => Ok(()),
        Kind::OneOf(values) => {
            Err(format!("The Enumeration constraint failed: one of {} is expected.", values.join(", ")))
        }
    }
}

fn check_content(element: &Element, content: &Content, c: &mut Compiler<'_>) {
    match content {
        Content::Any => {}
        Content::Empty => {
            refuse_text(element, content, c);
            refuse_elements(element, c);
        }
        Content::Text { expression } => {
            refuse_elements(element, c);
            check_text(element, *expression, c);
        }
        Content::Template => refuse_elements(element, c),
        Content::Elements(children) => {
            refuse_text(element, content, c);
            check_children(element, content, children, c);
        }
        Content::Sequence(children) => {
            refuse_text(element, content, c);
            check_children(element, content, children, c);
            check_order(element, children, c);
        }
        Content::TextOrElements(children) => {
            check_text(element, true, c);
            check_children(element, content, children, c);
        }
        Content::Policies => refuse_text(element, content, c),
        Content::SomePolicies(names) => {
            refuse_text(element, content, c);
            for inner in element.elements().filter(|inner| !names.contains(&&*inner.name)) {
                invalid_child(element, inner, content, c);
            }
        }
    }
}

fn check_text(element: &Element, expression: bool, c: &mut Compiler<'_>) {
    let text = element.text();
    if gateway_expression::is_expression(&text) {
        if !expression {
            let text = format!("The element '{}' cannot hold a policy expression.", element.name);
            c.error("expression-not-allowed", element.text_at(), text);
        }
        return;
    }
    if let Some(name) = unresolved(&text) {
        c.named_value_missing(name, element.text_at());
    }
}

fn refuse_text(element: &Element, content: &Content, c: &mut Compiler<'_>) {
    if !element.children.iter().any(visible_text) {
        return;
    }
    let names = expected_names(content);
    let hint = if names.is_empty() {
        String::new()
    } else {
        format!(" List of possible elements expected: '{names}'.")
    };
    c.error("xsd", element.text_at(), format!("The element '{}' cannot contain text.{hint}", element.name));
}

fn refuse_elements(element: &Element, c: &mut Compiler<'_>) {
    if let Some(inner) = element.elements().next() {
        let text = format!("The element '{}' cannot contain child element '{}'.", element.name, inner.name);
        c.error("xsd", inner.at, text);
    }
}

fn invalid_child(element: &Element, inner: &Element, content: &Content, c: &mut Compiler<'_>) {
    let text = format!(
        "The element '{}' has invalid child element '{}'. List of possible elements expected: '{}'.",
        element.name,
        inner.name,
        expected_names(content)
    );
    c.error("xsd", inner.at, text);
}

fn check_children(element: &Element, content: &Content, defs: &[ChildDef], c: &mut Compiler<'_>) {
    for inner in element.elements() {
        match defs.iter().find(|def| def.element == &*inner.name) {
            Some(def) => {
                check(inner, def.attributes, &def.content, c);
            }
            None => invalid_child(element, inner, content, c),
        }
    }
    for def in defs {
        let count = element.elements().filter(|inner| &*inner.name == def.element).count();
        if count < def.least {
            let text = format!(
                "The element '{}' has incomplete content. List of possible elements expected: '{}'.",
                element.name, def.element
            );
            c.error("xsd", element.at, text);
        } else if count > def.most {
            let text = format!(
                "The element '{}' may hold '{}' at most {} time(s).",
                element.name, def.element, def.most
            );
            c.error("xsd", element.at, text);
        }
    }
}

fn check_order(element: &Element, defs: &[ChildDef], c: &mut Compiler<'_>) {
    let place = |inner: &Element| defs.iter().position(|def| def.element == &*inner.name);
    let mut latest = 0;
    for inner in element.elements() {
        let Some(at) = place(inner) else { continue };
        if at < latest {
            let expected: Vec<_> = defs.iter().skip(latest).map(|def| def.element).collect();
            let text = format!(
                "The element '{}' has invalid child element '{}'. List of possible elements expected: '{}'.",
                element.name,
                inner.name,
                expected.join(", ")
            );
            return c.error("xsd", inner.at, text);
        }
        latest = at;
    }
}

//! `X500DistinguishedName.Name`: `CN=host, O="Acme, Inc.", C=US`, the last part of the encoding first.

use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

/// Object identifiers that have a short name.
const NAMES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "S"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "T"),
    ("2.5.4.42", "G"),
    ("2.5.4.43", "I"),
    ("2.5.4.46", "dnQualifier"),
    ("1.2.840.113549.1.9.1", "E"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// The name as text.
pub(super) fn text(name: &X509Name<'_>) -> String {
    let parts: Vec<String> =
        name.iter_rdn().map(|part| part.iter().map(attribute).collect::<Vec<_>>().join(" + ")).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(", ")
}

/// The value of the first attribute with one of the short names, in their order.
pub(super) fn first(name: &X509Name<'_>, short_names: &[&str]) -> Option<String> {
    short_names
        .iter()
        .find_map(|wanted| name.iter_attributes().find(|attribute| key(attribute) == **wanted).map(value))
}

fn key(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    NAMES
        .iter()
        .find(|(known, _)| *known == oid)
        .map_or_else(|| format!("OID.{oid}"), |(_, name)| (*name).to_owned())
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    match attribute.as_str() {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(attribute.as_slice()).into_owned(),
    }
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let value = value(attribute);
    let special = |c| matches!(c, ',' | '+' | '=' | '"' | '\n' | '<' | '>' | '#' | ';');
    let quoted =
        value.is_empty() || value.starts_with(' ') || value.ends_with(' ') || value.contains(special);
    if quoted {
        format!("{}=\"{}\"", key(attribute), value.replace('"', "\"\""))
    } else {
        format!("{}={value}", key(attribute))
    }
}

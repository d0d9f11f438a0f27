//! WADL (W3C member submission of 31 August 2009): resources, methods, parameters, representations.

use std::fmt::Write as _;

use gateway_model::Operation;
use gateway_model::resource::Representation;

use super::Source;
use super::operation::{Paths, Placed, parameters};

const NAMESPACE: &str = "http://wadl.dev.java.net/2009/02";

pub fn write(source: &Source) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    let _ =
        write!(out, "<application xmlns=\"{NAMESPACE}\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n  ");
    doc(&mut out, Some(&source.api.display_name), source.api.description.as_deref());
    let base = source.servers.first().map_or("/", String::as_str);
    let _ = writeln!(out, "\n  <resources base=\"{}\">", escaped(base));
    let paths = Paths::of(&source.operations);
    for (path, operations) in paths.paths.iter().chain(&paths.more) {
        let _ = writeln!(out, "    <resource path=\"{}\">", escaped(path));
        let all: Vec<(&&Operation, Vec<Placed<'_>>)> =
            operations.iter().map(|operation| (operation, parameters(operation, false))).collect();
        // A parameter of the path belongs to the resource, whatever the method.
        let in_path = all.first().map(|(_, placed)| placed.as_slice()).unwrap_or_default();
        for placed in in_path.iter().filter(|placed| placed.place == "path") {
            parameter(&mut out, placed, "      ");
        }
        for (operation, placed) in &all {
            method(&mut out, operation, placed);
        }
        out.push_str("    </resource>\n");
    }
    out.push_str("  </resources>\n</application>\n");
    out
}

fn method(out: &mut String, operation: &Operation, placed: &[Placed<'_>]) {
    let _ = write!(
        out,
        "      <method name=\"{}\" id=\"{}\">\n        ",
        escaped(&operation.method),
        escaped(operation.id.as_str())
    );
    doc(out, Some(&operation.display_name), operation.description.as_deref());
    out.push_str("\n        <request>\n");
    for placed in placed.iter().filter(|placed| placed.place != "path") {
        parameter(out, placed, "          ");
    }
    let bodies = operation.request.iter().flat_map(|request| &request.representations);
    bodies.for_each(|body| representation(out, body));
    out.push_str("        </request>\n");
    for response in &operation.responses {
        let _ = writeln!(out, "        <response status=\"{}\">", response.status_code);
        if let Some(description) = &response.description {
            out.push_str("          ");
            doc(out, None, Some(description));
            out.push('\n');
        }
        response.representations.iter().for_each(|body| representation(out, body));
        out.push_str("        </response>\n");
    }
    out.push_str("      </method>\n");
}

fn doc(out: &mut String, title: Option<&str>, text: Option<&str>) {
    out.push_str("<doc");
    if let Some(title) = title {
        let _ = write!(out, " title=\"{}\"", escaped(title));
    }
    match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            let _ = write!(out, ">{}</doc>", escaped(text));
        }
        None => out.push_str(" />"),
    }
}

fn parameter(out: &mut String, placed: &Placed<'_>, indent: &str) {
    let parameter = placed.parameter;
    let style = if placed.place == "path" { "template" } else { placed.place };
    let kind = match parameter.parameter_type.as_str() {
        "integer" => "int",
        "number" => "double",
        "boolean" => "boolean",
        _ => "string",
    };
    let _ = write!(
        out,
        "{indent}<param name=\"{}\" style=\"{style}\" type=\"xs:{kind}\" required=\"{}\"",
        escaped(&parameter.name),
        placed.required
    );
    if let Some(default) = &parameter.default_value {
        let _ = write!(out, " default=\"{}\"", escaped(default));
    }
    if parameter.values.is_empty() && parameter.description.is_none() {
        return out.push_str(" />\n");
    }
    out.push('>');
    if let Some(description) = &parameter.description {
        doc(out, None, Some(description));
    }
    for value in &parameter.values {
        let _ = write!(out, "<option value=\"{}\" />", escaped(value));
    }
    out.push_str("</param>\n");
}

fn representation(out: &mut String, representation: &Representation) {
    let _ =
        writeln!(out, "          <representation mediaType=\"{}\" />", escaped(&representation.content_type));
}

/// Text and attribute values; what XML 1.0 cannot hold (§2.2) becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

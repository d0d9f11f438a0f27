//! A SOAP operation as one of REST: the policy that makes an envelope of JSON, and JSON of the answer.
//!
//! Its form is that of the policies which Azure's import makes: names in camel case, a fault as `error`, a wrapper around
//! repeated elements as a list.

use std::fmt::Write;

use super::schema::{Field, Holds};

const ENVELOPE_1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";

/// Filters that make a text fit between the quotes of JSON. Patterns are regular expressions.
const JSON_TEXT: &str = r#" | Replace: '\\', '\\' | Replace: '"', '\"' | Replace: '\r', '\r' | Replace: '\n', '\n' | Replace: '\t', '\t'"#;

/// What a policy is made of.
pub struct Message<'m> {
    pub action: &'m str,
    /// Path of the service, from the slash on.
    pub path: &'m str,
    pub is_soap_1_2: bool,
    pub request: Option<&'m Field>,
    pub response: Option<&'m Field>,
}

/// The policy of an operation (`rawxml`).
pub fn policy(message: &Message<'_>) -> String {
    let envelope = if message.is_soap_1_2 { ENVELOPE_1_2 } else { ENVELOPE_1_1 };
    let action = escaped(message.action);
    let (headers, kind) = if message.is_soap_1_2 {
        (String::new(), format!("application/soap+xml; charset=utf-8; action=\"{action}\""))
    } else {
        let header = format!(
            "<set-header name=\"SOAPAction\" exists-action=\"override\"><value>\"{action}\"</value></set-header>\n\t\t"
        );
        (header, "text/xml; charset=utf-8".to_owned())
    };
    let (mut namespaces, mut body) = (Vec::new(), String::new());
    if let Some(field) = message.request {
        write_xml(&mut body, field, &member("body", &camel(&field.name)), &mut namespaces, 0);
    }
    let mut declared = String::new();
    for (index, namespace) in namespaces.iter().enumerate() {
        let _ = write!(declared, " xmlns:n{index}=\"{}\"", escaped(namespace));
    }
    let mut answer = String::new();
    match message.response {
        Some(field) => {
            let _ = write!(answer, "{{\"{}\": ", camel(&field.name));
            write_json(&mut answer, field, &member("body.envelope.body", &field.name), 0);
            answer.push('}');
        }
        None => answer.push_str("{}"),
    }
    let (code, text) = if message.is_soap_1_2 {
        ("body.envelope.body.fault.code.value", "body.envelope.body.fault.reason.text")
    } else {
        ("body.envelope.body.fault.faultcode", "body.envelope.body.fault.faultstring")
    };
    let path = escaped(message.path).replace('{', "%7B").replace('}', "%7D");
    format!(
        "<policies>\n\t<inbound>\n\t\t<base />\n\t\t<rewrite-uri template=\"{path}\" copy-unmatched-params=\"false\" />\n\t\t{headers}\
         <set-body template=\"liquid\" parse-date=\"false\"><soap:Envelope xmlns:soap=\"{envelope}\"{declared}><soap:Body>{body}\
         </soap:Body></soap:Envelope></set-body>\n\t\t\
         <set-header name=\"Content-Type\" exists-action=\"override\"><value>{kind}</value></set-header>\n\t</inbound>\n\t\
         <backend><base /></backend>\n\t<outbound>\n\t\t<base />\n\t\t<choose>\n\t\t\t\
         <when condition=\"@(context.Response.StatusCode < 400)\">\n\t\t\t\t<set-body template=\"liquid\">{answer}</set-body>\n\t\t\t\
         </when>\n\t\t\t<otherwise>\n\t\t\t\t<set-body template=\"liquid\">{{\"error\": {{\"code\": \"{{{{{code}{JSON_TEXT}}}}}\", \
         \"message\": \"{{{{{text}{JSON_TEXT}}}}}\"}}}}</set-body>\n\t\t\t</otherwise>\n\t\t</choose>\n\t\t\
         <set-header name=\"Content-Type\" exists-action=\"override\"><value>application/json</value></set-header>\n\t\
         </outbound>\n\t<on-error><base /></on-error>\n</policies>\n"
    )
}

/// `AddResult` → `addResult`.
pub fn camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// A member in Liquid: `body.add`, or `body["a.b"]`.
fn member(path: &str, name: &str) -> String {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word { format!("{path}.{name}") } else { format!("{path}['{name}']") }
}

/// The repeated element of a wrapper that holds nothing else.
fn wrapped(fields: &[Field]) -> Option<&Field> {
    match fields {
        [only] if only.is_list => Some(only),
        _ => None,
    }
}

/// Liquid that writes an element out of the JSON at a path.
fn write_xml(out: &mut String, field: &Field, path: &str, namespaces: &mut Vec<String>, depth: usize) {
    if field.is_list {
        let _ = write!(out, "{{% for i{depth} in {path} %}}");
        write_element(out, field, &format!("i{depth}"), namespaces, depth + 1);
        return out.push_str("{% endfor %}");
    }
    if !field.is_optional {
        return write_element(out, field, path, namespaces, depth);
    }
    let _ = write!(out, "{{% if {path} != nil %}}");
    write_element(out, field, path, namespaces, depth);
    out.push_str("{% endif %}");
}

fn write_element(out: &mut String, field: &Field, path: &str, namespaces: &mut Vec<String>, depth: usize) {
    let prefix = if field.namespace.is_empty() {
        String::new()
    } else {
        let known = namespaces.iter().position(|known| *known == field.namespace);
        let at = known.unwrap_or_else(|| {
            namespaces.push(field.namespace.clone());
            namespaces.len() - 1
        });
        format!("n{at}:")
    };
    let _ = write!(out, "<{prefix}{}>", field.name);
    match &field.holds {
        Holds::Fields(fields) => match wrapped(fields) {
            Some(item) => write_xml(out, item, path, namespaces, depth),
            None => {
                for inner in fields {
                    write_xml(out, inner, &member(path, &camel(&inner.name)), namespaces, depth);
                }
            }
        },
        Holds::Text | Holds::Bare => {
            let _ = write!(out, "{{{{{path} | Escape}}}}");
        }
    }
    let _ = write!(out, "</{prefix}{}>", field.name);
}

/// Liquid that writes JSON out of the element at a path.
fn write_json(out: &mut String, field: &Field, path: &str, depth: usize) {
    if field.is_list {
        return write_list(out, field, path, depth);
    }
    match &field.holds {
        Holds::Bare => {
            let _ = write!(out, "{{{{{path} | Default: 'null'}}}}");
        }
        Holds::Text => {
            let _ =
                write!(out, "{{% if {path} %}}\"{{{{{path}{JSON_TEXT}}}}}\"{{% else %}}null{{% endif %}}");
        }
        Holds::Fields(fields) => match wrapped(fields) {
            Some(item) => write_list(out, item, path, depth),
            None => {
                let _ = write!(out, "{{% if {path} %}}{{");
                for (index, inner) in fields.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    let _ = write!(out, "\"{}\": ", camel(&inner.name));
                    write_json(out, inner, &member(path, &inner.name), depth);
                }
                out.push_str("}{% else %}null{% endif %}");
            }
        },
    }
}

fn write_list(out: &mut String, item: &Field, path: &str, depth: usize) {
    let _ = write!(out, "[{{% JSONArrayFor i{depth} in {path} %}}");
    let one = Field { is_list: false, ..item.clone() };
    write_json(out, &one, &format!("i{depth}"), depth + 1);
    out.push_str("{% endJSONArrayFor %}]");
}

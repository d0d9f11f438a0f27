//! `rewrite-uri` (`policies.md` B 2.7).

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::catalogue::{Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::query;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static REWRITE_URI: PolicyDef = PolicyDef {
    element: "rewrite-uri",
    sections: &[Section::Inbound],
    attributes: &[
        required("template", Kind::Text).expression(),
        optional("copy-unmatched-params", Kind::Bool),
    ],
    content: Content::Empty,
    once: false,
    docs: "Replaces path and query behind the backend's base URL. `{name}` stands for a parameter of the operation's \
           URL template; an unknown name is an error. Query parameters of the request that are neither in the \
           operation's template nor in this one are kept when `copy-unmatched-params` is true (default).",
    compile,
};

/// What a path may not hold as it is: all else of RFC 3986 §3.3 stays as the author wrote it, escapes included.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same for a query, where `?` may stand.
const QUERY: &AsciiSet = &PATH.remove(b'?');

struct RewriteUri {
    template: TextArg,
    copy_unmatched_params: bool,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let template = c.text(element, "template")?;
    if let Some(error) = template.literal().and_then(|text| parts(text).find_map(Result::err)) {
        let at = element.attribute("template").map_or(element.at, |attribute| attribute.at);
        c.error("template-invalid", at, error);
        return None;
    }
    let is_unknown = |part| match part {
        Ok(Part::Parameter(name)) => c.lookup.has_template_parameter(name) == Some(false),
        _ => false,
    };
    if template.literal().is_some_and(|text| parts(text).any(is_unknown)) {
        let at = element.attribute("template").map_or(element.at, |attribute| attribute.at);
        let message =
            "Only parameters specified in the original URL template can be used in the rewrite template.";
        c.error("template-parameter", at, message);
        return None;
    }
    let copy_unmatched_params = c.literal_bool(element, "copy-unmatched-params", true);
    Some(Step::sync(RewriteUri { template, copy_unmatched_params }))
}

/// A piece of a template.
enum Part<'a> {
    Text(&'a str),
    Parameter(&'a str),
}

/// Takes a template apart at its braces.
fn parts(template: &str) -> impl Iterator<Item = Result<Part<'_>, &'static str>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find(['{', '}']).unwrap_or(rest.len());
        if start > 0 {
            let (text, behind) = rest.split_at(start);
            rest = behind;
            return Some(Ok(Part::Text(text)));
        }
        let parameter = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        rest = parameter.map_or("", |(_, behind)| behind);
        Some(match parameter {
            Some((name, _)) if !name.is_empty() && !name.contains('{') => Ok(Part::Parameter(name)),
            _ => Err("The template has an unmatched brace or an empty parameter name."),
        })
    })
}

/// A template filled in.
struct Target {
    path: String,
    query: String,
}

impl RewriteUri {
    fn target(&self, template: &str, exchange: &Exchange) -> Result<Target, Fault> {
        if template.contains(['\r', '\n', '\0']) {
            return Err(Fault::invalid_value("rewrite-uri", "the template contains a line break or NUL"));
        }
        // Text behind `#` would never be sent; it is taken for part of the path.
        let (path, own_query) = template.split_once('?').unwrap_or((template, ""));
        let mut target = Target {
            path: fill(path, Place::Path, exchange)?,
            query: fill(own_query, Place::Query, exchange)?,
        };
        if !target.path.starts_with('/') {
            target.path.insert(0, '/');
        }
        if self.copy_unmatched_params {
            let kept = unmatched(&exchange.request.url.query, own_query, exchange);
            if !kept.is_empty() {
                query::push_part(&mut target.query, &kept);
            }
        }
        Ok(target)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Path,
    Query,
}

fn fill(template: &str, place: Place, exchange: &Exchange) -> Result<String, Fault> {
    let mut out = String::with_capacity(template.len() + 16);
    for part in parts(template) {
        match part.map_err(Fault::expression)? {
            Part::Text(text) => {
                out.extend(utf8_percent_encode(text, if place == Place::Path { PATH } else { QUERY }));
            }
            Part::Parameter(name) => push_value(name, place, exchange, &mut out)?,
        }
    }
    Ok(out)
}

/// A matched parameter, encoded; the rest of a path (`{*rest}`) keeps its slashes.
fn push_value(name: &str, place: Place, exchange: &Exchange, out: &mut String) -> Result<(), Fault> {
    let name = name.strip_prefix('*').unwrap_or(name);
    let found = exchange.matched_parameters.iter().find(|(known, _)| **known == *name);
    let Some((_, value)) = found else {
        let text = format!("The parameter '{name}' is not in the URL template of the operation.");
        return Err(Fault::internal("rewrite-uri", "UnknownTemplateParameter", text));
    };
    if value.contains(['\r', '\n', '\0']) {
        return Err(Fault::invalid_value(
            "rewrite-uri",
            format!("the parameter '{name}' contains a line break or NUL"),
        ));
    }
    if place == Place::Path && is_rest(name, exchange) {
        for (at, segment) in value.split('/').enumerate() {
            if at > 0 {
                out.push('/');
            }
            out.extend(query::encode(segment));
        }
    } else {
        out.extend(query::encode(value));
    }
    Ok(())
}

/// Whether the operation's template says `{*name}`.
fn is_rest(name: &str, exchange: &Exchange) -> bool {
    let template = exchange.caller.operation.as_ref().map_or("", |operation| &operation.url_template);
    template.split_once("{*").and_then(|(_, rest)| rest.split_once('}')).is_some_and(|(rest, _)| rest == name)
}

/// Parameters of the request that neither template names.
fn unmatched(request: &str, own: &str, exchange: &Exchange) -> String {
    let template = exchange.caller.operation.as_ref().map_or("", |operation| &operation.url_template);
    let matched = template.split_once('?').map_or("", |(_, query)| query);
    query::retain(request, |name| {
        let name = query::decode(name);
        !query::contains(matched, &name) && !query::contains(own, &name)
    })
}

impl Policy for RewriteUri {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let template = self.template.get(exchange)?;
        let Target { path, query } = self.target(&template, exchange)?;
        exchange.request.url.path = path;
        exchange.request.url.query = query;
        Ok(Flow::Continue)
    }
}

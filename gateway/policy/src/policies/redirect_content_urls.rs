//! `redirect-content-urls` (`policies.md` B 2.12).

use crate::catalogue::{Content, PolicyDef};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::exchange::payload::{essence, is_json, is_xml};
use crate::fault::{Fault, Section};
use crate::message::{Body, Url};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static REDIRECT_CONTENT_URLS: PolicyDef = PolicyDef {
    element: "redirect-content-urls",
    sections: &[Section::Inbound, Section::Outbound],
    attributes: &[],
    content: Content::Empty,
    once: true,
    docs: "In outbound, replaces the backend's base URL by the API's URL at this gateway wherever it stands in a text, \
           JSON or XML body; in inbound the other way round. Slashes escaped as JSON may (`\\/`) are understood. Header \
           fields such as Location stay. Other content is not read.",
    compile,
};

struct RedirectContentUrls;

fn compile(_: &Element, _: &mut Compiler<'_>) -> Option<Step> {
    Some(Step::waiting(RedirectContentUrls))
}

impl WaitingPolicy for RedirectContentUrls {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let Some(backend) = exchange.backend.as_ref().map(|backend| base(&backend.base)) else {
            return Ok(Flow::Continue);
        };
        if !is_text(exchange.payload_type()) {
            return Ok(Flow::Continue);
        }
        exchange.buffer_payload(ports).await?;
        let Ok(text) = std::str::from_utf8(exchange.payload()) else { return Ok(Flow::Continue) };
        let own = own_base(exchange);
        let (from, to) = if exchange.is_about_request() { (own, backend) } else { (backend, own) };
        let plain = replace(text, &from, &to);
        let escaped = |url: &str| url.replace('/', "\\/");
        let both = replace(plain.as_deref().unwrap_or(text), &escaped(&from), &escaped(&to));
        if let Some(replaced) = both.or(plain) {
            exchange.set_payload(Body::from(replaced), None);
        }
        Ok(Flow::Continue)
    }
}

/// Content in which URLs may stand.
fn is_text(content_type: &str) -> bool {
    let essence = essence(content_type);
    is_json(content_type)
        || is_xml(content_type)
        || essence.starts_with("text/")
        || matches!(&*essence, "application/javascript" | "application/x-javascript")
}

/// An URL up to its path, without a slash at the end.
fn base(url: &Url) -> String {
    format!("{}://{}{}", url.scheme.as_str(), url.authority(), url.path.trim_end_matches('/'))
}

/// The API's URL at this gateway, as the client wrote it.
fn own_base(exchange: &Exchange) -> String {
    let original = &exchange.original_url;
    let mut path = String::new();
    if let Some(api) = &exchange.caller.api {
        for part in [&api.path, &api.version] {
            let longer = format!("{path}/{}", part.trim_matches('/'));
            let begins = original.path.strip_prefix(&longer);
            if !part.is_empty() && begins.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                path = longer;
            }
        }
    }
    format!("{}://{}{path}", original.scheme.as_str(), original.authority())
}

/// The text with the base replaced where an URL ends or goes on behind it; `None` when it stands nowhere.
fn replace(text: &str, from: &str, to: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find(from) {
        let (before, behind) = rest.split_at(at);
        let behind = behind.get(from.len()..).unwrap_or_default();
        let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | ':' | '_' | '@');
        out.push_str(before);
        if behind.starts_with(goes_on) {
            out.push_str(from);
        } else {
            out.push_str(to);
            found = true;
        }
        rest = behind;
    }
    out.push_str(rest);
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replace_takes_whole_bases() {
        for (text, expected) in [
            ("\"http://a/b\"", Some("\"G\"")),
            ("http://a/b/c http://a/b?x", Some("G/c G?x")),
            ("http://a/bc http://a/b.d", None),
            ("http://a/b", Some("G")),
            ("nothing", None),
        ] {
            assert_eq!(replace(text, "http://a/b", "G").as_deref(), expected, "{text}");
        }
    }
}

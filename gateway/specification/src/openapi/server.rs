//! `servers` of OpenAPI 3 → service URL.

use crate::context::members;
use crate::document::Node;
use crate::findings::Findings;

/// The first https server, else the first one; variables take their defaults. A relative address has no host to
/// stand on and gives none.
pub(super) fn service_url(root: &Node, findings: &mut Findings) -> Option<String> {
    let servers = root.get("servers").and_then(Node::as_array).unwrap_or_default();
    let urls: Vec<(String, &Node)> =
        servers.iter().filter_map(|server| Some((url(server)?, server))).collect();
    let is_https = |url: &str| url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let (url, server) = urls.iter().find(|(url, _)| is_https(url)).or_else(|| urls.first())?;
    if !url.contains("://") {
        let message = format!("server '{url}' is relative: the API gets no service URL from it");
        findings.warning("definition-server", &server.origin, message);
        return None;
    }
    Some(url.clone())
}

fn url(server: &Node) -> Option<String> {
    let mut url = server.text("url")?.trim().to_owned();
    for (name, variable) in members(server.get("variables")) {
        if let Some(value) = variable.get("default").and_then(Node::to_text) {
            url = url.replace(&format!("{{{name}}}"), &value);
        }
    }
    Some(url)
}

//! Servers that a definition names → service URL.

use crate::context::members;
use crate::document::Node;
use crate::findings::Findings;

/// Address of a list of servers (`servers` of OpenAPI 3, `x-servers`): the first of https, else the first one; variables take
/// their defaults. Relative addresses stand on `source`, the address of the document; without it they give none.
pub(crate) fn of_list(
    servers: Option<&Node>,
    source: Option<&str>,
    findings: &mut Findings,
) -> Option<String> {
    let servers = servers.and_then(Node::as_array).unwrap_or_default();
    let urls: Vec<(String, &Node)> = servers
        .iter()
        .filter_map(|server| Some((url(server)?, server)))
        .map(|(url, server)| (source.and_then(|source| absolute(&url, source)).unwrap_or(url), server))
        .collect();
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

/// A URL as it is meant in the document at `source` (RFC 3986 §5.2, without queries).
pub(crate) fn absolute(url: &str, source: &str) -> Option<String> {
    if url.contains("://") {
        return Some(url.to_owned());
    }
    let (scheme, authority, path) = parts(source)?;
    if url.starts_with("//") {
        return Some(format!("{scheme}:{url}"));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if url.starts_with('/') { url.to_owned() } else { format!("{folder}/{url}") };
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    Some(format!("{scheme}://{authority}/{}", segments.join("/")))
}

/// Scheme, authority and path of a URL; who signs in there is left out.
pub(crate) fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
    Some((scheme, authority, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_stands_on_the_source() {
        for (url, source, expected) in [
            ("/v1", "https://h:8/docs/api.yaml?x=/y", Some("https://h:8/v1")),
            ("v1", "https://h/docs/api.yaml", Some("https://h/docs/v1")),
            ("../v1/", "https://h/docs/api.yaml", Some("https://h/v1/")),
            ("../../../v1", "https://h", Some("https://h/v1")),
            ("./v1", "https://h", Some("https://h/v1")),
            ("//other/v1", "https://u:p@h/docs", Some("https://other/v1")),
            ("/v1", "https://u:p@h/docs", Some("https://h/v1")),
            ("http://other", "https://h/docs", Some("http://other")),
            ("/v1", "no address", None),
        ] {
            assert_eq!(absolute(url, source).as_deref(), expected, "{url} in {source}");
        }
    }
}

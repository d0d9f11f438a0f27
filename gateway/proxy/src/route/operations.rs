//! Operations of one API: a tree over template segments a method.
//!
//! Precedence (one place, `policies.md` §6.5): at each segment from the left a literal before a parameter before
//! the rest; among templates of the same path the one with more query parameters, then the longer text, then the
//! name.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::template::{QueryValue, Segment, Template};

/// Matches method, path and query to an operation.
#[derive(Debug)]
pub struct OperationTable<T> {
    by_method: FxHashMap<Box<str>, Node<T>>,
}

impl<T> Default for OperationTable<T> {
    fn default() -> Self {
        Self { by_method: FxHashMap::default() }
    }
}

#[derive(Debug)]
struct Node<T> {
    literals: FxHashMap<Box<str>, Node<T>>,
    parameters: Vec<ParameterEdge<T>>,
    /// Templates that end here.
    ends: Vec<Entry<T>>,
    /// Templates that take the rest from here.
    rests: Vec<Entry<T>>,
}

#[derive(Debug)]
struct ParameterEdge<T> {
    prefix: Box<str>,
    suffix: Box<str>,
    node: Node<T>,
}

#[derive(Debug)]
struct Entry<T> {
    template: Template,
    name: Box<str>,
    operation: T,
}

/// Parameters of a match, URL-decoded, in template order.
pub type Matched = SmallVec<[(Arc<str>, String); 4]>;

/// A matched operation.
#[derive(Debug)]
pub struct OperationMatch<'a, T> {
    pub operation: &'a T,
    pub parameters: Matched,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: FxHashMap::default(), parameters: Vec::new(), ends: Vec::new(), rests: Vec::new() }
    }
}

impl<T> OperationTable<T> {
    /// Adds an operation. Methods are compared exactly.
    pub fn add(&mut self, method: &str, name: &str, template: Template, operation: T) {
        let mut node = self.by_method.entry(method.into()).or_default();
        let mut takes_rest = false;
        for segment in &template.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Parameter { prefix, suffix, .. } => node.parameter(prefix, suffix),
                Segment::Rest(_) => {
                    takes_rest = true;
                    break;
                }
            };
        }
        let list = if takes_rest { &mut node.rests } else { &mut node.ends };
        list.push(Entry { template, name: name.into(), operation });
        list.sort_by(|a, b| {
            let key = |e: &Entry<T>| (e.template.query.len(), e.template.text.len());
            key(b).cmp(&key(a)).then_with(|| a.name.cmp(&b.name))
        });
    }

    /// Finds the operation for a method and the path behind the API's.
    pub fn find(&self, method: &str, path: &str, query: &str) -> Option<OperationMatch<'_, T>> {
        let root = self.by_method.get(method)?;
        let inner = path.strip_prefix('/').unwrap_or(path);
        let entry = root.find(inner, path.is_empty() || inner.is_empty(), query)?;
        Some(OperationMatch { operation: &entry.operation, parameters: bind(&entry.template, inner, query) })
    }

    /// All operations, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let mut nodes: Vec<&Node<T>> = self.by_method.values().collect();
        std::iter::from_fn(move || {
            let node = nodes.pop()?;
            nodes.extend(node.literals.values().chain(node.parameters.iter().map(|edge| &edge.node)));
            Some(node.ends.iter().chain(&node.rests).map(|entry| &entry.operation))
        })
        .flatten()
    }

    /// Whether any operation has this method.
    pub fn has_method(&self, method: &str) -> bool {
        self.by_method.contains_key(method)
    }
}

impl<T> Node<T> {
    fn parameter(&mut self, prefix: &str, suffix: &str) -> &mut Self {
        let same = |edge: &ParameterEdge<T>| *edge.prefix == *prefix && *edge.suffix == *suffix;
        let at = if let Some(at) = self.parameters.iter().position(same) {
            at
        } else {
            // More text around a parameter is more specific, so it is tried first.
            let length = prefix.len() + suffix.len();
            let at = self.parameters.partition_point(|e| e.prefix.len() + e.suffix.len() >= length);
            let edge = ParameterEdge { prefix: prefix.into(), suffix: suffix.into(), node: Node::default() };
            self.parameters.insert(at, edge);
            at
        };
        &mut self.parameters[at].node
    }

    /// `rest` is what follows, without its leading slash; `at_end` tells an empty rest from an empty segment.
    fn find(&self, rest: &str, at_end: bool, query: &str) -> Option<&Entry<T>> {
        if at_end {
            let ends = self.ends.iter().chain(&self.rests);
            return ends.into_iter().find(|entry| query_fits(&entry.template, query));
        }
        let (segment, next) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (next, next_at_end) = match next.strip_prefix('/') {
            Some(next) => (next, false),
            None => ("", true),
        };
        if let Some(found) = self.literals.get(segment).and_then(|node| node.find(next, next_at_end, query)) {
            return Some(found);
        }
        for edge in &self.parameters {
            let value = inside(segment, &edge.prefix, &edge.suffix);
            if value.is_some_and(|value| !value.is_empty())
                && let Some(found) = edge.node.find(next, next_at_end, query)
            {
                return Some(found);
            }
        }
        self.rests.iter().find(|entry| query_fits(&entry.template, query))
    }
}

/// The value of a parameter in a segment that may have text around it.
fn inside<'a>(segment: &'a str, prefix: &str, suffix: &str) -> Option<&'a str> {
    // Nearly always there is none, and then nothing need be compared.
    if prefix.is_empty() && suffix.is_empty() {
        return Some(segment);
    }
    segment.strip_prefix(prefix)?.strip_suffix(suffix)
}

fn query_fits(template: &Template, query: &str) -> bool {
    template.query.iter().all(|wanted| {
        pairs(query).any(|(name, value)| {
            name.eq_ignore_ascii_case(&wanted.name)
                && match &wanted.value {
                    QueryValue::Parameter(_) => true,
                    QueryValue::Fixed(fixed) => *value == **fixed,
                }
        })
    })
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Values of the template's parameters in a path that matched it.
fn bind(template: &Template, path: &str, query: &str) -> Matched {
    let mut matched = Matched::new();
    let mut rest = path;
    for segment in &template.segments {
        let (text, next) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        match segment {
            Segment::Literal(_) => {}
            Segment::Parameter { prefix, name, suffix } => {
                let value = inside(text, prefix, suffix).unwrap_or(text);
                matched.push((Arc::clone(name), decode(value)));
            }
            Segment::Rest(Some(name)) => matched.push((Arc::clone(name), decode(rest))),
            Segment::Rest(None) => {}
        }
        rest = next.strip_prefix('/').unwrap_or(next);
    }
    for parameter in &template.query {
        let QueryValue::Parameter(name) = &parameter.value else { continue };
        let value =
            pairs(query).find(|(n, _)| n.eq_ignore_ascii_case(&parameter.name)).map_or("", |(_, v)| v);
        matched.push((Arc::clone(name), decode(&value.replace('+', " "))));
    }
    matched
}

/// Percent-decodes once; bytes that are no UTF-8 become the replacement character (P-06, P-07).
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> OperationTable<&'static str> {
        let mut table = OperationTable::default();
        for (method, template, name) in [
            ("GET", "/users/{id}", "by-id"),
            ("GET", "/users/me", "me"),
            ("GET", "/users/{id}/files/{*path}", "files"),
            ("GET", "/users/{id}/files/index", "index"),
            ("GET", "/reports/v{n}.json", "report"),
            ("GET", "/reports/{any}", "any-report"),
            ("GET", "/search?q={q}", "search-q"),
            ("GET", "/search?q={q}&mode=fast", "search-fast"),
            ("GET", "/search", "search"),
            ("GET", "/", "root"),
            ("GET", "/slash/", "slash"),
            ("POST", "/*", "post-any"),
        ] {
            table.add(method, name, Template::parse(template).unwrap(), name);
        }
        table
    }

    #[test]
    fn find_precedence_is_literal_parameter_rest() {
        for (method, path, query, expected) in [
            ("GET", "/users/me", "", Some("me")),
            ("GET", "/users/7", "", Some("by-id")),
            ("GET", "/users/", "", None),
            ("GET", "/users/7/", "", None),
            ("GET", "/Users/7", "", None),
            ("GET", "/users/7/files/index", "", Some("index")),
            ("GET", "/users/7/files/a/b", "", Some("files")),
            ("GET", "/users/me/files/x", "", Some("files")),
            ("GET", "/users/7/files", "", Some("files")),
            ("GET", "/reports/v3.json", "", Some("report")),
            ("GET", "/reports/v.json", "", Some("any-report")),
            ("GET", "/search", "", Some("search")),
            ("GET", "/search", "Q=1", Some("search-q")),
            ("GET", "/search", "mode=fast&q=1", Some("search-fast")),
            ("GET", "", "", Some("root")),
            ("GET", "/", "", Some("root")),
            ("GET", "/slash/", "", Some("slash")),
            ("GET", "/slash", "", None),
            ("POST", "/a/b", "", Some("post-any")),
            ("POST", "", "", Some("post-any")),
            ("PUT", "/users/7", "", None),
        ] {
            let table = table();
            let found = table.find(method, path, query).map(|found| *found.operation);
            assert_eq!(found, expected, "{method} {path}?{query}");
        }
    }

    #[test]
    fn find_parameters_are_decoded_once_in_template_order() {
        let table = table();
        let found = table.find("GET", "/users/a%2Fb%2525/files/x/y%20z", "").unwrap();
        let values: Vec<_> = found.parameters.iter().map(|(n, v)| (&**n, v.as_str())).collect();
        assert_eq!(values, [("id", "a/b%25"), ("path", "x/y z")]);
        let found = table.find("GET", "/search", "q=a+b").unwrap();
        assert_eq!(found.parameters[0].1, "a b");
    }
}

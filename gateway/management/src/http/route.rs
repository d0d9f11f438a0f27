//! From method and path to operation: a tree of segments made of the table of operations.

use std::collections::HashMap;

use crate::contract::{Method, OPERATIONS, Operation};

/// Segments before a service: `/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}`.
const SERVICE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}";

#[derive(Debug, Default)]
struct Node {
    /// By segment in lower case.
    literal: HashMap<String, Node>,
    parameter: Option<Box<Node>>,
    operations: Vec<&'static Operation>,
}

/// All operations.
#[derive(Debug)]
pub struct Router(Node);

/// What a path may lead to.
#[derive(Debug)]
pub enum Found {
    Operation(&'static Operation),
    /// The path is known, with other methods.
    OtherMethods,
    Nothing,
}

impl Router {
    /// Builds the tree.
    pub fn new() -> Self {
        let mut root = Node::default();
        for operation in OPERATIONS {
            let path = operation.path.replace("{S}", SERVICE);
            let mut node = &mut root;
            for segment in path.split('/').filter(|segment| !segment.is_empty()) {
                node = if segment.starts_with('{') {
                    node.parameter.get_or_insert_default()
                } else {
                    node.literal.entry(segment.to_ascii_lowercase()).or_default()
                };
            }
            node.operations.push(operation);
        }
        Self(root)
    }

    /// The operation of a path in decoded segments. A literal segment goes before a name.
    pub fn find(&self, method: Method, segments: &[String]) -> Found {
        let Some(node) = walk(&self.0, segments) else { return Found::Nothing };
        match node.operations.iter().find(|operation| operation.method == method) {
            Some(operation) => Found::Operation(operation),
            None if node.operations.is_empty() => Found::Nothing,
            None => Found::OtherMethods,
        }
    }
}

fn walk<'n>(node: &'n Node, segments: &[String]) -> Option<&'n Node> {
    let Some((first, rest)) = segments.split_first() else {
        return (!node.operations.is_empty()).then_some(node);
    };
    let literal = node.literal.get(&first.to_ascii_lowercase()).and_then(|node| walk(node, rest));
    literal.or_else(|| walk(node.parameter.as_deref()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: Method, path: &str) -> Option<&'static str> {
        let segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        match Router::new().find(method, &segments) {
            Found::Operation(operation) => Some(operation.id),
            _ => None,
        }
    }

    #[test]
    fn router_finds_every_operation_of_the_table() {
        let router = Router::new();
        for operation in OPERATIONS {
            let path = operation.path.replace("{S}", SERVICE);
            let segments: Vec<String> = path
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| if segment.starts_with('{') { "x".to_owned() } else { segment.to_owned() })
                .collect();
            let Found::Operation(found) = router.find(operation.method, &segments) else {
                panic!("{} is not found at {path}", operation.id);
            };
            // An export is a GET of the API with another query.
            assert!(found.path == operation.path, "{}: {}", operation.id, found.id);
        }
    }

    #[test]
    fn router_compares_without_case() {
        const S: &str = "/SUBSCRIPTIONS/s/resourcegroups/g/Providers/microsoft.apimanagement/Service/n";
        assert_eq!(find(Method::Get, &format!("{S}/APIS/x;rev=2")), Some("Api_Get"));
        assert_eq!(
            find(Method::Post, &format!("{S}/subscriptions/a/listsecrets")),
            Some("Subscription_ListSecrets")
        );
        assert_eq!(find(Method::Post, &format!("{S}/apis/x")), None);
        assert_eq!(find(Method::Get, "/nothing"), None);
    }
}

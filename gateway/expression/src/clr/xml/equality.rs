//! `XNode.DeepEquals`.

use super::node::{Data, XNode};

/// Names, attributes in order, nodes in order; neighbouring texts count as one.
pub fn deep_equals(a: Option<&XNode>, b: Option<&XNode>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => equal(a, b),
        _ => false,
    }
}

fn equal(a: &XNode, b: &XNode) -> bool {
    if a.same(b) {
        return true;
    }
    match (&a.0.data, &b.0.data) {
        (Data::Document { .. }, Data::Document { .. }) => contents_equal(a, b),
        (Data::Element(_), Data::Element(_)) => {
            let (left, right) = (a.attributes(), b.attributes());
            let attributes_equal = left.len() == right.len()
                && left.iter().zip(&right).all(|(a, b)| a.name() == b.name() && a.value() == b.value());
            a.name() == b.name() && attributes_equal && a.is_empty() == b.is_empty() && contents_equal(a, b)
        }
        (Data::DocumentType(a), Data::DocumentType(b)) => *a.borrow() == *b.borrow(),
        _ => a.node_type() == b.node_type() && a.target() == b.target() && a.value() == b.value(),
    }
}

/// A run of texts, or one other node.
enum Piece {
    Text(String),
    Node(XNode),
}

fn pieces(node: &XNode) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for child in node.nodes() {
        match (&child.0.data, pieces.last_mut()) {
            (Data::Text(more), Some(Piece::Text(text))) => text.push_str(&more.borrow()),
            (Data::Text(text), _) => pieces.push(Piece::Text(text.borrow().clone())),
            _ => pieces.push(Piece::Node(child)),
        }
    }
    pieces
}

fn contents_equal(a: &XNode, b: &XNode) -> bool {
    let (left, right) = (pieces(a), pieces(b));
    left.len() == right.len()
        && left.iter().zip(&right).all(|pair| match pair {
            (Piece::Text(a), Piece::Text(b)) => a == b,
            (Piece::Node(a), Piece::Node(b)) => equal(a, b),
            _ => false,
        })
}

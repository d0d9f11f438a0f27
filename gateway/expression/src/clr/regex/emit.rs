//! From the tree to the syntax of the engines.

use super::ast::{Anchor, Node};
use super::class::hex;
use super::groups::GroupTable;

/// What the linear engine cannot express.
pub(super) fn needs_backtracking(node: &Node) -> bool {
    match node {
        Node::Look { .. }
        | Node::Backreference { .. }
        | Node::Atomic(_)
        | Node::IfGroup { .. }
        | Node::IfLook { .. }
        | Node::Anchor(Anchor::Continue | Anchor::EndOrLineFeed) => true,
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(needs_backtracking),
        Node::Repeat { node, .. } | Node::Capture(node) | Node::Group(node) => needs_backtracking(node),
        Node::Empty | Node::Literal { .. } | Node::Any { .. } | Node::Class { .. } | Node::Anchor(_) => false,
    }
}

/// The pattern in front of a `$` that ends it; `None` when it does not end so.
pub(super) fn without_final_anchor(node: &Node) -> Option<Node> {
    let Node::Concat(nodes) = node else { return None };
    let (last, front) = nodes.split_last()?;
    matches!(last, Node::Anchor(Anchor::EndOrLineFeed)).then(|| Node::Concat(front.to_vec()))
}

/// Writes a pattern.
pub(super) struct Emitter<'a> {
    groups: &'a GroupTable,
    text: String,
}

/// The engines' syntax of a tree.
pub(super) fn emit(node: &Node, groups: &GroupTable) -> String {
    let mut emitter = Emitter { groups, text: String::new() };
    emitter.node(node);
    emitter.text
}

impl Emitter<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn wrapped(&mut self, open: &str, node: &Node) {
        self.push(open);
        self.node(node);
        self.push(")");
    }

    fn cased(&mut self, text: &str, ignore_case: bool) {
        if ignore_case {
            self.push("(?i:");
            self.push(text);
            self.push(")");
        } else {
            self.push(text);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Literal { c, ignore_case } => {
                self.cased(&hex(*c), *ignore_case && (c.is_alphabetic() || !c.is_ascii()));
            }
            Node::Any { all: true } => self.push("(?s:.)"),
            Node::Any { all: false } => self.push("[^\\n]"),
            Node::Class { class, ignore_case } => self.cased(&class.emit(), *ignore_case),
            Node::Anchor(anchor) => self.anchor(*anchor),
            Node::Concat(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Alternate(nodes) => {
                self.push("(?:");
                self.branches(nodes);
                self.push(")");
            }
            Node::Repeat { node, min, max, lazy } => self.repeat(node, *min, *max, *lazy),
            Node::Capture(node) => self.wrapped("(", node),
            Node::Group(node) => self.wrapped("(?:", node),
            Node::Atomic(node) => self.wrapped("(?>", node),
            Node::Look { ahead, negative, node } => {
                self.wrapped(
                    match (ahead, negative) {
                        (true, false) => "(?=",
                        (true, true) => "(?!",
                        (false, false) => "(?<=",
                        (false, true) => "(?<!",
                    },
                    node,
                );
            }
            Node::Backreference { number, ignore_case } => self.backreference(*number, *ignore_case),
            Node::IfGroup { number, yes, no } => self.if_group(*number, yes, no),
            Node::IfLook { look, yes, no } => self.if_look(look, yes, no),
        }
    }

    fn branches(&mut self, nodes: &[Node]) {
        for (index, node) in nodes.iter().enumerate() {
            if index > 0 {
                self.push("|");
            }
            self.node(node);
        }
    }

    fn anchor(&mut self, anchor: Anchor) {
        self.push(match anchor {
            Anchor::Start => "\\A",
            Anchor::LineStart => "(?m:^)",
            Anchor::EndOrLineFeed => "(?=\\n?\\z)",
            Anchor::LineEnd => "(?m:$)",
            Anchor::End => "\\z",
            Anchor::Continue => "\\G",
            Anchor::Word => "\\b",
            Anchor::NotWord => "\\B",
        });
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>, lazy: bool) {
        self.wrapped("(?:", node);
        match (min, max) {
            (0, None) => self.push("*"),
            (1, None) => self.push("+"),
            (0, Some(1)) => self.push("?"),
            (min, None) => self.push(&format!("{{{min},}}")),
            (min, Some(max)) => self.push(&format!("{{{min},{max}}}")),
        }
        if lazy {
            self.push("?");
        }
    }

    fn backreference(&mut self, number: i32, ignore_case: bool) {
        // The group that matched is any of its declarations.
        let mut slots: Vec<String> =
            self.groups.slots_of(number).map(|slot| format!("\\{}", slot + 1)).collect();
        if number == 0 || slots.is_empty() {
            slots = vec!["(?!)".to_owned()];
        }
        let text = format!("(?:{})", slots.join("|"));
        self.cased(&text, ignore_case);
    }

    /// The groups of the branch not taken stay unset either way.
    fn if_group(&mut self, number: i32, yes: &Node, no: &Node) {
        let slots: Vec<usize> = self.groups.slots_of(number).collect();
        let Some((slot, _)) = slots.split_last() else {
            self.wrapped("(?:", no);
            return;
        };
        self.push(&format!("(?({})", slot + 1));
        self.push("(?:");
        self.node(yes);
        self.push(")|(?:");
        self.node(no);
        self.push("))");
    }

    fn if_look(&mut self, look: &Node, yes: &Node, no: &Node) {
        self.push("(?:(?=");
        self.node(look);
        self.push(")");
        self.node(yes);
        self.push("|(?!");
        self.node(&without_captures(look));
        self.push(")");
        self.node(no);
        self.push(")");
    }
}

/// The same pattern written a second time must not count its groups again.
fn without_captures(node: &Node) -> Node {
    let inner = |node: &Node| Box::new(without_captures(node));
    match node {
        Node::Capture(node) | Node::Group(node) => Node::Group(inner(node)),
        Node::Concat(nodes) => Node::Concat(nodes.iter().map(without_captures).collect()),
        Node::Alternate(nodes) => Node::Alternate(nodes.iter().map(without_captures).collect()),
        Node::Repeat { node, min, max, lazy } => {
            Node::Repeat { node: inner(node), min: *min, max: *max, lazy: *lazy }
        }
        Node::Atomic(node) => Node::Atomic(inner(node)),
        Node::Look { ahead, negative, node } => {
            Node::Look { ahead: *ahead, negative: *negative, node: inner(node) }
        }
        Node::IfGroup { number, yes, no } => {
            Node::IfGroup { number: *number, yes: inner(yes), no: inner(no) }
        }
        Node::IfLook { look, yes, no } => Node::IfLook { look: inner(look), yes: inner(yes), no: inner(no) },
        other => other.clone(),
    }
}

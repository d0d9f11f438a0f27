//! Match patterns (XSLT 1.0 §5.2): paths of child and attribute steps that are read from the end.

use std::sync::Arc;

use super::Error;
use super::tree::Kind;
use super::xpath::{
    self, Axis, Context, Expr, Function, Node, Scope, Start, Step, Test, data, node_passes, select,
};

/// Alternatives of a pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub alternatives: Vec<Alternative>,
}

/// One path.
#[derive(Clone, Debug)]
pub struct Alternative {
    start: Anchor,
    steps: Vec<Step>,
    /// Without its own `priority` (§5.5).
    pub priority: f64,
}

#[derive(Clone, Debug)]
enum Anchor {
    /// Anywhere.
    Free,
    Root,
    /// `key(…)` or `id(…)`.
    Nodes(Arc<Expr>),
}

/// Reads a pattern.
pub fn parse(text: &str, scope: &dyn Scope) -> Result<Pattern, Error> {
    let wrong = || Error::new(format!("'{text}' is an invalid pattern."));
    let mut alternatives = Vec::new();
    let mut open = vec![xpath::parse(text, scope)?];
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Union(a, b) => open.extend([*b, *a]),
            Expr::Path(start, steps) => {
                let start = match start {
                    Start::Context => Anchor::Free,
                    Start::Root => Anchor::Root,
                    Start::Expr(inner) => Anchor::Nodes(anchor(*inner).ok_or_else(wrong)?),
                };
                if !steps.iter().all(is_allowed) {
                    return Err(wrong());
                }
                let priority = priority(&start, &steps);
                alternatives.push(Alternative { start, steps, priority });
            }
            other => {
                let start = Anchor::Nodes(anchor(other).ok_or_else(wrong)?);
                alternatives.push(Alternative { start, steps: Vec::new(), priority: 0.5 });
            }
        }
    }
    Ok(Pattern { alternatives })
}

fn anchor(expr: Expr) -> Option<Arc<Expr>> {
    matches!(expr, Expr::Call(Function::Key | Function::Id, _)).then(|| Arc::new(expr))
}

fn is_allowed(step: &Step) -> bool {
    match step.axis {
        Axis::Child | Axis::Attribute => true,
        Axis::DescendantOrSelf => step.test == Test::Node && step.predicates.is_empty(),
        _ => false,
    }
}

fn priority(start: &Anchor, steps: &[Step]) -> f64 {
    let ([step], Anchor::Free) = (steps, start) else {
        return 0.5;
    };
    if !step.predicates.is_empty() {
        return 0.5;
    }
    match step.test {
        Test::Name(_) | Test::Instruction(Some(_)) => 0.0,
        Test::Namespace(_) => -0.25,
        _ => -0.5,
    }
}

impl Pattern {
    /// Whether a node matches.
    pub fn matches(&self, c: &Context<'_>) -> Result<bool, Error> {
        for alternative in &self.alternatives {
            if alternative.matches(c)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Alternative {
    pub fn matches(&self, c: &Context<'_>) -> Result<bool, Error> {
        self.ends_steps(c, c.node, self.steps.len())
    }

    /// Whether the node ends the first steps of the pattern.
    fn ends_steps(&self, c: &Context<'_>, node: Node, steps: usize) -> Result<bool, Error> {
        c.host.charge(1)?;
        let Some((step, before)) = self.steps.get(..steps).and_then(<[Step]>::split_last) else {
            return Ok(match &self.start {
                Anchor::Free => true,
                Anchor::Root => data(c.host, node).is_some_and(|node| node.kind == Kind::Root),
                Anchor::Nodes(expr) => c.nodes(expr)?.contains(&node),
            });
        };
        if step.axis == Axis::DescendantOrSelf {
            return self.above(c, node, before.len());
        }
        if !fits(c, node, step)? {
            return Ok(false);
        }
        if before.is_empty() && matches!(self.start, Anchor::Free) {
            return Ok(true);
        }
        match parent(c, node) {
            Some(parent) => self.ends_steps(c, parent, before.len()),
            None => Ok(false),
        }
    }

    /// Whether the node or one above it ends the first steps.
    fn above(&self, c: &Context<'_>, node: Node, steps: usize) -> Result<bool, Error> {
        let mut at = Some(node);
        while let Some(current) = at {
            if self.ends_steps(c, current, steps)? {
                return Ok(true);
            }
            at = parent(c, current);
        }
        Ok(false)
    }
}

fn parent(c: &Context<'_>, node: Node) -> Option<Node> {
    let own = data(c.host, node)?;
    (own.kind != Kind::Root).then_some(Node { tree: node.tree, index: own.parent })
}

/// Whether a node is what its parent's step would find.
fn fits(c: &Context<'_>, node: Node, step: &Step) -> Result<bool, Error> {
    let is_attribute = data(c.host, node).is_some_and(|node| node.kind == Kind::Attribute);
    let is_root = data(c.host, node).is_none_or(|node| matches!(node.kind, Kind::Root | Kind::Namespace));
    if is_root
        || is_attribute != (step.axis == Axis::Attribute)
        || !node_passes(c.host, node, step.axis, &step.test)
    {
        return Ok(false);
    }
    if step.predicates.is_empty() {
        return Ok(true);
    }
    if !step.predicates.iter().any(xpath::is_positional) {
        let inner = Context { node, position: 1, size: 1, ..*c };
        for predicate in &step.predicates {
            if !inner.boolean(predicate)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let Some(parent) = parent(c, node) else { return Ok(false) };
    let mut found = select(c.host, parent, step.axis, &step.test)?;
    for predicate in &step.predicates {
        found = c.filtered(found, predicate)?;
    }
    Ok(found.contains(&node))
}

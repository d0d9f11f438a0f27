//! Which ends can be reached (C# specification §13.2).

use crate::code::{Case, Node, Stmt};
use crate::syntax::Constant;

/// Whether the end of a body can be reached.
pub(super) fn completes(body: &[Stmt]) -> bool {
    let mut reachable = true;
    for stmt in body {
        reachable = matches!(stmt, Stmt::Label(_)) || (reachable && stmt_completes(stmt));
    }
    reachable
}

fn stmt_completes(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Return(_) | Stmt::Throw(_) | Stmt::Rethrow | Stmt::Break | Stmt::Continue | Stmt::Goto(_) => {
            false
        }
        Stmt::Expr(Node::Throw(_)) => false,
        Stmt::Block(body) => completes(body),
        Stmt::If(condition, yes, no) => match constant(condition) {
            Some(true) => stmt_completes(yes),
            Some(false) => no.as_ref().is_none_or(|no| stmt_completes(no)),
            None => stmt_completes(yes) || no.as_ref().is_none_or(|no| stmt_completes(no)),
        },
        Stmt::While(condition, body) => constant(condition) != Some(true) || breaks(body),
        Stmt::Do(body, condition) => {
            breaks(body) || (constant(condition) != Some(true) && (stmt_completes(body) || continues(body)))
        }
        Stmt::For { condition, body, .. } => {
            condition.as_ref().is_some_and(|c| constant(c) != Some(true)) || breaks(body)
        }
        Stmt::Switch { cases, .. } => {
            !cases.iter().any(takes_all)
                || cases.iter().any(|c| completes(&c.body) || c.body.iter().any(breaks))
        }
        Stmt::Try { body, handlers, finally } => {
            let ends = completes(body) || handlers.iter().any(|h| completes(&h.body));
            ends && finally.as_ref().is_none_or(|f| completes(f))
        }
        Stmt::Using(_, body) => stmt_completes(body),
        _ => true,
    }
}

/// Whether a statement has a `break` or `continue` that leaves it.
fn leaves(stmt: &Stmt, wanted: fn(&Stmt) -> bool, into_switch: bool) -> bool {
    let inner = |s: &Stmt| leaves(s, wanted, into_switch);
    match stmt {
        s if wanted(s) => true,
        Stmt::Block(body) => body.iter().any(inner),
        Stmt::If(_, yes, no) => inner(yes) || no.as_ref().is_some_and(|no| inner(no)),
        Stmt::Try { body, handlers, finally } => {
            body.iter().any(inner)
                || handlers.iter().any(|h| h.body.iter().any(inner))
                || finally.as_ref().is_some_and(|f| f.iter().any(inner))
        }
        Stmt::Using(_, body) => inner(body),
        Stmt::Switch { cases, .. } if into_switch => cases.iter().any(|c| c.body.iter().any(inner)),
        _ => false,
    }
}

fn breaks(stmt: &Stmt) -> bool {
    leaves(stmt, |s| matches!(s, Stmt::Break), false)
}

pub(super) fn continues(stmt: &Stmt) -> bool {
    leaves(stmt, |s| matches!(s, Stmt::Continue), true)
}

/// Whether a section takes whatever the others leave: `default`, `case var x`.
pub(super) fn takes_all(case: &Case) -> bool {
    fn holds(node: &Node) -> bool {
        match node {
            Node::Seq(_, value) => holds(value),
            other => constant(other) == Some(true),
        }
    }
    case.is_default || case.conditions.iter().any(holds)
}

fn constant(node: &Node) -> Option<bool> {
    match node {
        Node::Const(Constant::Bool(value)) => Some(*value),
        _ => None,
    }
}

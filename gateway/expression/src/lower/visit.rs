//! Walks over code.

use crate::code::{Local, Node, Stmt, Target};

/// A part of a statement, to be changed.
pub(super) enum PartMut<'a> {
    Local(&'a mut Local),
    Node(&'a mut Node),
    Stmt(&'a mut Stmt),
}

/// A part of a statement.
pub(super) enum Part<'a> {
    Local(&'a Local),
    Node(&'a Node),
    Stmt(&'a Stmt),
}

macro_rules! walk_stmt {
    ($parts:ident, $locals:ident, $part:ident, $iter:ident, $($mutable:tt)?) => {
        /// The direct parts of a statement.
        pub(super) fn $parts(stmt: &$($mutable)? Stmt, f: &mut dyn FnMut($part<'_>)) {
            match stmt {
                Stmt::Expr(node) | Stmt::Throw(node) => f($part::Node(node)),
                Stmt::Declare(local, value) => {
                    f($part::Local(local));
                    if let Some(value) = value {
                        f($part::Node(value));
                    }
                }
                Stmt::Block(body) => body.$iter().for_each(|s| f($part::Stmt(s))),
                Stmt::If(condition, yes, no) => {
                    f($part::Node(condition));
                    f($part::Stmt(yes));
                    if let Some(no) = no {
                        f($part::Stmt(no));
                    }
                }
                Stmt::While(condition, body) | Stmt::Do(body, condition) => {
                    f($part::Node(condition));
                    f($part::Stmt(body));
                }
                Stmt::For { init, condition, step, body } => {
                    init.$iter().for_each(|s| f($part::Stmt(s)));
                    condition.$iter().for_each(|n| f($part::Node(n)));
                    step.$iter().for_each(|n| f($part::Node(n)));
                    f($part::Stmt(body));
                }
                Stmt::ForEach { item, convert, variable, source, body } => {
                    f($part::Local(item));
                    f($part::Local(variable));
                    f($part::Node(source));
                    if let Some(convert) = convert {
                        f($part::Node(convert));
                    }
                    f($part::Stmt(body));
                }
                Stmt::Switch { value, variable, cases } => {
                    f($part::Node(value));
                    f($part::Local(variable));
                    for case in cases {
                        case.conditions.$iter().for_each(|n| f($part::Node(n)));
                        case.body.$iter().for_each(|s| f($part::Stmt(s)));
                    }
                }
                Stmt::Return(value) => value.$iter().for_each(|n| f($part::Node(n))),
                Stmt::Try { body, handlers, finally } => {
                    body.$iter().for_each(|s| f($part::Stmt(s)));
                    for handler in handlers {
                        handler.local.$iter().for_each(|l| f($part::Local(l)));
                        handler.filter.$iter().for_each(|n| f($part::Node(n)));
                        handler.body.$iter().for_each(|s| f($part::Stmt(s)));
                    }
                    finally.$iter().flatten().for_each(|s| f($part::Stmt(s)));
                }
                Stmt::Using(local, body) => {
                    f($part::Local(local));
                    f($part::Stmt(body));
                }
                Stmt::Break
                | Stmt::Continue
                | Stmt::Label(_)
                | Stmt::Goto(_)
                | Stmt::Rethrow
                | Stmt::LocalFunction(_) => {}
            }
        }

        /// The variables that a node itself names.
        pub(super) fn $locals(node: &$($mutable)? Node, f: &mut dyn FnMut(&$($mutable)? Local)) {
            match node {
                Node::Local(local) => f(local),
                Node::Assign(target, _) => {
                    if let Target::Local(local) = &$($mutable)? **target {
                        f(local);
                    }
                }
                Node::Coalesce(parts) => f(&$($mutable)? parts.1),
                Node::Conditional(parts) => f(&$($mutable)? parts.1),
                Node::IsDeclare(parts) => f(&$($mutable)? parts.2),
                Node::Lifted(operands, ..) => operands.$iter().for_each(|(_, local)| f(local)),
                Node::Call(call) | Node::MethodValue { call, .. } => {
                    call.references.$iter().for_each(|(_, local)| f(local));
                }
                Node::CallLocal(call) => call.references.$iter().for_each(|(_, local)| f(local)),
                _ => {}
            }
        }
    };
}

walk_stmt!(stmt_parts, node_locals, Part, iter,);
walk_stmt!(stmt_parts_mut, node_locals_mut, PartMut, iter_mut, mut);

macro_rules! walk {
    ($name:ident, $iter:ident, $as_ref:ident, $($mutable:tt)?) => {
        /// The direct parts of a node; a lambda's body is not one.
        pub(crate) fn $name(node: &$($mutable)? Node, f: &mut dyn FnMut(&$($mutable)? Node)) {
            match node {
                Node::Assign(target, value) => {
                    match &$($mutable)? **target {
                        Target::Local(_) | Target::Discard => {}
                        Target::Element(array, indexes) => {
                            f(array);
                            indexes.$iter().for_each(|n| f(n));
                        }
                        Target::Member(call) => call.arguments.$iter().for_each(|n| f(n)),
                    }
                    f(value);
                }
                Node::Seq(effects, value) => {
                    effects.$iter().for_each(|n| f(n));
                    f(value);
                }
                Node::Arithmetic { operands, .. } | Node::Compare { operands, .. } => {
                    f(&$($mutable)? operands.0);
                    f(&$($mutable)? operands.1);
                }
                Node::Logic(_, pair)
                | Node::Logic3(_, pair)
                | Node::StringEquals(_, pair)
                | Node::Same(_, pair)
                | Node::AndAlso(pair)
                | Node::OrElse(pair) => {
                    f(&$($mutable)? pair.0);
                    f(&$($mutable)? pair.1);
                }
                Node::Not(value)
                | Node::Negate(_, _, value)
                | Node::Complement(_, value)
                | Node::Convert { value, .. }
                | Node::Cast(_, value)
                | Node::Unwrap(value)
                | Node::Is(_, value)
                | Node::As(_, value)
                | Node::Field(value, _)
                | Node::Throw(value) => f(value),
                Node::Choose(parts) => {
                    f(&$($mutable)? parts.0);
                    f(&$($mutable)? parts.1);
                    f(&$($mutable)? parts.2);
                }
                Node::Coalesce(parts) => {
                    f(&$($mutable)? parts.0);
                    f(&$($mutable)? parts.2);
                    f(&$($mutable)? parts.3);
                }
                Node::Conditional(parts) => {
                    f(&$($mutable)? parts.0);
                    f(&$($mutable)? parts.2);
                }
                Node::Lifted(operands, operation, _) => {
                    operands.$iter().for_each(|(n, _)| f(n));
                    f(operation);
                }
                Node::IsDeclare(parts) => f(&$($mutable)? parts.0),
                Node::Call(call) | Node::MethodValue { call, .. } => call.arguments.$iter().for_each(|n| f(n)),
                Node::CallLocal(call) => call.arguments.$iter().for_each(|n| f(n)),
                Node::Concat(items) | Node::NewArray(_, items) | Node::Array(_, items, _) | Node::Fields(_, items) => {
                    items.$iter().for_each(|n| f(n));
                }
                Node::Element(array, indexes) => {
                    f(array);
                    indexes.$iter().for_each(|n| f(n));
                }
                Node::Const(_)
                | Node::Enum(..)
                | Node::Default(_)
                | Node::TypeOf(_)
                | Node::Context(_)
                | Node::Local(_)
                | Node::Lambda { .. }
                | Node::FunctionValue { .. } => {}
            }
        }
    };
}

walk!(children, iter, as_ref,);
walk!(children_mut, iter_mut, as_mut, mut);

/// Something that a body uses.
pub(super) enum Use {
    Local(u32),
    Function(u32),
    /// A lambda inside, by its number: its own variables are not free.
    Enter(u32),
}

/// Every variable and local function that a body uses, lambdas inside included.
pub(super) fn locals(body: &[Stmt], f: &mut dyn FnMut(Use)) {
    for stmt in body {
        stmt_locals(stmt, f);
    }
}

fn stmt_locals(stmt: &Stmt, f: &mut dyn FnMut(Use)) {
    stmt_parts(stmt, &mut |part| match part {
        Part::Local(local) => f(Use::Local(local.id)),
        Part::Node(node) => uses(node, f),
        Part::Stmt(stmt) => stmt_locals(stmt, f),
    });
}

fn uses(node: &Node, f: &mut dyn FnMut(Use)) {
    node_locals(node, &mut |local| f(Use::Local(local.id)));
    match node {
        Node::Lambda { function, .. } => {
            f(Use::Enter(function.slots));
            locals(&function.body, f);
        }
        Node::CallLocal(call) => f(Use::Function(call.function)),
        Node::FunctionValue { function, .. } => f(Use::Function(*function)),
        _ => {}
    }
    children(node, &mut |child| uses(child, f));
}

/// Every lambda in a body, nested ones too, by its number and body.
pub(super) fn lambdas(body: &[Stmt], f: &mut dyn FnMut(u32, &[Stmt])) {
    for stmt in body {
        stmt_lambdas(stmt, f);
    }
}

fn stmt_lambdas(stmt: &Stmt, f: &mut dyn FnMut(u32, &[Stmt])) {
    stmt_parts(stmt, &mut |part| match part {
        Part::Local(_) => {}
        Part::Node(node) => node_lambdas(node, f),
        Part::Stmt(stmt) => stmt_lambdas(stmt, f),
    });
}

fn node_lambdas(node: &Node, f: &mut dyn FnMut(u32, &[Stmt])) {
    if let Node::Lambda { function, .. } = node {
        f(function.slots, &function.body);
        lambdas(&function.body, f);
    }
    children(node, &mut |child| node_lambdas(child, f));
}

/// The deepest nesting of a body.
pub(super) fn height(body: &[Stmt]) -> u32 {
    body.iter().map(stmt_height).max().unwrap_or_default() + 1
}

fn stmt_height(stmt: &Stmt) -> u32 {
    let mut most = 0;
    stmt_parts(stmt, &mut |part| {
        let here = match part {
            Part::Local(_) => 0,
            Part::Node(node) => node_height(node),
            Part::Stmt(stmt) => stmt_height(stmt),
        };
        most = most.max(here);
    });
    most + 1
}

fn node_height(node: &Node) -> u32 {
    let mut most = 0;
    children(node, &mut |child| most = most.max(node_height(child)));
    most + 1
}

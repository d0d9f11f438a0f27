//! Parts of `context` that are always there need no call: `context.Request.Headers` is settled when it is compiled.

use std::sync::Arc;

use super::visit::{PartMut, children_mut, stmt_parts_mut};
use crate::code::{Node, Program, Stmt};
use crate::value::ContextPart;

/// Puts the parts themselves in the places of the calls that read them. For the general form: closed shapes are
/// recognised by the calls.
pub(crate) fn settle(program: &mut Program) {
    program.main.body.iter_mut().for_each(stmt);
    for function in &mut program.functions {
        Arc::make_mut(function).body.iter_mut().for_each(stmt);
    }
}

fn stmt(of: &mut Stmt) {
    stmt_parts_mut(of, &mut |part| match part {
        PartMut::Local(_) => {}
        PartMut::Node(found) => node(found),
        PartMut::Stmt(found) => stmt(found),
    });
}

fn node(of: &mut Node) {
    children_mut(of, &mut node);
    match of {
        Node::Lambda { function, .. } => Arc::make_mut(function).body.iter_mut().for_each(stmt),
        Node::Call(call) => {
            if let [Node::Context(part)] = call.arguments.as_slice()
                && let Some(found) = always(*part, &call.member.name)
            {
                *of = Node::Context(found);
            }
        }
        _ => {}
    }
}

/// The part that a property of another part always is.
fn always(part: ContextPart, property: &str) -> Option<ContextPart> {
    use ContextPart as Part;
    Some(match (part, property) {
        (Part::Context, "Request") => Part::Request,
        (Part::Context, "Variables") => Part::Variables,
        (Part::Context, "Deployment") => Part::Deployment,
        (Part::Request, "Headers") => Part::RequestHeaders,
        (Part::Request, "MatchedParameters") => Part::MatchedParameters,
        (Part::Request, "Url") => Part::Url,
        (Part::Request, "OriginalUrl") => Part::OriginalUrl,
        (Part::Url, "Query") => Part::Query,
        (Part::OriginalUrl, "Query") => Part::OriginalQuery,
        _ => return None,
    })
}

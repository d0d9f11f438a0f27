//! What needs no value between: parts of `context` that are always there (`context.Request.Headers`) are settled when it is
//! compiled, and `(T)token["name"]` is one call.

use std::sync::Arc;

use super::visit::{PartMut, children_mut, stmt_parts_mut};
use crate::code::{Call, Node, Program, Stmt};
use crate::parser::signature::MemberKind;
use crate::syntax::Constant;
use crate::types::{Type, library};
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
            } else {
                cast_of_member(call);
            }
        }
        _ => {}
    }
}

/// A conversion of a token's member becomes one call, when the key is a constant.
fn cast_of_member(call: &mut Call) {
    let [Node::Call(inner)] = call.arguments.as_mut_slice() else { return };
    let key = matches!(inner.arguments.as_slice(), [_, Node::Const(Constant::Str(_) | Constant::I32(_))]);
    let owners = [inner.member.owner, call.member.owner].iter().all(|owner| owner.is_json());
    let kinds = (inner.member.kind, call.member.kind) == (MemberKind::Indexer, MemberKind::Explicit);
    let Some(both) = Type::JTOKEN.def().and_then(|def| library().get(def).named("CastMember__").first())
    else {
        return;
    };
    if !key || !owners || !kinds {
        return;
    }
    *call = Call {
        member: both,
        arguments: std::mem::take(&mut inner.arguments),
        types: Box::new([call.member.result.clone()]),
        checks_null: inner.checks_null,
        references: Vec::new(),
    };
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

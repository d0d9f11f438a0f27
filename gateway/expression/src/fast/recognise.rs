//! Finds the closed shapes in code.

use std::sync::Arc;

use super::{Bool, Fast, Read, Text};
use crate::code::{Call, Node, Number, Program, Stmt};
use crate::host::{Host, Message};
use crate::syntax::{Binary, Constant};
use crate::types::{MemberDef, Type, library, model_type};

/// The shape of a program, if it has one.
pub(crate) fn recognise(program: &Program) -> Option<Fast> {
    let [Stmt::Return(Some(node))] = program.main.body.as_slice() else { return None };
    if program.result == Type::BOOL {
        return condition(node).map(Fast::Bool);
    }
    (program.result == Type::STRING).then(|| text(node).map(Fast::Text)).flatten()
}

/// Owner and name of a member, without the namespace.
fn name(member: &'static MemberDef) -> (&'static str, &'static str) {
    let owner = library().get(member.owner).full_name.as_str();
    (owner.rsplit('.').next().unwrap_or(owner), member.name.as_str())
}

fn string(node: &Node) -> Option<Arc<str>> {
    match node {
        Node::Const(Constant::Str(text)) => Some(Arc::clone(text)),
        _ => None,
    }
}

/// A default: a string or null.
fn default(node: Option<&Node>) -> Option<Option<Arc<str>>> {
    match node {
        None | Some(Node::Const(Constant::Null)) => Some(None),
        Some(node) => string(node).map(Some),
    }
}

/// The members that lead from `context` to a value, outermost last.
fn path(node: &Node) -> Option<Vec<&'static str>> {
    match node {
        Node::Context(_) => Some(Vec::new()),
        Node::Call(call) if call.references.is_empty() => {
            let [receiver] = call.arguments.as_slice() else { return None };
            let mut path = path(receiver)?;
            path.push(call.member.name.as_str());
            Some(path)
        }
        _ => None,
    }
}

fn is_path(node: Option<&Node>, wanted: &[&str]) -> bool {
    node.and_then(path).is_some_and(|p| p == wanted)
}

/// `context.Variables[name]`.
fn variable(node: &Node) -> Option<Arc<str>> {
    let Node::Call(call) = node else { return None };
    let found = name(call.member) == ("IReadOnlyDictionary", "Item")
        && is_path(call.arguments.first(), &["Variables"]);
    if found { string(call.arguments.get(1)?) } else { None }
}

/// `(T)context.Variables[name]`.
fn typed_variable(node: &Node, ty: &Type) -> Option<Arc<str>> {
    match node {
        Node::Cast(to, inner) if to == ty => variable(inner),
        _ => None,
    }
}

fn headers_of(node: Option<&Node>) -> Option<Message> {
    if is_path(node, &["Request", "Headers"]) {
        return Some(Message::Request);
    }
    // A missing response has no headers: reading them is an error the general form reports.
    None
}

fn text(node: &Node) -> Option<Text> {
    match node {
        Node::Const(Constant::Str(text)) => Some(Text::Const(Arc::clone(text))),
        Node::Cast(to, inner) if *to == Type::STRING => variable(inner).map(Text::Variable),
        Node::Concat(parts) => parts.iter().map(text).collect::<Option<Vec<_>>>().map(Text::Concat),
        Node::Call(call) => text_call(call).or_else(|| read(node).map(Text::Read)),
        _ => None,
    }
}

fn text_call(call: &Call) -> Option<Text> {
    let first = call.arguments.first();
    let key = || string(call.arguments.get(1)?);
    match name(call.member) {
        ("DictionaryExtensions", "GetValueOrDefault") => {
            if call.types.is_empty() {
                let default = default(call.arguments.get(2))?;
                if let Some(message) = headers_of(first) {
                    return Some(Text::Header { message, name: key()?, default });
                }
                let variable = claims_of(first?)?;
                return Some(Text::Claim { variable, name: key()?, default });
            }
            let of_string = matches!(&*call.types, [only] if *only == Type::STRING);
            let found = of_string && is_path(first, &["Variables"]);
            found
                .then(|| Some(Text::VariableOr { name: key()?, default: default(call.arguments.get(2))? }))
                .flatten()
        }
        ("IReadOnlyDictionary", "Item") if is_path(first, &["Request", "MatchedParameters"]) => {
            Some(Text::Matched(key()?))
        }
        _ => None,
    }
}

/// `((Jwt)context.Variables[name]).Claims`.
fn claims_of(node: &Node) -> Option<Arc<str>> {
    let Node::Call(call) = node else { return None };
    let [receiver] = call.arguments.as_slice() else { return None };
    if name(call.member) == ("Jwt", "Claims") { typed_variable(receiver, &model_type("Jwt")) } else { None }
}

/// Texts of the context that are read as they are.
fn read(node: &Node) -> Option<Read> {
    let path = path(node)?;
    let found: Read = match path.as_slice() {
        ["Request", "Method"] => |h| Some(h.method()),
        ["Request", "IpAddress"] => |h| Some(h.ip_address()),
        ["Api", "Id"] => |h| h.api().map(|a| a.id.as_str()),
        ["Api", "Name"] => |h| h.api().map(|a| a.name.as_str()),
        ["Operation", "Id"] => |h| h.operation().map(|o| o.id.as_str()),
        ["Operation", "Name"] => |h| h.operation().map(|o| o.name.as_str()),
        ["Product", "Id"] => |h| h.product().map(|p| p.id.as_str()),
        ["Product", "Name"] => |h| h.product().map(|p| p.name.as_str()),
        ["Subscription", "Id"] => |h| h.subscription().map(|s| s.id.as_str()),
        ["Subscription", "Key"] => |h| h.subscription().map(|s| s.key.as_str()),
        ["User", "Id"] => |h| h.user().map(|u| u.id.as_str()),
        ["User", "Email"] => |h| h.user().map(|u| u.email.as_str()),
        ["Workspace", "Id"] => |h| h.workspace().map(|w| w.id.as_str()),
        ["Deployment", "Region"] => |h| Some(&h.deployment().region),
        ["Deployment", "ServiceName"] => |h| Some(&h.deployment().service_name),
        ["Api", "Path"] => |h| h.api().map(|a| a.path.as_str()),
        ["LastError", "Source"] => |h| h.last_error().map(|e| e.source.as_str()),
        ["LastError", "Reason"] => |h| h.last_error().map(|e| e.reason.as_str()),
        ["LastError", "Message"] => |h| h.last_error().map(|e| e.message.as_str()),
        ["Request", "Url", "Host"] => |h: &dyn Host| Some(h.url(crate::host::WhichUrl::Current).host),
        ["Request", "OriginalUrl", "Host"] => {
            |h: &dyn Host| Some(h.url(crate::host::WhichUrl::Original).host)
        }
        ["Request", "OriginalUrl", "Scheme"] => {
            |h: &dyn Host| Some(h.url(crate::host::WhichUrl::Original).scheme)
        }
        ["Request", "Url", "Path"] => |h: &dyn Host| Some(h.url(crate::host::WhichUrl::Current).path),
        ["Request", "OriginalUrl", "Path"] => {
            |h: &dyn Host| Some(h.url(crate::host::WhichUrl::Original).path)
        }
        _ => return None,
    };
    Some(found)
}

fn condition(node: &Node) -> Option<Bool> {
    match node {
        Node::Const(Constant::Bool(value)) => Some(Bool::Const(*value)),
        Node::Not(inner) => Some(Bool::Not(Box::new(condition(inner)?))),
        Node::AndAlso(pair) => Some(Bool::All(Box::new((condition(&pair.0)?, condition(&pair.1)?)))),
        Node::OrElse(pair) => Some(Bool::Any(Box::new((condition(&pair.0)?, condition(&pair.1)?)))),
        // `… == false`.
        Node::Logic(operator @ (Binary::Eq | Binary::Ne), pair) => {
            let (inner, wanted) = match &**pair {
                (inner, Node::Const(Constant::Bool(wanted)))
                | (Node::Const(Constant::Bool(wanted)), inner) => (inner, *wanted),
                _ => return None,
            };
            let inner = condition(inner)?;
            Some(if wanted == (*operator == Binary::Eq) { inner } else { Bool::Not(Box::new(inner)) })
        }
        Node::StringEquals(wanted, pair) => {
            Some(Bool::Equal(*wanted, Box::new((text(&pair.0)?, text(&pair.1)?))))
        }
        Node::Compare { operator, number: Number::I32, operands } => {
            status(*operator, &operands.0, &operands.1)
        }
        Node::Call(call) if name(call.member) == ("IReadOnlyDictionary", "ContainsKey") => {
            let key = string(call.arguments.get(1)?)?;
            if is_path(call.arguments.first(), &["Variables"]) {
                return Some(Bool::HasVariable(key));
            }
            headers_of(call.arguments.first()).map(|message| Bool::HasHeader(message, key))
        }
        _ => None,
    }
}

fn status(operator: Binary, left: &Node, right: &Node) -> Option<Bool> {
    let (Node::Call(call), Node::Const(Constant::I32(code))) = (left, right) else { return None };
    let [receiver] = call.arguments.as_slice() else { return None };
    if name(call.member) != ("IResponse", "StatusCode") {
        return None;
    }
    let variable = if is_path(Some(receiver), &["Response"]) {
        None
    } else {
        Some(typed_variable(receiver, &model_type("IResponse"))?)
    };
    Some(Bool::Status { variable, operator, code: *code })
}

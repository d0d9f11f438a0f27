//! Interpolated strings, and which bodies an expression may read.

use super::argument::Arg;
use super::overload::Applicable;
use super::{Binder, Bound, Val};
use crate::code::{Call, Node};
use crate::span::Span;
use crate::syntax::{Constant, HolePiece};
use crate::types::{MemberDef, Type, library};

impl Binder<'_> {
    /// `$"…"`: a concatenation, or `string.Format` where a hole has an alignment or a format.
    pub(super) fn interpolated(&mut self, pieces: &[HolePiece], span: Span) -> Val {
        let mut parts: Vec<Node> = Vec::new();
        let mut constant: Option<String> = Some(String::new());
        for piece in pieces {
            match piece {
                HolePiece::Text(text) => {
                    if let Some(all) = &mut constant {
                        all.push_str(text);
                    }
                    parts.push(Node::Const(Constant::Str(text.as_str().into())));
                }
                HolePiece::Hole { value, alignment, format } => {
                    constant = None;
                    let val = self.value(value);
                    if val.ty == Type::Void {
                        self.report(
                            "CS1503",
                            "Argument: cannot convert from 'void' to 'object'".to_owned(),
                            value.span,
                        );
                    }
                    if format.as_deref() == Some("") {
                        self.report("CS8089", "Empty format specifier.".to_owned(), value.span);
                    }
                    if alignment.is_none() && format.is_none() {
                        parts.push(val.node);
                        continue;
                    }
                    let width = match alignment {
                        Some(alignment) => {
                            let bound = self.expr(alignment);
                            let width = self.convert(bound, &Type::INT, alignment.span);
                            match width.constant.as_ref().and_then(crate::run::constant_number) {
                                Some(width) => Some(width),
                                None => {
                                    return self.error(
                                        "CS0150",
                                        "A constant value is expected".to_owned(),
                                        alignment.span,
                                    );
                                }
                            }
                        }
                        None => None,
                    };
                    parts.push(self.formatted(val, width, format.as_deref(), span));
                }
            }
        }
        if let Some(all) = constant {
            // Not a constant in C# 7.3, but nothing can tell.
            return Val::new(Node::Const(Constant::Str(all.into())), Type::STRING);
        }
        Val::new(Node::Concat(parts), Type::STRING)
    }

    /// One hole by `string.Format("{0,w:f}", value)`.
    fn formatted(&mut self, val: Val, width: Option<i64>, format: Option<&str>, span: Span) -> Node {
        let mut text = String::from("{0");
        if let Some(width) = width {
            text.push(',');
            text.push_str(&width.to_string());
        }
        if let Some(format) = format {
            text.push(':');
            text.push_str(format);
        }
        text.push('}');
        let Some(def) = Type::STRING.def() else { return val.node };
        let member = library()
            .get(def)
            .named("Format")
            .iter()
            .find(|m| m.parameters.len() == 2 && m.parameters.iter().any(|p| p.name == "arg0"));
        let Some(member) = member else {
            self.report("CS0103", "string.Format is not part of the library".to_owned(), span);
            return val.node;
        };
        Node::Call(Box::new(Call {
            member,
            arguments: vec![Node::Const(Constant::Str(text.into())), val.node],
            types: Box::default(),
            checks_null: false,
            references: Vec::new(),
        }))
    }

    /// Notes a read of a message's body.
    pub(super) fn note_needs(&mut self, member: &'static MemberDef, receiver: Option<&Val>) {
        if member.name != "Body" {
            return;
        }
        let owner = &library().get(member.owner).full_name;
        if owner.ends_with(".IRequest") {
            self.needs.request_body = true;
        } else if owner.ends_with(".IResponse") {
            // A stored response has its body at hand; only the exchange's own must be buffered.
            let of_exchange = receiver.is_none_or(|r| match &r.node {
                Node::Call(call) => call.member.name == "Response",
                Node::Const(_) => false,
                Node::Cast(..) => false,
                _ => true,
            });
            self.needs.response_body |= of_exchange;
        }
    }

    /// Notes that a body is read without being preserved.
    pub(super) fn note_body(&mut self, found: &Applicable, args: &[Arg], receiver: Option<&Val>) {
        let member = found.candidate.member;
        if !matches!(member.name.as_str(), "As" | "AsFormUrlEncodedContent") || receiver.is_none() {
            return;
        }
        let preserves = args.iter().any(|arg| match &arg.bound {
            Bound::Value(val) => val.constant != Some(Constant::Bool(false)),
            _ => true,
        });
        self.needs.consumes |= !preserves;
    }
}

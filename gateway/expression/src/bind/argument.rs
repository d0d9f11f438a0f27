//! Arguments of a call: bound once, matched to the parameters of each candidate.

use super::{Binder, Bound, Val};
use crate::code::{Local, Node, Target};
use crate::parser::signature::MemberKind;
use crate::span::Span;
use crate::syntax::{Argument, Constant, Mode, Name};
use crate::types::{Parameter, Type};

/// A bound argument.
#[derive(Clone, Debug)]
pub(super) struct Arg {
    pub name: Option<Name>,
    pub mode: Mode,
    pub bound: Bound,
    pub span: Span,
}

impl Arg {
    /// Its own type, if it has one.
    pub fn ty(&self) -> Option<&Type> {
        match &self.bound {
            Bound::Value(val) => Some(&val.ty),
            _ => None,
        }
    }
}

/// How arguments meet parameters: for each parameter the arguments that fill it.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    /// For each argument its parameter.
    pub of_argument: Vec<usize>,
    /// A `params` array is built from single arguments.
    pub expanded: bool,
}

/// Arguments in the order of the parameters, converted.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub nodes: Vec<Node>,
    /// Arguments passed by reference: position and the variable to write back.
    pub references: Vec<(usize, Local)>,
    /// What runs before the call, and after it.
    pub before: Vec<Node>,
    pub after: Vec<Node>,
}

/// Matches arguments to parameters, or says that they do not fit in number and names.
pub(super) fn map(parameters: &[Parameter], args: &[Arg], expanded: bool) -> Option<Mapping> {
    let count = parameters.len();
    let mut filled = vec![false; count];
    let mut of_argument = Vec::with_capacity(args.len());
    for (position, arg) in args.iter().enumerate() {
        let index = match &arg.name {
            Some(name) => parameters.iter().position(|p| *p.name == *name.text)?,
            None if expanded && position + 1 >= count => count.checked_sub(1)?,
            None => position,
        };
        let is_rest = expanded && index + 1 == count;
        let slot = filled.get_mut(index)?;
        if *slot && !is_rest {
            return None;
        }
        *slot = true;
        of_argument.push(index);
    }
    for (index, parameter) in parameters.iter().enumerate() {
        let given = filled.get(index).copied().unwrap_or_default();
        let rest = expanded && index + 1 == count;
        if !given && parameter.default.is_none() && !rest {
            return None;
        }
    }
    Some(Mapping { of_argument, expanded })
}

/// The type an argument must convert to.
pub(super) fn parameter_type(types: &[Type], mapping: &Mapping, argument: usize) -> Type {
    let index = mapping.of_argument.get(argument).copied().unwrap_or_default();
    let ty = types.get(index).cloned().unwrap_or(Type::Error);
    if mapping.expanded
        && index + 1 == types.len()
        && let Type::Array(element, _) = &ty
    {
        return (**element).clone();
    }
    ty
}

impl Binder<'_> {
    pub(super) fn argument(&mut self, argument: &Argument) -> Arg {
        let bound = self.expr(&argument.value);
        // Values keep their form; types and namespaces are wrong here whatever the candidates say.
        let bound = match bound {
            bad @ (Bound::Type(_) | Bound::Namespace(_)) => {
                self.as_value(bad, argument.value.span);
                Bound::Error
            }
            good => good,
        };
        let bound = match bound {
            Bound::Value(val) if val.ty == Type::Void => {
                let message = "Argument: cannot convert from 'void'".to_owned();
                self.report("CS1503", message, argument.value.span);
                Bound::Error
            }
            other => other,
        };
        Arg { name: argument.name.clone(), mode: argument.mode, bound, span: argument.value.span }
    }

    /// Whether an argument fits a parameter's type.
    pub(super) fn fits(&mut self, arg: &Arg, parameter: &Parameter, ty: &Type) -> bool {
        let by_reference = parameter.is_out || parameter.is_ref;
        match arg.mode {
            Mode::Value | Mode::In if by_reference => false,
            Mode::Out if !parameter.is_out => false,
            Mode::Ref if !parameter.is_ref => false,
            Mode::Out | Mode::Ref => match &arg.bound {
                Bound::Value(val) => val.ty == *ty || val.ty.is_error(),
                Bound::Declaration(declared, _) => declared.as_ref().is_none_or(|d| d == ty),
                Bound::Error => true,
                _ => false,
            },
            Mode::Value | Mode::In => self.converts(&arg.bound, ty),
        }
    }

    /// A call with what runs before and after it.
    pub(super) fn around(&mut self, before: Vec<Node>, call: Node, after: Vec<Node>) -> Node {
        if after.is_empty() {
            return if before.is_empty() { call } else { Node::Seq(before, Box::new(call)) };
        }
        let result = self.temporary(Type::OBJECT);
        let mut effects = before;
        effects.push(Node::Assign(Box::new(Target::Local(result)), Box::new(call)));
        effects.extend(after);
        Node::Seq(effects, Box::new(Node::Local(result)))
    }

    /// The nodes of all arguments in the order of the parameters, converted; and what to write back.
    pub(super) fn pass(
        &mut self,
        parameters: &[Parameter],
        types: &[Type],
        mapping: &Mapping,
        args: Vec<Arg>,
    ) -> Passed {
        let count = parameters.len();
        let mut nodes: Vec<Option<Node>> = vec![None; count];
        let mut rest: Vec<Node> = Vec::new();
        let mut passed = Passed::default();
        let in_order = mapping.of_argument.windows(2).all(|pair| pair.first() <= pair.last());
        for (position, arg) in args.into_iter().enumerate() {
            let index = mapping.of_argument.get(position).copied().unwrap_or_default();
            let ty = parameter_type(types, mapping, position);
            if arg.mode == Mode::Out || arg.mode == Mode::Ref {
                let local = self.reference(&arg, &ty, &mut passed);
                passed.references.push((index, local));
                if let Some(slot) = nodes.get_mut(index) {
                    let is_out = arg.mode == Mode::Out;
                    *slot = Some(if is_out { Node::Const(Constant::Null) } else { Node::Local(local) });
                }
                continue;
            }
            let mut node = self.convert(arg.bound, &ty, arg.span).node;
            // Named arguments out of order are still evaluated in the order of the text.
            if !in_order && !matches!(node, Node::Const(_)) {
                let local = self.temporary(ty.clone());
                passed.before.push(Node::Assign(Box::new(crate::code::Target::Local(local)), Box::new(node)));
                node = Node::Local(local);
            }
            if mapping.expanded && index + 1 == count {
                rest.push(node);
            } else if let Some(slot) = nodes.get_mut(index) {
                *slot = Some(node);
            }
        }
        for (index, node) in nodes.into_iter().enumerate() {
            let ty = types.get(index).cloned().unwrap_or(Type::Error);
            let node = match node {
                Some(node) => node,
                None if mapping.expanded && index + 1 == count => {
                    let element = match &ty {
                        Type::Array(element, _) => (**element).clone(),
                        _ => Type::OBJECT,
                    };
                    let items = std::mem::take(&mut rest);
                    let length = items.len();
                    Node::Array(element, items, vec![length])
                }
                None => self.default_argument(parameters.get(index), &ty),
            };
            passed.nodes.push(node);
        }
        passed
    }

    fn default_argument(&mut self, parameter: Option<&Parameter>, ty: &Type) -> Node {
        let constant = parameter.and_then(|p| p.default.clone()).unwrap_or(Constant::Null);
        if constant == Constant::Null {
            return self.default_of(ty).node;
        }
        if ty.is_enum() {
            return Self::constant(constant, ty.clone()).node;
        }
        let val = Val {
            node: Node::Const(constant.clone()),
            ty: constant_type(&constant),
            constant: Some(constant),
        };
        self.convert(Bound::Value(val), ty, Span::default()).node
    }

    /// The variable behind an `out` or `ref` argument.
    fn reference(&mut self, arg: &Arg, ty: &Type, passed: &mut Passed) -> Local {
        match &arg.bound {
            Bound::Declaration(_, Some(name)) => self.declare(name, ty.clone()),
            Bound::Declaration(_, None) => self.temporary(ty.clone()),
            Bound::Value(Val { node: Node::Local(local), .. }) => {
                let read_only = self.info(local.id).and_then(|info| info.read_only);
                if read_only.is_some() {
                    let message = "Cannot use a read-only variable as a ref or out value".to_owned();
                    self.report("CS1657", message, arg.span);
                }
                *local
            }
            Bound::Value(Val { node: Node::Element(array, indexes), .. }) => {
                self.element_reference(array, indexes, arg.mode, ty, passed)
            }
            Bound::Value(Val { node: Node::Call(call), .. }) if call.member.kind != MemberKind::Method => {
                let message = "A property or indexer may not be passed as an out or ref parameter".to_owned();
                self.report("CS0206", message, arg.span);
                self.temporary(ty.clone())
            }
            Bound::Error => self.temporary(ty.clone()),
            _ => {
                let message = "A ref or out value must be an assignable variable".to_owned();
                self.report("CS1510", message, arg.span);
                self.temporary(ty.clone())
            }
        }
    }
}

impl Binder<'_> {
    /// An element of an array goes through a variable that is stored back after the call.
    fn element_reference(
        &mut self,
        array: &Node,
        indexes: &[Node],
        mode: Mode,
        ty: &Type,
        passed: &mut Passed,
    ) -> Local {
        let mut keep = |binder: &mut Self, node: &Node| {
            let local = binder.temporary(Type::OBJECT);
            passed.before.push(Node::Assign(Box::new(Target::Local(local)), Box::new(node.clone())));
            Node::Local(local)
        };
        let array = Box::new(keep(self, array));
        let indexes: Vec<Node> = indexes.iter().map(|index| keep(self, index)).collect();
        let local = self.temporary(ty.clone());
        if mode == Mode::Ref {
            let value = Node::Element(array.clone(), indexes.clone());
            passed.before.push(Node::Assign(Box::new(Target::Local(local)), Box::new(value)));
        }
        let back = Node::Assign(Box::new(Target::Element(array, indexes)), Box::new(Node::Local(local)));
        passed.after.push(back);
        local
    }
}

pub(super) fn constant_type(constant: &Constant) -> Type {
    match constant {
        Constant::Null => Type::Null,
        Constant::Bool(_) => Type::BOOL,
        Constant::Char(_) => Type::CHAR,
        Constant::I8(_) => Type::SBYTE,
        Constant::U8(_) => Type::BYTE,
        Constant::I16(_) => Type::SHORT,
        Constant::U16(_) => Type::USHORT,
        Constant::I32(_) => Type::INT,
        Constant::U32(_) => Type::UINT,
        Constant::I64(_) => Type::LONG,
        Constant::U64(_) => Type::ULONG,
        Constant::F32(_) => Type::FLOAT,
        Constant::F64(_) => Type::DOUBLE,
        Constant::Decimal(_) => Type::DECIMAL,
        Constant::Str(_) => Type::STRING,
    }
}

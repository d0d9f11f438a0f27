//! Calls of methods, local functions and delegates; indexers; constructors.

use super::argument::{Arg, map};
use super::member::needs_null_check;
use super::overload::{Applicable, Failure};
use super::{Binder, Bound, Candidate, Group, Val};
use crate::code::{Call, LocalCall, Node};
use crate::span::Span;
use crate::syntax::{Argument, Expr, ExprKind, Mode, Name};
use crate::types::{Type, library};

impl Binder<'_> {
    pub(super) fn call(&mut self, target: &Expr, arguments: &[Argument], span: Span) -> Val {
        let bound = match &target.kind {
            ExprKind::Member(inner, name, types) => self.member_access(inner, name, types, true),
            _ => self.expr(target),
        };
        let args = self.bind_arguments(arguments);
        match bound {
            Bound::Methods(group) => match group.is_local {
                Some(index) => self.call_local(index, args, span),
                None => self.call_methods(*group, args, span),
            },
            Bound::Value(val) if val.ty.is_delegate() => self.invoke(val, args, span),
            Bound::Value(val) if val.ty.is_error() => Val::error(),
            Bound::Value(val) => self.not_a_method(target, &val, span),
            Bound::Type(ty) if !ty.is_error() => {
                let message =
                    format!("Non-invocable member '{}' cannot be used like a method.", ty.display());
                self.error("CS1955", message, target.span)
            }
            Bound::Error | Bound::Type(_) => Val::error(),
            _ => self.error("CS0149", "Method name expected".to_owned(), target.span),
        }
    }

    /// CS1955 for a property, CS0149 for any other value.
    fn not_a_method(&mut self, target: &Expr, val: &Val, span: Span) -> Val {
        match (&target.kind, &val.node) {
            (ExprKind::Member(_, name, _), Node::Call(call)) => {
                let owner = library().get(call.member.owner).display_name();
                let message =
                    format!("Non-invocable member '{owner}.{}' cannot be used like a method.", name.text);
                self.error("CS1955", message, name.span)
            }
            (ExprKind::Member(_, name, _), _) => {
                let message = format!("Non-invocable member '{}' cannot be used like a method.", name.text);
                self.error("CS1955", message, name.span)
            }
            _ => self.error("CS0149", "Method name expected".to_owned(), span),
        }
    }

    pub(super) fn call_methods(&mut self, group: Group, args: Vec<Arg>, span: Span) -> Val {
        if args.iter().any(|a| matches!(a.bound, Bound::Error) || a.ty().is_some_and(Type::is_error)) {
            return Val::error();
        }
        if group.type_arguments.iter().any(Type::is_error) {
            return Val::error();
        }
        let own = self.choose_overload(&group.candidates, &args, &group.type_arguments);
        match own {
            Ok(found) => self.finish(found, group.receiver, args, &group.name, span),
            Err(failure) => self.call_extension(group, args, failure, span),
        }
    }

    /// Extension methods come after the type's own; the model's come before LINQ's.
    fn call_extension(&mut self, group: Group, args: Vec<Arg>, failure: Failure, span: Span) -> Val {
        let Some(receiver) = group.receiver.clone() else {
            return self.no_overload(&group, &args, failure, span);
        };
        let all = library().extensions(&group.name.text);
        let mut with_receiver =
            vec![Arg { name: None, mode: Mode::Value, bound: Bound::Value(receiver), span }];
        with_receiver.extend(args.iter().cloned());
        let mut failure = if group.candidates.is_empty() { None } else { Some(failure) };
        for of_model in [true, false] {
            let candidates: Vec<Candidate> = all
                .iter()
                .filter(|m| library().get(m.owner).full_name.starts_with(super::name::MODEL) == of_model)
                .map(|member| Candidate { member, class: Vec::new() })
                .collect();
            if candidates.is_empty() {
                continue;
            }
            match self.choose_overload(&candidates, &with_receiver, &group.type_arguments) {
                Ok(found) => return self.finish(found, None, with_receiver, &group.name, span),
                Err(Failure::Ambiguous(a, b)) => {
                    return self.no_overload(&group, &args, Failure::Ambiguous(a, b), span);
                }
                Err(why) => {
                    let receiver_fits = !matches!(why, Failure::Argument { index: 0, .. });
                    if failure.is_none() && receiver_fits {
                        failure = Some(match why {
                            Failure::Argument { index, ty } => Failure::Argument { index: index - 1, ty },
                            other => other,
                        });
                    }
                }
            }
        }
        if let Some(failure) = failure {
            self.no_overload(&group, &args, failure, span)
        } else {
            let shown = group.ty.display();
            let message = format!(
                "'{shown}' does not contain a definition for '{0}' and no accessible extension method '{0}' accepting a first argument of type '{shown}' could be found (are you missing a using directive or an assembly reference?)",
                group.name.text
            );
            self.error("CS1061", message, group.name.span)
        }
    }

    /// The node of a call whose method is known.
    fn finish(
        &mut self,
        found: Applicable,
        receiver: Option<Val>,
        args: Vec<Arg>,
        name: &Name,
        span: Span,
    ) -> Val {
        let member = found.candidate.member;
        if member.is_static && !member.is_extension && receiver.is_some() {
            let shown = library().get(member.owner).display_name().to_owned();
            let message = format!(
                "Member '{shown}.{}' cannot be accessed with an instance reference; qualify it with a type name instead",
                name.text
            );
            return self.error("CS0176", message, span);
        }
        if !member.is_static && receiver.is_none() {
            let shown = library().get(member.owner).display_name().to_owned();
            let message = format!(
                "An object reference is required for the non-static field, method, or property '{shown}.{}'",
                name.text
            );
            return self.error("CS0120", message, span);
        }
        self.check_allowed(member.owner, &name.text, name.span);
        self.note_needs(member, receiver.as_ref());
        self.note_body(&found, &args, receiver.as_ref());
        let result = member.result.substitute(&found.candidate.class, &found.method);
        let checks_null = receiver.as_ref().is_some_and(|r| needs_null_check(&r.ty, &found.candidate));
        self.call_node(found, receiver, args, checks_null, result)
    }

    fn call_node(
        &mut self,
        found: Applicable,
        receiver: Option<Val>,
        args: Vec<Arg>,
        checks_null: bool,
        result: Type,
    ) -> Val {
        let member = found.candidate.member;
        let passed = self.pass(&member.parameters, &found.types, &found.mapping, args);
        let shift = usize::from(receiver.is_some());
        let mut arguments: Vec<Node> = receiver.map(|r| r.node).into_iter().collect();
        arguments.extend(passed.nodes);
        let mut types = found.candidate.class;
        types.extend(found.method);
        let references = passed.references.into_iter().map(|(index, local)| (index + shift, local)).collect();
        let call = Call { member, arguments, types: types.into(), checks_null, references };
        let node = self.around(passed.before, Node::Call(Box::new(call)), passed.after);
        Val::new(node, result)
    }

    /// Calls the delegate that a value is.
    fn invoke(&mut self, val: Val, args: Vec<Arg>, span: Span) -> Val {
        let ty = val.ty.clone();
        let name = Name { text: "Invoke".into(), span };
        let candidates = self.members(&ty, "Invoke");
        match self.choose_overload(&candidates, &args, &[]) {
            Ok(found) => self.finish(found, Some(val), args, &name, span),
            Err(failure) => {
                let group = Group {
                    name,
                    receiver: Some(val),
                    ty,
                    candidates,
                    type_arguments: Vec::new(),
                    is_local: None,
                };
                self.no_overload(&group, &args, failure, span)
            }
        }
    }

    fn call_local(&mut self, index: u32, args: Vec<Arg>, span: Span) -> Val {
        let Some(info) = self.functions.get(index as usize) else { return Val::error() };
        let (name, parameters, result) = (info.name.clone(), info.parameters.clone(), info.result.clone());
        let types: Vec<Type> = parameters.iter().map(|p| p.ty.clone()).collect();
        let mut fitting = None;
        for expanded in [false, true] {
            if expanded && !parameters.last().is_some_and(|p| p.is_params) {
                continue;
            }
            let Some(mapping) = map(&parameters, &args, expanded) else { continue };
            let mut bad = None;
            for (position, arg) in args.iter().enumerate() {
                let ty = super::argument::parameter_type(&types, &mapping, position);
                let parameter = mapping.of_argument.get(position).and_then(|i| parameters.get(*i));
                if !parameter.is_some_and(|p| self.fits(arg, p, &ty)) && bad.is_none() {
                    bad = Some((position, ty));
                }
            }
            match bad {
                None => {
                    fitting = Some(Ok(mapping));
                    break;
                }
                Some(bad) => fitting = fitting.or(Some(Err(bad))),
            }
        }
        match fitting {
            None => {
                let message = format!("No overload for method '{name}' takes {} arguments", args.len());
                self.error("CS1501", message, span)
            }
            Some(Err((position, ty))) => self.bad_argument(&args, position, &ty),
            Some(Ok(mapping)) => {
                let passed = self.pass(&parameters, &types, &mapping, args);
                let (arguments, references) = (passed.nodes, passed.references);
                let call = LocalCall { function: index, arguments, references, captured: Vec::new() };
                let node = self.around(passed.before, Node::CallLocal(Box::new(call)), passed.after);
                Val::new(node, result)
            }
        }
    }

    /// `target[…]`.
    pub(super) fn index(&mut self, target: &Expr, arguments: &[Argument], span: Span) -> Val {
        let target = self.value(target);
        self.index_of(target, arguments, span)
    }

    pub(super) fn index_of(&mut self, target: Val, arguments: &[Argument], span: Span) -> Val {
        let args = self.bind_arguments(arguments);
        let broken =
            args.iter().any(|a| matches!(a.bound, Bound::Error) || a.ty().is_some_and(Type::is_error));
        if target.ty.is_error() || broken {
            return Val::error();
        }
        if let Type::Array(element, rank) = target.ty.clone() {
            return self.array_element(target, &element, rank, args, span);
        }
        let candidates = self.members(&target.ty, "Item");
        if candidates.is_empty() {
            let message =
                format!("Cannot apply indexing with [] to an expression of type '{}'", target.ty.display());
            return self.error("CS0021", message, span);
        }
        let name = Name { text: "Item".into(), span };
        match self.choose_overload(&candidates, &args, &[]) {
            Ok(found) => self.finish(found, Some(target), args, &name, span),
            Err(failure) => {
                let ty = target.ty.clone();
                let name = Name { text: "this".into(), span };
                let group = Group {
                    name,
                    receiver: Some(target),
                    ty,
                    candidates,
                    type_arguments: Vec::new(),
                    is_local: None,
                };
                self.no_overload(&group, &args, failure, span)
            }
        }
    }

    fn array_element(&mut self, target: Val, element: &Type, rank: u8, args: Vec<Arg>, span: Span) -> Val {
        if args.len() != usize::from(rank) {
            let message = format!("Wrong number of indices inside []; expected {rank}");
            return self.error("CS0022", message, span);
        }
        let mut indexes = Vec::new();
        for arg in args {
            let val = self.as_value(arg.bound, arg.span);
            let wanted = [Type::INT, Type::UINT, Type::LONG, Type::ULONG];
            let ty = wanted
                .iter()
                .find(|ty| self.converts(&Bound::Value(val.clone()), ty))
                .cloned()
                .unwrap_or(Type::INT);
            indexes.push(self.convert(Bound::Value(val), &ty, arg.span).node);
        }
        Val::new(Node::Element(Box::new(target.node), indexes), element.clone())
    }

    /// `new T(…)` of a library type.
    pub(super) fn construct_object(&mut self, ty: &Type, args: Vec<Arg>, span: Span) -> Val {
        if args.iter().any(|a| matches!(a.bound, Bound::Error) || a.ty().is_some_and(Type::is_error)) {
            return Val::error();
        }
        let Some(def) = ty.def() else { return Val::error() };
        let info = library().get(def);
        let class = ty.arguments().to_vec();
        let candidates: Vec<Candidate> =
            info.named(".ctor").iter().map(|member| Candidate { member, class: class.clone() }).collect();
        let is_default = args.is_empty()
            && info.is_value_type
            && !candidates.iter().any(|c| c.member.parameters.is_empty());
        if is_default {
            self.check_allowed(def, ".ctor", span);
            return self.default_of(ty);
        }
        if info.is_abstract || info.is_interface || info.is_static {
            let message =
                format!("Cannot create an instance of the abstract class or interface '{}'", ty.display());
            return self.error("CS0144", message, span);
        }
        let name = Name { text: ".ctor".into(), span };
        match self.choose_overload(&candidates, &args, &[]) {
            Ok(found) => {
                let val = self.finish(found, None, args, &name, span);
                Val { ty: ty.clone(), ..val }
            }
            Err(failure) => {
                let name = Name { text: info.name.as_str().into(), span };
                let group = Group {
                    name,
                    receiver: None,
                    ty: ty.clone(),
                    candidates,
                    type_arguments: Vec::new(),
                    is_local: None,
                };
                self.no_overload(&group, &args, failure, span)
            }
        }
    }

    pub(super) fn no_overload(&mut self, group: &Group, args: &[Arg], failure: Failure, span: Span) -> Val {
        let name = &group.name.text;
        match failure {
            Failure::Count => self.wrong_count(group, args, span),
            Failure::Inference if self.report_lambda(args, group.receiver.is_some()) => Val::error(),
            Failure::Inference => {
                let message = format!(
                    "The type arguments for method '{name}' cannot be inferred from the usage. Try specifying the type arguments explicitly."
                );
                self.error("CS0411", message, group.name.span)
            }
            Failure::Argument { index, ty } => self.bad_argument(args, index, &ty),
            Failure::Ambiguous(a, b) => {
                let shown = |c: &Candidate| {
                    let types: Vec<String> = c.member.parameters.iter().map(|p| p.ty.display()).collect();
                    format!("{}.{name}({})", library().get(c.member.owner).display_name(), types.join(", "))
                };
                let message = format!(
                    "The call is ambiguous between the following methods or properties: '{}' and '{}'",
                    shown(&a),
                    shown(&b)
                );
                self.error("CS0121", message, group.name.span)
            }
        }
    }

    /// Reports what is wrong inside a lambda whose result could not be inferred.
    fn report_lambda(&mut self, args: &[Arg], has_receiver: bool) -> bool {
        let Some((index, parameters)) = self.partial.take() else { return false };
        // The arguments of an extension method count from its receiver.
        let found =
            args.get(if has_receiver { index.wrapping_sub(1) } else { index }).or_else(|| args.get(index));
        let lambda = |arg: &Arg| match &arg.bound {
            Bound::Lambda(lambda, _) => Some(std::sync::Arc::clone(lambda)),
            _ => None,
        };
        let found = found.and_then(lambda).or_else(|| args.get(index.wrapping_sub(1)).and_then(lambda));
        match found {
            Some(lambda) if lambda.parameters.len() == parameters.len() => {
                self.lambda_reports(&lambda, &parameters)
            }
            _ => false,
        }
    }

    fn wrong_count(&mut self, group: &Group, args: &[Arg], span: Span) -> Val {
        let name = &group.name.text;
        let unknown = args.iter().filter_map(|a| a.name.as_ref()).find(|n| {
            !group.candidates.iter().any(|c| c.member.parameters.iter().any(|p| *p.name == *n.text))
        });
        if let Some(unknown) = unknown {
            let message =
                format!("The best overload for '{name}' does not have a parameter named '{}'", unknown.text);
            return self.error("CS1739", message, unknown.span);
        }
        if let [only] = group.candidates.as_slice() {
            let missing =
                only.member.parameters.get(args.len()).filter(|p| p.default.is_none() && !p.is_params);
            if let Some(missing) = missing {
                let types: Vec<String> = only.member.parameters.iter().map(|p| p.ty.display()).collect();
                let message = format!(
                    "There is no argument given that corresponds to the required formal parameter '{}' of '{}.{name}({})'",
                    missing.name,
                    group.ty.display(),
                    types.join(", ")
                );
                return self.error("CS7036", message, group.name.span);
            }
        }
        if group.candidates.iter().any(|c| c.member.name == ".ctor") {
            let message = format!(
                "'{}' does not contain a constructor that takes {} arguments",
                group.ty.display(),
                args.len()
            );
            return self.error("CS1729", message, span);
        }
        let message = format!("No overload for method '{name}' takes {} arguments", args.len());
        self.error("CS1501", message, group.name.span)
    }

    fn bad_argument(&mut self, args: &[Arg], index: usize, ty: &Type) -> Val {
        let Some(arg) = args.get(index) else { return Val::error() };
        let position = index + 1;
        if let Bound::Lambda(lambda, span) = &arg.bound {
            return self.bad_lambda(&lambda.clone(), ty, *span);
        }
        let from = match &arg.bound {
            Bound::Value(val) => val.ty.qualified(),
            Bound::Methods(_) => "method group".to_owned(),
            Bound::Default => "default".to_owned(),
            _ => "<expression>".to_owned(),
        };
        let message = match arg.mode {
            Mode::Out => {
                format!("Argument {position}: cannot convert from 'out {from}' to 'out {}'", ty.qualified())
            }
            Mode::Ref => {
                format!("Argument {position}: cannot convert from 'ref {from}' to 'ref {}'", ty.qualified())
            }
            _ => format!("Argument {position}: cannot convert from '{from}' to '{}'", ty.qualified()),
        };
        self.error("CS1503", message, arg.span)
    }
}

//! Lambdas, local functions, and method groups as delegates.

use std::sync::Arc;

use super::argument::Arg;
use super::overload::delegate;
use super::{Binder, Bound, Entry, Group, LAMBDA_BINDINGS_MAX, LocalFunctionInfo, Returns, Scope, Val};
use crate::code::{Call, Function, Node, Stmt};
use crate::parser::is_statement;
use crate::span::Span;
use crate::syntax::{LambdaBody, LambdaSyntax, LocalFunction, Mode};
use crate::types::{Parameter, Type};

/// What the surroundings of a function were: its number, and how deep in loops, switches, catches and finallys.
type Outer = (u32, u32, u32, u32, u32);

impl Binder<'_> {
    /// Binds a lambda's body for given parameter types. `result`: convert returns to it; `None`: report the type found.
    fn lambda_body(
        &mut self,
        lambda: &LambdaSyntax,
        parameters: &[Type],
        result: Option<&Type>,
    ) -> (Function, Type) {
        let outer = self.enter_function();
        let mut locals = Vec::with_capacity(parameters.len());
        for (parameter, ty) in lambda.parameters.iter().zip(parameters) {
            let local = self.declare(&parameter.name, ty.clone());
            self.set_assigned(local);
            locals.push(local);
        }
        if let Some(first) = locals.first() {
            for (name, path) in &lambda.ranges {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.names.insert(Arc::clone(name), Entry::Range(first.id, path.clone()));
                }
            }
        }
        let (body, found) = self.function_body(&lambda.body, result);
        let modes = lambda.parameters.iter().map(|p| p.mode).collect();
        let function = Function {
            parameters: locals,
            modes,
            body,
            captured: Vec::new(),
            slots: self.function,
            height: 0,
        };
        self.leave_function(outer);
        (function, found)
    }

    fn enter_function(&mut self) -> Outer {
        let outer = (self.function, self.loops, self.switches, self.catches, self.finallys);
        self.function = self.function_count;
        self.function_count += 1;
        (self.loops, self.switches, self.catches, self.finallys) = (0, 0, 0, 0);
        self.scopes.push(Scope::default());
        outer
    }

    fn leave_function(&mut self, outer: Outer) {
        self.scopes.pop();
        (self.function, self.loops, self.switches, self.catches, self.finallys) = outer;
    }

    fn function_body(&mut self, body: &LambdaBody, result: Option<&Type>) -> (Vec<Stmt>, Type) {
        match body {
            LambdaBody::Expr(expr) => {
                let bound = self.expr(expr);
                match result {
                    Some(ty) if *ty == Type::Void => {
                        if !is_statement(expr) {
                            let message = "Only assignment, call, increment, decrement, await, and new object expressions can be used as a statement";
                            self.report("CS0201", message.to_owned(), expr.span);
                        }
                        let node = match bound {
                            Bound::Throw(node) => *node,
                            other => self.as_value(other, expr.span).node,
                        };
                        (vec![Stmt::Expr(node)], Type::Void)
                    }
                    Some(ty) => {
                        let val = self.convert(bound, ty, expr.span);
                        (vec![Stmt::Return(Some(val.node))], ty.clone())
                    }
                    None => {
                        let val = self.as_value(bound, expr.span);
                        let ty = val.ty.clone();
                        (vec![Stmt::Return(Some(val.node))], ty)
                    }
                }
            }
            LambdaBody::Block(list) => {
                self.returns.push(match result {
                    Some(ty) => Returns::Type(ty.clone()),
                    None => Returns::Infer(Vec::new()),
                });
                let body = self.block(list);
                let found = match self.returns.pop() {
                    Some(Returns::Type(ty)) => ty,
                    Some(Returns::Infer(values)) => self.best_common(&values),
                    _ => Type::Error,
                };
                (body, found)
            }
        }
    }

    /// The type that all values convert to; void when there are none.
    pub(super) fn best_common(&mut self, values: &[Val]) -> Type {
        if values.is_empty() {
            return Type::Void;
        }
        let mut types: Vec<Type> = Vec::new();
        for val in values {
            if val.ty != Type::Null && !types.contains(&val.ty) {
                types.push(val.ty.clone());
            }
        }
        let best = types
            .iter()
            .find(|ty| values.iter().all(|v| self.converts(&Bound::Value(v.clone()), ty)))
            .cloned();
        best.unwrap_or(Type::Error)
    }

    fn written_types(&mut self, lambda: &LambdaSyntax, parameters: &[Type]) -> bool {
        if lambda.any_parameters {
            return true;
        }
        lambda.parameters.len() == parameters.len()
            && lambda.parameters.iter().zip(parameters).all(|(p, ty)| match &p.ty {
                Some(written) => self.attempt(|b| b.resolve(written)).as_ref() == Some(ty),
                None => p.mode == Mode::Value,
            })
    }

    fn count_lambda(&mut self, span: Span) -> bool {
        self.lambda_bindings += 1;
        if self.lambda_bindings > LAMBDA_BINDINGS_MAX {
            self.report("CS8078", "An expression is too long or complex to compile".to_owned(), span);
            return false;
        }
        true
    }

    /// The type of a lambda's result for given parameters; `None` when its body does not bind.
    pub(super) fn lambda_result(&mut self, lambda: &LambdaSyntax, parameters: &[Type]) -> Option<Type> {
        if !self.written_types(lambda, parameters) || self.lambda_bindings > LAMBDA_BINDINGS_MAX {
            return None;
        }
        self.count_lambda(Span::default());
        let functions = self.functions.len();
        let found = self.attempt(|b| b.lambda_body(lambda, parameters, None).1);
        self.functions.truncate(functions);
        found.filter(|ty| !ty.is_error() && *ty != Type::Null)
    }

    /// Binds a lambda for its reports; whether there were any.
    pub(super) fn lambda_reports(&mut self, lambda: &LambdaSyntax, parameters: &[Type]) -> bool {
        let mark = self.reports.len();
        self.lambda_body(lambda, parameters, None);
        self.reports.len() > mark
    }

    /// Whether a lambda converts to a delegate type.
    pub(super) fn lambda_converts(&mut self, lambda: &LambdaSyntax, to: &Type) -> bool {
        let Some((parameters, result)) = delegate(to) else { return false };
        if !self.written_types(lambda, &parameters) || self.lambda_bindings > LAMBDA_BINDINGS_MAX {
            return false;
        }
        self.count_lambda(Span::default());
        let functions = self.functions.len();
        let fits = self.attempt(|b| b.lambda_body(lambda, &parameters, Some(&result))).is_some();
        self.functions.truncate(functions);
        fits
    }

    pub(super) fn convert_lambda(&mut self, lambda: &LambdaSyntax, to: &Type, span: Span) -> Option<Val> {
        let (parameters, result) = delegate(to)?;
        if !self.written_types(lambda, &parameters) || !self.count_lambda(span) {
            return None;
        }
        let mark = self.reports.len();
        let (function, _) = self.lambda_body(lambda, &parameters, Some(&result));
        if self.reports.len() > mark && self.attempts > 0 {
            return None;
        }
        if matches!(lambda.body, LambdaBody::Block(..)) && misses_return(&function.body, &result) {
            let message =
                format!("Not all code paths return a value in lambda expression of type '{}'", to.display());
            self.report("CS1643", message, span);
        }
        let node = Node::Lambda { function: Arc::new(function), ty: to.clone(), captured: Vec::new() };
        Some(Val::new(node, to.clone()))
    }

    /// Reports why a lambda does not convert.
    pub(super) fn bad_lambda(&mut self, lambda: &LambdaSyntax, to: &Type, span: Span) -> Val {
        let Some((parameters, result)) = delegate(to) else {
            let message = format!(
                "Cannot convert lambda expression to type '{}' because it is not a delegate type",
                to.display()
            );
            return self.error("CS1660", message, span);
        };
        if !lambda.any_parameters && lambda.parameters.len() != parameters.len() {
            let message =
                format!("Delegate '{}' does not take {} arguments", to.display(), lambda.parameters.len());
            return self.error("CS1593", message, span);
        }
        if !self.written_types(lambda, &parameters) {
            let message = format!(
                "Cannot convert lambda expression to type '{}' because the parameter types do not match the delegate parameter types",
                to.display()
            );
            return self.error("CS1661", message, span);
        }
        // The reports of its body say what is wrong.
        let mark = self.reports.len();
        if parameters.iter().any(Type::is_open) {
            return self.error("CS0411", "The type arguments cannot be inferred from the usage. Try specifying the type arguments explicitly.".to_owned(), span);
        }
        self.lambda_body(lambda, &parameters, Some(&result));
        if self.reports.len() == mark {
            self.report(
                "CS1662",
                "Cannot convert lambda expression to intended delegate type because some of the return types in the block are not implicitly convertible to the delegate return type".to_owned(),
                span,
            );
        }
        Val::error()
    }

    /// A method of a group for given parameter types.
    fn group_method(&mut self, group: &Group, parameters: &[Type]) -> Option<super::overload::Applicable> {
        let args: Vec<Arg> = parameters
            .iter()
            .map(|ty| Arg {
                name: None,
                mode: Mode::Value,
                bound: Bound::Value(Val::new(Node::Default(ty.clone()), ty.clone())),
                span: group.name.span,
            })
            .collect();
        self.choose_overload(&group.candidates, &args, &group.type_arguments)
            .ok()
            .filter(|found| !found.mapping.expanded && found.types.len() == parameters.len())
    }

    pub(super) fn group_result(&mut self, group: &Group, parameters: &[Type]) -> Option<Type> {
        if let Some(index) = group.is_local {
            return self.functions.get(index as usize).map(|f| f.result.clone());
        }
        let found = self.group_method(group, parameters)?;
        Some(found.candidate.member.result.substitute(&found.candidate.class, &found.method))
    }

    pub(super) fn group_converts(&mut self, group: &Group, to: &Type) -> bool {
        let Some((parameters, result)) = delegate(to) else { return false };
        if let Some(index) = group.is_local {
            let Some(info) = self.functions.get(index as usize) else { return false };
            let same = info.parameters.len() == parameters.len()
                && info.parameters.iter().zip(&parameters).all(|(p, ty)| p.ty == *ty);
            return same && (info.result == result || super::conversion::is_reference(&info.result, &result));
        }
        match self.group_result(group, &parameters) {
            Some(found) => {
                found == result
                    || result == Type::Void
                    || (!found.is_value_type() && super::conversion::is_reference(&found, &result))
            }
            None => false,
        }
    }

    pub(super) fn convert_group(&mut self, group: &Group, to: &Type) -> Option<Val> {
        if !self.group_converts(group, to) {
            return None;
        }
        let (parameters, _) = delegate(to)?;
        if let Some(function) = group.is_local {
            let node = Node::FunctionValue { function, ty: to.clone(), captured: Vec::new() };
            return Some(Val::new(node, to.clone()));
        }
        let found = self.group_method(group, &parameters)?;
        let member = found.candidate.member;
        self.check_allowed(member.owner, &member.name, group.name.span);
        let receiver = if member.is_static { None } else { group.receiver.clone() };
        let mut types = found.candidate.class;
        types.extend(found.method);
        let call = Call {
            member,
            checks_null: receiver.is_some(),
            arguments: receiver.map(|r| r.node).into_iter().collect(),
            types: types.into(),
            references: Vec::new(),
        };
        Some(Val::new(Node::MethodValue { call: Box::new(call), ty: to.clone() }, to.clone()))
    }

    /// Makes a local function's name and signature known in its block.
    pub(super) fn hoist(&mut self, function: &LocalFunction) {
        let mut parameters = Vec::new();
        for parameter in &function.parameters {
            let ty = parameter.ty.as_ref().map_or(Type::Error, |ty| self.resolve(ty));
            let default = parameter.default.as_ref().map(|value| {
                let val = self.value(value);
                self.convert(Bound::Value(val), &ty, value.span)
                    .constant
                    .unwrap_or(crate::syntax::Constant::Null)
            });
            parameters.push(Parameter {
                name: parameter.name.text.to_string(),
                ty,
                is_out: parameter.mode == Mode::Out,
                is_ref: parameter.mode == Mode::Ref,
                is_params: parameter.is_params,
                default,
            });
        }
        let result = match &function.result.kind {
            crate::syntax::TypeKind::Keyword("void") => Type::Void,
            _ => self.resolve(&function.result),
        };
        self.check_free(&function.name);
        let index = self.functions.len() as u32;
        let name = Arc::clone(&function.name.text);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(Arc::clone(&name), Entry::Function(index));
        }
        let span = function.name.span;
        self.functions.push(LocalFunctionInfo { name, parameters, result, code: None, key: 0, span });
    }

    /// Binds a local function's body at its place in the text.
    pub(super) fn local_function(&mut self, function: &LocalFunction) -> Stmt {
        let Some(Entry::Function(index)) = self.look_up(&function.name.text) else {
            return Stmt::Block(Vec::new());
        };
        let Some(info) = self.functions.get(index as usize) else { return Stmt::Block(Vec::new()) };
        let (types, result) =
            (info.parameters.iter().map(|p| p.ty.clone()).collect::<Vec<_>>(), info.result.clone());
        let outer = self.enter_function();
        let mut locals = Vec::new();
        for (parameter, ty) in function.parameters.iter().zip(types) {
            let local = self.declare(&parameter.name, ty);
            if parameter.mode != Mode::Out {
                self.set_assigned(local);
            }
            locals.push(local);
        }
        let (body, _) = self.function_body(&function.body, Some(&result));
        if matches!(function.body, LambdaBody::Block(..)) && misses_return(&body, &result) {
            let types: Vec<String> = self.parameter_types(index);
            let message =
                format!("'{}({})': not all code paths return a value", function.name.text, types.join(", "));
            self.report("CS0161", message, function.name.span);
        }
        let key = self.function;
        let modes = function.parameters.iter().map(|p| p.mode).collect();
        self.leave_function(outer);
        let code = Function { parameters: locals, modes, body, captured: Vec::new(), slots: key, height: 0 };
        if let Some(info) = self.functions.get_mut(index as usize) {
            info.code = Some(code);
            info.key = key;
        }
        Stmt::LocalFunction(index)
    }

    fn parameter_types(&self, function: u32) -> Vec<String> {
        let info = self.functions.get(function as usize);
        info.into_iter().flat_map(|f| &f.parameters).map(|p| p.ty.display()).collect()
    }
}

/// Whether a body that must give a value can end without one.
fn misses_return(body: &[Stmt], result: &Type) -> bool {
    *result != Type::Void && !result.is_error() && super::reach::completes(body)
}

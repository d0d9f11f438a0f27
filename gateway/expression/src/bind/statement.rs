//! Statements.

use std::sync::Arc;

use super::conversion::{element_type, implicit};
use super::{Binder, Bound, Entry, Returns, Val};
use crate::code::{Handler, Local, Node, Stmt as Code};
use crate::diagnostic::REPORTS_MAX;
use crate::span::Span;
use crate::syntax::{Catch, Constant, Expr, Name, Stmt, StmtKind, TypeSyntax};
use crate::types::Type;

impl Binder<'_> {
    /// A block with a scope of its own.
    pub(super) fn block(&mut self, list: &[Stmt]) -> Vec<Code> {
        self.scoped(|b| b.statements(list))
    }

    pub(super) fn statements(&mut self, list: &[Stmt]) -> Vec<Code> {
        let labels = self.labels.len();
        self.declare_labels(list);
        for stmt in list {
            match &stmt.kind {
                StmtKind::LocalFunction(function) => self.hoist(function),
                StmtKind::Local { names, .. } => {
                    for (name, _) in names {
                        if let Some(scope) = self.scopes.last_mut() {
                            scope.names.entry(Arc::clone(&name.text)).or_insert(Entry::Later);
                        }
                    }
                }
                _ => {}
            }
        }
        let mut code = Vec::with_capacity(list.len());
        for stmt in list {
            self.statement(stmt, &mut code);
            if self.reports.len() > REPORTS_MAX {
                break;
            }
        }
        self.labels.truncate(labels);
        code
    }

    fn embedded(&mut self, stmt: &Stmt) -> Box<Code> {
        let mut code = Vec::new();
        self.scoped(|b| b.statement(stmt, &mut code));
        Box::new(match code.len() {
            1 => code.pop().unwrap_or(Code::Block(Vec::new())),
            _ => Code::Block(code),
        })
    }

    fn statement(&mut self, stmt: &Stmt, code: &mut Vec<Code>) {
        match &stmt.kind {
            StmtKind::Empty => {}
            StmtKind::Block(list) => {
                let body = self.block(list);
                code.push(Code::Block(body));
            }
            StmtKind::Local { ty, is_const, names } => {
                for (name, value) in names {
                    self.local_declaration(ty, *is_const, name, value.as_ref(), code);
                }
            }
            StmtKind::Expr(value) => {
                let bound = self.expr(value);
                let val = match bound {
                    Bound::Throw(node) => Val::new(*node, Type::Void),
                    other => self.as_value(other, value.span),
                };
                code.push(Code::Expr(val.node));
            }
            StmtKind::If(condition, yes, no) => {
                let condition = self.condition(condition);
                let yes = self.embedded(yes);
                let no = no.as_ref().map(|no| self.embedded(no));
                code.push(Code::If(known(condition), yes, no));
            }
            StmtKind::Return(value) => {
                let stmt = self.return_statement(value.as_ref(), stmt.span);
                code.push(stmt);
            }
            StmtKind::Throw(Some(value)) => {
                let val = self.thrown(value);
                code.push(Code::Throw(val));
            }
            StmtKind::Throw(None) => {
                if self.catches == 0 {
                    let message =
                        "A throw statement with no arguments is not allowed outside of a catch clause"
                            .to_owned();
                    self.report("CS0156", message, stmt.span);
                }
                code.push(Code::Rethrow);
            }
            StmtKind::LocalFunction(function) => {
                let stmt = self.local_function(function);
                code.push(stmt);
            }
            StmtKind::Checked(checked, list) => {
                let before = (self.checked, self.in_constant);
                (self.checked, self.in_constant) = (*checked, !*checked);
                let body = self.block(list);
                (self.checked, self.in_constant) = before;
                code.push(Code::Block(body));
            }
            _ => self.statement_rare(stmt, code),
        }
    }

    fn statement_rare(&mut self, stmt: &Stmt, code: &mut Vec<Code>) {
        match &stmt.kind {
            StmtKind::While(condition, body) => {
                let condition = known(self.condition(condition));
                let body = self.looped(|b| b.embedded(body));
                code.push(Code::While(condition, body));
            }
            StmtKind::Do(body, condition) => {
                let body = self.looped(|b| b.embedded(body));
                let condition = known(self.condition(condition));
                code.push(Code::Do(body, condition));
            }
            StmtKind::For { init, condition, step, body } => {
                let stmt = self.scoped(|b| {
                    let init = b.statements_here(init);
                    let condition = condition.as_ref().map(|c| known(b.condition(c)));
                    let body = b.looped(|b| b.embedded(body));
                    let step = step.iter().map(|s| b.value(s).node).collect();
                    Code::For { init, condition, step, body }
                });
                code.push(stmt);
            }
            StmtKind::ForEach { ty, name, deconstruct, source, body } => {
                let stmt = self.scoped(|b| b.foreach(ty, name, deconstruct.as_ref(), source, body));
                code.push(stmt);
            }
            StmtKind::Switch(value, sections) => {
                let stmt = self.switch(value, sections);
                code.push(stmt);
            }
            StmtKind::Break => {
                let inside = self.loops > 0 || self.switches > 0;
                code.push(self.leave_loop(Code::Break, inside, stmt.span));
            }
            StmtKind::Continue => {
                let inside = self.loops > 0;
                code.push(self.leave_loop(Code::Continue, inside, stmt.span));
            }
            StmtKind::Try { body, catches, finally } => {
                let body = self.block(body);
                let handlers = self.catches(catches);
                let finally = finally.as_ref().map(|list| {
                    let outer = (std::mem::take(&mut self.loops), std::mem::take(&mut self.switches));
                    self.finallys += 1;
                    let body = self.block(list);
                    self.finallys -= 1;
                    (self.loops, self.switches) = outer;
                    body
                });
                code.push(Code::Try { body, handlers, finally });
            }
            StmtKind::Using(resource, body) => {
                let stmt = self.scoped(|b| b.using(resource, body));
                code.push(stmt);
            }
            StmtKind::Label(name) => code.push(self.label(name)),
            StmtKind::Goto(goto) => {
                let stmt = self.goto(goto, stmt.span);
                code.push(stmt);
            }
            _ => {}
        }
    }

    /// CS0139 for a `break` or `continue` that nothing encloses.
    fn leave_loop(&mut self, jump: Code, inside: bool, span: Span) -> Code {
        if !inside && !self.leaves_finally(span) {
            let message = "No enclosing loop out of which to break or continue".to_owned();
            self.report("CS0139", message, span);
        }
        jump
    }

    fn statements_here(&mut self, list: &[Stmt]) -> Vec<Code> {
        let mut code = Vec::new();
        for stmt in list {
            self.statement(stmt, &mut code);
        }
        code
    }

    fn looped<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        self.loops += 1;
        let switches = std::mem::take(&mut self.switches);
        let result = f(self);
        self.switches = switches;
        self.loops -= 1;
        result
    }

    fn local_declaration(
        &mut self,
        ty: &TypeSyntax,
        is_const: bool,
        name: &Name,
        value: Option<&Expr>,
        code: &mut Vec<Code>,
    ) {
        let declared = if Self::is_var(ty) { None } else { Some(self.resolve(ty)) };
        let val = match (value, &declared) {
            (Some(value), Some(ty)) => Some(self.initial_value(value, ty)),
            (Some(value), None) => Some(self.inferred(name, value)),
            (None, None) => {
                self.report("CS0818", "Implicitly-typed variables must be initialized".to_owned(), name.span);
                None
            }
            (None, Some(_)) => None,
        };
        let ty = declared.unwrap_or_else(|| val.as_ref().map_or(Type::Error, |v| v.ty.clone()));
        if ty == Type::Void {
            self.report("CS1547", "Keyword 'void' cannot be used in this context".to_owned(), name.span);
        }
        let local = self.declare(name, ty);
        if is_const {
            let constant = val.and_then(|v| match v.node {
                Node::Const(Constant::Null) => Some(Constant::Null),
                _ => v.constant,
            });
            if constant.is_none() {
                let message = format!("The expression being assigned to '{}' must be constant", name.text);
                self.report("CS0133", message, value.map_or(name.span, |v| v.span));
            }
            if let Some(info) = self.locals.get_mut(local.id as usize) {
                info.constant = constant.or(Some(Constant::Null));
            }
            return;
        }
        code.push(Code::Declare(local, val.map(|v| v.node)));
    }

    /// The value of a `var`.
    fn inferred(&mut self, name: &Name, value: &Expr) -> Val {
        let bound = self.expr(value);
        let what = match &bound {
            Bound::Value(val) if val.ty == Type::Null => "<null>",
            Bound::Value(val) if val.ty == Type::Void => "void",
            Bound::Lambda(..) => "lambda expression",
            Bound::Methods(_) => "method group",
            Bound::Default => "default",
            _ => return self.as_value(bound, value.span),
        };
        self.error("CS0815", format!("Cannot assign {what} to an implicitly-typed variable"), name.span)
    }

    fn thrown(&mut self, value: &Expr) -> Node {
        let val = self.value(value);
        if !val.ty.is_error() && val.ty != Type::Null && implicit(&val.ty, &Type::EXCEPTION).is_none() {
            let message = "The type caught or thrown must be derived from System.Exception".to_owned();
            self.report("CS0155", message, value.span);
        }
        val.node
    }

    /// CS0157, when a jump would leave a finally block.
    fn leaves_finally(&mut self, span: Span) -> bool {
        if self.finallys > 0 {
            self.report("CS0157", "Control cannot leave the body of a finally clause".to_owned(), span);
        }
        self.finallys > 0
    }

    fn return_statement(&mut self, value: Option<&Expr>, span: Span) -> Code {
        self.leaves_finally(span);
        let Some(value) = value else {
            match self.returns.last() {
                Some(Returns::Type(ty)) if *ty != Type::Void => {
                    let message =
                        format!("An object of a type convertible to '{}' is required", ty.display());
                    self.report("CS0126", message, span);
                }
                Some(Returns::Collect(_)) => {
                    self.report(
                        "CS0126",
                        "An object of a type convertible to 'object' is required".to_owned(),
                        span,
                    );
                }
                _ => {}
            }
            return Code::Return(None);
        };
        let bound = self.expr(value);
        let wanted = match self.returns.last() {
            Some(Returns::Type(ty)) => Some(ty.clone()),
            _ => None,
        };
        let val = match wanted {
            Some(Type::Void) => {
                let message = "Since the function returns void, a return keyword must not be followed by an object expression";
                self.error("CS0127", message.to_owned(), span)
            }
            Some(ty) => self.convert(bound, &ty, value.span),
            None => self.as_value(bound, value.span),
        };
        match self.returns.last_mut() {
            Some(Returns::Infer(values)) => values.push(val.clone()),
            Some(Returns::Collect(types)) => types.push(val.ty.clone()),
            _ => {}
        }
        Code::Return(Some(val.node))
    }

    fn foreach(
        &mut self,
        ty: &TypeSyntax,
        name: &Name,
        deconstruct: Option<&Expr>,
        source: &Expr,
        body: &Stmt,
    ) -> Code {
        let source_val = self.value(source);
        let source_val = self.pairs(source_val);
        let element = match element_type(&source_val.ty) {
            Some(element) => element,
            None if source_val.ty.is_error() => Type::Error,
            None if implicit(&source_val.ty, &Type::IENUMERABLE).is_some() => Type::OBJECT,
            None => {
                let message = format!(
                    "foreach statement cannot operate on variables of type '{0}' because '{0}' does not contain a public instance or extension definition for 'GetEnumerator'",
                    source_val.ty.display()
                );
                self.report("CS1579", message, source.span);
                Type::Error
            }
        };
        let declared = if Self::is_var(ty) { element.clone() } else { self.resolve(ty) };
        let variable = self.declare(name, declared.clone());
        self.set_assigned(variable);
        self.set_read_only(variable, "foreach iteration variable");
        let item = if declared == element { variable } else { self.temporary(element.clone()) };
        let convert = (declared != element).then(|| {
            let val = Val::new(Node::Local(item), element.clone());
            Box::new(self.cast(Bound::Value(val), &declared, ty.span).node)
        });
        let mut first = Vec::new();
        if let Some(target) = deconstruct {
            let val = Val::new(Node::Local(variable), declared);
            let mut effects = Vec::new();
            self.deconstruct_into(target, val, &mut effects, target.span);
            first.extend(effects.into_iter().map(Code::Expr));
        }
        let body = self.looped(|b| b.embedded(body));
        let body = if first.is_empty() {
            body
        } else {
            first.push(*body);
            Box::new(Code::Block(first))
        };
        Code::ForEach { item, convert, variable, source: Box::new(source_val.node), body }
    }

    fn catches(&mut self, catches: &[Catch]) -> Vec<Handler> {
        let mut handlers: Vec<Handler> = Vec::new();
        self.catches += 1;
        for catch in catches {
            let ty = match &catch.ty {
                Some(ty) => self.resolve(ty),
                None => Type::EXCEPTION,
            };
            let span = catch.ty.as_ref().map_or(Span::default(), |ty| ty.span);
            if !ty.is_error() && implicit(&ty, &Type::EXCEPTION).is_none() {
                self.report(
                    "CS0155",
                    "The type caught or thrown must be derived from System.Exception".to_owned(),
                    span,
                );
            }
            let hidden = handlers.iter().find(|h| {
                h.filter.is_none() && implicit(&ty, &h.ty).is_some() && !h.ty.is_error() && !ty.is_error()
            });
            if let Some(hidden) = hidden
                && catch.ty.is_some()
            {
                let message = format!(
                    "A previous catch clause already catches all exceptions of this or of a super type ('{}')",
                    hidden.ty.display()
                );
                self.report("CS0160", message, span);
            }
            let handler = self.scoped(|b| {
                let local = catch.name.as_ref().map(|name| {
                    let local = b.declare(name, ty.clone());
                    b.set_assigned(local);
                    local
                });
                let filter = catch.filter.as_ref().map(|f| b.condition(f).node);
                let body = b.block(&catch.body);
                Handler { ty: ty.clone(), local, filter, body }
            });
            handlers.push(handler);
        }
        self.catches -= 1;
        handlers
    }

    fn using(&mut self, resource: &Stmt, body: &Stmt) -> Code {
        let mut code = Vec::new();
        let mut local: Option<Local> = None;
        match &resource.kind {
            StmtKind::Local { .. } => {
                self.statement(resource, &mut code);
                for stmt in &code {
                    if let Code::Declare(declared, _) = stmt {
                        local = Some(*declared);
                    }
                }
                if let Some(local) = local {
                    self.set_read_only(local, "using variable");
                }
            }
            StmtKind::Expr(value) => {
                let val = self.value(value);
                let temporary = self.temporary(val.ty);
                code.push(Code::Declare(temporary, Some(val.node)));
                local = Some(temporary);
            }
            _ => {}
        }
        let Some(local) = local else { return Code::Block(code) };
        let ty = self.info(local.id).map_or(Type::Error, |info| info.ty.clone());
        let disposable = ty.is_error() || implicit(&ty, &Type::DISPOSABLE).is_some();
        if !disposable {
            let message = format!(
                "'{}': type used in a using statement must be implicitly convertible to 'System.IDisposable'",
                ty.display()
            );
            self.report("CS1674", message, resource.span);
        }
        let body = self.embedded(body);
        code.push(Code::Using(local, body));
        Code::Block(code)
    }
}

/// A condition; a constant stays visible to the flow analysis.
fn known(val: Val) -> Node {
    match val.constant {
        Some(constant) => Node::Const(constant),
        None => val.node,
    }
}

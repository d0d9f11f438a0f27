//! Gives the tree its meaning: types, members, conversions (expressions.md §5, §9.1).
//!
//! The binder turns syntax into [`Node`]s directly. Every conversion becomes a node, so the run time never
//! asks for static types. Attempts (overloads, lambda bodies) run the same code and drop their reports.

mod argument;
mod assign;
mod call;
mod constant;
mod conversion;
mod convert;
mod expression;
mod flow;
mod function;
mod inference;
mod jump;
mod member;
mod name;
mod number;
mod object;
mod operator;
mod overload;
mod pattern;
mod reach;
mod statement;
mod switch;
mod text;
mod unary;
mod user;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::code::{Function, Local, Node, Stmt};
use crate::compile::{Needs, Options};
use crate::diagnostic::Reports;
use crate::parser::Body;
use crate::span::Span;
use crate::syntax::{Constant, LambdaSyntax, Name};
use crate::types::{MemberDef, Type};

pub(crate) use conversion::is_reference;
pub(crate) use name::MODEL;

/// A value with its static type.
#[derive(Clone, Debug)]
pub(crate) struct Val {
    pub node: Node,
    pub ty: Type,
    pub constant: Option<Constant>,
}

impl Val {
    fn new(node: Node, ty: Type) -> Self {
        Self { node, ty, constant: None }
    }

    fn error() -> Self {
        Self::new(Node::Const(Constant::Null), Type::Error)
    }
}

/// Methods of one name, before the arguments choose.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub name: Name,
    pub receiver: Option<Val>,
    /// The type that was asked for the name.
    pub ty: Type,
    pub candidates: Vec<Candidate>,
    pub type_arguments: Vec<Type>,
    pub is_local: Option<u32>,
}

/// A method with the type arguments of the type that declares it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub member: &'static MemberDef,
    pub class: Vec<Type>,
}

/// What an expression turned out to be.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    Value(Val),
    Type(Type),
    Namespace(String),
    Methods(Box<Group>),
    Lambda(Arc<LambdaSyntax>, Span),
    /// `default` without a type.
    Default,
    Throw(Box<Node>),
    Tuple(Vec<(Option<String>, Bound, Span)>),
    /// `out var x`, `out T x`, `out _`.
    Declaration(Option<Type>, Option<Name>),
    Error,
}

/// Facts about a variable.
#[derive(Clone, Debug)]
pub(crate) struct LocalInfo {
    pub name: Arc<str>,
    pub ty: Type,
    /// The function that declares it.
    pub owner: u32,
    pub constant: Option<Constant>,
    /// Why it cannot be assigned, if it cannot.
    pub read_only: Option<&'static str>,
    /// Parameters and temporaries have a value from the start.
    pub assigned: bool,
}

#[derive(Clone, Debug)]
enum Entry {
    Local(u32),
    /// In scope, but its declaration comes later in the text.
    Later,
    Function(u32),
    /// A member of a query's transparent parameter.
    Range(u32, Vec<Arc<str>>),
}

#[derive(Debug, Default)]
struct Scope {
    names: FxHashMap<Arc<str>, Entry>,
}

/// A local function's signature, and its code once bound.
#[derive(Debug)]
pub(crate) struct LocalFunctionInfo {
    pub name: Arc<str>,
    pub parameters: Vec<crate::types::Parameter>,
    pub result: Type,
    pub code: Option<Function>,
    pub key: u32,
    /// Of its name.
    pub span: Span,
}

/// What `return` means in the function being bound.
#[derive(Debug)]
enum Returns {
    /// Convert to this.
    Type(Type),
    /// Collect values to infer from, unconverted.
    Infer(Vec<Val>),
    /// The whole expression: each value as it is.
    Collect(Vec<Type>),
}

pub(crate) struct Binder<'a> {
    pub reports: &'a mut Reports,
    options: &'a Options,
    pub locals: Vec<LocalInfo>,
    scopes: Vec<Scope>,
    pub functions: Vec<LocalFunctionInfo>,
    function: u32,
    function_count: u32,
    returns: Vec<Returns>,
    checked: bool,
    in_constant: bool,
    /// The member at hand is none that the allow-list looks at.
    unlisted: bool,
    receivers: Vec<Val>,
    lambda_bindings: u32,
    loops: u32,
    switches: u32,
    catches: u32,
    finallys: u32,
    labels: Vec<jump::LabelInfo>,
    enclosing_switches: Vec<jump::SwitchLabels>,
    label_count: u32,
    /// What the last failed inference knew: an argument that is a lambda and its parameter types.
    partial: Option<(usize, Vec<Type>)>,
    attempts: u32,
    pub needs: Needs,
}

/// Lambda bodies bound in one compilation, attempts included: nested overloads multiply.
const LAMBDA_BINDINGS_MAX: u32 = 5_000;

/// The bound main function and what the whole expression gives.
pub(crate) struct BoundProgram {
    pub body: Vec<Stmt>,
    pub result: Type,
}

impl<'a> Binder<'a> {
    pub fn new(reports: &'a mut Reports, options: &'a Options) -> Self {
        Self {
            reports,
            options,
            locals: Vec::new(),
            scopes: vec![Scope::default()],
            functions: Vec::new(),
            function: 0,
            function_count: 1,
            returns: Vec::new(),
            checked: false,
            in_constant: false,
            unlisted: false,
            receivers: Vec::new(),
            lambda_bindings: 0,
            loops: 0,
            switches: 0,
            catches: 0,
            finallys: 0,
            labels: Vec::new(),
            enclosing_switches: Vec::new(),
            label_count: 0,
            partial: None,
            attempts: 0,
            needs: Needs::default(),
        }
    }

    /// Binds the whole; `wanted` is the type that every `return` converts to, `None` keeps each value's own.
    pub fn program(&mut self, body: &Body, wanted: Option<&Type>) -> BoundProgram {
        match body {
            Body::Expr(expr) => {
                let val = self.value(expr);
                if val.ty == Type::Void {
                    self.report(
                        "CS0029",
                        "Cannot implicitly convert type 'void' to 'object'".to_owned(),
                        expr.span,
                    );
                }
                let val = self.result_value(val, wanted, expr.span);
                let result = val.ty.clone();
                let body = vec![Stmt::Return(Some(val.node))];
                self.analyse(&body, None);
                BoundProgram { body, result }
            }
            Body::Block(list, span) => {
                self.returns.push(match wanted {
                    Some(ty) => Returns::Type(ty.clone()),
                    None => Returns::Collect(Vec::new()),
                });
                let body = self.block(list);
                let result = match self.returns.pop() {
                    Some(Returns::Type(ty)) => ty,
                    Some(Returns::Collect(types)) => common(&types),
                    _ => Type::OBJECT,
                };
                self.analyse(&body, Some(Span::new(span.end as usize, span.end as usize)));
                BoundProgram { body, result }
            }
        }
    }

    fn result_value(&mut self, val: Val, wanted: Option<&Type>, span: Span) -> Val {
        match wanted {
            Some(ty) if val.ty != Type::Error => self.convert(Bound::Value(val), ty, span),
            _ => val,
        }
    }

    fn report(&mut self, code: &'static str, message: String, span: Span) {
        self.reports.add(code, message, span);
    }

    fn error(&mut self, code: &'static str, message: String, span: Span) -> Val {
        self.reports.add(code, message, span);
        Val::error()
    }

    /// Runs an attempt whose reports do not count; `None` when it had any.
    fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let mark = self.reports.len();
        self.attempts += 1;
        let result = f(self);
        self.attempts -= 1;
        let failed = self.reports.len() > mark;
        self.reports.truncate(mark);
        (!failed).then_some(result)
    }

    fn new_local(&mut self, name: Arc<str>, ty: Type, span: Span) -> Local {
        let id = self.locals.len() as u32;
        self.locals.push(LocalInfo {
            name,
            ty,
            owner: self.function,
            constant: None,
            read_only: None,
            assigned: false,
        });
        Local { id, slot: 0, cell: false, span }
    }

    /// A variable that no name reaches.
    fn temporary(&mut self, ty: Type) -> Local {
        let local = self.new_local("".into(), ty, Span::default());
        self.set_assigned(local);
        local
    }

    fn set_assigned(&mut self, local: Local) {
        if let Some(info) = self.locals.get_mut(local.id as usize) {
            info.assigned = true;
        }
    }

    fn set_read_only(&mut self, local: Local, why: &'static str) {
        if let Some(info) = self.locals.get_mut(local.id as usize) {
            info.read_only = Some(why);
        }
    }

    /// Declares a named variable in the innermost scope.
    fn declare(&mut self, name: &Name, ty: Type) -> Local {
        let local = self.new_local(Arc::clone(&name.text), ty, name.span);
        self.check_free(name);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(Arc::clone(&name.text), Entry::Local(local.id));
        }
        local
    }

    /// CS0128 for a second declaration in the scope, CS0136 for one that an outer scope has.
    fn check_free(&mut self, name: &Name) {
        let text = &*name.text;
        if text == "context" {
            return self.shadowed(name);
        }
        let innermost = self.scopes.len().saturating_sub(1);
        for (index, scope) in self.scopes.iter().enumerate().rev() {
            match scope.names.get(text) {
                None => {}
                Some(Entry::Later) if index == innermost => {}
                Some(_) if index == innermost => {
                    let message = format!(
                        "A local variable or function named '{text}' is already defined in this scope"
                    );
                    return self.report("CS0128", message, name.span);
                }
                Some(_) => return self.shadowed(name),
            }
        }
    }

    fn shadowed(&mut self, name: &Name) {
        let message = format!(
            "A local or parameter named '{}' cannot be declared in this scope because that name is used in an enclosing local scope to define a local or parameter",
            name.text
        );
        self.report("CS0136", message, name.span);
    }

    fn scoped<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Scope::default());
        let result = f(self);
        self.scopes.pop();
        result
    }

    fn look_up(&self, name: &str) -> Option<Entry> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).cloned())
    }

    fn info(&self, id: u32) -> Option<&LocalInfo> {
        self.locals.get(id as usize)
    }
}

/// The type of a block whose returns were not forced to one: theirs if they agree.
fn common(types: &[Type]) -> Type {
    let mut known = types.iter().filter(|ty| **ty != Type::Null);
    match known.next() {
        None => Type::OBJECT,
        Some(first) if known.all(|ty| ty == first) => first.clone(),
        Some(_) => Type::OBJECT,
    }
}

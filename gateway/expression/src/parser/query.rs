//! Query expressions, rewritten to calls as the C# specification (§12.20) says.

use std::sync::Arc;

use super::{Parsed, Parser};
use crate::lex::Kind;
use crate::span::Span;
use crate::syntax::{Argument, Expr, ExprKind, LambdaBody, LambdaSyntax, Mode, Name, Parameter, TypeSyntax};

/// A range variable and the members that lead to it from the lambda's parameter.
type Ranges = Vec<(Arc<str>, Vec<Arc<str>>)>;

/// The query so far: its source, the parameter its lambdas take, and the range variables.
struct Scope {
    source: Expr,
    parameter: Name,
    ranges: Ranges,
}

impl Parser<'_> {
    pub(super) fn is_query(&self) -> bool {
        // `from x in …` or `from T x in …`.
        self.is_word("from")
            && matches!(self.kind_at(1), Kind::Name(_) | Kind::Keyword(_))
            && !matches!(self.kind_at(1), Kind::Keyword("is" | "as" | "in"))
    }

    pub(super) fn query(&mut self) -> Parsed<Expr> {
        let mut scope = self.first_from()?;
        loop {
            let span = self.span();
            if self.eat_word("select") {
                let value = self.expression()?;
                let result = call(scope.source.clone(), "Select", vec![scope.lambda(value)], span);
                match self.continuation(result)? {
                    Ok(next) => scope = next,
                    Err(done) => return Ok(done),
                }
            } else if self.eat_word("group") {
                let result = self.group(&scope, span)?;
                match self.continuation(result)? {
                    Ok(next) => scope = next,
                    Err(done) => return Ok(done),
                }
            } else {
                scope = self.clause(scope, span)?;
            }
        }
    }

    fn first_from(&mut self) -> Parsed<Scope> {
        self.advance();
        let (ty, name) = self.range()?;
        self.expect_keyword("in")?;
        let source = self.expression()?;
        Ok(Scope { source: cast(source, ty), parameter: name, ranges: Vec::new() })
    }

    fn range(&mut self) -> Parsed<(Option<TypeSyntax>, Name)> {
        if matches!(self.kind(), Kind::Name(_)) && matches!(self.kind_at(1), Kind::Keyword("in")) {
            return Ok((None, self.name()?));
        }
        let ty = self.ty()?;
        Ok((Some(ty), self.name()?))
    }

    fn group(&mut self, scope: &Scope, span: Span) -> Parsed<Expr> {
        let element = self.expression()?;
        if !self.eat_word("by") {
            return self.fail("CS0742", "A query body must end with a select clause or a group clause");
        }
        let key = self.expression()?;
        let arguments = vec![scope.lambda(key), scope.lambda(element)];
        Ok(call(scope.source.clone(), "GroupBy", arguments, span))
    }

    /// `into x` starts over with a new range; its absence ends the query.
    fn continuation(&mut self, result: Expr) -> Parsed<Result<Scope, Expr>> {
        if !self.eat_word("into") {
            return Ok(Err(result));
        }
        let name = self.name()?;
        Ok(Ok(Scope { source: result, parameter: name, ranges: Vec::new() }))
    }

    fn clause(&mut self, scope: Scope, span: Span) -> Parsed<Scope> {
        if self.eat_word("where") {
            let condition = self.expression()?;
            let source = call(scope.source.clone(), "Where", vec![scope.lambda(condition)], span);
            return Ok(Scope { source, ..scope });
        }
        if self.eat_word("orderby") {
            return self.order_by(scope, span);
        }
        if self.eat_word("let") {
            let name = self.name()?;
            self.expect("=")?;
            let value = self.expression()?;
            let pair = scope.pair(&name, value, span);
            let source = call(scope.source.clone(), "Select", vec![scope.lambda(pair)], span);
            return Ok(self.widen(&scope, source, &name));
        }
        if self.eat_word("join") {
            return self.join(scope, span);
        }
        if self.is_word("from") {
            self.advance();
            let (ty, name) = self.range()?;
            self.expect_keyword("in")?;
            let inner = cast(self.expression()?, ty);
            let other = Expr { kind: ExprKind::Name(name.clone(), Vec::new()), span };
            let pair = scope.pair(&name, other, span);
            let arguments = vec![scope.lambda(inner), scope.lambda2(&name, pair)];
            let source = call(scope.source.clone(), "SelectMany", arguments, span);
            return Ok(self.widen(&scope, source, &name));
        }
        self.fail("CS0742", "A query body must end with a select clause or a group clause")
    }

    fn order_by(&mut self, scope: Scope, span: Span) -> Parsed<Scope> {
        let mut source = scope.source.clone();
        let mut first = true;
        loop {
            let key = self.expression()?;
            let descending = self.eat_word("descending");
            if !descending {
                self.eat_word("ascending");
            }
            let method = match (first, descending) {
                (true, false) => "OrderBy",
                (true, true) => "OrderByDescending",
                (false, false) => "ThenBy",
                (false, true) => "ThenByDescending",
            };
            source = call(source, method, vec![scope.lambda(key)], span);
            first = false;
            if !self.eat_mark(",") {
                return Ok(Scope { source, ..scope });
            }
        }
    }

    fn join(&mut self, scope: Scope, span: Span) -> Parsed<Scope> {
        let (ty, name) = self.range()?;
        self.expect_keyword("in")?;
        let inner = cast(self.expression()?, ty);
        if !self.eat_word("on") {
            return self.fail("CS0744", "Expected contextual keyword 'on'");
        }
        let left = self.expression()?;
        if !self.eat_word("equals") {
            return self.fail("CS0744", "Expected contextual keyword 'equals'");
        }
        let right = self.expression()?;
        let (method, name, inner_name) = if self.eat_word("into") {
            ("GroupJoin", self.name()?, name)
        } else {
            ("Join", name.clone(), name)
        };
        let other = Expr { kind: ExprKind::Name(name.clone(), Vec::new()), span };
        let pair = scope.pair(&name, other, span);
        let arguments =
            vec![inner, scope.lambda(left), plain_lambda(&inner_name, right), scope.lambda2(&name, pair)];
        let source = call(scope.source.clone(), method, arguments, span);
        Ok(self.widen(&scope, source, &name))
    }

    /// The scope in which one more range variable stands: its lambdas take the pair.
    fn widen(&mut self, scope: &Scope, source: Expr, name: &Name) -> Scope {
        let parameter = self.temporary(name.span);
        let mut ranges: Ranges = Vec::new();
        if scope.ranges.is_empty() {
            ranges.push((Arc::clone(&scope.parameter.text), vec![Arc::clone(&scope.parameter.text)]));
        }
        for (range, path) in &scope.ranges {
            let mut longer = vec![Arc::clone(&scope.parameter.text)];
            longer.extend(path.iter().cloned());
            ranges.push((Arc::clone(range), longer));
        }
        ranges.push((Arc::clone(&name.text), vec![Arc::clone(&name.text)]));
        Scope { source, parameter, ranges }
    }
}

impl Scope {
    /// `new { parameter, name = value }`.
    fn pair(&self, name: &Name, value: Expr, span: Span) -> Expr {
        let parameter = Expr { kind: ExprKind::Name(self.parameter.clone(), Vec::new()), span };
        let fields = vec![(Some(self.parameter.clone()), parameter), (Some(name.clone()), value)];
        Expr { kind: ExprKind::Anonymous(fields), span }
    }

    fn lambda(&self, body: Expr) -> Expr {
        self.lambda_of(vec![parameter(&self.parameter)], body)
    }

    fn lambda2(&self, second: &Name, body: Expr) -> Expr {
        self.lambda_of(vec![parameter(&self.parameter), parameter(second)], body)
    }

    fn lambda_of(&self, parameters: Vec<Parameter>, body: Expr) -> Expr {
        let span = body.span;
        let (body, ranges) = (LambdaBody::Expr(body), self.ranges.clone());
        let lambda = LambdaSyntax { parameters, any_parameters: false, body, ranges };
        Expr { kind: ExprKind::Lambda(Arc::new(lambda)), span }
    }
}

fn plain_lambda(name: &Name, body: Expr) -> Expr {
    let span = body.span;
    let (parameters, body) = (vec![parameter(name)], LambdaBody::Expr(body));
    let lambda = LambdaSyntax { parameters, any_parameters: false, body, ranges: Vec::new() };
    Expr { kind: ExprKind::Lambda(Arc::new(lambda)), span }
}

fn parameter(name: &Name) -> Parameter {
    Parameter { name: name.clone(), ty: None, mode: Mode::Value, default: None, is_params: false }
}

fn call(target: Expr, method: &str, arguments: Vec<Expr>, span: Span) -> Expr {
    let name = Name { text: method.into(), span };
    let member = Expr { kind: ExprKind::Member(Box::new(target), name, Vec::new()), span };
    let arguments =
        arguments.into_iter().map(|value| Argument { name: None, mode: Mode::Value, value }).collect();
    Expr { kind: ExprKind::Call(Box::new(member), arguments), span }
}

/// `from T x in s` reads `s.Cast<T>()`.
fn cast(source: Expr, ty: Option<TypeSyntax>) -> Expr {
    let Some(ty) = ty else { return source };
    let span = source.span;
    let name = Name { text: "Cast".into(), span };
    let member = Expr { kind: ExprKind::Member(Box::new(source), name, vec![ty]), span };
    Expr { kind: ExprKind::Call(Box::new(member), Vec::new()), span }
}

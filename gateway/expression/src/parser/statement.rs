//! Statements of a method body.

use std::sync::Arc;

use super::types::implied;
use super::{Failed, Parsed, Parser};
use crate::lex::Kind;
use crate::span::Span;
use crate::syntax::{
    Catch, Expr, ExprKind, Goto, Label, LabelKind, LambdaBody, LocalFunction, Mode, Name, Parameter, Section,
    Stmt, StmtKind, TypeKind, TypeSyntax,
};

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Parsed<Stmt> {
        self.nested(|p| {
            let start = p.span();
            let kind = p.statement_kind()?;
            Ok(Stmt { kind, span: start.to(p.previous()) })
        })
    }

    pub(super) fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        let mut list = Vec::new();
        while !self.is_mark("}") {
            if self.kind() == &Kind::End {
                return self.fail("CS1513", "} expected");
            }
            list.push(self.statement()?);
        }
        self.expect("}")?;
        Ok(list)
    }

    fn statement_kind(&mut self) -> Parsed<StmtKind> {
        match self.kind() {
            Kind::Mark("{") => Ok(StmtKind::Block(self.block()?)),
            Kind::Mark(";") => {
                self.advance();
                Ok(StmtKind::Empty)
            }
            Kind::Mark("#") => {
                self.fail("CS1040", "Preprocessor directives are not supported within expressions")
            }
            Kind::Mark("[") => self.fail("CS7014", "Attributes are not valid in this context."),
            Kind::Keyword(word) => {
                let word = *word;
                self.keyword_statement(word)
            }
            Kind::Name(name) => match &**name {
                "yield" if matches!(self.kind_at(1), Kind::Keyword("return" | "break")) => {
                    self.fail("CS1624", "Iterator blocks are not supported within expressions")
                }
                "async" if matches!(self.kind_at(1), Kind::Keyword(_) | Kind::Name(_)) => {
                    self.fail("CS4033", "async functions are not supported within expressions")
                }
                _ if self.is_mark_at(1, ":") => self.label(),
                _ => self.declaration_or_expression(),
            },
            _ => self.declaration_or_expression(),
        }
    }

    fn keyword_statement(&mut self, word: &'static str) -> Parsed<StmtKind> {
        match word {
            "if" => self.if_statement(),
            "while" => {
                self.advance();
                let condition = self.condition()?;
                Ok(StmtKind::While(condition, self.embedded()?))
            }
            "do" => {
                self.advance();
                let body = self.embedded()?;
                self.expect_keyword("while")?;
                let condition = self.condition()?;
                self.expect(";")?;
                Ok(StmtKind::Do(body, condition))
            }
            "for" => self.for_statement(),
            "foreach" => self.foreach_statement(),
            "switch" => self.switch_statement(),
            "break" | "continue" => {
                self.advance();
                self.expect(";")?;
                Ok(if word == "break" { StmtKind::Break } else { StmtKind::Continue })
            }
            "return" | "throw" => {
                self.advance();
                let value = if self.is_mark(";") { None } else { Some(self.expression()?) };
                self.expect(";")?;
                Ok(if word == "return" { StmtKind::Return(value) } else { StmtKind::Throw(value) })
            }
            "try" => self.try_statement(),
            "using" => self.using_statement(),
            "checked" | "unchecked" if self.is_mark_at(1, "{") => {
                self.advance();
                Ok(StmtKind::Checked(word == "checked", self.block()?))
            }
            "const" => {
                self.advance();
                let ty = self.ty()?;
                self.locals(ty, true)
            }
            "goto" => self.goto(),
            "ref" => self.fail("CS1525", "Reference locals and returns are not supported within expressions"),
            "lock" => self.fail("CS1525", "The 'lock' statement is not supported within expressions"),
            "unsafe" | "fixed" => {
                self.fail("CS0227", "Unsafe code may only appear if compiling with /unsafe")
            }
            "class" | "struct" | "interface" | "enum" | "namespace" | "public" | "private" | "internal" => {
                self.fail("CS1513", "} expected")
            }
            "static" => self.too_new("static local functions", "8.0"),
            "case" | "else" | "catch" | "finally" => {
                self.fail("CS1525", &format!("Invalid expression term '{word}'"))
            }
            _ => self.declaration_or_expression(),
        }
    }

    /// A statement that is the body of another: it may not declare.
    fn embedded(&mut self) -> Parsed<Box<Stmt>> {
        let stmt = self.statement()?;
        if matches!(stmt.kind, StmtKind::Local { .. } | StmtKind::LocalFunction(_) | StmtKind::Label(_)) {
            let message = "Embedded statement cannot be a declaration or labeled statement";
            return self.fail_at("CS1023", message, stmt.span);
        }
        Ok(Box::new(stmt))
    }

    fn condition(&mut self) -> Parsed<Expr> {
        self.expect("(")?;
        let value = self.expression()?;
        self.expect(")")?;
        Ok(value)
    }

    fn if_statement(&mut self) -> Parsed<StmtKind> {
        self.advance();
        let condition = self.condition()?;
        let yes = self.embedded()?;
        let no = if self.eat_keyword("else") { Some(self.embedded()?) } else { None };
        Ok(StmtKind::If(condition, yes, no))
    }

    fn for_statement(&mut self) -> Parsed<StmtKind> {
        self.advance();
        self.expect("(")?;
        let mut init = Vec::new();
        if !self.is_mark(";") {
            let start = self.span();
            if let Some(ty) = self.attempt(Self::type_before_local) {
                let kind = self.locals_list(ty, false)?;
                init.push(Stmt { kind, span: start.to(self.previous()) });
            } else {
                init = self.expression_list()?;
            }
        }
        self.expect(";")?;
        let condition = if self.is_mark(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        let mut step = Vec::new();
        while !self.is_mark(")") {
            step.push(self.statement_expression()?);
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(StmtKind::For { init, condition, step, body: self.embedded()? })
    }

    fn expression_list(&mut self) -> Parsed<Vec<Stmt>> {
        let mut list = Vec::new();
        loop {
            let value = self.statement_expression()?;
            let span = value.span;
            list.push(Stmt { kind: StmtKind::Expr(value), span });
            if !self.eat_mark(",") {
                return Ok(list);
            }
        }
    }

    fn foreach_statement(&mut self) -> Parsed<StmtKind> {
        self.advance();
        self.expect("(")?;
        let start = self.span();
        let declared = self.attempt(|p| {
            let found = p.declared_type().ok_or(Failed)?;
            if p.is_keyword("in") { Ok(found) } else { Err(Failed) }
        });
        let (ty, name, deconstruct) = if let Some((ty, name)) = declared {
            (ty, name, None)
        } else {
            let target = self.deconstruction_target()?;
            (implied(start), self.temporary(start), Some(target))
        };
        if !self.eat_keyword("in") {
            return self.fail("CS1515", "'in' expected");
        }
        let source = self.expression()?;
        self.expect(")")?;
        Ok(StmtKind::ForEach { ty, name, deconstruct, source, body: self.embedded()? })
    }

    /// `var (a, b)` or `(int a, var b)`.
    fn deconstruction_target(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.is_word("var") && self.is_mark_at(1, "(") {
            self.advance();
            return self.nested(|p| p.var_tuple(start));
        }
        self.unary()
    }

    /// `(a, (b, _))` after `var`.
    fn var_tuple(&mut self, var: Span) -> Parsed<Expr> {
        let start = self.span();
        self.expect("(")?;
        let mut items = Vec::new();
        loop {
            let item = if self.is_mark("(") {
                self.nested(|p| p.var_tuple(var))?
            } else {
                let name = self.name()?;
                let span = name.span;
                let name = (&*name.text != "_").then_some(name);
                Expr { kind: ExprKind::Declaration(implied(var), name), span }
            };
            items.push((None, item));
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(Expr { kind: ExprKind::Tuple(items), span: start.to(self.previous()) })
    }

    fn switch_statement(&mut self) -> Parsed<StmtKind> {
        self.advance();
        let value = self.condition()?;
        self.expect("{")?;
        let mut sections = Vec::new();
        while !self.is_mark("}") {
            sections.push(self.section()?);
        }
        self.expect("}")?;
        Ok(StmtKind::Switch(value, sections))
    }

    fn section(&mut self) -> Parsed<Section> {
        let mut labels = Vec::new();
        loop {
            let start = self.span();
            let kind = if self.eat_keyword("default") {
                LabelKind::Default
            } else if self.eat_keyword("case") {
                let pattern = self.pattern()?;
                let when = if self.eat_word("when") { Some(self.expression()?) } else { None };
                LabelKind::Case(pattern, when)
            } else {
                break;
            };
            self.expect(":")?;
            let span = start.to(self.previous());
            let text = self.text.get(span.range()).unwrap_or_default().into();
            labels.push(Label { kind, span, text });
        }
        if labels.is_empty() {
            return self.fail("CS1003", "Syntax error, 'case' expected");
        }
        let mut body = Vec::new();
        while !(self.is_mark("}")
            || self.is_keyword("case")
            || (self.is_keyword("default") && self.is_mark_at(1, ":")))
        {
            if self.kind() == &Kind::End {
                return self.fail("CS1513", "} expected");
            }
            body.push(self.statement()?);
        }
        Ok(Section { labels, body })
    }

    /// `name:`; the statement that it marks is the next one.
    fn label(&mut self) -> Parsed<StmtKind> {
        let name = self.name()?;
        self.expect(":")?;
        if self.is_mark("}") || self.kind() == &Kind::End {
            return self.fail("CS1525", "Invalid expression term '}'");
        }
        Ok(StmtKind::Label(name))
    }

    fn goto(&mut self) -> Parsed<StmtKind> {
        self.advance();
        let goto = if self.eat_keyword("case") {
            Goto::Case(Box::new(self.expression()?))
        } else if self.eat_keyword("default") {
            Goto::Default
        } else {
            Goto::Label(self.name()?)
        };
        self.expect(";")?;
        Ok(StmtKind::Goto(goto))
    }

    fn try_statement(&mut self) -> Parsed<StmtKind> {
        self.advance();
        let body = self.block()?;
        let mut catches = Vec::new();
        while self.eat_keyword("catch") {
            let (mut ty, mut name) = (None, None);
            if self.eat_mark("(") {
                ty = Some(self.ty()?);
                if matches!(self.kind(), Kind::Name(_)) {
                    name = Some(self.name()?);
                }
                self.expect(")")?;
            }
            let filter = if self.eat_word("when") { Some(self.condition()?) } else { None };
            catches.push(Catch { ty, name, filter, body: self.block()? });
        }
        let finally = if self.eat_keyword("finally") { Some(self.block()?) } else { None };
        if catches.is_empty() && finally.is_none() {
            return self.fail("CS1524", "Expected catch or finally");
        }
        Ok(StmtKind::Try { body, catches, finally })
    }

    fn using_statement(&mut self) -> Parsed<StmtKind> {
        self.advance();
        if !self.is_mark("(") {
            return self.too_new("using declarations", "8.0");
        }
        self.expect("(")?;
        let start = self.span();
        let kind = match self.attempt(Self::type_before_local) {
            Some(ty) => self.locals_list(ty, false)?,
            None => StmtKind::Expr(self.expression()?),
        };
        let resource = Stmt { kind, span: start.to(self.previous()) };
        self.expect(")")?;
        Ok(StmtKind::Using(Box::new(resource), self.embedded()?))
    }

    /// A type that a local's name follows.
    fn type_before_local(&mut self) -> Parsed<TypeSyntax> {
        let ty = self.ty()?;
        let named = matches!(self.kind(), Kind::Name(_));
        let ends = matches!(
            self.kind_at(1),
            Kind::Mark("=" | ";" | "," | ":" | ")" | "(" | "{" | "[" | "}" | "<")
                | Kind::End
                | Kind::Keyword(_)
                | Kind::Name(_)
        );
        if named && ends { Ok(ty) } else { Err(Failed) }
    }

    fn declaration_or_expression(&mut self) -> Parsed<StmtKind> {
        if self.type_keyword().is_some() && self.is_mark_at(1, "*") {
            let message = "Pointers and fixed size buffers may only be used in an unsafe context";
            return self.fail("CS0214", message);
        }
        if let Some(ty) = self.attempt(Self::type_before_local) {
            if self.is_mark_at(1, "(") || self.is_mark_at(1, "<") {
                return self.local_function(ty);
            }
            return self.locals(ty, false);
        }
        if self.is_word("var") && self.is_mark_at(1, "(") {
            let target = self.attempt(|p| {
                let target = p.deconstruction_target()?;
                if p.is_mark("=") { Ok(target) } else { Err(Failed) }
            });
            if let Some(target) = target {
                self.expect("=")?;
                let value = self.expression()?;
                self.expect(";")?;
                let span = target.span.to(value.span);
                let kind = ExprKind::Assign(None, Box::new(target), Box::new(value));
                return Ok(StmtKind::Expr(Expr { kind, span }));
            }
        }
        let value = self.statement_expression()?;
        self.expect(";")?;
        Ok(StmtKind::Expr(value))
    }

    /// An expression that may stand as a statement.
    fn statement_expression(&mut self) -> Parsed<Expr> {
        let value = self.expression()?;
        if !is_statement(&value) && (self.is_mark(";") || self.is_mark(")") || self.is_mark(",")) {
            let message = "Only assignment, call, increment, decrement, await, and new object expressions can be used as a statement";
            return self.fail_at("CS0201", message, value.span);
        }
        Ok(value)
    }

    fn locals(&mut self, ty: TypeSyntax, is_const: bool) -> Parsed<StmtKind> {
        let kind = self.locals_list(ty, is_const)?;
        self.expect(";")?;
        Ok(kind)
    }

    fn locals_list(&mut self, ty: TypeSyntax, is_const: bool) -> Parsed<StmtKind> {
        let mut names: Vec<(Name, Option<Expr>)> = Vec::new();
        loop {
            let name = self.name()?;
            let value = if self.eat_mark("=") { Some(self.local_value()?) } else { None };
            names.push((name, value));
            if !self.eat_mark(",") {
                break;
            }
        }
        Ok(StmtKind::Local { ty, is_const, names })
    }

    /// The value of a local, which for an array may be a bare initializer.
    fn local_value(&mut self) -> Parsed<Expr> {
        if !self.is_mark("{") {
            return self.expression();
        }
        let start = self.span();
        let init = self.nested(Self::array_init)?;
        Ok(Expr { kind: ExprKind::ArrayInit(init), span: start.to(self.previous()) })
    }

    fn local_function(&mut self, result: TypeSyntax) -> Parsed<StmtKind> {
        let name = self.name()?;
        if self.is_mark("<") {
            return self.fail("CS0080", "Generic local functions are not supported within expressions");
        }
        let parameters = self.parameters()?;
        let body = if self.eat_mark("=>") {
            let value = self.expression()?;
            self.expect(";")?;
            LambdaBody::Expr(value)
        } else {
            self.function_body()?
        };
        Ok(StmtKind::LocalFunction(Arc::new(LocalFunction { name, result, parameters, body })))
    }

    fn parameters(&mut self) -> Parsed<Vec<Parameter>> {
        self.expect("(")?;
        let mut list = Vec::new();
        if self.eat_mark(")") {
            return Ok(list);
        }
        loop {
            let is_params = self.eat_keyword("params");
            let mode = if is_params { Mode::Value } else { self.parameter_mode() };
            let ty = self.ty()?;
            if matches!(ty.kind, TypeKind::Var) {
                return self.fail_at("CS0825", "The contextual keyword 'var' may only appear within a local variable declaration or in script code", ty.span);
            }
            let name = self.name()?;
            let default = if self.eat_mark("=") { Some(self.expression()?) } else { None };
            list.push(Parameter { name, ty: Some(ty), mode, default, is_params });
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(list)
    }
}

/// Whether an expression may stand as a statement.
pub(crate) fn is_statement(expr: &Expr) -> bool {
    use crate::syntax::Unary::{PostDecrement, PostIncrement, PreDecrement, PreIncrement};
    match &expr.kind {
        ExprKind::Assign(..) | ExprKind::Call(..) | ExprKind::New(..) => true,
        ExprKind::Unary(PreIncrement | PreDecrement | PostIncrement | PostDecrement, _) => true,
        ExprKind::Conditional(_, rest) => is_statement(rest),
        _ => false,
    }
}

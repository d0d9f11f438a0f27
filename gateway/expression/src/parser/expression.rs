//! Operators, by precedence.

use super::types::PREDEFINED;
use super::{CHAIN_MAX, Failed, Parsed, Parser};
use crate::lex::Kind;
use crate::syntax::{Binary, Constant, Expr, ExprKind, Pattern, TypeKind, Unary};

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::assignment)
    }

    fn assignment(&mut self) -> Parsed<Expr> {
        if self.is_query() {
            return self.query();
        }
        if let Some(lambda) = self.lambda()? {
            return Ok(lambda);
        }
        if self.is_keyword("throw") {
            let start = self.span();
            self.advance();
            let value = self.expression()?;
            let span = start.to(value.span);
            return Ok(Expr { kind: ExprKind::Throw(Box::new(value)), span });
        }
        let left = self.conditional()?;
        let Some((operator, length)) = self.assignment_operator() else { return Ok(left) };
        for _ in 0..length {
            self.advance();
        }
        let right = self.expression()?;
        let span = left.span.to(right.span);
        Ok(Expr { kind: ExprKind::Assign(operator, Box::new(left), Box::new(right)), span })
    }

    /// The assignment operator here and the number of its tokens.
    fn assignment_operator(&mut self) -> Option<(Option<Binary>, usize)> {
        let Kind::Mark(mark) = self.kind() else { return None };
        let operator = match *mark {
            "=" => return Some((None, 1)),
            "+=" => Binary::Add,
            "-=" => Binary::Sub,
            "*=" => Binary::Mul,
            "/=" => Binary::Div,
            "%=" => Binary::Rem,
            "&=" => Binary::And,
            "|=" => Binary::Or,
            "^=" => Binary::Xor,
            "<<=" => Binary::Shl,
            ">" if self.is_mark_at(1, ">=") && self.touching(0) => return Some((Some(Binary::Shr), 2)),
            _ => return None,
        };
        Some((Some(operator), 1))
    }

    /// Whether two tokens stand together without a gap.
    fn touching(&self, ahead: usize) -> bool {
        self.span_at(ahead).end == self.span_at(ahead + 1).start
    }

    fn conditional(&mut self) -> Parsed<Expr> {
        let condition = self.binary(0)?;
        if self.is_mark("??=") {
            return self.too_new("coalescing assignment", "8.0");
        }
        if self.is_keyword("switch") && self.is_mark_at(1, "{") {
            return self.too_new("recursive patterns", "8.0");
        }
        if !self.eat_mark("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        self.expect(":")?;
        let no = self.expression()?;
        let span = condition.span.to(no.span);
        Ok(Expr { kind: ExprKind::Choose(Box::new(condition), Box::new(yes), Box::new(no)), span })
    }

    /// The binary operator here, its precedence and the number of its tokens.
    fn operator(&self) -> Option<(Binary, u8, usize)> {
        let Kind::Mark(mark) = self.kind() else { return None };
        let (operator, level) = match *mark {
            "??" => (Binary::Coalesce, 1),
            "||" => (Binary::OrElse, 2),
            "&&" => (Binary::AndAlso, 3),
            "|" => (Binary::Or, 4),
            "^" => (Binary::Xor, 5),
            "&" => (Binary::And, 6),
            "==" => (Binary::Eq, 7),
            "!=" => (Binary::Ne, 7),
            "<" => (Binary::Lt, 8),
            "<=" => (Binary::Le, 8),
            ">=" => (Binary::Ge, 8),
            ">" if self.is_mark_at(1, ">") && self.touching(0) => return Some((Binary::Shr, 9, 2)),
            ">" if self.is_mark_at(1, ">=") && self.touching(0) => return None,
            ">" => (Binary::Gt, 8),
            "<<" => (Binary::Shl, 9),
            "+" => (Binary::Add, 10),
            "-" => (Binary::Sub, 10),
            "*" => (Binary::Mul, 11),
            "/" => (Binary::Div, 11),
            "%" => (Binary::Rem, 11),
            _ => return None,
        };
        Some((operator, level, 1))
    }

    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        let mut chain = 0;
        loop {
            if least <= 8 && (self.is_keyword("is") || self.is_keyword("as")) {
                left = self.type_test(left)?;
                continue;
            }
            let Some((operator, level, length)) = self.operator().filter(|(_, level, _)| *level >= least)
            else {
                return Ok(left);
            };
            chain += 1;
            if chain > CHAIN_MAX {
                return self.fail("CS8078", "An expression is too long or complex to compile");
            }
            for _ in 0..length {
                self.advance();
            }
            if operator == Binary::Coalesce {
                return self.coalesce(left, level);
            }
            let right = self.nested(|p| p.binary(level + 1))?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(operator, Box::new(left), Box::new(right)), span };
        }
    }

    /// `??` groups to the right, and takes a throw.
    fn coalesce(&mut self, left: Expr, level: u8) -> Parsed<Expr> {
        let right =
            if self.is_keyword("throw") { self.expression()? } else { self.nested(|p| p.binary(level))? };
        let span = left.span.to(right.span);
        Ok(Expr { kind: ExprKind::Binary(Binary::Coalesce, Box::new(left), Box::new(right)), span })
    }

    fn type_test(&mut self, left: Expr) -> Parsed<Expr> {
        let start = left.span;
        if self.eat_keyword("as") {
            let ty = self.ty_or_nullable()?;
            let span = start.to(self.previous());
            return Ok(Expr { kind: ExprKind::As(Box::new(left), ty), span });
        }
        self.expect_keyword("is")?;
        let pattern = self.pattern()?;
        let span = start.to(self.previous());
        Ok(Expr { kind: ExprKind::Is(Box::new(left), pattern), span })
    }

    /// `as int?` and `as T ? a : b` differ by what follows the `?`.
    fn ty_or_nullable(&mut self) -> Parsed<crate::syntax::TypeSyntax> {
        let with = self.attempt(|p| {
            let ty = p.ty()?;
            let ends = match p.kind() {
                Kind::Mark(mark) => !matches!(*mark, "(" | "-" | "+" | "!" | "~"),
                Kind::End => true,
                _ => false,
            };
            if ends { Ok(ty) } else { Err(Failed) }
        });
        match with {
            Some(ty) => Ok(ty),
            None => self.ty_without_question(),
        }
    }

    pub(super) fn pattern(&mut self) -> Parsed<Pattern> {
        if self.is_word("not") && !matches!(self.kind_at(1), Kind::Mark(_) | Kind::End) {
            return self.too_new("not pattern", "9.0");
        }
        if self.is_mark("{") {
            return self.too_new("recursive patterns", "8.0");
        }
        if self.is_mark("<") || self.is_mark(">") || self.is_mark("<=") || self.is_mark(">=") {
            return self.too_new("relational pattern", "9.0");
        }
        let is_var = self.is_word("var");
        let declared = self.attempt(|p| {
            let ty = p.ty()?;
            match p.kind() {
                Kind::Name(name) if !matches!(&**name, "when" | "and" | "or") => {}
                _ => return Err(Failed),
            }
            Ok((ty, p.name()?))
        });
        if let Some((ty, name)) = declared {
            let name = (&*name.text != "_").then_some(name);
            return Ok(Pattern::Declaration(ty, name));
        }
        if is_var {
            return self.fail("CS1001", "Identifier expected");
        }
        let ty = self.attempt(|p| {
            let ty = p.ty_or_nullable()?;
            let plain = matches!(&ty.kind, TypeKind::Named(parts) if parts.iter().all(|(_, a)| a.is_empty()));
            let operand = matches!(p.kind(), Kind::Mark("." | "(" | "["));
            if plain || operand { Err(Failed) } else { Ok(ty) }
        });
        if let Some(ty) = ty {
            return Ok(Pattern::Type(ty));
        }
        // `is null`, `is "x"`, `is Name`: which of constant and type it is, the binder knows.
        let value = self.nested(|p| p.binary(9))?;
        if self.is_word("and") || self.is_word("or") {
            return self.too_new("and pattern", "9.0");
        }
        Ok(Pattern::Expr(Box::new(value)))
    }

    pub(super) fn unary(&mut self) -> Parsed<Expr> {
        self.nested(Self::unary_here)
    }

    fn unary_here(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let operator = match self.kind() {
            Kind::Mark("+") => Unary::Plus,
            Kind::Mark("-") => Unary::Minus,
            Kind::Mark("!") => Unary::Not,
            Kind::Mark("~") => Unary::Complement,
            Kind::Mark("++") => Unary::PreIncrement,
            Kind::Mark("--") => Unary::PreDecrement,
            Kind::Mark("^" | "..") => return self.too_new("index operator", "8.0"),
            Kind::Mark("*" | "&") => {
                return self
                    .fail("CS0214", "Pointers and fixed size buffers may only be used in an unsafe context");
            }
            Kind::Name(word) if &**word == "await" && matches!(self.kind_at(1), Kind::Name(_)) => {
                return self.fail("CS1992", "The 'await' operator can only be used within an async method");
            }
            Kind::Mark("(") => {
                return match self.cast()? {
                    Some(cast) => Ok(cast),
                    None => self.primary(),
                };
            }
            _ => return self.primary(),
        };
        self.advance();
        // `-2147483648` and `-9223372036854775808` are literals of their own.
        let operand = self.unary()?;
        let span = start.to(operand.span);
        if operator == Unary::Minus {
            let constant = match &operand.kind {
                ExprKind::Literal(Constant::U32(0x8000_0000)) => Some(Constant::I32(i32::MIN)),
                ExprKind::Literal(Constant::U64(0x8000_0000_0000_0000)) => Some(Constant::I64(i64::MIN)),
                _ => None,
            };
            if let Some(constant) = constant {
                return Ok(Expr { kind: ExprKind::Literal(constant), span });
            }
        }
        Ok(Expr { kind: ExprKind::Unary(operator, Box::new(operand)), span })
    }

    /// `(T)x`, when the parenthesis holds a type and what follows can be an operand.
    fn cast(&mut self) -> Parsed<Option<Expr>> {
        let start = self.span();
        let ty = self.attempt(|p| {
            p.expect("(")?;
            let ty = p.ty()?;
            p.expect(")")?;
            let certain = match &ty.kind {
                TypeKind::Keyword(_) | TypeKind::Nullable(_) | TypeKind::Array(..) => true,
                TypeKind::Named(_) => false,
                TypeKind::Tuple(_) => false,
                TypeKind::Var => return Err(Failed),
            };
            let follows = match p.kind() {
                Kind::Name(_) | Kind::Literal(_) | Kind::Interpolated(_) => true,
                Kind::Mark(mark) => {
                    matches!(*mark, "(" | "~" | "!") || (certain && matches!(*mark, "-" | "+" | "++" | "--"))
                }
                Kind::Keyword(word) => !matches!(*word, "is" | "as" | "in" | "switch"),
                Kind::End => false,
            };
            if follows { Ok(ty) } else { Err(Failed) }
        });
        let Some(ty) = ty else { return Ok(None) };
        let operand = self.unary()?;
        let span = start.to(operand.span);
        Ok(Some(Expr { kind: ExprKind::Cast(ty, Box::new(operand)), span }))
    }

    /// Whether a keyword here is a type used as a value: `string.Empty`.
    pub(super) fn type_keyword(&self) -> Option<&'static str> {
        match self.kind() {
            Kind::Keyword(word) if PREDEFINED.contains(word) && *word != "void" => Some(word),
            _ => None,
        }
    }
}

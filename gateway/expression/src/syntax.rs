//! The tree that the parser makes. Every node knows its place.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::span::Span;

/// The value of a literal or of a constant expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Char(u16),
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Decimal(Decimal),
    Str(Arc<str>),
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

/// A name with its place.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub text: Arc<str>,
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug)]
pub(crate) struct TypeSyntax {
    pub kind: TypeKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum TypeKind {
    /// `var`, or nothing at all (lambda parameters).
    Var,
    /// `int`, `string`, …
    Keyword(&'static str),
    /// `A.B<C>.D`: each part with its type arguments.
    Named(Vec<(Name, Vec<TypeSyntax>)>),
    Array(Box<TypeSyntax>, u8),
    Nullable(Box<TypeSyntax>),
    Tuple(Vec<(TypeSyntax, Option<Name>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Value,
    Out,
    Ref,
    In,
}

#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub name: Option<Name>,
    pub mode: Mode,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub name: Name,
    pub ty: Option<TypeSyntax>,
    pub mode: Mode,
    pub default: Option<Expr>,
    pub is_params: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unary {
    Plus,
    Minus,
    Not,
    Complement,
    PreIncrement,
    PreDecrement,
    PostIncrement,
    PostDecrement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Mul,
    Div,
    Rem,
    Add,
    Sub,
    Shl,
    Shr,
    Lt,
    Gt,
    Le,
    Ge,
    Eq,
    Ne,
    And,
    Xor,
    Or,
    AndAlso,
    OrElse,
    Coalesce,
}

impl Binary {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Ge => ">=",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::And => "&",
            Self::Xor => "^",
            Self::Or => "|",
            Self::AndAlso => "&&",
            Self::OrElse => "||",
            Self::Coalesce => "??",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// A constant, or a type when the name turns out to be one.
    Expr(Box<Expr>),
    Type(TypeSyntax),
    /// `T name`, `var name`, `T _`.
    Declaration(TypeSyntax, Option<Name>),
}

/// `{ … }` after `new T(…)`.
#[derive(Clone, Debug)]
pub(crate) enum Initializer {
    Object(Vec<MemberInit>),
    /// Each element's arguments for `Add`.
    Collection(Vec<Vec<Expr>>),
}

#[derive(Clone, Debug)]
pub(crate) struct MemberInit {
    pub target: InitTarget,
    pub value: InitValue,
}

#[derive(Clone, Debug)]
pub(crate) enum InitTarget {
    Member(Name),
    Index(Vec<Argument>, Span),
}

#[derive(Clone, Debug)]
pub(crate) enum InitValue {
    Expr(Expr),
    Nested(Initializer, Span),
}

#[derive(Clone, Debug)]
pub(crate) enum HolePiece {
    Text(String),
    Hole { value: Expr, alignment: Option<Expr>, format: Option<String> },
}

#[derive(Clone, Debug)]
pub(crate) struct LambdaSyntax {
    pub parameters: Vec<Parameter>,
    /// `delegate { … }`: takes whatever it is given and looks at none of it.
    pub any_parameters: bool,
    pub body: LambdaBody,
    /// Names that stand for members of the only parameter: the transparent identifiers of a query.
    pub ranges: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

#[derive(Clone, Debug)]
pub(crate) enum LambdaBody {
    Expr(Expr),
    Block(Vec<Stmt>),
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Literal(Constant),
    DefaultLiteral,
    Interpolated(Vec<HolePiece>),
    Name(Name, Vec<TypeSyntax>),
    /// `string` in `string.Join`.
    Keyword(&'static str),
    Member(Box<Expr>, Name, Vec<TypeSyntax>),
    /// `target?.rest`, where `rest` starts at [`ExprKind::Receiver`].
    Conditional(Box<Expr>, Box<Expr>),
    Receiver,
    Call(Box<Expr>, Vec<Argument>),
    Index(Box<Expr>, Vec<Argument>),
    New(TypeSyntax, Vec<Argument>, Option<Initializer>),
    /// `new T[n, m]` or `new T[] { … }`; the type is the whole array type.
    NewArray(TypeSyntax, Vec<Expr>, Option<ArrayInit>),
    /// `new[] { … }`.
    ImplicitArray(Vec<Expr>),
    Anonymous(Vec<(Option<Name>, Expr)>),
    /// `{ 1, 2 }` as the value of an array variable.
    ArrayInit(ArrayInit),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Assign(Option<Binary>, Box<Expr>, Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    Cast(TypeSyntax, Box<Expr>),
    Is(Box<Expr>, Pattern),
    As(Box<Expr>, TypeSyntax),
    TypeOf(TypeSyntax),
    NameOf(Box<Expr>),
    Default(TypeSyntax),
    SizeOf(TypeSyntax),
    Checked(bool, Box<Expr>),
    Parenthesized(Box<Expr>),
    Lambda(Arc<LambdaSyntax>),
    Throw(Box<Expr>),
    Tuple(Vec<(Option<Name>, Expr)>),
    /// `var x`, `int x` as an `out` argument or in a deconstruction; no name is `_`.
    Declaration(TypeSyntax, Option<Name>),
}

#[derive(Clone, Debug)]
pub(crate) enum ArrayInit {
    Items(Vec<ArrayInit>, Span),
    Expr(Box<Expr>),
}

#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Catch {
    pub ty: Option<TypeSyntax>,
    pub name: Option<Name>,
    pub filter: Option<Expr>,
    pub body: Vec<Stmt>,
}

/// A label of a `switch` section.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub kind: LabelKind,
    pub span: Span,
    /// As written, colon included.
    pub text: Arc<str>,
}

#[derive(Clone, Debug)]
pub(crate) enum LabelKind {
    Default,
    /// With its `when`.
    Case(Pattern, Option<Expr>),
}

/// Where a `goto` leads.
#[derive(Clone, Debug)]
pub(crate) enum Goto {
    Label(Name),
    Case(Box<Expr>),
    Default,
}

#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub labels: Vec<Label>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct LocalFunction {
    pub name: Name,
    pub result: TypeSyntax,
    pub parameters: Vec<Parameter>,
    pub body: LambdaBody,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    Empty,
    Block(Vec<Stmt>),
    Local {
        ty: TypeSyntax,
        is_const: bool,
        names: Vec<(Name, Option<Expr>)>,
    },
    Expr(Expr),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    Do(Box<Stmt>, Expr),
    For {
        init: Vec<Stmt>,
        condition: Option<Expr>,
        step: Vec<Expr>,
        body: Box<Stmt>,
    },
    ForEach {
        ty: TypeSyntax,
        name: Name,
        deconstruct: Option<Expr>,
        source: Expr,
        body: Box<Stmt>,
    },
    Switch(Expr, Vec<Section>),
    Break,
    Continue,
    Return(Option<Expr>),
    Throw(Option<Expr>),
    Try {
        body: Vec<Stmt>,
        catches: Vec<Catch>,
        finally: Option<Vec<Stmt>>,
    },
    /// The resource is a declaration or an expression statement.
    Using(Box<Stmt>, Box<Stmt>),
    LocalFunction(Arc<LocalFunction>),
    Checked(bool, Vec<Stmt>),
    /// `name:` before the statement that follows.
    Label(Name),
    Goto(Goto),
}

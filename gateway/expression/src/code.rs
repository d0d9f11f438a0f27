//! The general execution form: a tree of resolved nodes, every conversion explicit, every variable a slot.

use std::sync::Arc;

use crate::span::Span;
use crate::syntax::{Binary, Constant, Mode};
use crate::types::{DefId, MemberDef, Type};
use crate::value::ContextPart;

/// A variable: known by number while binding, by slot of its function's frame while running.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    pub id: u32,
    pub slot: u32,
    /// Shared with a closure: the slot holds a cell.
    pub cell: bool,
    pub span: Span,
}

/// The kinds of number that operators work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Number {
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Decimal,
}

/// Every kind of number, as source or target of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Numeric {
    I8,
    U8,
    I16,
    U16,
    Char,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Decimal,
    Enum(DefId),
}

/// What a lifted operator gives when an operand is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenNull {
    Null,
    False,
    /// `==`: both null is true. `!=`: one null is true.
    Equal,
    NotEqual,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub member: &'static MemberDef,
    pub arguments: Vec<Node>,
    pub types: Box<[Type]>,
    /// The receiver must not be null.
    pub checks_null: bool,
    /// Arguments passed by reference: position and the variable to write back.
    pub references: Vec<(usize, Local)>,
}

/// A call of a local function.
#[derive(Clone, Debug)]
pub(crate) struct LocalCall {
    pub function: u32,
    pub arguments: Vec<Node>,
    pub references: Vec<(usize, Local)>,
    /// What the function shares with its surroundings, in the caller's slots.
    pub captured: Vec<Local>,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Local(Local),
    Element(Box<Node>, Vec<Node>),
    /// The setter's arguments without the value.
    Member(Box<Call>),
    Discard,
}

/// A lambda or local function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub parameters: Vec<Local>,
    pub modes: Vec<Mode>,
    pub body: Vec<Stmt>,
    /// Variables of outer functions used here or inside; the slots are this function's.
    pub captured: Vec<Local>,
    /// Size of the frame; until lowered, the function's number among all functions.
    pub slots: u32,
    /// Nesting of its nodes, for the bound on native stack.
    pub height: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Const(Constant),
    Enum(DefId, i64),
    Default(Type),
    TypeOf(Type),
    /// `context`, or what of it is always there.
    Context(ContextPart),
    Local(Local),
    Assign(Box<Target>, Box<Node>),
    /// Nodes for their effects, then the value.
    Seq(Vec<Node>, Box<Node>),
    Arithmetic {
        operator: Binary,
        number: Number,
        checked: bool,
        operands: Box<(Node, Node)>,
    },
    Compare {
        operator: Binary,
        number: Number,
        operands: Box<(Node, Node)>,
    },
    /// `& | ^ == !=` on bools.
    Logic(Binary, Box<(Node, Node)>),
    /// `&` and `|` on `bool?`.
    Logic3(Binary, Box<(Node, Node)>),
    StringEquals(bool, Box<(Node, Node)>),
    /// Reference equality; equal strings count as one.
    Same(bool, Box<(Node, Node)>),
    Not(Box<Node>),
    Negate(Number, bool, Box<Node>),
    Complement(Number, Box<Node>),
    AndAlso(Box<(Node, Node)>),
    OrElse(Box<(Node, Node)>),
    Choose(Box<(Node, Node, Node)>),
    /// Value, variable that takes it when it is not null, what then results, and what results otherwise.
    Coalesce(Box<(Node, Local, Node, Node)>),
    /// Receiver, variable that takes it, rest of the chain; null when the receiver is.
    Conditional(Box<(Node, Local, Node)>),
    /// Operands with their variables, and the operation over those.
    Lifted(Vec<(Node, Local)>, Box<Node>, WhenNull),
    Concat(Vec<Node>),
    Convert {
        from: Numeric,
        to: Numeric,
        checked: bool,
        value: Box<Node>,
    },
    /// Reference conversion or unboxing.
    Cast(Type, Box<Node>),
    /// `T?` to `T`.
    Unwrap(Box<Node>),
    Is(Type, Box<Node>),
    As(Type, Box<Node>),
    /// `x is T v`.
    IsDeclare(Box<(Node, Type, Local)>),
    Call(Box<Call>),
    CallLocal(Box<LocalCall>),
    Lambda {
        function: Arc<Function>,
        ty: Type,
        captured: Vec<Local>,
    },
    /// A local function as a delegate.
    FunctionValue {
        function: u32,
        ty: Type,
        captured: Vec<Local>,
    },
    /// A library method as a delegate.
    MethodValue {
        call: Box<Call>,
        ty: Type,
    },
    NewArray(Type, Vec<Node>),
    Array(Type, Vec<Node>, Vec<usize>),
    Element(Box<Node>, Vec<Node>),
    Fields(Type, Vec<Node>),
    Field(Box<Node>, usize),
    Throw(Box<Node>),
}

#[derive(Clone, Debug)]
pub(crate) struct Handler {
    pub ty: Type,
    pub local: Option<Local>,
    pub filter: Option<Node>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Where a `goto case` leads.
    pub label: u32,
    /// Over the variable that holds the value.
    pub conditions: Vec<Node>,
    pub is_default: bool,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) enum Stmt {
    Expr(Node),
    Declare(Local, Option<Node>),
    Block(Vec<Stmt>),
    If(Node, Box<Stmt>, Option<Box<Stmt>>),
    While(Node, Box<Stmt>),
    Do(Box<Stmt>, Node),
    For {
        init: Vec<Stmt>,
        condition: Option<Node>,
        step: Vec<Node>,
        body: Box<Stmt>,
    },
    ForEach {
        item: Local,
        convert: Option<Box<Node>>,
        variable: Local,
        source: Box<Node>,
        body: Box<Stmt>,
    },
    Switch {
        value: Node,
        variable: Local,
        cases: Vec<Case>,
    },
    Break,
    Continue,
    Label(u32),
    /// To a label of this or an enclosing block, or to a section of an enclosing switch.
    Goto(u32),
    Return(Option<Node>),
    Throw(Node),
    Rethrow,
    Try {
        body: Vec<Stmt>,
        handlers: Vec<Handler>,
        finally: Option<Vec<Stmt>>,
    },
    /// The resource's variable is disposed of after the body.
    Using(Local, Box<Stmt>),
    /// Reached only by the flow analysis: the function's number.
    LocalFunction(u32),
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Program {
    pub main: Function,
    /// Local functions by number.
    pub functions: Vec<Arc<Function>>,
    pub result: Type,
}

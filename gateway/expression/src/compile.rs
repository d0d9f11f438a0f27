//! From text to an [`Expression`], and its evaluation.

use std::sync::Arc;

use crate::bind::Binder;
use crate::clr;
use crate::code::Program;
use crate::diagnostic::{Diagnostic, Reports};
use crate::fast::{self, Fast};
use crate::host::Host;
use crate::lower;
use crate::parser;
use crate::run::{Fault, Limits, Vm};
use crate::span::Span;
use crate::types::Type;
use crate::value::{Holds, Value};

/// What the place that holds the expression wants (expressions.md §6.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A condition: must be a bool.
    Bool,
    /// int, or a smaller kind.
    Int,
    /// long, or a smaller kind.
    Long,
    /// double, or another number.
    Double,
    /// A string; everything else by its `ToString()`. Null stays null.
    String,
    /// `byte[]`.
    Bytes,
    /// The value as it is.
    Any,
}

/// Longest text, 256 KiB: thirty times the longest that public policies have.
const TEXT_MAX: usize = 256 << 10;

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    /// Refuse types and members that the allow-list has not (expressions.md §3). Default true.
    pub strict: bool,
    /// Budgets of each evaluation.
    pub limits: Limits,
    /// Run closed shapes directly (expressions.md §9.2). Default true; the results are the same without.
    pub fast: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { strict: true, limits: Limits::default(), fast: true }
    }
}

/// Which message bodies an evaluation may read: the pipeline buffers these and no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// `context.Request.Body`.
    pub request_body: bool,
    /// `context.Response.Body` of the exchange.
    pub response_body: bool,
    /// A body is read without `preserveContent`, and gone afterwards.
    pub consumes: bool,
}

/// A C# exception, or an exceeded limit, that ended an evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Exception {
    /// CLR name, `System.FormatException`.
    pub type_name: &'static str,
    /// .NET's text.
    pub message: String,
}

/// A compiled expression. Clones share it.
#[derive(Clone, Debug)]
pub struct Expression(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: Program,
    fast: Option<Fast>,
    expected: Expected,
    limits: Limits,
    needs: Needs,
}

/// Whether an attribute's or element's text is an expression.
pub fn is_expression(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("@(") || text.starts_with("@{")
}

/// Compiles the text of an expression, `@(` or `@{` included.
pub fn compile(text: &str, expected: Expected, options: &Options) -> Result<Expression, Vec<Diagnostic>> {
    let wanted = match expected {
        Expected::Bool => Some(Type::BOOL),
        Expected::Int => Some(Type::INT),
        Expected::Long => Some(Type::LONG),
        Expected::Double => Some(Type::DOUBLE),
        Expected::Bytes => Some(Type::array_of(Type::BYTE, 1)),
        Expected::String | Expected::Any => None,
    };
    compile_wanted(text, expected, wanted.as_ref(), options)
}

/// As [`compile`] where the place wants a C# type; `None` when there is no such type.
pub fn compile_to(text: &str, ty: &str, options: &Options) -> Option<Result<Expression, Vec<Diagnostic>>> {
    let syntax = parser::type_of(ty)?;
    let mut reports = Reports::default();
    let wanted = Binder::new(&mut reports, options).resolve(&syntax);
    (!wanted.is_error()).then(|| compile_wanted(text, Expected::Any, Some(&wanted), options))
}

fn compile_wanted(
    text: &str,
    expected: Expected,
    wanted: Option<&Type>,
    options: &Options,
) -> Result<Expression, Vec<Diagnostic>> {
    let mut reports = Reports::default();
    if text.len() > TEXT_MAX {
        reports.add("CS8078", "An expression is too long or complex to compile".to_owned(), Span::default());
        return Err(reports.finish(text));
    }
    let Some(body) = parser::parse(text, &mut reports) else { return Err(reports.finish(text)) };
    let mut binder = Binder::new(&mut reports, options);
    let bound = binder.program(&body, wanted);
    let (locals, functions, needs) =
        (std::mem::take(&mut binder.locals), std::mem::take(&mut binder.functions), binder.needs);
    if !reports.is_empty() {
        return Err(reports.finish(text));
    }
    let mut program = lower::program(bound.body, &locals, functions, bound.result);
    let limits = options.limits.clone();
    let fast = if options.fast { fast::recognise(&program) } else { None };
    lower::settle(&mut program);
    Ok(Expression(Arc::new(Inner { program, fast, expected, limits, needs })))
}

impl Expression {
    /// Runs the expression. The exception is C#'s own, or names the limit that was exceeded.
    pub fn evaluate(&self, host: &dyn Host) -> Result<Value, Exception> {
        match (&self.0.fast, self.0.expected) {
            // A bool where a string is wanted takes the general way, which prints it.
            (None, _) | (Some(Fast::Bool(_)), Expected::String) => self.evaluate_generally(host),
            (Some(fast), _) => fast.value(host).map_err(exception),
        }
    }

    /// As [`Expression::evaluate`] of a condition; false for anything but true. Closed shapes allocate nothing.
    pub fn evaluate_bool(&self, host: &dyn Host) -> Result<bool, Exception> {
        match &self.0.fast {
            Some(Fast::Bool(condition)) => condition.holds(host).map_err(exception),
            _ => Ok(self.evaluate(host)?.as_bool() == Some(true)),
        }
    }

    /// Appends the text of the result to `out`; false when the result is null. Closed shapes allocate nothing else.
    pub fn write_text(&self, host: &dyn Host, out: &mut String) -> Result<bool, Exception> {
        if let Some(Fast::Text(text)) = &self.0.fast {
            return text.append(host, out).map_err(exception);
        }
        let value = self.evaluate(host)?;
        out.push_str(&clr::text::to_well_formed(value.text_with(host).as_str()));
        Ok(!value.is_null())
    }

    /// Whether the expression runs in a closed shape.
    pub fn is_fast(&self) -> bool {
        self.0.fast.is_some()
    }

    fn evaluate_generally(&self, host: &dyn Host) -> Result<Value, Exception> {
        let mut vm = Vm::new(host, &self.0.program, &self.0.limits);
        let outcome = vm.run_main().and_then(|value| match (self.0.expected, value) {
            (Expected::String, Value::Null) => Ok(Value::Null),
            (Expected::String, Value::Str(text)) => Ok(Value::Str(text)),
            (Expected::String, other) => vm.to_text(&other).map(Value::Str),
            (_, value) => Ok(value),
        });
        let cycles = vm.take_cycles();
        drop(vm);
        if !cycles.is_empty() && may_leave(host, outcome.as_ref().ok()) {
            host.keep(cycles);
        }
        outcome.map_err(exception)
    }

    /// Which bodies it may read.
    pub fn needs(&self) -> Needs {
        self.0.needs
    }

    /// The static type of the result, as C# writes it: `string`, `JObject`, `object`.
    pub fn result_type(&self) -> String {
        self.0.program.result.display()
    }
}

/// Whether what an evaluation made may be reached after it: by its result, or by a variable that was there before.
fn may_leave(host: &dyn Host, result: Option<&Value>) -> bool {
    let mut leaves = result.is_some_and(|value| value.holds() != Holds::Nothing);
    host.variables(&mut |_, value| leaves |= value.holds() != Holds::Nothing);
    leaves
}

fn exception(fault: Fault) -> Exception {
    Exception { type_name: fault.type_name(), message: fault.message() }
}

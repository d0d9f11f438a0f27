//! Policy expressions: the C# inside `@(…)` and `@{…}` (expressions.md), compiled and run under budgets.
//!
//! text → [`cut`] → tokens → tree → bound tree → code → value. No IO; the exchange is read through [`Host`].

#![allow(clippy::match_same_arms, reason = "tables of cases read better with one line each")]
#![allow(clippy::many_single_char_names, reason = "operands have no better names")]
#![allow(clippy::unused_self, reason = "the steps of the binder are called alike")]
#![allow(clippy::needless_pass_by_value, reason = "bound parts are handed on, not kept")]
#![allow(clippy::float_cmp, reason = "C# equality is exact")]
#![allow(clippy::needless_for_each, reason = "short visits read as one line")]

mod bind;
pub mod clr;
mod code;
mod compile;
pub mod cut;
mod diagnostic;
mod fast;
pub mod host;
mod lex;
pub mod lines;
mod lower;
mod message;
mod parser;
mod run;
mod span;
mod syntax;
mod text;
mod types;
mod value;

pub use compile::{Exception, Expected, Expression, Needs, Options, compile, compile_to, is_expression};
pub use diagnostic::Diagnostic;
pub use host::Host;
pub use message::ResponseData;
pub use run::{Limit, Limits};
pub use text::Text;
pub use types::Type;
pub use value::{Cycles, Kind, Portable, Value};

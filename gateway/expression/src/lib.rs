//! Policy expressions: the C# inside `@(…)` and `@{…}` (expressions.md), compiled and run under budgets.
//!
//! text → [`cut`] → tokens → tree → bound tree → code → value. No IO; the exchange is read through [`Host`].

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

pub use compile::{Exception, Expected, Expression, Needs, Options, compile, is_expression};
pub use diagnostic::Diagnostic;
pub use host::Host;
pub use message::ResponseData;
pub use run::{Limit, Limits};
pub use text::Text;
pub use types::Type;
pub use value::{Kind, Portable, Value};

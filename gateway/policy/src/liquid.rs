//! Liquid templates of `set-body`, as `DotLiquid`'s C# mode runs them (`policies.md` B 2.6).
//!
//! Our own engine instead of the `liquid` crate: that one speaks Shopify's dialect, fails on names that are not there,
//! and has no bound on loops. Here every template runs under [`Limits`].

mod condition;
mod expression;
mod filters;
mod lexer;
mod node;
mod numbers;
mod parser;
mod render;
mod strings;
mod value;

pub use parser::{ParseError, Template};
pub use render::{Limits, RenderError, Scope};
pub use value::{Hash, Value};

#[cfg(test)]
mod tests;

//! The .NET behaviour that policy expressions observe, as plain functions over plain Rust types.
//!
//! Source: `reference/expressions.md` §2.5–2.8 and §6. Where runtimes differ the texts and results are
//! those of .NET Core 3.1 under the invariant culture in UTC, with Newtonsoft.Json 12, unless the page says
//! otherwise (case mapping is that of .NET 8). Nothing here holds global state.
//!
//! **Strings** are `&str`/`String`. C# strings are UTF-16 and may hold lone surrogates, which UTF-8 cannot;
//! [`text`] says how they are kept.

pub mod basic;
pub mod bit_converter;
pub mod crypto;
pub mod date_time;
pub mod date_time_offset;
mod depth;
pub mod encoding;
pub mod exception;
pub mod form;
pub mod guid;
pub mod json;
pub mod jwt;
pub mod number;
pub mod random;
pub mod regex;
pub mod text;
pub mod time_span;
pub mod time_zone;
pub mod uri;
#[cfg(test)]
mod vectors;
pub mod xml;

pub use exception::{Error, ExceptionKind, Result};

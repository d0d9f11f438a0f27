//! Newtonsoft's LINQ to JSON (expressions.md §6.7): a mutable tree whose nodes know their parents, a lenient
//! reader, an indenting writer, conversions, JSONPath, merging.
//!
//! A [`JToken`] is a handle: cloning it is cheap and gives the same node; [`JToken::same`] compares identity.
//! A C# null is an absent `Option<JToken>`; a JSON null is a token of type [`TokenType::Null`].
//!
//! Trees are at most [`DEPTH_MAX`] levels deep, checked wherever a node is put into another, so that walking
//! and dropping them by recursion is safe.

mod cast;
mod children;
mod date;
mod edit;
mod equality;
mod filter;
mod lexer;
mod lexer_text;
mod merge;
mod node;
mod path;
mod position;
mod properties;
mod reader;
mod scalar;
mod select;
mod writer;

pub use cast::{CastTarget, cast, change_type};
pub use equality::{compare_scalars, deep_equals};
pub use merge::{MergeArrays, MergeSettings};
pub use node::{DEPTH_MAX, JToken, TokenType};
pub use reader::{
    DEPTH_DEFAULT, parse, parse_array, parse_as_written, parse_content, parse_object, parse_without_dates,
};
pub use scalar::Scalar;
pub use writer::{Formatting, Writer, escaped};

#[cfg(test)]
mod tests;

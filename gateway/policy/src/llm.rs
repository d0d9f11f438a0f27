//! Calls to language models: what they ask for, and the tokens they cost.
//!
//! A policy that counts tokens asks for the exchange's [`TokenMeter`]; there is one a request, however many policies
//! count. When the backend has answered, [`read_answer`] reads the usage: at once where the answer is one JSON
//! document, else from the stream as it goes by, so that the meter knows it at the end of the exchange
//! ([`Exchange::at_end`](crate::exchange::Exchange::at_end)).

mod answer;
mod dialog;
mod meter;
mod prompt;
mod sse;
mod tap;
mod tokens;
mod usage;

pub use answer::answer_text;
pub use dialog::{Dialog, Turn};
pub use meter::{TokenMeter, read_answer};
pub use prompt::Prompt;
pub use sse::Events;
pub use tokens::{Vocabulary, count_tokens};
pub use usage::{Usage, completion_text};

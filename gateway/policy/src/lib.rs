//! The policy engine: documents in, compiled pipelines out, and the run of a pipeline over one exchange.
//!
//! `xml` reads both spellings of a policy document; `catalogue` says what each element may carry; `compile`
//! turns documents into statements and joins the scopes into the effective policy; `pipeline` runs it. What a
//! policy may touch outside of its exchange comes through `ports` alone.

pub mod backend;
pub mod catalogue;
pub mod certificates;
pub mod compile;
pub mod convert;
pub mod event_hub;
pub mod exchange;
pub mod fault;
pub mod graphql;
pub mod jose;
pub mod liquid;
pub mod llm;
pub mod markup;
pub mod message;
pub mod odata;
pub mod pipeline;
pub mod policies;
pub mod ports;
pub mod validation;
pub mod xml;
pub mod xslt;

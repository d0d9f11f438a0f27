//! The library that expressions may use: types, members and what they do.
//!
//! # How to add a type
//!
//! One file a group of types, `types/<group>.rs`, with one `pub(super) static TABLE: &[TypeTable]`, listed in
//! [`tables`]. A table says in C# what the type is and what each member looks like; beside each member stands
//! the Rust function that runs. The binder, the allow-list and the documentation read nothing else.
//!
//! ```ignore
//! pub(super) static TABLE: &[TypeTable] = &[
//!     TypeTable {
//!         header: "struct System.TimeSpan : System.IComparable",
//!         allow: Allow::All,
//!         members: &[
//!             c("long TicksPerSecond", Literal::I64(10_000_000)),            // a constant
//!             m("new(int hours, int minutes, int seconds)", |_, a| { … }),   // a constructor
//!             m("static TimeSpan FromSeconds(double value)", |_, a| Ok(span(a.f64(0)? * 1e7))),
//!             m("double TotalSeconds { get; }", |_, a| Ok(Value::F64(ticks(a.this())? as f64 / 1e7))),
//!             m("static TimeSpan operator +(TimeSpan a, TimeSpan b)", |_, a| { … }),
//!         ],
//!     },
//! ];
//! ```
//!
//! - `a.this()` is the receiver (never null for classes: the call has checked that); `a.at(n)` is argument `n` and
//!   `a.str(n)`, `a.i32(n)`, `a.bool(n)`, … read it as a Rust value. For a **static** member and for an extension
//!   method (first parameter marked `this`) argument 0 is the first in the signature; for an instance member
//!   argument 0 is the receiver and the first written parameter is 1.
//! - The binder has converted every argument to the parameter's type: an `int` parameter is always
//!   [`Value::I32`](crate::Value), a `params` parameter always an array. `T?` is the value or `Null`.
//! - Generic: `a.ty(n)` is the n-th type argument, those of the type first, then those of the method.
//! - `out` parameters: write with `a.set_out(n, value)`.
//! - Overloads are separate lines. A settable property or indexer is `rw(signature, get, set)`; the value to
//!   set is the last argument.
//! - An object of your own is a Rust struct implementing [`Object`](crate::value::Object); read it back with
//!   `a.this().downcast::<YourStruct>()`.
//! - Errors: `Err(Fault::new("System.FormatException", "text"))`. Work that grows with the input is charged:
//!   `vm.charge(bytes)?`, `vm.steps(n)?`.
//! - Names in signatures: C# keywords, full names, or the simple name of any type of the library.
//! - `allow`: what `strict` lets policies name (expressions.md §3.1): all members, some by name, or none.

mod annotation;
mod array;
mod builder;
mod certificate;
mod collection;
mod context;
mod convert;
mod core;
mod credentials;
mod crypto;
mod culture;
mod decimal;
mod dictionary;
mod encoding;
mod exception;
mod form;
mod format;
mod json;
pub(crate) mod library;
mod linq;
mod math;
mod member;
mod misc;
mod net;
mod number;
mod pieces;
mod random;
mod regex;
mod runtime;
mod string;
mod time;
mod ty;
mod type_code;
mod uri;
mod xml;
mod zone;

pub use ty::{DefId, Type};

pub(crate) use annotation::Annotations;
pub(crate) use context::model_type;
pub(crate) use credentials::jwt_claim;
pub(crate) use dictionary::{header_entries, headers_type, iterate_context, wrong_variable};
pub(crate) use format::time_text;
pub(crate) use json::json_value;
pub(crate) use runtime::{default_value, enum_text, is_instance, record, record_field, type_value};

pub(crate) use context::{split_url, url_text};
pub(crate) use format::portable_text;

use certificate::{certificate_type, certificate_value};
use form::{form_dictionary, parse_body};
use json::json_member;
use uri::{uri_text, uri_type, uri_value};

pub(crate) use xml::xml_value;

pub(crate) use library::library;
pub(crate) use member::{Allow, Args, Literal, Member, MemberDef, Native, Parameter, TypeTable, c, m, rw};
pub(crate) use ty::{
    DICTIONARY, ICOLLECTION, ILIST, IREADONLY_COLLECTION, IREADONLY_LIST, KEY_VALUE_PAIR, LIST, NULLABLE,
    SEQUENCE,
};

/// Every table. Order matters only for simple names that two namespaces share: the first wins.
pub(crate) fn tables() -> impl Iterator<Item = &'static TypeTable> {
    let single = [
        annotation::TABLE,
        core::TABLE,
        exception::TABLE,
        number::INTEGERS,
        number::TABLE,
        number::PROVIDED,
        culture::TABLE,
        decimal::TABLE,
        math::TABLE,
        dictionary::TABLE,
        misc::TABLE,
        time::TABLE,
        time::PROVIDED,
        time::RARE,
        zone::TABLE,
        zone::RULES,
        uri::TABLE,
        uri::STATICS,
        form::TABLE,
        convert::TABLE,
        type_code::TABLE,
        type_code::CODES,
        array::MULTI,
        array::RANGE,
        convert::TARGETS,
        convert::TEXTS,
        encoding::TABLE,
        encoding::PARTS,
        encoding::FALLBACKS,
        encoding::INFO,
        builder::TABLE,
        builder::PARTS,
        random::TABLE,
        regex::TABLE,
        credentials::TABLE,
        certificate::TABLE,
        certificate::MORE,
        certificate::EMPTY,
        certificate::RARE,
        crypto::TABLE,
        crypto::HASHERS,
        crypto::RSA_KEYS,
        crypto::SYMMETRIC,
        pieces::TABLE,
        net::TABLE,
        net::TUPLES,
        crypto::HASHES,
    ];
    let many = [string::TABLES, collection::TABLES, context::TABLES, json::TABLES, linq::TABLES, xml::TABLES];
    single.into_iter().chain(many.into_iter().flatten().copied()).flatten()
}

/// A GUID that nobody else has.
fn random_guid() -> [u8; 16] {
    *uuid::Uuid::new_v4().as_bytes()
}

/// Headers or query parameters at hand, as the dictionary that the model gives.
fn stored_headers(pairs: Vec<(String, String)>) -> crate::value::Value {
    crate::message::headers(pairs)
}

/// The order of two library objects that compare (`JValue`, `Version`, …).
fn compare_objects(a: &crate::value::Value, b: &crate::value::Value) -> Option<std::cmp::Ordering> {
    json::compare(a, b)
}

/// Whether a comparer argument ignores case.
fn collection_ignores_case(comparer: &crate::value::Value) -> bool {
    comparer.downcast::<string::Comparer>().is_some_and(|c| c.ignore_case)
}

//! Policy documents, with named values put in.

#![no_main]

use gateway_policy::xml::{Limits, expand, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let expanded = expand(text, &|name| (name.len() < 8).then_some("value"));
    if let Err(error) = read(&expanded, text, Limits::default()) {
        assert!(error.at.line > 0 && error.at.column > 0, "an error without a place");
    }
});

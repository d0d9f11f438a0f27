//! Policy expressions: compiled, or refused with a diagnostic.

#![no_main]

use gateway_expression::{Expected, Options, compile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(diagnostics) = compile(text, Expected::Any, &Options::default()) {
        assert!(!diagnostics.is_empty(), "refused without a word");
    }
});

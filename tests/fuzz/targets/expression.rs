//! Policy expressions: compiled and run within their budgets, or refused with a diagnostic.

#![no_main]

use std::time::Duration;

use gateway_expression::host::Fixture;
use gateway_expression::{Expected, Limits, Options, compile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = Limits {
        steps: 10_000,
        memory_bytes: 1 << 20,
        time: Duration::from_millis(100),
        ..Limits::default()
    };
    let options = Options { strict: false, limits, fast: true };
    match compile(text, Expected::Any, &options) {
        Ok(expression) => drop(expression.evaluate(&Fixture::default())),
        Err(diagnostics) => assert!(!diagnostics.is_empty(), "refused without a word"),
    }
});

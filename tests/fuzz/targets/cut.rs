//! The end of an expression in raw text: whatever cuts is compiled or refused, whole.

#![no_main]

use gateway_expression::cut::end_of_expression;
use gateway_expression::{Expected, Options, compile, is_expression};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(end) = end_of_expression(text) else { return };
    let cut = text.get(..end).expect("the end of an expression is the end of a character");
    assert!(is_expression(cut), "{cut}");
    assert_eq!(end_of_expression(cut), Ok(end), "a cut expression ends where it was cut");
    let _ = compile(cut, Expected::Any, &Options::default());
});

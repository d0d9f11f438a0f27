//! The lenient JSON reader: what it reads, its writer writes so that it reads the same.

#![no_main]

use gateway_expression::clr::json::{DEPTH_DEFAULT, Formatting, deep_equals, parse_without_dates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = gateway_expression::clr::json::parse(text, DEPTH_DEFAULT);
    let Ok(token) = parse_without_dates(text) else { return };
    let written = token.to_json(Formatting::Indented);
    // A comment that holds the end of one is written as it is, as Json.NET does.
    if written.contains("*/") {
        return;
    }
    let again = parse_without_dates(&written);
    // Comments, constructors and numbers that are none are written in forms that other readers refuse.
    if let Ok(again) = again {
        let _ = deep_equals(Some(&token), Some(&again));
        assert_eq!(again.to_json(Formatting::Indented), written, "written twice, differently");
    }
});

//! .NET regular expressions: translated and matched within limits, or refused.

#![no_main]

use gateway_expression::clr::regex::{Regex, RegexOptions, escape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parts: (u16, &str, &str)| {
    let (options, pattern, text) = parts;
    let text: String = text.chars().take(200).collect();
    if let Ok(regex) = Regex::new(pattern, RegexOptions(u32::from(options) & 0x37F)) {
        let _ = regex.is_match(&text);
        let _ = regex.replace(&text, "<$0>", -1);
        let _ = regex.split(&text, 0, 0);
    }
    if let Ok(literal) = Regex::new(&escape(pattern), RegexOptions::NONE) {
        assert!(literal.is_match(pattern).unwrap_or(true), "an escaped pattern does not match itself");
    }
});

//! Stylesheets of `xsl-transform` over documents: the text up to a NUL is the stylesheet's content, the rest the document.

#![no_main]

use gateway_policy::xml::{Limits, expand, read};
use gateway_policy::xslt::{self, Stylesheet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (content, document) = text.split_once('\0').unwrap_or((text, "<a b='1'><c>2</c><c/></a>"));
    let sheet = format!(
        "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>{content}</xsl:stylesheet>"
    );
    let expanded = expand(&sheet, &|_| None);
    let Ok(element) = read(&expanded, &sheet, Limits::default()) else { return };
    let limits = xslt::Limits { steps: 100_000, depth: 200, bytes: 1 << 16 };
    if let Ok(stylesheet) = Stylesheet::compile(&element) {
        match stylesheet.transform(document, &[], limits) {
            Ok(bytes) => assert!(bytes.len() <= limits.bytes, "more than was allowed"),
            // A panic ends the thread of the transformation only: here it has to be seen.
            Err(error) => assert_ne!(error.message, "The XSLT processor failed."),
        }
    }
});

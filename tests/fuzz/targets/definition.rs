//! OpenAPI and Swagger documents, JSON and YAML: read, or refused with a diagnostic.

#![no_main]

use gateway_specification::{Settings, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let outcome = read(text, &"definition.yaml".into(), &Settings::default());
    assert!(outcome.definition.is_some() || !outcome.diagnostics.is_empty(), "refused without a word");
});

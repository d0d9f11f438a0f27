//! Expressions in the shapes that public policies have (expressions.md §4.1–§4.2), in our own words: each cuts out of
//! raw text, compiles under the allow-list, gives the type that stands before it, and takes the fast form if it says so.

use gateway_expression::{Expected, Options, compile, cut};

#[test]
fn every_expression_cuts_and_compiles_to_its_type() {
    let mut wrong = Vec::new();
    for (number, line) in include_str!("corpus.txt").lines().enumerate() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let Some((wanted, text)) = line.split_once(" | ") else {
            wrong.push(format!("{}: no ' | '", number + 1));
            continue;
        };
        let text = text.replace("\\n", "\n");
        // A reader of raw documents finds the end by the tokens, whatever follows.
        let raw = format!("{text}\" name=\")}}\"/>");
        if cut::end_of_expression(&raw) != Ok(text.len()) {
            wrong.push(format!("{}: cut at {:?}: {text}", number + 1, cut::end_of_expression(&raw)));
        }
        let found = match compile(&text, Expected::Any, &Options::default()) {
            Ok(expression) if expression.is_fast() => format!("{}, closed", expression.result_type()),
            Ok(expression) => expression.result_type(),
            Err(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        };
        if found != wanted {
            wrong.push(format!("{}: {found} | {text}", number + 1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

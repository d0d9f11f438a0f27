//! Named values and fragments.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::policy::{PolicyDocument, PolicyScope};
use crate::resource::{NamedValue, Resource};
use crate::secret::Secret;
use crate::set::ResourceSet;

/// Longest display name of a named value, in characters.
const DISPLAY_NAME_CHARS_MAX: usize = 256;
/// Longest named value, in characters.
const VALUE_CHARS_MAX: usize = 4096;
/// Longest fragment, in bytes.
const FRAGMENT_BYTES_MAX: usize = 512 * 1024;

pub(super) fn check(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let mut first_of: BTreeMap<String, &NamedValue> = BTreeMap::new();
    for value in set.named_values.values() {
        check_named_value(value, found);
        if let Some(first) = first_of.get(&value.display_name.to_ascii_lowercase()) {
            let message = format!(
                "named values '{}' and '{}' have the same display name '{}'",
                first.id, value.id, value.display_name
            );
            found.push(
                Diagnostic::error("named-value-duplicate", value.origin.clone(), message).on(value.id()),
            );
        } else {
            first_of.insert(value.display_name.to_ascii_lowercase(), value);
        }
    }
    for fragment in set.fragments.values() {
        match set.policy(&PolicyScope::Fragment(fragment.id.clone())) {
            Some(document) => check_fragment(document, found),
            None => found.push(
                Diagnostic::error(
                    "fragment-without-policy",
                    fragment.origin.clone(),
                    format!("policy fragment '{}' has no policy text", fragment.id),
                )
                .on(fragment.id()),
            ),
        }
    }
}

fn check_named_value(value: &NamedValue, found: &mut Vec<Diagnostic>) {
    let mut report = |code, message: String| {
        found.push(Diagnostic::error(code, value.origin.clone(), message).on(value.id()));
    };
    let name = &value.display_name;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > DISPLAY_NAME_CHARS_MAX || !name.chars().all(good) {
        report(
            "named-value-name",
            format!(
                "display name '{name}' of named value '{}' must be 1 to 256 of A-Z a-z 0-9 . - _",
                value.id
            ),
        );
    }
    let Some(text) = value.value.as_ref().map(Secret::expose) else { return };
    if text.trim().is_empty() {
        report("named-value-blank", format!("the value of named value '{}' is blank", value.id));
    }
    let chars = text.chars().count();
    if chars > VALUE_CHARS_MAX {
        report(
            "named-value-long",
            format!(
                "the value of named value '{}' has {chars} characters; {VALUE_CHARS_MAX} are allowed",
                value.id
            ),
        );
    }
}

/// A fragment includes no fragment: so there are no cycles either (policies.md §8).
fn check_fragment(document: &PolicyDocument, found: &mut Vec<Diagnostic>) {
    if document.text.len() > FRAGMENT_BYTES_MAX {
        let message = format!(
            "the {} has {} bytes; {FRAGMENT_BYTES_MAX} are allowed",
            document.id().kind(),
            document.text.len()
        );
        found.push(Diagnostic::error("fragment-long", document.origin.clone(), message).on(document.id()));
    }
    if let Some(offset) = nested_include(&document.text) {
        let message = format!("{} '{}' includes another fragment", document.id().kind(), document.id());
        found.push(
            Diagnostic::error("fragment-nested", document.origin_at(offset), message).on(document.id()),
        );
    }
}

/// The place of the first `<include-fragment` outside comments.
fn nested_include(text: &str) -> Option<usize> {
    const INCLUDE: &str = "<include-fragment";
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let include = rest.find(INCLUDE)?;
        match rest.find("<!--") {
            Some(comment) if comment < include => {
                let end = rest.get(comment..)?.find("-->")?;
                at += comment + end + "-->".len();
            }
            _ => {
                let after = rest.get(include + INCLUDE.len()..)?.chars().next();
                if after.is_none_or(|c| c.is_whitespace() || c == '/' || c == '>') {
                    return Some(at + include);
                }
                at += include + INCLUDE.len();
            }
        }
    }
}

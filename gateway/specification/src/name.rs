//! Operation names and display names out of a definition (management-api.md §3.2).

use std::collections::{BTreeMap, BTreeSet};

/// Longest operation name before a suffix against repeats, in characters.
const NAME_CHARS_MAX: usize = 76;
/// Highest suffix against repeats.
const SUFFIX_MAX: u32 = 999;
/// Longest display name, in characters.
const DISPLAY_NAME_CHARS_MAX: usize = 300;

/// Gives every operation of a definition a name of its own.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    /// Last suffix tried for a name: a thousand operations of one name must not take a million attempts.
    suffixes: BTreeMap<String, u32>,
}

impl Names {
    /// The name for an `operationId`, or for method and path; none when all suffixes are taken.
    pub(crate) fn take(&mut self, operation_id: Option<&str>, method: &str, path: &str) -> Option<String> {
        let mut base = operation_id.map(normalise).unwrap_or_default();
        if base.is_empty() {
            base = normalise(&format!("{method}-{path}"));
        }
        if self.taken.insert(base.clone()) {
            return Some(base);
        }
        let suffix = self.suffixes.entry(base.clone()).or_default();
        while *suffix < SUFFIX_MAX {
            *suffix += 1;
            let name = format!("{base}-{suffix}");
            if self.taken.insert(name.clone()) {
                return Some(name);
            }
        }
        None
    }
}

/// Lower case, each run of other characters one `-`, none at the ends.
pub(crate) fn normalise(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(NAME_CHARS_MAX);
    name.truncate(name.trim_end_matches('-').len());
    name
}

/// The display name: summary, else `operationId`, else method and path.
pub(crate) fn display_name(
    summary: Option<&str>,
    operation_id: Option<&str>,
    method: &str,
    path: &str,
) -> String {
    let text = [summary, operation_id].into_iter().flatten().map(str::trim).find(|text| !text.is_empty());
    let name = text.map_or_else(|| format!("{method} {path}"), str::to_owned);
    name.chars().take(DISPLAY_NAME_CHARS_MAX).collect()
}

/// The name of a type that a definition writes in place: `/pets/{id}`, `post`, `Request` → `PetsIdPostRequest`.
pub(crate) fn type_name(path: &str, method: &str, rest: &str) -> String {
    let mut name = String::new();
    for word in
        [path, method, rest].into_iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()))
    {
        let mut chars = word.chars();
        name.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_shortened_and_unique() {
        let long = "x".repeat(90);
        let mut names = Names::default();
        for (id, expected) in [
            (Some("getItem"), "getitem"),
            (Some("Get_Item (v2)!"), "get-item-v2"),
            (Some("getItem"), "getitem-1"),
            (Some("GETITEM"), "getitem-2"),
            (Some("  "), "get-a-b"),
            (None, "get-a-b-1"),
            (Some("äöü"), "get-a-b-2"),
            (Some(long.as_str()), &long[..76]),
        ] {
            assert_eq!(names.take(id, "get", "/a/{b}").as_deref(), Some(expected), "{id:?}");
        }
    }

    #[test]
    fn names_run_out_after_999_repeats() {
        let mut names = Names::default();
        let count = (0..2000).filter(|_| names.take(Some("a"), "get", "/").is_some()).count();
        assert_eq!(count, 1000);
    }

    #[test]
    fn display_name_prefers_the_summary() {
        assert_eq!(display_name(Some("Get it"), Some("id"), "GET", "/"), "Get it");
        assert_eq!(display_name(Some(" "), Some("id"), "GET", "/"), "id");
        assert_eq!(display_name(None, None, "GET", "/a"), "GET /a");
        assert_eq!(display_name(Some(&"ü".repeat(400)), None, "GET", "/").chars().count(), 300);
    }

    #[test]
    fn type_name_joins_the_words() {
        assert_eq!(type_name("/pets/{pet-id}", "post", "Request"), "PetsPetIdPostRequest");
        assert_eq!(type_name("/", "get", "max-age parameter"), "GetMaxAgeParameter");
    }
}

//! `ETags`: strong, the base64 of an 8-byte version (management-api.md §2.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The `ETag` of a version, quoted.
pub fn of(version: u64) -> String {
    format!("\"{}\"", STANDARD.encode(version.to_be_bytes()))
}

/// Whether a value of `If-Match` fits: `*`, or a list that holds the `ETag`, in quotes or without.
pub fn matches(given: &str, version: u64) -> bool {
    let wanted = of(version);
    let wanted = wanted.trim_matches('"');
    given.split(',').map(str::trim).any(|one| one == "*" || one.trim_matches('"') == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_matches_lists_quoted_or_not() {
        assert_eq!(of(0xe6_9660), "\"AAAAAADmlmA=\"");
        for (given, fits) in [
            ("*", true),
            ("\"AAAAAADmlmA=\"", true),
            ("AAAAAADmlmA=", true),
            ("\"x\", \"AAAAAADmlmA=\"", true),
            ("\"x\"", false),
            ("W/\"AAAAAADmlmA=\"", false),
            ("", false),
        ] {
            assert_eq!(matches(given, 0xe6_9660), fits, "{given}");
        }
    }
}

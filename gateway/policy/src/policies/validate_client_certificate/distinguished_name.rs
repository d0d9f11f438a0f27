//! Distinguished names as Windows writes them: `CN=host, O="Acme, Inc.", C=US`.

/// A name in a form that can be compared: parts in order, each the sorted attributes of one RDN, without letter case
/// and without the blanks around separators (RFC 5280 §7.1 compares without case).
pub fn canonical(text: &str) -> Option<Vec<Vec<String>>> {
    let mut parts = vec![Vec::new()];
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (attribute, separator, behind) = attribute(rest)?;
        parts.last_mut()?.push(attribute);
        if separator != Some('+') && !behind.is_empty() {
            parts.push(Vec::new());
        }
        rest = behind;
    }
    parts.iter_mut().for_each(|part| part.sort());
    (!parts.iter().any(Vec::is_empty)).then_some(parts)
}

/// The attribute at the beginning, what ends it, and what stands behind that.
fn attribute(text: &str) -> Option<(String, Option<char>, &str)> {
    let (key, rest) = text.split_once('=')?;
    let (value, rest) = value(rest.trim_start())?;
    let rest = rest.trim_start();
    let separator = rest.chars().next();
    if separator.is_some_and(|c| !matches!(c, ',' | ';' | '+')) {
        return None;
    }
    let behind = rest.get(separator.map_or(0, char::len_utf8)..)?.trim_start();
    if separator.is_some() && behind.is_empty() {
        return None;
    }
    let key = key.trim().to_lowercase();
    // OpenSSL's and RFC 4514's name of what Windows calls S.
    let key = if key == "st" { "s".to_owned() } else { key };
    (!key.is_empty()).then(|| (format!("{key}={}", value.to_lowercase()), separator, behind))
}

/// A value, quoted or not, and the rest.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', '+']).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut rest = quoted;
    loop {
        let (part, behind) = rest.split_once('"')?;
        value.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_names_compare_as_windows_writes_them() {
        let same = |a: &str, b: &str| canonical(a).is_some() && canonical(a) == canonical(b);
        assert!(same("CN=a, O=\"b, c\"", "cn=A,o=\"B, C\""));
        assert!(same("CN=a; OU=x + O=y", "CN=a, O=y+OU=x"));
        assert!(same("CN=a, ST=Utrecht", "CN=a, S=Utrecht"));
        assert!(same("O=\"say \"\"x\"\"\"", "o=\"say \"\"X\"\"\""));
        assert!(!same("CN=a, O=b", "O=b, CN=a"));
        assert!(!same("CN=a, O=b", "CN=a"));
        assert!(!same("CN=\"a, O=b\"", "CN=a, O=b"));
        for text in ["", "a", "CN", "CN=\"a", "=a", "CN=a,", "CN=\"a\"b"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,30}|[CN=,;+\" a]{0,30}") {
            let _ = canonical(&text);
        }
    }
}

//! `{#[NAME]#}` and `{#NAME#}` → environment variables.

use super::environment::Environment;

/// A token whose variable is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unresolved {
    pub(super) name: String,
    /// Byte offset of the token in the text as written.
    pub(super) offset: usize,
}

/// Replaces the tokens of a text; the second list has those without a value, which stay as written. A value is
/// not searched for tokens again. None: there was nothing to replace.
pub(super) fn substitute(text: &str, env: &Environment) -> (Option<String>, Vec<Unresolved>) {
    let mut out = String::new();
    let mut unresolved = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("{#")) {
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        let Some((name, length)) = token(rest) else {
            at = start + 2;
            continue;
        };
        if let Some(value) = env.get(name) {
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(&value);
            copied = start + length;
        } else {
            unresolved.push(Unresolved { name: name.to_owned(), offset: start });
        }
        at = start + length;
    }
    if copied == 0 {
        return (None, unresolved);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (Some(out), unresolved)
}

/// The name and the length of the token at the beginning of a text.
fn token(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("{#")?;
    let (name, close) = match inner.strip_prefix('[') {
        Some(inner) => (inner, "]#}"),
        None => (inner, "#}"),
    };
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
    let (name, rest) = name.split_at_checked(end)?;
    (!name.is_empty() && rest.starts_with(close)).then(|| {
        let brackets = usize::from(close.len() == 3);
        (name, 2 + brackets + name.len() + close.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitute_replaces_both_forms_and_reports_the_rest() {
        let env = Environment::of([("A", "1"), ("B_B", "{#[A]#}")]);
        for (text, expected, missing) in [
            ("plain", None, vec![]),
            ("{#[A]#}", Some("1"), vec![]),
            ("x{#A#}y{#[B_B]#}z", Some("x1y{#[A]#}z"), vec![]),
            ("{#[C]#} {#A#}", Some("{#[C]#} 1"), vec![("C", 0)]),
            ("a {#[C]#}", None, vec![("C", 2)]),
            ("{#[A#} {#A]#} {#[]#} {# A #} {#", None, vec![]),
            ("{{#A#}}", Some("{1}"), vec![]),
        ] {
            let (replaced, unresolved) = substitute(text, &env);
            assert_eq!(replaced.as_deref(), expected, "{text}");
            let unresolved: Vec<_> =
                unresolved.iter().map(|token| (token.name.as_str(), token.offset)).collect();
            assert_eq!(unresolved, missing, "{text}");
        }
    }
}

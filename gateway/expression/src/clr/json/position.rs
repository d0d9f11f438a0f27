//! Paths as Newtonsoft writes them.

use super::writer::push_escaped;

/// Characters that put a name into brackets.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '.' | ' '
            | '\''
            | '/'
            | '"'
            | '['
            | ']'
            | '('
            | ')'
            | '\t'
            | '\n'
            | '\r'
            | '\u{c}'
            | '\u{8}'
            | '\\'
            | '\u{85}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

/// Appends `.name` or `['na me']`.
pub(super) fn push_name(path: &mut String, name: &str) {
    if name.contains(is_special) {
        path.push_str("['");
        push_escaped(path, name, '\'');
        path.push_str("']");
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
    }
}

/// Appends `[index]`.
pub(super) fn push_index(path: &mut String, index: usize) {
    path.push('[');
    path.push_str(&index.to_string());
    path.push(']');
}

//! `{{name}}`: named values are put into the policy text before it is read (`policies.md` §8).

/// Policy text with its named values put in, and the way back to the places in the submitted text.
#[derive(Clone, Debug, Default)]
pub struct Expanded {
    pub text: String,
    /// Expanded offset → submitted offset, ascending; one entry where a run of submitted text begins, one where
    /// a value stands in for a reference.
    runs: Vec<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    expanded: usize,
    submitted: usize,
    /// Whether this run is a value: every offset in it maps to the reference.
    is_value: bool,
}

impl Expanded {
    /// The submitted offset that an offset of `text` comes from.
    pub fn submitted_offset(&self, expanded: usize) -> usize {
        let at = self.runs.partition_point(|run| run.expanded <= expanded);
        match at.checked_sub(1).and_then(|at| self.runs.get(at)) {
            Some(run) if run.is_value => run.submitted,
            Some(run) => run.submitted + (expanded - run.expanded),
            None => expanded,
        }
    }
}

/// Replaces each `{{name}}` for which `lookup` knows a value. Values are not looked into again, and unknown
/// names stay: they may be Liquid, or braces of C#.
pub fn expand<'a>(text: &str, lookup: &dyn Fn(&str) -> Option<&'a str>) -> Expanded {
    let mut expanded = Expanded::default();
    let mut from = 0;
    expanded.runs.push(Run { expanded: 0, submitted: 0, is_value: false });
    while let Some((start, end, name)) = next_reference(text, from) {
        let Some(value) = lookup(name) else {
            expanded.text.push_str(&text[from..start + 2]);
            from = start + 2;
            continue;
        };
        expanded.text.push_str(&text[from..start]);
        expanded.runs.push(Run { expanded: expanded.text.len(), submitted: start, is_value: true });
        expanded.text.push_str(value);
        expanded.runs.push(Run { expanded: expanded.text.len(), submitted: end, is_value: false });
        from = end;
    }
    expanded.text.push_str(&text[from..]);
    expanded
}

/// The first `{{name}}` left in a literal, if any.
pub fn unresolved(text: &str) -> Option<&str> {
    next_reference(text, 0).map(|(_, _, name)| name)
}

/// Start, end and name of the first reference at or behind `from`.
fn next_reference(text: &str, from: usize) -> Option<(usize, usize, &str)> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find("{{")?;
        let inner = start + 2;
        let length = text[inner..].find("}}")?;
        let name = text[inner..inner + length].trim();
        if is_name(name) {
            return Some((start, inner + length + 2, name));
        }
        at = start + 1;
    }
}

/// Letters, digits, `.`, `-`, `_`; at most 256.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 256
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<&'static str> {
        match name {
            "a" => Some("long value"),
            "n" => Some("{{a}}"),
            _ => None,
        }
    }

    #[test]
    fn expand_known_names_are_replaced_once() {
        assert_eq!(expand("x{{a}}y{{ n }}z", &lookup).text, "xlong valuey{{a}}z");
    }

    #[test]
    fn expand_unknown_names_and_braces_stay() {
        for text in ["{{body.x}}", "{{ not a name }}", "$\"{{{1}}}\"", "{{", "{{}}", "}}{{"] {
            assert_eq!(expand(text, &lookup).text, text);
        }
        assert_eq!(expand("{{{a}}}", &lookup).text, "{long value}");
    }

    #[test]
    fn submitted_offset_behind_a_value_points_into_the_submitted_text() {
        let text = "x{{a}}y";
        let expanded = expand(text, &lookup);
        assert_eq!(expanded.submitted_offset(0), 0);
        assert_eq!(expanded.submitted_offset(4), 1, "inside the value: the reference");
        assert_eq!(&text[expanded.submitted_offset(11)..], "y");
    }
}

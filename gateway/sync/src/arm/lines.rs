//! Two texts, and where they differ.

/// Lines shown of each side at most.
const LINES_MAX: usize = 40;

/// The lines of the old text that are gone (`- `) and those of the new one that came (`+ `), between what both begin and end
/// with.
pub fn differing_lines(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[before..], &new[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let side = |mark: char, lines: &[&str]| -> Vec<String> {
        let lines = &lines[..lines.len() - after];
        let mut shown: Vec<String> =
            lines.iter().take(LINES_MAX).map(|line| format!("{mark} {line}")).collect();
        if lines.len() > LINES_MAX {
            shown.push(format!("{mark} … {} more lines", lines.len() - LINES_MAX));
        }
        shown
    };
    [side('-', old), side('+', new)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_lines_leave_out_what_is_common() {
        assert_eq!(differing_lines("a\nb\nc", "a\nx\ny\nc"), ["- b", "+ x", "+ y"]);
        assert_eq!(differing_lines("a\na", "a\na\na"), ["+ a"]);
        assert_eq!(differing_lines("", "a"), ["+ a"]);
        assert!(differing_lines("a", "a").is_empty());
        assert_eq!(differing_lines(&"x\n".repeat(50), "").len(), 41);
    }
}

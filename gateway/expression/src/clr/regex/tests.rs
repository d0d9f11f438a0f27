//! Patterns against what .NET gave.

use proptest::prelude::*;

use super::*;
use crate::clr::vectors::{outcome, rows};

fn shown(regex: &Regex, found: &Match) -> String {
    let groups: Vec<String> = regex
        .group_numbers()
        .into_iter()
        .skip(1)
        .map(|number| {
            let group = found.group(number);
            let value =
                if group.success { format!("{}:{}", group.index, group.value) } else { "-".to_owned() };
            format!("{}={value}", regex.group_name(number))
        })
        .collect();
    format!("{},{}{{{}}}", found.index(), found.length(), groups.join(";"))
}

fn compiled(pattern: &str) -> Result<Regex> {
    Regex::new(pattern, RegexOptions::NONE)
}

fn answer(columns: &[&str]) -> String {
    match columns {
        ["matches", pattern, options, text] => {
            let options = RegexOptions(options.parse().expect("a number"));
            outcome(Regex::new(pattern, options).and_then(|regex| {
                let all = regex.find_all(text)?;
                Ok(all.iter().map(|found| shown(&regex, found)).collect::<Vec<_>>().join(" "))
            }))
        }
        ["replace", pattern, replacement, text] => {
            outcome(compiled(pattern).and_then(|regex| regex.replace(text, replacement, -1)))
        }
        ["replace1", pattern, replacement, text] => {
            outcome(compiled(pattern).and_then(|regex| regex.replace(text, replacement, 1)))
        }
        ["result", pattern, replacement, text] => outcome(compiled(pattern).and_then(|regex| {
            let found = regex.find(text, 0)?.expect("a match");
            Ok(regex.expand(&found, replacement))
        })),
        ["split", pattern, count, text] => outcome(
            compiled(pattern)
                .and_then(|regex| regex.split(text, count.parse().expect("a number"), 0))
                .map(|parts| parts.join("|")),
        ),
        ["escape", text] => escape(text),
        ["unescape", text] => outcome(unescape(text)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn patterns_do_what_they_do_in_dotnet() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("regex.tsv")) {
        let columns: Vec<&str> = row.iter().map(String::as_str).collect();
        let (expected, arguments) = columns.split_last().expect("a column");
        let actual = answer(arguments);
        if actual != **expected {
            wrong.push(format!("{arguments:?}:\n  {actual:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn simple_patterns_are_linear() {
    for (pattern, linear) in
        [("^a+b$", true), ("(a|b)*c", true), ("a(?=b)", false), ("(a)\\1", false), ("a$|b", false)]
    {
        assert_eq!(compiled(pattern).unwrap().is_linear(), linear, "{pattern}");
    }
}

#[test]
fn what_the_engines_cannot_do_is_refused() {
    for pattern in ["(?<-o>a)", "(?<a>x)(?<b-a>y)"] {
        assert_eq!(compiled(pattern).unwrap_err().message, "Balancing groups are not supported.");
    }
    let error = Regex::new("a", RegexOptions::RIGHT_TO_LEFT).unwrap_err();
    assert_eq!(error.message, "RegexOptions.RightToLeft is not supported.");
    assert!(Regex::new("a", RegexOptions(0x8000)).is_err());
}

#[test]
fn endless_backtracking_ends_as_a_timeout() {
    let regex = compiled("(?=(a+)+$)b|^(a|aa)+\\1$").unwrap();
    let text = "a".repeat(5_000) + "c";
    assert_eq!(regex.is_match(&text).unwrap_err().kind, ExceptionKind::RegexMatchTimeout);
    // The linear engine does not mind.
    assert_eq!(compiled("^(a+)+$").unwrap().is_match(&text), Ok(false));
}

#[test]
fn hostile_patterns_are_answered() {
    for pattern in
        ["(".repeat(100_000), "[".repeat(10_000), "(a{1000}){1000}".to_owned(), "a|".repeat(20_000)]
    {
        let _ = compiled(&pattern);
    }
    assert!(compiled(&"(?:".repeat(300)).is_err());
}

#[test]
fn matches_tell_where_they_stand() {
    let regex = compiled("(?<word>\\w+)").unwrap();
    let found = regex.find("😀 ab cd", 0).unwrap().unwrap();
    assert_eq!((found.index(), found.length(), found.value()), (3, 2, "ab"));
    let next = regex.find_behind(&found).unwrap().unwrap();
    assert_eq!(next.group_named("word").index, 6);
    assert!(!next.group_named("none").success);
    assert!(regex.find("ab", 9).is_err());
    assert_eq!(regex.find("ab cd", 2).unwrap().unwrap().value(), "cd");
    assert_eq!(
        (regex.group_names(), regex.group_number("word")),
        (vec!["0".to_owned(), "word".to_owned()], 1)
    );
}

proptest! {
    #[test]
    fn escaped_text_matches_itself(text in ".{0,20}") {
        let pattern = escape(&text);
        prop_assert_eq!(unescape(&pattern), Ok(text.clone()));
        let regex = compiled(&format!("\\A{pattern}\\z")).unwrap();
        prop_assert_eq!(regex.is_match(&text), Ok(true));
    }

    #[test]
    fn any_pattern_is_answered(pattern in r"[()\[\]{}|*+?^$.\\abkdwpG<>=!:#,0-9'-]{0,16}|.{0,12}", text in "[ab\n 1]{0,8}", options in 0_u32..0x400) {
        if let Ok(regex) = Regex::new(&pattern, RegexOptions(options)) {
            let _ = regex.find_all(&text);
            let _ = regex.replace(&text, "$1${a}$&", 3);
            let _ = regex.split(&text, 2, 0);
        }
    }

    #[test]
    fn what_compiles_never_fails_in_an_engine(pattern in r"(a|b|\(a\)|\[ab\]|a\*|b\+|\(\?:a\|b\)|\\d|\.|\^|\$|\(\?=a\)|\(\?<n>b\)){1,6}") {
        let regex = compiled(&pattern).unwrap();
        prop_assert!(regex.is_match("abab").is_ok());
    }
}

//! Every member that the allow-list lets policies use (expressions.md §3.1) binds: `members/all.txt` has an expression
//! for each overload that .NET Core 3.1 and Newtonsoft.Json 10 have.

use gateway_expression::{Expected, Options, compile};

/// The expressions of a file; a line begins with the type that declares the member.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('\t'))
}

fn refusal(expression: &str) -> Option<String> {
    let text = if expression.starts_with("@{") { expression.to_owned() } else { format!("@({expression})") };
    let reports = compile(&text, Expected::Any, &Options::default()).err()?;
    Some(reports.first().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn every_allowed_member_binds() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (owner, expression) in lines(include_str!("members/all.txt")) {
        seen += 1;
        if let Some(report) = refusal(expression) {
            wrong.push(format!("{owner} | {expression} | {report}"));
        }
    }
    assert!(seen > 1000, "the list of members is cut short: {seen}");
    assert!(wrong.is_empty(), "{} members:\n{}", wrong.len(), wrong.join("\n"));
}

//! A metric that nobody moves is a lie on every dashboard.

use super::{Finding, rust, tree::Tree};

/// The one place that declares metrics, a line each: `ID: Kind "name" … by "method";`.
const TABLE: &str = "gateway/telemetry/src/metrics/table.rs";

/// Each declared metric is collected, and the method that moves it is called by something that is no test.
pub fn declared_is_written(tree: &Tree) -> Vec<Finding> {
    let Some(table) = tree.file(TABLE) else { return vec![finding(1, "the table of metrics is not here")] };
    let declared: Vec<Metric<'_>> =
        table.text.lines().enumerate().filter_map(|(index, line)| Metric::parse(index + 1, line)).collect();
    if declared.is_empty() {
        return vec![finding(1, "no metric is declared in the form that this rule reads")];
    }
    let ours = |path: &str| path.starts_with("gateway/") && path != TABLE;
    let code: Vec<&str> =
        tree.rust().filter(|(file, _)| ours(&file.path)).map(|(_, code)| without_tests(code)).collect();
    let mut findings = Vec::new();
    for metric in declared {
        if !code.iter().any(|code| rust::words(code, metric.id).next().is_some()) {
            findings.push(finding(metric.line, &format!("{} is never collected", metric.id)));
        }
        if !code.iter().any(|code| calls(code, metric.moved_by)) {
            findings.push(finding(
                metric.line,
                &format!("{} is never moved: nothing calls `{}`", metric.id, metric.moved_by),
            ));
        }
    }
    findings
}

struct Metric<'a> {
    line: usize,
    id: &'a str,
    moved_by: &'a str,
}

impl<'a> Metric<'a> {
    fn parse(line: usize, text: &'a str) -> Option<Self> {
        let (id, rest) = text.trim().split_once(": ")?;
        let is_id = id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let (_, moved_by) = rest.strip_suffix("\";")?.rsplit_once(" by \"")?;
        is_id.then_some(Self { line, id, moved_by })
    }
}

/// True when `code` calls `method`; its definition is no call.
fn calls(code: &str, method: &str) -> bool {
    rust::words(code, method)
        .any(|at| code[at + method.len()..].starts_with('(') && !code[..at].ends_with("fn "))
}

/// The part before the module of unit tests, which stands last in a file.
fn without_tests(code: &str) -> &str {
    let mut tests = code.match_indices("#[cfg(test)]").map(|(at, marker)| (at, &code[at + marker.len()..]));
    tests.find(|(_, rest)| rest.trim_start().starts_with("mod ")).map_or(code, |(at, _)| &code[..at])
}

fn finding(line: usize, text: &str) -> Finding {
    Finding { file: TABLE.to_owned(), line, rule: "metric", text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "metrics! {\n    UP: Gauge \"up\" \"\" [] \"Up.\" by \"new\";\n    HITS: Counter \"hits\" \"\" [\"a\"] \"Hits.\" by \"hit\";\n}\n";

    fn texts(other: &str) -> Vec<String> {
        let findings = declared_is_written(&Tree::of(&[(TABLE, TWO), ("gateway/proxy/src/a.rs", other)]));
        findings.into_iter().map(|finding| format!("{}: {}", finding.line, finding.text)).collect()
    }

    #[test]
    fn metric_nobody_moves_or_collects_is_found() {
        let collected = "fn c() { visit(table::UP); visit(table::HITS); R::new(); }\n";
        assert_eq!(texts(&format!("{collected}fn x() {{ r.hit(1) }}")), [""; 0]);
        let never_moved = "3: HITS is never moved: nothing calls `hit`";
        assert_eq!(texts(&format!("{collected}fn hit(n: u8) {{}} // hit(1)")), [never_moved]);
        assert_eq!(
            texts(&format!("{collected}#[cfg(test)]\nmod tests {{ fn x() {{ hit(1) }} }}")),
            [never_moved]
        );
        assert_eq!(texts("fn x() { UP; new(); hit(1) }"), ["3: HITS is never collected"]);
    }

    #[test]
    fn table_in_another_form_is_found() {
        assert_eq!(declared_is_written(&Tree::of(&[(TABLE, "pub const UP: u8 = 1;\n")])).len(), 1);
        assert_eq!(declared_is_written(&Tree::of(&[])).len(), 1);
    }
}

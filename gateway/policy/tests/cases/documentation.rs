//! `docs/policies.md` is made from the catalogue: `UPDATE_CASES=1` writes it, otherwise it is compared.

use std::fmt::Write;
use std::path::Path;

use gateway_policy::catalogue::{AttributeDef, CATALOGUE, ChildDef, Content, Kind, MANY, PolicyDef, REFUSED};
use gateway_policy::fault::Section;

const HEAD: &str = "\
# Policies

The policies that this gateway runs, made from its catalogue: do not edit by hand, run the tests with
`UPDATE_CASES=1`. The language is that of Azure API Management. `E` marks what may be a policy expression, `@(…)` or
`@{…}`. Every element may carry an `id`, which `context.LastError.PolicyId` shows.

Besides these, `<base />` puts the parent scope's statements in its place, and
`<include-fragment fragment-id=\"…\" />` those of a policy fragment.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for def in CATALOGUE {
        policy(def, &mut page);
    }
    page += "\n## Not supported\n\nA document with one of these is refused, never served with the policy left out.\n\n";
    page += "| element | needs |\n| --- | --- |\n";
    for (element, missing) in REFUSED {
        let _ = writeln!(page, "| `{element}` | {missing} |");
    }
    page
}

fn policy(def: &PolicyDef, page: &mut String) {
    let sections: Vec<_> = def.sections.iter().map(|section| section.as_str()).collect();
    let sections =
        if sections.len() == Section::ALL.len() { "all sections".to_owned() } else { sections.join(", ") };
    let once = if def.once { " · once a section" } else { "" };
    let _ = writeln!(page, "\n## {}\n\n{sections}{once}\n\n{}", def.element, def.docs);
    let mut rows = Vec::new();
    attributes(def.attributes, "", &mut rows);
    content(&def.content, "", &mut rows);
    if !rows.is_empty() {
        let _ = writeln!(
            page,
            "\n| part | value | required | E |\n| --- | --- | --- | --- |\n{}",
            rows.join("\n")
        );
    }
}

fn attributes(defs: &[AttributeDef], path: &str, rows: &mut Vec<String>) {
    for def in defs {
        let required = if def.required { "yes" } else { "" };
        rows.push(row(&format!("{path}@{}", def.name), &kind(def.kind), required, def.expression));
    }
}

fn row(part: &str, value: &str, required: &str, expression: bool) -> String {
    format!("| `{part}` | {value} | {required} | {} |", if expression { "E" } else { "" })
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Bool => "true, false".to_owned(),
        Kind::Int(least, most) if most == i64::from(i32::MAX) => format!("whole number from {least}"),
        Kind::Int(least, most) => format!("whole number, {least}–{most}"),
        Kind::Double => "number".to_owned(),
        Kind::OneOf(values) => values.join(", "),
    }
}

fn content(content: &Content, path: &str, rows: &mut Vec<String>) {
    match content {
        Content::Empty | Content::Any => {}
        Content::Text { expression } => rows.push(row(&format!("{path}text"), "text", "", *expression)),
        Content::Template => rows.push(row(&format!("{path}text"), "text", "", true)),
        Content::Policies => rows.push(row(&format!("{path}…"), "policy statements", "", false)),
        Content::SomePolicies(names) => rows.push(row(&format!("{path}…"), &names.join(", "), "", false)),
        Content::Elements(list) | Content::Sequence(list) => {
            list.iter().for_each(|def| child(def, path, rows));
        }
        Content::TextOrElements(list) => {
            rows.push(row(&format!("{path}text"), "text", "", true));
            list.iter().for_each(|def| child(def, path, rows));
        }
    }
}

fn child(def: &ChildDef, path: &str, rows: &mut Vec<String>) {
    let path = format!("{path}{}/", def.element);
    let number = match (def.least, def.most) {
        (least, MANY) => format!("{least} or more"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least}–{most}"),
    };
    let value = format!("element, {number}");
    rows.push(row(path.trim_end_matches('/'), &value, if def.least > 0 { "yes" } else { "" }, false));
    // Policies inside others are described once, where they stand alone.
    if CATALOGUE.iter().all(|policy| policy.element != def.element) {
        attributes(def.attributes, &path, rows);
        content(&def.content, &path, rows);
    }
}

#[test]
fn policies_page_is_that_of_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies.md");
    let page = page();
    if crate::is_update() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/policies.md is not up to date: run the tests with UPDATE_CASES=1");
}

//! Nothing in the catalogue goes without a case: elements, attributes, children, the values of enumerations, and
//! for each policy a document that is refused.

use std::collections::BTreeSet;

use gateway_policy::catalogue::{AttributeDef, CATALOGUE, ChildDef, Content, Kind, REFUSED};
use gateway_policy::xml::{self, Element, Limits};

use crate::case::{self, Case};

/// What the cases show, as `retry/@count`, `retry/@kind=value`, `cors/allowed-methods/method`, `retry!`.
fn shown() -> BTreeSet<String> {
    let mut shown = BTreeSet::new();
    for path in crate::files() {
        let case = case::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let folder = path.parent().and_then(|folder| folder.file_name()).unwrap().to_string_lossy();
        if case.expect.contains("error[") {
            shown.insert(format!("{folder}!"));
        }
        for text in texts(&case) {
            let expanded = xml::expand(text, &|name| case.named_values.get(name).map(String::as_str));
            if let Ok(root) = xml::read(&expanded, text, Limits::default()) {
                root.elements().for_each(|element| note(element, "", &mut shown));
            }
        }
        for (_, text) in &case.resolvers {
            if let Ok(root) = xml::read(&xml::expand(text, &|_| None), text, Limits::default()) {
                note(&root, "", &mut shown);
            }
        }
    }
    shown
}

fn texts(case: &Case) -> impl Iterator<Item = &String> {
    case.documents.iter().map(|(_, text)| text).chain(case.fragments.values())
}

/// Notes an element as itself and as a child of the one around it.
fn note(element: &Element, around: &str, shown: &mut BTreeSet<String>) {
    let nested = format!("{around}/{}", element.name);
    for path in [nested.trim_start_matches('/'), &element.name] {
        shown.insert(path.to_owned());
        for attribute in &element.attributes {
            shown.insert(format!("{path}/@{}", attribute.name));
            shown.insert(format!("{path}/@{}={}", attribute.name, attribute.value));
        }
    }
    let is_policy = CATALOGUE.iter().any(|def| *def.element == *element.name);
    for child in element.elements() {
        note(child, if is_policy { &element.name } else { &nested }, shown);
    }
}

/// What must be shown of an element.
fn wanted(path: &str, attributes: &[AttributeDef], content: &Content, wanted_paths: &mut Vec<String>) {
    wanted_paths.push(path.to_owned());
    for attribute in attributes {
        wanted_paths.push(format!("{path}/@{}", attribute.name));
        if let Kind::OneOf(values) = attribute.kind {
            wanted_paths.extend(values.iter().map(|value| format!("{path}/@{}={value}", attribute.name)));
        }
    }
    for ChildDef { element, attributes, content, .. } in children(content) {
        // A policy inside another is shown where it stands alone.
        if CATALOGUE.iter().all(|def| def.element != *element) {
            wanted(&format!("{path}/{element}"), attributes, content, wanted_paths);
        } else {
            wanted_paths.push(format!("{path}/{element}"));
        }
    }
}

fn children(content: &Content) -> &[ChildDef] {
    match content {
        Content::Elements(children) | Content::Sequence(children) | Content::TextOrElements(children) => {
            children
        }
        Content::Empty
        | Content::Text { .. }
        | Content::Template
        | Content::Policies
        | Content::SomePolicies(_)
        | Content::Any => &[],
    }
}

#[test]
fn catalogue_every_part_has_a_case() {
    let mut wanted_paths: Vec<String> =
        ["include-fragment", "include-fragment/@fragment-id", "base"].map(String::from).into();
    for def in CATALOGUE {
        wanted(def.element, def.attributes, &def.content, &mut wanted_paths);
        wanted_paths.push(format!("{}!", def.element));
    }
    wanted_paths.extend(REFUSED.iter().map(|(element, _)| (*element).to_owned()));
    let shown = shown();
    let owed: Vec<&str> =
        include_str!("uncovered.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let missing: Vec<_> =
        wanted_paths.iter().filter(|path| !shown.contains(*path) && !owed.contains(&path.as_str())).collect();
    assert!(missing.is_empty(), "no case shows {missing:#?}");
    let stale: Vec<_> = owed.iter().filter(|path| shown.contains(**path)).collect();
    assert!(stale.is_empty(), "uncovered.txt still names {stale:#?}");
}

#[test]
fn catalogue_is_sorted_and_without_repeats() {
    let names: Vec<_> = CATALOGUE.iter().map(|def| def.element).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
}

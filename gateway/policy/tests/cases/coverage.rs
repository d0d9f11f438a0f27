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

/// The policies of the service, as the reference's table of priorities has them (`policies.md` §13); `base` and
/// `include-fragment` are part of the language.
const OF_THE_SERVICE: &[&str] = &[
    "authentication-basic",
    "authentication-certificate",
    "authentication-managed-identity",
    "azure-openai-emit-token-metric",
    "azure-openai-semantic-cache-lookup",
    "azure-openai-semantic-cache-store",
    "azure-openai-token-limit",
    "cache-lookup",
    "cache-lookup-value",
    "cache-remove-value",
    "cache-store",
    "cache-store-value",
    "cache-value",
    "check-header",
    "choose",
    "cors",
    "cosmosdb-data-source",
    "cross-domain",
    "emit-metric",
    "find-and-replace",
    "forward-request",
    "get-authorization-context",
    "http-data-source",
    "invoke-dapr-binding",
    "ip-filter",
    "json-to-xml",
    "jsonp",
    "limit-concurrency",
    "llm-content-safety",
    "llm-emit-token-metric",
    "llm-semantic-cache-lookup",
    "llm-semantic-cache-store",
    "llm-token-limit",
    "log-to-eventhub",
    "mock-response",
    "proxy",
    "publish-event",
    "publish-to-dapr",
    "quota",
    "quota-by-key",
    "rate-limit",
    "rate-limit-by-key",
    "redirect-content-urls",
    "retry",
    "return-response",
    "rewrite-uri",
    "send-one-way-request",
    "send-request",
    "send-service-bus-message",
    "set-backend-service",
    "set-body",
    "set-header",
    "set-method",
    "set-query-parameter",
    "set-status",
    "set-variable",
    "sql-data-source",
    "trace",
    "validate-azure-ad-token",
    "validate-client-certificate",
    "validate-content",
    "validate-graphql-request",
    "validate-headers",
    "validate-jwt",
    "validate-odata-request",
    "validate-parameters",
    "validate-status-code",
    "wait",
    "xml-to-json",
    "xsl-transform",
];

#[test]
fn every_policy_of_the_service_works_or_is_refused_with_its_reason() {
    let page = include_str!("../../../../docs/policies.md");
    let (working, refused) = page.split_once("\n## Not supported\n").unwrap();
    let status = |name: &str| {
        let works = working.contains(&format!("\n## {name}\n"));
        let row = format!("\n| `{name}` | ");
        let refused = refused.split_once(&row).is_some_and(|(_, rest)| !rest.trim_start().starts_with('|'));
        (works, refused)
    };
    for name in OF_THE_SERVICE {
        let (works, refused) = status(name);
        assert!(works != refused, "{name}: works {works}, refused with a reason {refused}");
    }
    // The other way round: nothing here that the service does not have.
    let ours = CATALOGUE.iter().map(|def| def.element).chain(REFUSED.iter().map(|(name, _)| *name));
    let foreign: Vec<_> = ours.filter(|name| !OF_THE_SERVICE.contains(name)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn catalogue_is_sorted_and_without_repeats() {
    let names: Vec<_> = CATALOGUE.iter().map(|def| def.element).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
}

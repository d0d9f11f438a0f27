//! Folders in `folders/` and what is loaded from them. `UPDATE_EXPECTED=1` writes the expected files anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use gateway_model::{Resource, ResourceSet, Secret};
use gateway_sync::folder::{Environment, FolderSettings, LoadOutcome, load};
use serde::Serialize;

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/folders").join(case)
}

fn settings(case: &str) -> FolderSettings {
    let env = Environment::of([
        ("STOCK_URL", "http://stock"),
        ("GREETING", "good day"),
        ("IN_POLICY", "<base />"),
        ("NAMED_VALUE_API_KEY", "from the environment"),
        ("SUBSCRIPTION_FROM_ENV_PRIMARY_KEY", "k-env"),
    ]);
    FolderSettings { dir: folder(case), env, ..FolderSettings::default() }
}

/// Resources with their places and documents, then the findings.
fn show(outcome: &LoadOutcome) -> String {
    let set = &outcome.set;
    let mut out = if outcome.readable { String::new() } else { "unreadable\n".to_owned() };
    list(&mut out, set, |_: &gateway_model::Api| String::new());
    list(&mut out, set, |_: &gateway_model::Operation| String::new());
    list(&mut out, set, |_: &gateway_model::ApiSchema| String::new());
    list(&mut out, set, |_: &gateway_model::ApiVersionSet| String::new());
    list(&mut out, set, |_: &gateway_model::Product| String::new());
    list(&mut out, set, |subscription: &gateway_model::Subscription| {
        let keys = [&subscription.primary_key, &subscription.secondary_key];
        format!(" keys {:?}", keys.map(|key| key.as_ref().map(Secret::expose)))
    });
    list(&mut out, set, |_: &gateway_model::Group| String::new());
    list(&mut out, set, |value: &gateway_model::NamedValue| {
        format!(" value {:?}", value.value.as_ref().map(Secret::expose))
    });
    list(&mut out, set, |_: &gateway_model::PolicyFragment| String::new());
    list(&mut out, set, |backend: &gateway_model::Backend| {
        let headers = backend.credentials.iter().flat_map(|credentials| &credentials.header);
        let headers: Vec<String> = headers
            .map(|(name, values)| {
                format!("{name}: {:?}", values.iter().map(Secret::expose).collect::<Vec<_>>())
            })
            .collect();
        if headers.is_empty() { String::new() } else { format!(" headers {headers:?}") }
    });
    list(&mut out, set, |_: &gateway_model::Gateway| String::new());
    list(&mut out, set, |_: &gateway_model::Logger| String::new());
    list(&mut out, set, |_: &gateway_model::LogDiagnostic| String::new());
    list(&mut out, set, |_: &gateway_model::Schema| String::new());
    list(&mut out, set, |_: &gateway_model::Tag| String::new());
    for document in set.policies.values() {
        writeln!(
            out,
            "policy {} ({}) at {}\n  {}",
            document.scope,
            document.format,
            document.origin,
            document.text.trim()
        )
        .unwrap_or_default();
    }
    let links = set.product_apis.values().map(|link| (link.id(), link.origin()));
    let links = links.chain(set.product_groups.values().map(|link| (link.id(), link.origin())));
    let links = links.chain(set.group_users.values().map(|link| (link.id(), link.origin())));
    let links = links.chain(set.gateway_apis.values().map(|link| (link.id(), link.origin())));
    for (id, origin) in links {
        writeln!(out, "link {id} at {origin}").unwrap_or_default();
    }
    for link in set.tag_links.values() {
        writeln!(out, "tag {} on {} at {}", link.tag, link.target, link.origin).unwrap_or_default();
    }
    for finding in &outcome.diagnostics {
        let api = finding.api.as_ref().map(|api| format!(" (API {api})")).unwrap_or_default();
        writeln!(out, "{finding}{api}").unwrap_or_default();
    }
    out
}

fn list<R: Resource + Serialize>(out: &mut String, set: &ResourceSet, more: impl Fn(&R) -> String) {
    for resource in R::table(set).values() {
        let id = resource.id();
        let text = serde_json::to_string(resource).unwrap_or_default();
        writeln!(out, "{} {id} at {}{}\n  {text}", id.kind(), resource.origin(), more(resource))
            .unwrap_or_default();
    }
}

fn check(case: &str, expected: &str, settings: &FolderSettings) {
    let shown = show(&load(settings));
    let expected = folder(&format!("{expected}.expected"));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&expected, &shown).unwrap_or_else(|error| panic!("{case}: {error}"));
    }
    assert_eq!(shown, fs::read_to_string(&expected).unwrap_or_default(), "{case}");
    assert!(!load(settings).diagnostics.iter().any(|finding| finding.message.contains("secret-key")));
}

#[test]
fn folder_of_apiops_v7_is_loaded() {
    check("v7", "v7", &settings("v7"));
}

#[test]
fn folder_of_apiops_v6_and_cli_is_loaded() {
    check("v6", "v6", &settings("v6"));
}

#[test]
fn folder_with_every_mistake_still_gives_the_rest() {
    check("broken", "broken", &settings("broken"));
}

#[test]
fn folder_with_overrides_is_merged() {
    let overrides = Some(folder("overrides/configuration.prod.yaml"));
    check("overrides", "overrides", &FolderSettings { overrides, ..settings("overrides") });
}

#[test]
fn folder_of_one_gateway_has_its_apis_only() {
    let gateway = Some("Edge1".to_owned());
    check("overrides", "gateway", &FolderSettings { gateway, ..settings("overrides") });
}

#[test]
fn folder_that_is_not_there_is_unreadable() {
    let outcome = load(&settings("nowhere"));
    assert!(!outcome.readable);
    assert_eq!(
        outcome.diagnostics.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["folder-unreadable"]
    );
}

#[test]
fn secrets_come_from_a_folder_of_files() {
    let secrets = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for (name, text) in
        [("NAMED_VALUE_OTHER_KEY", "from a file\n"), ("SUBSCRIPTION_NONE_SECONDARY_KEY", "k-file\r\n")]
    {
        fs::write(secrets.path().join(name), text).unwrap_or_else(|error| panic!("{error}"));
    }
    let with_secrets = FolderSettings { secrets_dir: Some(secrets.path().to_path_buf()), ..settings("v7") };
    let outcome = load(&with_secrets);
    let value = outcome.set.named_value("other-key").and_then(|value| value.value.clone());
    assert_eq!(value.as_ref().map(Secret::expose), Some("from a file"));
    let key = outcome.set.subscriptions.get(&"none".into()).and_then(|none| none.secondary_key.clone());
    assert_eq!(key.as_ref().map(Secret::expose), Some("k-file"));
    assert_ne!(outcome.content_hash, load(&settings("v7")).content_hash);
}

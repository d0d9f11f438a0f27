//! Any bytes in any file: findings, never a panic, and errors stay where they belong.

use std::fs;
use std::path::Path;

use gateway_sync::folder::{Environment, FolderSettings, load};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::Config;

const FILES: [&str; 14] = [
    "policy.xml",
    "named values/n/namedValueInformation.json",
    "policy fragments/f/policy.xml",
    "backends/b/backendInformation.json",
    "products/p/productInformation.json",
    "products/p/apis.json",
    "subscriptions/s/subscriptionInformation.json",
    "gateways/g/apis.json",
    "apis/a/apiInformation.json",
    "apis/a/specification.yaml",
    "apis/a/specification.json",
    "apis/a/operations/o/operationInformation.json",
    "apis/a;rev=2/apiInformation.json",
    "configuration.yaml",
];

fn content() -> impl Strategy<Value = Vec<u8>> {
    let words = prop_oneof![
        Just("{\"properties\":"),
        Just("{"),
        Just("}"),
        Just("\"path\":\"x\""),
        Just("\"scope\":\"/apis\""),
        Just("\"type\":\"Pool\""),
        Just("openapi: 3.0.0\npaths:\n  /{a}:\n    get: "),
        Just("{#[X]#}"),
        Just("$ref: '#/paths'"),
        Just("<include-fragment"),
        Just(","),
        Just("[{\"name\":\"a\"}]"),
        Just("null"),
        Just("&a *a"),
    ];
    prop_oneof![vec(any::<u8>(), 0..60), vec(words, 0..12).prop_map(|words| words.concat().into_bytes()),]
}

fn write(dir: &Path, file: &str, bytes: &[u8]) {
    let path = dir.join(file);
    let parent = path.parent().unwrap_or(dir);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, bytes))
        .unwrap_or_else(|error| panic!("{error}"));
}

proptest::proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn load_of_any_bytes_never_panics_and_keeps_a_good_api(files in vec((0..FILES.len(), content()), 0..10)) {
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        for (file, bytes) in &files {
            write(dir.path(), FILES[*file], bytes);
        }
        write(dir.path(), "apis/good/apiInformation.json", br#"{"properties":{"path":"good-one"}}"#);
        let settings = FolderSettings {
            dir: dir.path().to_path_buf(),
            env: Environment::of([("X", "\"}")]),
            ..FolderSettings::default()
        };
        let outcome = load(&settings);
        proptest::prop_assert!(outcome.readable);
        proptest::prop_assert!(outcome.set.apis.contains_key(&"good".into()));
        let about_good =
            outcome.diagnostics.iter().any(|finding| finding.is_error() && finding.api == Some("good".into()));
        proptest::prop_assert!(!about_good, "{:?}", outcome.diagnostics);
        let overridden = FolderSettings { overrides: Some(dir.path().join("configuration.yaml")), ..settings };
        load(&overridden);
    }
}

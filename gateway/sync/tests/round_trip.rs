//! Folder → set → folder → set: nothing that the model knows is lost, and the bytes stay the same.

use std::path::{Path, PathBuf};

use gateway_model::{Api, ApiId, ResourceSet};
use gateway_sync::folder::{Environment, FolderSettings, WriteError, WriteSettings, files, load, write};

const WITH_SECRETS: WriteSettings = WriteSettings { secrets: true };

fn load_dir(dir: PathBuf) -> ResourceSet {
    let env = Environment::of([("ECHO_URL", "http://echo"), ("STOCK_URL", "http://stock")]);
    let outcome = load(&FolderSettings { dir, env, ..FolderSettings::default() });
    let errors: Vec<_> = outcome.diagnostics.iter().filter(|finding| finding.is_error()).collect();
    assert!(outcome.readable && errors.len() <= 1, "{errors:?}");
    outcome.set
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(set: &ResourceSet) -> gateway_sync::folder::Files {
    files(set, WITH_SECRETS).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn folder_written_and_loaded_again_is_written_with_the_same_bytes() {
    for name in ["../../samples", "tests/folders/v7", "tests/folders/v6"] {
        let first = load_dir(source(name));
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        write(&first, dir.path(), WITH_SECRETS).unwrap_or_else(|error| panic!("{error}"));
        let second = load_dir(dir.path().to_path_buf());
        assert_eq!(text(&first), text(&second), "{name}");
        let count = |set: &ResourceSet| {
            let links = set.product_apis.len()
                + set.product_groups.len()
                + set.group_users.len()
                + set.gateway_apis.len()
                + set.tag_links.len();
            [
                set.apis.len(),
                set.operations.len(),
                set.api_schemas.len(),
                set.policies.len(),
                set.subscriptions.len(),
                links,
            ]
        };
        assert_eq!(count(&first), count(&second), "{name}");
        assert!(count(&first).iter().sum::<usize>() > 8, "{name}");
    }
}

#[test]
fn secrets_are_written_only_when_told() {
    let set = load_dir(source("tests/folders/v7"));
    let without = files(&set, WriteSettings::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(without.values().all(|text| !text.contains("k-1")));
    assert!(text(&set).values().any(|text| text.contains("k-1")));
    let logger = without.get("loggers/ai/loggerInformation.json").map(String::as_str);
    assert_eq!(
        logger,
        Some(
            "{\n  \"properties\": {\n    \"credentials\": {\n      \"connectionString\": \"{{ai}}\"\n    },\n    \"loggerType\": \"applicationInsights\"\n  }\n}\n"
        )
    );
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let mut set = ResourceSet::default();
    let id = ApiId::from("../outside");
    set.apis.insert(id.clone(), Api { id, ..Api::default() });
    assert!(matches!(files(&set, WITH_SECRETS), Err(WriteError::Name { .. })));
}

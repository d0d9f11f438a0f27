//! A folder as documents, and back.

use std::path::Path;

use gateway_model::ResourceSet;
use gateway_sync::documents::documents;
use gateway_sync::folder::{Environment, FolderSettings, WriteSettings, files, load};

#[test]
fn documents_of_the_samples_give_the_same_resources_again() {
    let settings = FolderSettings {
        dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples"),
        env: Environment::process().with_default("ECHO_URL", "http://127.0.0.1:1"),
        ..FolderSettings::default()
    };
    let mut set = load(&settings).set;
    // The name of an API says it.
    set.apis.values_mut().for_each(|api| api.is_current_written = None);
    let mut again = ResourceSet::default();
    let all = documents(&set);
    assert!(all.len() > 20, "{}", all.len());
    for (path, properties) in &all {
        again.insert_document(path, properties).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let written = |set: &ResourceSet| files(set, WriteSettings { secrets: true }).expect("files");
    assert_eq!(written(&again), written(&set));
}

#[test]
fn parents_come_before_what_is_below_them() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let all = documents(&load(&FolderSettings { dir, ..FolderSettings::default() }).set);
    let place = |wanted: &str| all.iter().position(|(path, _)| path == wanted);
    for (at, (path, _)) in all.iter().enumerate() {
        let segments: Vec<&str> = path.split('/').collect();
        if let [kind, name, _, ..] = segments.as_slice() {
            let parent = place(&format!("{kind}/{name}"));
            assert!(parent.is_some_and(|parent| parent < at), "{path}");
        }
    }
}

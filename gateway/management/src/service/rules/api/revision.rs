//! Revisions: `x` is the current one, `x;rev=2` another (management-api.md §1.16).

use std::sync::Arc;

use crate::arm_error::ArmError;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record};

/// What all revisions of an API have in common.
const SHARED: &[&str] = &[
    "displayName",
    "description",
    "type",
    "path",
    "protocols",
    "apiVersion",
    "apiVersionSetId",
    "subscriptionRequired",
    "subscriptionKeyParameterNames",
];

/// The path of the API and its revision, where the name says one: `apis/x;rev=2` → (`apis/x`, `2`).
pub fn split(path: &str) -> (&str, Option<&str>) {
    match path.to_ascii_lowercase().rfind(";rev=") {
        Some(at) => (path.get(..at).unwrap_or(path), path.get(at + ";rev=".len()..)),
        None => (path, None),
    }
}

/// The path that a path means: `apis/x;rev=1` is `apis/x` while 1 is the current revision. A first revision, written
/// where no API is, becomes the current one.
pub fn addressed(get: &dyn Fn(&str) -> Option<Arc<Record>>, path: &str, is_put: bool) -> String {
    let mut segments = path.splitn(3, '/');
    let (collection, name) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let (root, revision) = split(name);
    let (true, Some(revision)) = (collection.eq_ignore_ascii_case("apis"), revision) else {
        return path.to_owned();
    };
    let is_current = match get(&format!("apis/{root}")) {
        Some(current) => current.text("apiRevision").unwrap_or("1") == revision,
        None => is_put && revision == "1",
    };
    if !is_current {
        return path.to_owned();
    }
    match segments.next() {
        Some(rest) => format!("{collection}/{root}/{rest}"),
        None => format!("{collection}/{root}"),
    }
}

/// The other revisions of an API.
pub fn revisions(tx: &Transaction<'_>, root: &str) -> Vec<Arc<Record>> {
    let (collection, name) = root.split_once('/').unwrap_or(("apis", root));
    tx.starting(collection, &format!("{name};rev="))
}

/// Gives a revision what it shares with the current one.
pub fn share(current: &Properties, properties: &mut Properties) {
    for member in SHARED {
        match current.get(*member) {
            Some(value) => properties.insert((*member).to_owned(), value.clone()),
            None => properties.shift_remove(*member),
        };
    }
}

/// Gives all other revisions what they share with the current one.
pub fn spread(tx: &mut Transaction<'_>, root: &str, current: &Properties) {
    for other in revisions(tx, root) {
        let mut properties = other.properties.clone();
        share(current, &mut properties);
        tx.put(&other.path, properties);
    }
}

/// Makes a revision (`orders;rev=2`) the current one of its API.
pub fn make_current(tx: &mut Transaction<'_>, api: &str, revision: &str) -> Result<(), ArmError> {
    let root = format!("apis/{api}");
    let wanted = format!("apis/{revision}");
    let Some(current) = tx.get(&root) else { return Err(ArmError::not_found("Api")) };
    let number = current.text("apiRevision").unwrap_or("1").to_owned();
    if split(&wanted).1.is_none_or(|revision| revision == number) {
        return Ok(());
    }
    if tx.get(&wanted).is_none() {
        return Err(ArmError::field("apiId", format!("The revision '/{wanted}' does not exist.")));
    }
    let releases: Vec<_> = tx.list(&format!("{root}/releases"));
    let before = format!("{root};rev={number}");
    tx.rename(&root, &before);
    tx.rename(&wanted, &root);
    // Releases belong to the API, not to a revision.
    tx.delete_below(&format!("{before}/releases"));
    for release in releases {
        tx.put(&release.path, release.properties.clone());
    }
    Ok(())
}

//! What every store does, on SQLite and on PostgreSQL alike.

mod reports;
mod server;

use std::path::Path;
use std::time::Duration;

use gateway_store::figures::Note;
use gateway_store::{Change, Commit, CommitError, Instance, Store, StoreError, Write};
use reports::{
    counters_are_summed_and_set, old_and_excess_goes, report_is_taken_once,
    reports_of_two_nodes_at_once_lose_nothing, store_of_the_first_layout_is_taken_over,
    takeover_that_fails_changes_nothing,
};
use server::Server;

const SERVICE: &str = "s/g/apim";

fn commit(expected: u64, writes: &[(&str, Option<&str>)]) -> Commit {
    Commit {
        service: SERVICE.to_owned(),
        expected,
        writes: writes
            .iter()
            .map(|(path, body)| Write {
                path: (*path).to_owned(),
                body: body.map(|body| body.as_bytes().to_vec()),
            })
            .collect(),
        principal: "test".to_owned(),
        operation: "Test".to_owned(),
        at: 1,
    }
}

fn change(revision: u64, path: &str, body: Option<&str>) -> Change {
    Change { revision, path: path.to_owned(), body: body.map(|body| body.as_bytes().to_vec()) }
}

async fn commits_are_counted_and_found_again(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    store.create_service(SERVICE).await.expect("the same service");
    let first = commit(0, &[("apis/Orders", Some("a")), ("apis/x", Some("b"))]);
    assert_eq!(store.commit(first).await.expect("a commit"), 1);
    let second = commit(1, &[("APIS/orders", Some("c")), ("apis/x", None)]);
    assert_eq!(store.commit(second).await.expect("a commit"), 2);
    let stale = store.commit(commit(1, &[("apis/y", Some("d"))])).await;
    assert!(matches!(stale, Err(CommitError::Stale { at: 2 })), "{stale:?}");
    let nobody = Commit { service: "other".to_owned(), ..commit(0, &[]) };
    assert!(matches!(store.commit(nobody).await, Err(CommitError::NoService)));
    let again = Store::open(address).await.expect("the same store");
    let contents = again.load().await.expect("contents");
    assert!(contents.epoch > 1_700_000_000_000);
    let service = &contents.services[0];
    assert_eq!((service.service.as_str(), service.revision), (SERVICE, 2));
    let documents: Vec<_> =
        service.documents.iter().map(|d| (d.path.as_str(), d.version, d.body.as_slice())).collect();
    assert_eq!(documents, [("apis/Orders", 2, &b"c"[..])]);
}

async fn changes_are_told_oldest_first(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    for (revision, writes) in
        [(0, &[("a", Some("1"))][..]), (1, &[("b", Some("2")), ("a", None)]), (2, &[("b", Some("3"))])]
    {
        store.commit(commit(revision, writes)).await.expect("a commit");
    }
    let changes = store.changes(SERVICE, 1).await.expect("changes");
    let told = [change(2, "b", Some("3")), change(2, "a", None), change(3, "b", Some("3"))];
    assert_eq!(changes.as_deref(), Some(&told[..]), "bodies are those of now");
    assert_eq!(store.changes(SERVICE, 3).await.expect("changes"), Some(Vec::new()));
    assert_eq!(store.changes(SERVICE, 4).await.expect("changes"), None, "from the future: another epoch");
}

async fn many_writers_lose_nothing(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    let other = Store::open(address).await.expect("a second node");
    let write = |store: Store, name: &'static str| async move {
        let mut expected = 0;
        for number in 0..20 {
            let path = format!("{name}/{number}");
            loop {
                match store.commit(commit(expected, &[(path.as_str(), Some("x"))])).await {
                    Ok(revision) => break expected = revision,
                    Err(CommitError::Stale { at }) => expected = at,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    tokio::join!(write(store.clone(), "a"), write(other, "b"));
    let contents = store.load().await.expect("contents");
    assert_eq!((contents.services[0].revision, contents.services[0].documents.len()), (40, 40));
}

async fn rest_is_kept(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    assert_eq!(store.meta("key").await.expect("a value"), None);
    store.set_meta("key", b"1".to_vec()).await.expect("set");
    store.set_meta("key", b"2".to_vec()).await.expect("set");
    assert_eq!(store.meta("key").await.expect("a value"), Some(b"2".to_vec()));
    let instance = |seen| Instance {
        service: SERVICE.to_owned(),
        gateway: "edge".to_owned(),
        instance: "i".to_owned(),
        seen,
        body: b"{}".to_vec(),
    };
    store.put_instances(vec![instance(1)]).await.expect("kept");
    store.put_instances(vec![instance(2)]).await.expect("kept");
    assert_eq!(store.instances(SERVICE).await.expect("instances"), [instance(2)]);
    store.delete_service(SERVICE).await.expect("deleted");
    assert_eq!(store.load().await.expect("contents").services, []);
    assert_eq!(store.instances(SERVICE).await.expect("instances"), []);
}

async fn audit_log_has_changes_and_notes_the_newest_first(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    store.commit(commit(0, &[("a", Some("1")), ("b", Some("1"))])).await.expect("a commit");
    let at = store.audited(1).await.expect("entries").first().expect("an entry").at;
    let text = str::to_owned;
    let note = Note {
        service: text(SERVICE),
        principal: text("p"),
        operation: text("Secret_List"),
        path: text("a"),
        at: at + 1,
    };
    store.note(note).await.expect("a note");
    let entries = store.audited(10).await.expect("entries");
    let shown: Vec<_> = entries.iter().map(|it| (it.revision, it.paths.as_str())).collect();
    assert_eq!(shown, [(0, "a"), (1, "a\nb")]);
    assert_eq!((entries[0].principal.as_str(), entries[0].operation.as_str()), ("p", "Secret_List"));
    assert_eq!(store.audited(1).await.expect("entries").len(), 1);
}

async fn backup_goes_into_an_empty_store_of_any_kind(address: &str, folder: &Path) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    store.commit(commit(0, &[("a", Some("1"))])).await.expect("a commit");
    let file = folder.join("backup.db");
    store.backup(&file).await.expect("a backup");
    assert!(matches!(store.backup(&file).await, Err(StoreError::Exists { .. })));
    assert!(matches!(store.restore(&file).await, Err(StoreError::NotEmpty)));
    let nothing = folder.join("nothing.db");
    assert!(matches!(store.restore(&nothing).await, Err(StoreError::Missing { .. })));
    assert!(!nothing.exists(), "what is not there is not made");
    let before = store.load().await.expect("contents");
    store.delete_service(SERVICE).await.expect("deleted");
    store.restore(&file).await.expect("restored");
    assert_eq!(store.load().await.expect("contents").services, before.services);
    let elsewhere = Store::open(&folder.join("new.db").to_string_lossy()).await.expect("a new store");
    elsewhere.restore(&file).await.expect("restored");
    let restored = elsewhere.load().await.expect("contents");
    assert_eq!(restored.services, before.services);
    assert_ne!(restored.epoch, before.epoch, "gateways must not take what they have for newer");
}

macro_rules! suite {
    ($($case:ident),+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(&folder.path().join("store.db").to_string_lossy()).await;
            })+

            #[tokio::test]
            async fn backup_goes_into_an_empty_store_of_any_kind() {
                let folder = tempfile::tempdir().expect("a folder");
                let address = folder.path().join("store.db");
                super::backup_goes_into_an_empty_store_of_any_kind(&address.to_string_lossy(), folder.path()).await;
            }
        }

        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                let Some(server) = super::Server::start() else { return };
                super::$case(&server.address()).await;
            })+

            #[tokio::test]
            async fn backup_goes_into_an_empty_store_of_any_kind() {
                let Some(server) = super::Server::start() else { return };
                let folder = tempfile::tempdir().expect("a folder");
                super::backup_goes_into_an_empty_store_of_any_kind(&server.address(), folder.path()).await;
            }
        }
    };
}

suite!(
    audit_log_has_changes_and_notes_the_newest_first,
    commits_are_counted_and_found_again,
    changes_are_told_oldest_first,
    many_writers_lose_nothing,
    rest_is_kept,
    report_is_taken_once,
    counters_are_summed_and_set,
    reports_of_two_nodes_at_once_lose_nothing,
    old_and_excess_goes,
    store_of_the_first_layout_is_taken_over,
    takeover_that_fails_changes_nothing
);

#[tokio::test]
async fn postgres_tells_other_nodes_of_a_commit_and_comes_again_after_a_restart() {
    let Some(mut server) = Server::start() else { return };
    let writer = Store::open(&server.address()).await.expect("a node");
    let reader = Store::open(&server.address()).await.expect("another node");
    writer.create_service(SERVICE).await.expect("a service");
    let mut told = reader.commits().expect("notifications");
    tokio::time::sleep(Duration::from_millis(300)).await;
    told.mark_unchanged();
    writer.commit(commit(0, &[("a", Some("1"))])).await.expect("a commit");
    let soon = tokio::time::timeout(Duration::from_millis(700), told.changed()).await;
    assert!(soon.is_ok(), "before the next look of its own, a second later");
    server.restart();
    let mut tries = 0;
    while let Err(error) = writer.commit(commit(1, &[("b", Some("2"))])).await {
        tries += 1;
        assert!(tries < 50, "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let changes = reader.changes(SERVICE, 1).await;
    let changes = match changes {
        Ok(changes) => changes,
        // The first statement after the restart finds the connection dead.
        Err(_) => reader.changes(SERVICE, 1).await.expect("changes"),
    };
    assert_eq!(changes.as_deref(), Some(&[change(2, "b", Some("2"))][..]));
}

#[tokio::test]
async fn postgres_is_spoken_to_by_tls_and_checked() {
    let Some(server) = Server::start_with_tls() else { return };
    commits_are_counted_and_found_again(&server.tls_address()).await;
    let unknown = server.tls_address().split("&sslrootcert").next().expect("an address").to_owned();
    let refused = Store::open(&unknown).await.expect_err("an authority that nobody knows");
    assert!(refused.to_string().contains("certificate"), "{refused}");
    // A server without TLS is not spoken to in plain text instead.
    let Some(plain) = Server::start() else { return };
    let refused = Store::open(&format!("{}?sslmode=require", plain.address())).await;
    assert!(matches!(refused, Err(StoreError::Postgres(_))), "{refused:?}");
}

/// D-09 of reliability-security.md: what is no store is refused with the way out, and stays as it is.
#[tokio::test]
async fn damaged_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let bytes = b"SQLite format 3, it says, and goes on with something else".repeat(100);
    std::fs::write(&path, &bytes).expect("written");
    let refused = Store::open(&path.to_string_lossy()).await.expect_err("no store");
    assert!(matches!(refused, StoreError::Damaged(_)), "{refused:?}");
    assert!(refused.to_string().contains("--restore BACKUP"), "{refused}");
    assert_eq!(std::fs::read(&path).expect("read"), bytes);
}

/// D-10 of reliability-security.md: an older program does not touch what a newer one has written.
#[tokio::test]
async fn store_of_another_layout_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    drop(Store::open(&path.to_string_lossy()).await.expect("a store"));
    let connection = rusqlite::Connection::open(&path).expect("a file");
    connection.pragma_update(None, "user_version", 99).expect("set");
    let refused = Store::open(&path.to_string_lossy()).await;
    assert!(matches!(refused, Err(StoreError::Layout { found: 99, known: 2 })), "{refused:?}");
}

//! What gateways report.

use gateway_model::usage::{Figures, Place, Usage};
use gateway_store::figures::{Counter, NEVER, Note, Report, Setting, StoredRequest, Trace};
use gateway_store::{Store, StoreError};

use crate::SERVICE;

fn usage(at: i64, api: &str, calls: u64, micros: u64) -> Usage {
    let mut figures = Figures { bytes: 10 * calls, ..Figures::default() };
    for _ in 0..calls {
        figures.count(200);
        figures.time.record(micros);
    }
    let place = Place { api: api.to_owned(), region: "here".to_owned(), ..Place::default() };
    Usage { at, place, figures }
}

fn report(sequence: u64, usage: Vec<Usage>) -> Report {
    Report {
        service: SERVICE.to_owned(),
        source: "edge/i".to_owned(),
        sequence,
        at: 1_000,
        usage,
        ..Report::default()
    }
}

fn counter(id: &str, start: i64, calls: u64) -> Counter {
    Counter {
        id: id.to_owned(),
        name: "n".to_owned(),
        start,
        end: NEVER,
        calls,
        bytes: 1,
        body: b"k".to_vec(),
        ..Counter::default()
    }
}

fn note() -> Note {
    Note {
        service: SERVICE.to_owned(),
        principal: "test".to_owned(),
        operation: "Test".to_owned(),
        path: "quotas/k".to_owned(),
        at: 1,
    }
}

pub async fn report_is_taken_once(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    let request = StoredRequest { at: 1_500, id: "r".to_owned(), body: b"b".to_vec() };
    let first = || Report {
        requests: vec![request.clone()],
        ..report(1, vec![usage(900, "b", 1, 7), usage(0, "a", 2, 5), usage(900, "a", 1, 3)])
    };
    for _ in 0..2 {
        store.report(first()).await.expect("taken");
    }
    store.report(report(2, vec![usage(900, "a", 2, 9)])).await.expect("taken");
    store.report(report(1, vec![usage(900, "a", 100, 1)])).await.expect("an old one, taken long ago");
    let used = store.used(SERVICE, (0, 1_800), 3_600).await.expect("figures");
    let shown: Vec<_> = used.iter().map(|u| (u.at, u.place.api.as_str(), u.figures)).collect();
    let [(0, "a", a), (0, "b", b)] = shown[..] else { panic!("{used:?}") };
    assert_eq!((a.success, a.bytes, a.time.count, a.time.sum), (5, 50, 5, 31));
    assert_eq!((a.time.min, a.time.max, a.backend.count, a.backend.min), (3, 9, 0, 0));
    assert_eq!((b.success, used[1].place.region.as_str()), (1, "here"));
    let quarters = store.used(SERVICE, (900, 1_800), 900).await.expect("figures");
    assert_eq!(quarters.iter().map(|u| u.figures.calls()).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(store.requests(SERVICE, (0, 2_000)).await.expect("requests"), [request]);
    assert_eq!(store.requests(SERVICE, (1_501, 2_000)).await.expect("requests"), []);
    store.delete_service(SERVICE).await.expect("deleted");
    assert_eq!(store.used(SERVICE, (0, 1_800), 900).await.expect("figures"), []);
}

pub async fn counters_are_summed_and_set(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    let told = |source: &str, sequence, counters| Report {
        source: source.to_owned(),
        counters,
        ..report(sequence, Vec::new())
    };
    let (a, b) = (|calls| counter("a", 0, calls), || counter("b", 7, 1));
    store.report(told("one", 1, vec![b(), a(2)])).await.expect("taken");
    let sums = store.report(told("two", 1, vec![a(3), counter("c", 0, 0)])).await.expect("taken");
    assert_eq!(
        sums.iter().map(|c| (c.id.as_str(), c.calls, c.sets)).collect::<Vec<_>>(),
        [("a", 5, 0), ("c", 0, 0)]
    );
    let again = store.report(told("two", 1, vec![a(3)])).await.expect("taken before");
    assert_eq!((again[0].calls, again[0].bytes), (5, 2));
    let setting = Setting { calls: Some(0), bytes: None };
    store.set_counters(vec![("a".to_owned(), 0)], setting, note()).await.expect("set");
    let found = store.counters(SERVICE, "n").await.expect("counters");
    let shown: Vec<_> = found.iter().map(|c| (c.id.as_str(), c.calls, c.bytes, c.sets, c.end)).collect();
    assert_eq!(shown, [("a", 0, 2, 1, NEVER), ("c", 0, 1, 0, NEVER), ("b", 1, 1, 0, NEVER)]);
    assert_eq!(store.counters(SERVICE, "other").await.expect("none"), []);
}

pub async fn reports_of_two_nodes_at_once_lose_nothing(address: &str) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    let other = Store::open(address).await.expect("another node");
    let tell = |store: Store, source: &'static str, places: [&'static str; 2]| async move {
        for sequence in 1..=20 {
            let rows = places.map(|api| usage(0, api, 1, 1)).to_vec();
            let counters = places.map(|id| counter(id, 0, 1)).to_vec();
            let report = Report { source: source.to_owned(), counters, ..report(sequence, rows) };
            store.report(report).await.expect("taken");
        }
    };
    tokio::join!(tell(store.clone(), "one", ["a", "b"]), tell(other, "two", ["b", "a"]));
    let used = store.used(SERVICE, (0, 1), 900).await.expect("figures");
    assert_eq!(used.iter().map(|u| u.figures.success).collect::<Vec<_>>(), [40, 40]);
    let counters = store.counters(SERVICE, "n").await.expect("counters");
    assert_eq!(counters.iter().map(|c| c.calls).collect::<Vec<_>>(), [40, 40]);
}

pub async fn old_and_excess_goes(address: &str) {
    const DAY: i64 = 86_400;
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    let request = |at: i64| StoredRequest { at: at * 1_000, id: "r".to_owned(), body: Vec::new() };
    let over = Counter { end: 98 * DAY, ..counter("over", 0, 1) };
    let told = Report {
        at: 100 * DAY,
        requests: vec![request(9 * DAY), request(99 * DAY)],
        counters: vec![over, counter("endless", 0, 1)],
        ..report(1, vec![usage(9 * DAY, "old", 1, 1), usage(99 * DAY, "new", 1, 1)])
    };
    store.report(told).await.expect("taken");
    let trace = |id: &str, at| Trace {
        service: SERVICE.to_owned(),
        gateway: "edge".to_owned(),
        id: id.to_owned(),
        at,
        body: b"t".to_vec(),
    };
    for kept in [trace("old", 98 * DAY), trace("new", 100 * DAY)] {
        store.put_trace(kept).await.expect("kept");
    }
    store.prune(SERVICE, 100 * DAY).await.expect("pruned");
    let used = store.used(SERVICE, (0, 200 * DAY), 900).await.expect("figures");
    assert_eq!(used.iter().map(|u| u.place.api.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(store.requests(SERVICE, (0, i64::MAX)).await.expect("requests"), [request(99 * DAY)]);
    let counters = store.counters(SERVICE, "n").await.expect("counters");
    assert_eq!(counters.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["endless"]);
    assert_eq!(store.trace(SERVICE, "old").await.expect("read"), None);
    assert_eq!(store.trace(SERVICE, "new").await.expect("read"), Some(trace("new", 100 * DAY)));
    store.note(note()).await.expect("written down");
}

/// Runs statements past the program.
async fn by_hand(address: &str, statements: &str) {
    if Store::is_server(address) {
        let (client, connection) =
            tokio_postgres::connect(address, tokio_postgres::NoTls).await.expect("a connection");
        let speaking = tokio::spawn(connection);
        client.batch_execute(statements).await.expect("as it was");
        drop(client);
        let _ = speaking.await;
    } else {
        let connection = rusqlite::Connection::open(address).expect("a file");
        connection.execute_batch(statements).expect("as it was");
    }
}

/// Makes a store of the first layout, with some of the tables that the second one added.
async fn first_layout(address: &str, kept: &[&str]) {
    let store = Store::open(address).await.expect("a store");
    store.create_service(SERVICE).await.expect("a service");
    drop(store);
    let tables = ["reporter", "usage", "request", "counter", "trace"];
    let drops =
        tables.iter().filter(|table| !kept.contains(table)).map(|table| format!("DROP TABLE {table};"));
    let version =
        if Store::is_server(address) { "UPDATE layout SET version = 1" } else { "PRAGMA user_version = 1" };
    by_hand(address, &format!("{}{version}", drops.collect::<String>())).await;
}

pub async fn store_of_the_first_layout_is_taken_over(address: &str) {
    first_layout(address, &[]).await;
    let store = Store::open(address).await.expect("the new layout");
    assert_eq!(store.load().await.expect("contents").services.len(), 1);
    let taken: Result<_, StoreError> = store.report(report(1, vec![usage(0, "a", 1, 1)])).await;
    assert_eq!(taken.expect("taken"), []);
}

/// D-10 of reliability-security.md: a change of the layout is made whole or not at all.
pub async fn takeover_that_fails_changes_nothing(address: &str) {
    // The last of the new tables is in the way of the migration, when the others are made.
    first_layout(address, &["trace"]).await;
    for _ in 0..2 {
        let failed = Store::open(address).await;
        assert!(matches!(failed, Err(StoreError::Sqlite(_) | StoreError::Postgres(_))), "{failed:?}");
    }
    by_hand(address, "DROP TABLE trace").await;
    let store = Store::open(address).await.expect("nothing was left half done");
    assert_eq!(store.load().await.expect("contents").services.len(), 1);
}

//! Reports and quota counters as ARM shows them, of what gateways say; on both kinds of store.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_telemetry::rfc3339::Rfc3339;
use gateway_tests::plane::{Plane, Reply};
use serde_json::{Value, json};

use crate::stores::server::Server;

/// Runs a test on SQLite, and on PostgreSQL where there is one.
fn on_each_store(test: impl Fn(&Plane)) {
    test(&Plane::start(&[]));
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (address, keys) = (server.address(), folder.path().join("keys"));
    let settings = [
        ("management.store", address.as_str()),
        ("management.store.key-file", keys.to_str().expect("a path")),
    ];
    test(&Plane::start(&settings));
}

/// A gateway resource in a region, and what its instances sign in with.
fn gateway(plane: &Plane, name: &str, region: &str) -> String {
    let body = json!({"properties": {"locationData": {"name": region}}});
    plane.must("PUT", &format!("gateways/{name}"), &body);
    let asked = json!({"keyType": "primary", "expiry": time(now() + 3_600)});
    let answer = plane.must("POST", &format!("gateways/{name}/generateToken"), &asked);
    format!("GatewayKey {}", answer.body["value"].as_str().expect("a token"))
}

/// RFC 3339.
fn time(seconds: u64) -> String {
    Rfc3339 { time: UNIX_EPOCH + Duration::from_secs(seconds), digits: 0 }.to_string()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A whole quarter of an hour, so many before this one.
fn quarter(before: u64) -> u64 {
    now() / 900 * 900 - before * 900
}

fn tell(plane: &Plane, token: &str, gateway: &str, report: &Value) -> Reply {
    let target = format!("/gateways/{gateway}/report");
    plane.send("POST", &target, &[("Authorization", token)], report.to_string().as_bytes())
}

fn usage(at: u64, api: &str, subscription: &str, calls: [u64; 4]) -> Value {
    let [success, blocked, failed, other] = calls;
    let count: u64 = calls.iter().sum();
    json!({
        "at": at,
        "place": {"api": api, "operation": "get", "product": "gold", "user": "ann", "subscription": subscription},
        "figures": {
            "success": success, "blocked": blocked, "failed": failed, "other": other, "bytes": 100 * count,
            "cacheHits": 1, "time": {"count": count, "sum": 3_000 * count, "min": 1_000, "max": 9_000},
        },
    })
}

fn report(instance: &str, sequence: u64, usage: &[Value]) -> Value {
    json!({"instanceId": instance, "sequence": sequence, "usage": usage})
}

/// Names and sums of a report's records.
fn totals(plane: &Plane, query: &str) -> Vec<(String, u64)> {
    let reply = plane.must("GET", &format!("reports/{query}"), &Value::Null);
    let records = reply.body["value"].as_array().cloned().unwrap_or_default();
    let text = |record: &Value| record["name"].as_str().unwrap_or_default().to_owned();
    records.iter().map(|record| (text(record), record["callCountTotal"].as_u64().unwrap_or(0))).collect()
}

fn owned(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn reports_are_summed_filtered_ordered_and_paged() {
    on_each_store(|plane| {
        let (here, there) = (gateway(plane, "g", "Hamburg"), gateway(plane, "h", "Kiel"));
        plane.must("PUT", "products/gold", &json!({"properties": {"displayName": "Gold"}}));
        let (old, new) = (quarter(8), quarter(2));
        let rows = [
            usage(old, "a", "s", [4, 1, 1, 0]),
            usage(new, "a", "t", [2, 0, 0, 0]),
            usage(new, "b", "t", [0, 0, 0, 1]),
        ];
        for _ in 0..2 {
            // Told twice, taken once.
            let taken = tell(plane, &here, "g", &report("i", 1, &rows));
            assert_eq!((taken.status, &taken.body), (200, &json!({"quotas": []})));
        }
        assert_eq!(
            tell(plane, &there, "h", &report("j", 1, &[usage(new, "b", "s", [9, 0, 0, 0])])).status,
            200
        );
        assert_eq!(totals(plane, "byApi"), owned(&[("a", 8), ("b", 10)]));
        assert_eq!(totals(plane, "byApi?$orderby=callCountTotal%20desc"), owned(&[("b", 10), ("a", 8)]));
        assert_eq!(totals(plane, "byApi?$filter=apiRegion%20eq%20'kiel'"), owned(&[("b", 9)]));
        assert_eq!(totals(plane, "byProduct"), owned(&[("Gold", 18)]));
        assert_eq!(totals(plane, "byUser?$filter=userId%20eq%20'/users/ann'"), owned(&[("ann", 18)]));
        assert_eq!(totals(plane, "bySubscription?$filter=subscriptionId%20eq%20's'"), owned(&[("s", 15)]));
        let since = time(new);
        let since =
            format!("byOperation?$filter=timestamp%20ge%20datetime'{since}'%20and%20apiId%20eq%20'a'");
        assert_eq!(totals(plane, &since), owned(&[("get", 2)]));
        let until = format!("byApi?$filter=timestamp%20le%20datetime'{}'", time(old + 60));
        assert_eq!(totals(plane, &until), owned(&[("a", 6)]));

        let page = plane.must("GET", "reports/byApi?$top=1", &Value::Null);
        assert_eq!((&page.body["count"], page.body["value"].as_array().map(Vec::len)), (&json!(2), Some(1)));
        let next = page.body["nextLink"].as_str().expect("a next page");
        assert!(next.contains("reports/byApi?") && next.contains("$skip=1"), "{next}");
        let record = &page.body["value"][0];
        assert_eq!((&record["bandwidth"], &record["cacheHitCount"]), (&json!(800), &json!(2)));
        assert_eq!([&record["apiTimeAvg"], &record["apiTimeMin"], &record["apiTimeMax"]], [3.0, 1.0, 9.0]);
        assert_eq!(
            [&record["callCountSuccess"], &record["callCountBlocked"], &record["callCountFailed"]],
            [6, 1, 1]
        );

        let times = plane.must("GET", "reports/byTime?interval=PT15M", &Value::Null);
        let shown = |index: usize| times.body["value"][index].clone();
        assert_eq!(
            (shown(0)["timestamp"].clone(), &shown(0)["interval"]),
            (json!(time(old)), &json!("PT15M"))
        );
        assert_eq!([&shown(0)["callCountTotal"], &shown(1)["callCountTotal"]], [6, 12]);
        let places = plane.must("GET", "reports/byGeo", &Value::Null);
        let regions: Vec<_> = [0, 1].map(|at| places.body["value"][at]["apiRegion"].clone()).to_vec();
        assert_eq!(regions, ["Hamburg", "Kiel"]);
        for bad in [
            "byTime",
            "byTime?interval=PT10M",
            "byTime?interval=PT0S",
            "byApi?$orderby=secret",
            "byUser?$filter=timestamp%20eq%205",
            "byProduct?$filter=apiId%20eq%20'a'",
            "byApi?$filter=apiId%20eq%20'a'%20or%20timestamp%20gt%20datetime'2026-01-01T00:00:00Z'",
        ] {
            assert_eq!(plane.call("GET", &format!("reports/{bad}"), &Value::Null).status, 400, "{bad}");
        }
    });
}

#[test]
fn requests_are_listed_and_sealed_at_rest() {
    on_each_store(|plane| {
        let token = gateway(plane, "g", "Hamburg");
        let request = |id: &str, api: &str, at: u64| {
            json!({
                "id": id, "at": at * 1_000, "place": {"api": api}, "method": "GET", "url": "http://h/sesame",
                "ip": "192.0.2.7", "status": 200, "backendStatus": 201, "cache": "none", "time": 1_500,
            })
        };
        let requests = [request("r2", "b", quarter(1) + 5), request("r1", "a", quarter(1))];
        let body = json!({"instanceId": "i", "sequence": 1, "requests": requests});
        assert_eq!(tell(plane, &token, "g", &body).status, 200);
        let all = plane.must("GET", "reports/byRequest", &Value::Null);
        let ids: Vec<_> = [0, 1].map(|at| all.body["value"][at]["requestId"].clone()).to_vec();
        assert_eq!(ids, ["r1", "r2"]);
        let shown = &all.body["value"][0];
        assert_eq!(
            [&shown["apiId"], &shown["ipAddress"], &shown["backendResponseCode"]],
            ["/apis/a", "192.0.2.7", "201"]
        );
        assert_eq!((&shown["apiTime"], &shown["apiRegion"]), (&json!(1.5), &json!("Hamburg")));
        let some = plane.must("GET", "reports/byRequest?$filter=apiId%20eq%20'/apis/b'", &Value::Null);
        assert_eq!(some.body["count"], 1);
        if let Ok(bytes) = std::fs::read(plane.store().with_extension("db-wal")) {
            assert!(!bytes.windows(6).any(|part| part == b"sesame"), "it stands in the file");
        }
    });
}

#[test]
fn quota_counters_are_read_and_set() {
    on_each_store(|plane| {
        let (first, second) = (gateway(plane, "g", "Hamburg"), gateway(plane, "h", "Kiel"));
        let end = quarter(0) + 3_600;
        let change = |calls: u64, bytes: u64| json!({"key": "k\u{0}boo\u{0}3600", "start": end - 3_600, "end": end, "calls": calls, "bytes": bytes});
        let told = |token: &str, gateway: &str, sequence: u64, quotas: &[Value]| {
            let body = json!({"instanceId": "i", "sequence": sequence, "quotas": quotas});
            let reply = tell(plane, token, gateway, &body);
            assert_eq!(reply.status, 200, "{}", reply.body);
            reply.body["quotas"].clone()
        };
        let sum = |calls: u64, bytes: u64, sets: u64| json!({"calls": calls, "bytes": bytes, "sets": sets});
        assert_eq!(told(&first, "g", 1, &[change(3, 512)]), json!([sum(3, 512, 0)]));
        let hidden = json!({"key": "t\u{0}boo\u{0}Daily", "start": 0, "calls": 9, "bytes": 0});
        let both = told(&second, "h", 1, &[hidden, change(4, 512)]);
        assert_eq!(both, json!([sum(9, 0, 0), sum(7, 1_024, 0)]));

        let list = plane.must("GET", "quotas/boo", &Value::Null).body;
        assert_eq!(list["count"], 1);
        let period = format!("{}_PT3600S", end - 3_600);
        let counter = &list["value"][0];
        assert_eq!([&counter["counterKey"], &counter["periodKey"]], ["boo", &*period]);
        assert_eq!(counter["value"], json!({"callsCount": 7, "kbTransferred": 1.0}));
        let path = format!("quotas/boo/periods/{period}");
        let set = json!({"properties": {"kbTransferred": 2.5}});
        let now = plane.must("PATCH", &path, &set).body;
        assert_eq!(now["value"], json!({"callsCount": 7, "kbTransferred": 2.5}));
        let bare = plane.must("PATCH", "quotas/boo", &json!({"callsCount": 1})).body;
        assert_eq!(bare["value"][0]["value"], json!({"callsCount": 1, "kbTransferred": 2.5}));
        assert_eq!(told(&first, "g", 2, &[change(1, 0)]), json!([sum(2, 2_560, 2)]));

        assert_eq!(plane.must("GET", "quotas/nobody", &Value::Null).body["count"], 0);
        for (path, body, status) in [
            ("quotas/nobody", json!({"properties": {"callsCount": 0}}), 404),
            ("quotas/boo/periods/0_PT0S", json!({"properties": {"callsCount": 0}}), 404),
            ("quotas/boo", json!({}), 400),
            ("quotas/boo", json!({"properties": {"callsCount": -1}}), 400),
            ("quotas/boo", json!({"properties": {"callsCount": "many"}}), 400),
            ("quotas/boo", json!({"properties": {"kbTransferred": 1e300}}), 400),
        ] {
            assert_eq!(plane.call("PATCH", path, &body).status, status, "{path} {body}");
        }
        let reader = plane.bearer("Reader");
        let refused = plane.call_with("PATCH", "quotas/boo", &[("Authorization", &reader)], &set);
        assert_eq!(refused.status, 403);
    });
}

#[test]
fn reports_that_are_none_change_nothing() {
    let plane = Plane::start(&[]);
    let token = gateway(&plane, "g", "Hamburg");
    gateway(&plane, "h", "Kiel");
    let row = usage(quarter(1), "a", "s", [1, 0, 0, 0]);
    let rows: Vec<_> = (0..4_001).map(|_| row.clone()).collect();
    let quota = |key: &str, end: i64| json!([{"key": key, "start": 0, "end": end, "calls": 1, "bytes": 1}]);
    for (body, status) in [
        (json!([]), 400),
        (json!({"instanceId": "i", "sequence": 0}), 400),
        (json!({"instanceId": "", "sequence": 1, "usage": [row]}), 400),
        (json!({"instanceId": "x".repeat(101), "sequence": 1, "usage": [row]}), 400),
        (report("i", 1, &rows), 400),
        (json!({"instanceId": "i", "sequence": 1, "usage": [row], "quotas": quota("", 9)}), 400),
        (json!({"instanceId": "i", "sequence": 1, "usage": [row], "quotas": quota("k", 0)}), 400),
        (
            json!({"instanceId": "i", "sequence": 1, "usage": [row], "quotas": quota(&"k".repeat(1_001), 9)}),
            400,
        ),
        (json!({"instanceId": "i", "sequence": 1, "usage": [{"figures": {"success": -1}}]}), 400),
    ] {
        let reply = tell(&plane, &token, "g", &body);
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    assert_eq!(tell(&plane, &token, "h", &report("i", 1, &[row])).status, 403);
    let trace = |id: &str, body: &str| {
        let target = format!("/gateways/g/traces/{id}");
        plane.send("POST", &target, &[("Authorization", &token)], body.as_bytes()).status
    };
    assert_eq!([trace("t", "[]"), trace("t", "{"), trace(&"t".repeat(101), "{}")], [400; 3]);
    assert_eq!(plane.must("GET", "reports/byApi", &Value::Null).body["count"], 0);
    // What is told of the far past or future is taken for the first or last time that is kept; nothing overflows.
    let odd = [usage(0, "a", "s", [1, 0, 0, 0]), usage(u64::MAX >> 1, "a", "s", [1, 0, 0, 0])];
    let odd: Vec<_> = odd
        .into_iter()
        .map(|mut row| {
            row["figures"]["time"] = json!({"count": 1, "sum": u64::MAX, "min": 1, "max": u64::MAX});
            (row["figures"]["bytes"], row["figures"]["success"]) = (json!(u64::MAX), json!(u64::MAX));
            row
        })
        .collect();
    for sequence in 2..5 {
        assert_eq!(tell(&plane, &token, "g", &report("i", sequence, &odd)).status, 200);
    }
    assert_eq!(plane.must("GET", "reports/byTime?interval=PT15M", &Value::Null).body["count"], 2);
}

//! Quotas, concurrency and token limits over real sockets.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use gateway_tests::redis::Redis;
use gateway_tests::{Api, Backend, Config, Reply, Running};

fn folder(backend: &Backend, inbound: &str) -> Config {
    let config = Config::new();
    let url = backend.url();
    config.api(&Api {
        name: "a",
        path: "a",
        service_url: &url,
        operations: &["GET /item", "POST /item"],
        more: "",
    });
    config.policy("apis/a/policy.xml", inbound, "", "", "");
    config
}

const QUOTA: &str = r#"<base /><quota-by-key calls="3" renewal-period="0" counter-key="all" />"#;

fn statuses(gateway: &Running, count: usize) -> Vec<u16> {
    (0..count).map(|_| gateway.get("/a/item", &[]).status).collect()
}

#[test]
fn quota_survives_an_orderly_restart_and_a_killed_process() {
    let backend = Backend::fixed("ok");
    let config = folder(&backend, QUOTA);
    let state = tempfile::tempdir().unwrap();
    let settings = [("state.folder", state.path().to_str().unwrap())];
    let gateway = Running::start(config.path(), &settings);
    assert_eq!(statuses(&gateway, 2), [200, 200]);
    gateway.stop();
    let gateway = Running::start(config.path(), &settings);
    assert_eq!(statuses(&gateway, 1), [200]);
    // What a killed process leaves: the file of a second ago at the latest.
    let file = state.path().join("quotas");
    let began = Instant::now();
    while !std::fs::read_to_string(&file).unwrap().contains(" - 3 ") {
        assert!(began.elapsed() < Duration::from_secs(10), "written");
        std::thread::sleep(Duration::from_millis(50));
    }
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(&file, copy.path().join("quotas")).unwrap();
    let second = Running::start(config.path(), &[("state.folder", copy.path().to_str().unwrap())]);
    let refused = second.get("/a/item", &[]);
    assert_eq!(refused.status, 403);
    assert_eq!(refused.text(), r#"{ "statusCode": 403, "message": "Out of call volume quota." }"#);
}

#[test]
fn quota_without_a_folder_begins_anew() {
    let backend = Backend::fixed("ok");
    let config = folder(&backend, QUOTA);
    for _ in 0..2 {
        let gateway = Running::start(config.path(), &[]);
        assert_eq!(statuses(&gateway, 4), [200, 200, 200, 403]);
    }
}

#[test]
fn quota_is_shared_through_redis_and_outlives_gateways() {
    let Some(redis) = Redis::start(None) else { return };
    let backend = Backend::fixed("ok");
    let config = folder(&backend, QUOTA);
    let connection = redis.connection_string();
    let settings = [("state.redis", connection.as_str())];
    let (a, b) = (Running::start(config.path(), &settings), Running::start(config.path(), &settings));
    assert_eq!(statuses(&a, 2), [200, 200]);
    // A gateway hears of a counter once it has looked at it: one call can be too many for each gateway.
    assert_eq!(statuses(&b, 1), [200]);
    let began = Instant::now();
    while statuses(&b, 1) != [403] {
        assert!(began.elapsed() < Duration::from_secs(10), "b hears of a");
        std::thread::sleep(Duration::from_millis(300));
    }
    a.stop();
    b.stop();
    let later = Running::start(config.path(), &settings);
    later.get("/a/item", &[]);
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(statuses(&later, 1), [403]);
}

#[test]
fn bandwidth_counts_what_went_over_the_wire() {
    let text = "x".repeat(4000);
    let backend = Backend::start(move |_| Reply::ok(&text));
    let inbound = r#"<base /><quota-by-key bandwidth="8" renewal-period="3600" counter-key="all" />"#;
    let gateway = Running::start(folder(&backend, inbound).path(), &[]);
    let mut passed = 0;
    while gateway.get("/a/item", &[]).status == 200 {
        passed += 1;
        assert!(passed < 5);
        // The bytes are known just behind the answer.
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(passed, 2, "two answers of 4,000 bytes and their heads are 8 KB");
}

#[test]
fn concurrency_is_limited_over_the_workers() {
    let backend = Backend::start(|_| {
        std::thread::sleep(Duration::from_millis(400));
        Reply::ok("slow")
    });
    let config = folder(&backend, "");
    let limited = r#"<limit-concurrency key="backend" max-count="2"><forward-request /></limit-concurrency>"#;
    config.policy("apis/a/policy.xml", "", limited, "", "");
    let gateway = Arc::new(Running::start(config.path(), &[("workers", "3")]));
    let barrier = Arc::new(Barrier::new(6));
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let (gateway, barrier) = (Arc::clone(&gateway), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                gateway.get("/a/item", &[]).status
            })
        })
        .collect();
    let mut found: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, [200, 200, 429, 429, 429, 429]);
    assert_eq!(statuses(&gateway, 1), [200], "places come back");
}

#[test]
fn streamed_tokens_are_counted_as_they_go_by() {
    let backend = Backend::start(|request| {
        assert_eq!(request.header("accept-encoding"), None);
        let events = "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\ndata: {\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":30}}\n\ndata: [DONE]\n\n";
        Reply::with(200, &[("Content-Type", "text/event-stream")], events)
    });
    let inbound = r#"<base /><llm-token-limit counter-key="all" tokens-per-minute="100" estimate-prompt-tokens="false" />"#;
    let gateway = Running::start(folder(&backend, inbound).path(), &[]);
    let ask = || {
        let fields = [("Accept-Encoding", "gzip"), ("Content-Type", "application/json")];
        let answer = gateway.client().request_with("POST", "/a/item", &fields, br#"{"stream": true}"#);
        std::thread::sleep(Duration::from_millis(50));
        answer
    };
    assert!(ask().text().ends_with("data: [DONE]\n\n"));
    assert_eq!(ask().status, 200, "60 of 100 are used");
    let refused = ask();
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("Token limit is exceeded. Try again in"), "{}", refused.text());
}

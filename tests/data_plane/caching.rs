//! Response and value caches over real sockets: built in, and in Redis (`policies.md` B §3, C-01 – C-07).

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use gateway_tests::redis::Redis;
use gateway_tests::{Api, Backend, Config, Reply, Running};

const LOOKUP: &str = r#"<base /><cache-lookup vary-by-developer="false" vary-by-developer-groups="false" downstream-caching-type="public" />"#;
const STORE: &str = r#"<base /><cache-store duration="60" />"#;

fn folder(backend: &Backend, inbound: &str, outbound: &str) -> Config {
    let config = Config::new();
    let url = backend.url();
    let operations = &["GET /item", "GET /item/{id}", "POST /item"];
    config.api(&Api { name: "a", path: "a", service_url: &url, operations, more: "" });
    config.policy("apis/a/policy.xml", inbound, "", outbound, "");
    config
}

fn external(config: &Config, redis: &Redis) {
    let text = format!(
        r#"{{"properties": {{"useFromLocation": "default", "connectionString": "{}"}}}}"#,
        redis.connection_string()
    );
    config.file("caches/default/cacheInformation.json", &text);
}

#[test]
fn hit_is_shared_by_the_workers_and_spares_the_backend() {
    let backend = Backend::start(|_| Reply::with(200, &[("ETag", "\"1\""), ("X-A", "b")], "cached text"));
    let gateway = Running::start(folder(&backend, LOOKUP, STORE).path(), &[("workers", "4")]);
    let first = gateway.get("/a/item?x=1", &[]);
    assert_eq!((first.status, first.text().as_str()), (200, "cached text"));
    for _ in 0..20 {
        let hit = gateway.get("/a/item?x=1", &[("X-Forwarded-Host", "evil.test")]);
        assert_eq!((hit.status, hit.text().as_str(), hit.header("x-a")), (200, "cached text", Some("b")));
        assert!(hit.header("age").is_some() && hit.header("cache-control").unwrap().starts_with("public"));
    }
    assert_eq!(gateway.get("/a/item?x=1", &[("If-None-Match", "\"1\"")]).status, 304);
    assert_eq!(backend.seen().len(), 1);
    gateway.get("/a/item?x=2", &[]);
    gateway.client().request_with("POST", "/a/item?x=1", &[], b"x");
    assert_eq!(backend.seen().len(), 3);
}

/// Users, groups and who is in them come from files; expressions see the same.
#[test]
fn answers_are_shared_by_the_developers_of_the_same_groups() {
    let backend = Backend::start(|_| Reply::ok("an answer"));
    let lookup = r#"<base /><cache-lookup vary-by-developer="false" vary-by-developer-groups="true" />"#;
    let groups = r#"<base /><cache-store duration="60" /><set-header name="X-Groups" exists-action="override"><value>@(string.Join(",", context.User.Groups.Select(g => g.Name)) + " " + context.User.Note)</value></set-header>"#;
    let config = folder(&backend, lookup, groups);
    config.file("groups/gold/groupInformation.json", r#"{"properties": {"displayName": "Gold users"}}"#);
    config.file("groups/gold/users.json", r#"[{"name": "ann"}, {"name": "bob"}]"#);
    config.file("groups/developers/users/eve/groupUserInformation.json", "{}");
    for user in ["ann", "bob", "eve"] {
        let text = format!(
            r#"{{"properties": {{"email": "{user}@example.com", "firstName": "{user}", "lastName": "x", "note": "note of {user}"}}}}"#
        );
        config.file(&format!("users/{user}/userInformation.json"), &text);
        let text = format!(
            r#"{{"properties": {{"displayName": "{user}", "scope": "/apis", "state": "active", "ownerId": "/users/{user}", "primaryKey": "key-{user}"}}}}"#
        );
        config.file(&format!("subscriptions/{user}/subscriptionInformation.json"), &text);
    }
    let gateway = Running::start(config.path(), &[]);
    let seen = |user: &str| {
        let key = format!("key-{user}");
        let answer = gateway.get("/a/item", &[("Ocp-Apim-Subscription-Key", key.as_str())]);
        (answer.header("x-groups").map(str::to_owned), backend.seen().len())
    };
    assert_eq!(seen("ann"), (Some("Gold users note of ann".to_owned()), 1));
    assert_eq!(seen("bob"), (Some("Gold users note of bob".to_owned()), 1));
    assert_eq!(seen("eve"), (Some("developers note of eve".to_owned()), 2));
}

#[test]
fn truncated_answer_is_not_kept() {
    let backend = Backend::start(|_| Reply::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
    let gateway = Running::start(folder(&backend, LOOKUP, STORE).path(), &[]);
    for _ in 0..2 {
        let mut client = gateway.client();
        client.send(b"GET /a/item HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.answer(false).is_none(), "cut short for the client too");
    }
    assert_eq!(backend.seen().len(), 2);
}

#[test]
fn more_than_two_mebibytes_stream_by() {
    let text = "x".repeat((2 << 20) + 1);
    let backend = Backend::start(move |_| Reply::with(200, &[], &text));
    let gateway = Running::start(folder(&backend, LOOKUP, STORE).path(), &[]);
    for _ in 0..2 {
        assert_eq!(gateway.get("/a/item", &[]).body.len(), (2 << 20) + 1);
    }
    assert_eq!(backend.seen().len(), 2);
}

#[test]
fn stampede_is_one_call_to_the_backend() {
    let backend = Backend::start(|_| {
        std::thread::sleep(Duration::from_millis(300));
        Reply::ok("slow")
    });
    let gateway = Arc::new(Running::start(folder(&backend, LOOKUP, STORE).path(), &[]));
    let barrier = Arc::new(Barrier::new(12));
    let threads: Vec<_> = (0..12)
        .map(|_| {
            let (gateway, barrier) = (Arc::clone(&gateway), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                gateway.get("/a/item", &[]).text()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), "slow");
    }
    assert_eq!(backend.seen().len(), 1);
}

#[test]
fn answers_that_cannot_be_kept_hold_nobody_up() {
    let backend = Backend::start(|_| {
        std::thread::sleep(Duration::from_millis(500));
        Reply::with(200, &[("Set-Cookie", "a=b")], "mine")
    });
    let gateway = Arc::new(Running::start(folder(&backend, LOOKUP, STORE).path(), &[]));
    gateway.get("/a/item", &[]);
    let began = Instant::now();
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let gateway = Arc::clone(&gateway);
            std::thread::spawn(move || gateway.get("/a/item", &[]).status)
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 200));
    assert!(began.elapsed() < Duration::from_millis(2500), "side by side: {:?}", began.elapsed());
    assert_eq!(backend.seen().len(), 7);
}

#[test]
fn redis_keeps_responses_and_typed_values_for_other_gateways() {
    let Some(redis) = Redis::start(Some("s=cret")) else { return };
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let backend = Backend::start(move |_| Reply::ok(&format!("answer {}", counted.fetch_add(1, Relaxed))));
    let inbound = r#"<base />
        <cache-lookup-value key="number" variable-name="n" default-value="@(0)" />
        <cache-store-value key="number" value="@((int)context.Variables["n"] + 1)" duration="60" caching-type="external" />
        <cache-lookup vary-by-developer="false" vary-by-developer-groups="false" caching-type="external" />"#;
    let outbound = r#"<cache-store duration="60" />
        <set-header name="X-N"><value>@(((int)context.Variables["n"]).ToString())</value></set-header>"#;
    let config = folder(&backend, inbound, outbound);
    external(&config, &redis);
    let (a, b) = (Running::start(config.path(), &[]), Running::start(config.path(), &[]));
    let numbered = |gateway: &Running| {
        let answer = gateway.get("/a/item", &[]);
        (answer.text(), answer.header("x-n").unwrap_or_default().to_owned())
    };
    assert_eq!(numbered(&a), ("answer 0".to_owned(), "0".to_owned()));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(numbered(&b), ("answer 0".to_owned(), "1".to_owned()));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(numbered(&a), ("answer 0".to_owned(), "2".to_owned()));
    // Foreign bytes are a miss.
    for key in redis.cli(&["KEYS", "gateway:cache:*"]).lines() {
        redis.cli(&["SET", key, "rubbish"]);
    }
    assert_eq!(numbered(&b), ("answer 1".to_owned(), "0".to_owned()));
}

#[test]
fn redis_away_is_a_miss_and_comes_back() {
    let Some(redis) = Redis::start(None) else { return };
    let backend = Backend::fixed("text");
    let config = folder(&backend, LOOKUP, STORE);
    external(&config, &redis);
    let gateway = Running::start(config.path(), &[("workers", "1")]);
    let fetch = || {
        let began = Instant::now();
        assert_eq!(gateway.get("/a/item", &[]).text(), "text");
        began.elapsed()
    };
    fetch();
    std::thread::sleep(Duration::from_millis(100));
    fetch();
    assert_eq!(backend.seen().len(), 1, "found in Redis");
    // Silent: the process is there and does not answer.
    redis.signal(nix::sys::signal::Signal::SIGSTOP);
    for _ in 0..10 {
        assert!(fetch() < Duration::from_secs(2));
    }
    assert_eq!(backend.seen().len(), 11);
    redis.signal(nix::sys::signal::Signal::SIGCONT);
    let port = redis.port();
    drop(redis);
    fetch();
    let _redis = Redis::start_at(port, None).expect("a server again");
    let began = Instant::now();
    loop {
        let before = backend.seen().len();
        fetch();
        std::thread::sleep(Duration::from_millis(50));
        fetch();
        if backend.seen().len() == before {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "connected again");
        std::thread::sleep(Duration::from_millis(200));
    }
}

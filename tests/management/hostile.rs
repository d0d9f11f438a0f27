//! Hostile calls (management-api.md §5.8): exact errors, and nothing half-written.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gateway_tests::plane::{Plane, Reply, SERVICE, TOKEN, target};
use serde_json::{Value, json};

/// Everything a reader can see, to be compared.
fn contents(plane: &Plane) -> Vec<Value> {
    [
        "apis",
        "products",
        "subscriptions",
        "users",
        "groups",
        "tags",
        "namedValues",
        "backends",
        "loggers",
        "gateways",
    ]
    .iter()
    .map(|collection| plane.must("GET", collection, &Value::Null).body)
    .collect()
}

fn raw(plane: &Plane, method: &str, target: &str, body: &[u8]) -> Reply {
    plane.send(method, target, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
}

#[test]
fn names_that_are_more_than_names_are_refused() {
    let plane = Plane::start(&[]);
    let before = contents(&plane);
    let body = json!({"properties": {"displayName": "T"}}).to_string();
    for name in [
        "%2e%2e",
        "..%2fapis%2fx",
        "a%2fb",
        "%00",
        "a%0d%0ab",
        "%ff",
        "x%3Fy",
        "x%23y",
        "a*b",
        "a%3Cscript%3E",
        &"a".repeat(300),
    ] {
        let reply = raw(&plane, "PUT", &target(&format!("{SERVICE}/tags/{name}")), body.as_bytes());
        assert_eq!((reply.status, reply.code()), (400, "ValidationError"), "{name}: {}", reply.body);
    }
    for text in ["'; DROP TABLE document; --", "\" OR 1=1", "\u{202e}x", "{{x}}", "${jndi:ldap://x}", "%s%n"]
    {
        let reply = plane.must("PUT", "tags/text", &json!({"properties": {"displayName": text}}));
        assert_eq!(reply.body["properties"]["displayName"], text, "text is text");
        let filter = text
            .replace('\'', "''")
            .replace('%', "%25")
            .replace(['{', '}', '"', ' ', '$', ':', '\u{202e}', ';'], "_");
        let found = plane.call("GET", &format!("tags?$filter=displayName%20eq%20'{filter}'"), &Value::Null);
        assert_eq!(found.status, 200, "{text}: {}", found.body);
    }
    plane.must("DELETE", "tags/text", &Value::Null);
    assert_eq!(contents(&plane), before);
}

#[test]
fn bodies_that_are_no_resource_are_refused_whole() {
    let plane = Plane::start(&[]);
    let before = contents(&plane);
    let put = |body: &[u8]| raw(&plane, "PUT", &target("products/p"), body);
    let deep = format!("{{\"properties\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, status, code) in [
        (&b"{"[..], 400, "InvalidRequestContent"),
        (b"\xff\xfe", 400, "InvalidRequestContent"),
        (deep.as_bytes(), 400, "InvalidRequestContent"),
        (b"[]", 400, "ValidationError"),
        (b"{\"properties\": []}", 400, "ValidationError"),
        (b"{\"properties\": {\"displayName\": 7}}", 400, "ValidationError"),
        (b"{\"properties\": {\"displayName\": \"\"}}", 400, "ValidationError"),
        (b"{\"properties\": {\"displayName\": null}}", 400, "ValidationError"),
    ] {
        let reply = put(body);
        assert_eq!((reply.status, reply.code()), (status, code), "{:?}: {}", body.get(..40), reply.body);
    }
    let big = json!({"properties": {"displayName": "P", "description": "x".repeat(5_000_000)}}).to_string();
    let reply = put(big.as_bytes());
    assert_eq!((reply.status, reply.code()), (413, "RequestContentTooLarge"));
    assert_eq!(contents(&plane), before);
    assert_eq!(plane.call("GET", "products/p", &Value::Null).code(), "ResourceNotFound");
}

#[test]
fn ids_of_another_service_are_not_ours() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "products/gold", &json!({"properties": {"displayName": "Gold"}}));
    let other = SERVICE.replace("apim1", "other");
    for (path, properties, target) in [
        ("subscriptions/s", json!({"displayName": "S", "scope": format!("{other}/products/gold")}), "scope"),
        (
            "subscriptions/s",
            json!({"displayName": "S", "scope": "/products/gold", "ownerId": format!("{other}/users/1")}),
            "ownerId",
        ),
        ("diagnostics/local", json!({"loggerId": format!("{other}/loggers/l")}), "loggerId"),
        (
            "backends/pool",
            json!({"type": "Pool", "pool": {"services": [{"id": format!("{other}/backends/b")}]}}),
            "pool.services[0].id",
        ),
    ] {
        let reply = plane.call("PUT", path, &json!({ "properties": properties }));
        assert_eq!((reply.status, reply.code()), (400, "ValidationError"), "{path}: {}", reply.body);
        assert_eq!(reply.body["error"]["details"][0]["target"], target, "{}", reply.body);
    }
    let own = json!({"properties": {"displayName": "S", "scope": format!("{SERVICE}/products/gold")}});
    assert_eq!(plane.call("PUT", "subscriptions/s", &own).status, 201);
    for wrong in [other.replace("rg1", "rg2"), other.replacen("0000", "1111", 1)] {
        let reply = plane.call("GET", &format!("{wrong}/products/gold"), &Value::Null);
        assert_eq!(reply.status, 404, "{}", reply.body);
    }
}

#[test]
fn secrets_are_in_no_answer_that_must_not_have_them_and_not_in_the_store() {
    let plane = Plane::start(&[]);
    let secret = "s3cret-of-everything";
    for (path, properties) in [
        ("namedValues/n", json!({"displayName": "n", "value": secret, "secret": true})),
        ("subscriptions/s", json!({"displayName": "S", "scope": "/apis", "primaryKey": secret})),
        (
            "loggers/l",
            json!({"loggerType": "applicationInsights", "credentials": {"instrumentationKey": secret}}),
        ),
        ("caches/default", json!({"connectionString": secret, "useFromLocation": "default"})),
        ("users/u", json!({"email": "a@b.example", "firstName": "A", "lastName": "B", "password": secret})),
        ("identityProviders/google", json!({"clientId": "c", "clientSecret": secret})),
        (
            "openidConnectProviders/o",
            json!({"displayName": "O", "metadataEndpoint": "https://o", "clientId": "c", "clientSecret": secret}),
        ),
    ] {
        plane.must("PUT", path, &json!({ "properties": properties }));
        for path in [path, path.split('/').next().expect("a collection")] {
            let reply = plane.must("GET", path, &Value::Null);
            assert!(!reply.body.to_string().contains(secret), "{path}: {}", reply.body);
        }
    }
    assert_eq!(plane.must("POST", "namedValues/n/listValue", &Value::Null).body["value"], secret);
    for file in ["gateway.db", "gateway.db-wal"] {
        let bytes = std::fs::read(plane.store().with_file_name(file)).expect("the store");
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file}");
    }
}

/// M-09: who writes more at a time than there is room for is told to come again, readers are not, and nothing is lost.
#[test]
fn writes_beyond_the_room_for_them_are_told_to_come_again() {
    const ROOM: usize = 128;
    const MORE: usize = 8;
    let plane = Plane::start(&[]);
    let body = |number| format!("{{\"properties\": {{\"displayName\": \"T{number:03}\"}}}}");
    let begin = |number: usize| {
        let mut stream = TcpStream::connect(plane.address()).expect("a connection");
        let target = target(&format!("tags/t{number}"));
        let head = format!(
            "PUT {target} HTTP/1.1\r\nHost: plane\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n{{",
            body(number).len()
        );
        stream.write_all(head.as_bytes()).expect("written");
        stream.set_nonblocking(true).expect("a socket");
        (number, stream)
    };
    let begun: Vec<_> = (0..ROOM + MORE).map(begin).collect();
    let is_answered = |(_, stream): &(usize, TcpStream)| stream.peek(&mut [0]).is_ok();
    let start = Instant::now();
    while begun.iter().filter(|one| is_answered(one)).count() < MORE {
        assert!(start.elapsed() < Duration::from_secs(30), "nobody is told to come again");
        std::thread::sleep(Duration::from_millis(10));
    }
    let refused = plane.call("PUT", "tags/more", &json!({"properties": {"displayName": "M"}}));
    assert_eq!((refused.status, refused.code()), (429, "TooManyRequests"), "{}", refused.body);
    assert_eq!(refused.raw.header("retry-after"), Some("1"));
    assert_eq!(plane.call("GET", "apis", &Value::Null).status, 200, "reading goes on");

    let (told, mut kept): (Vec<_>, Vec<_>) = begun.into_iter().partition(is_answered);
    assert_eq!((told.len(), kept.len()), (MORE, ROOM));
    for (number, stream) in &mut kept {
        stream.set_nonblocking(false).expect("a socket");
        stream.write_all(&body(*number).as_bytes()[1..]).expect("written");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 201");
    }
    plane.must("PUT", "tags/more", &json!({"properties": {"displayName": "M"}}));
    assert_eq!(plane.must("GET", "tags?$top=1000", &Value::Null).names().len(), ROOM + 1);
}

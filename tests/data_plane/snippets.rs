//! The policies that people publish (Azure/api-management-policy-snippets): what comes of a document, by the name of its
//! file. The documents of `tests/snippets` do the same in words of our own. With `POLICY_SNIPPETS` naming a checkout of
//! that repository, the published files themselves are compiled and run here.

use std::fs;
use std::path::PathBuf;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gateway_tests::{Answer, Api, Backend, Config, Recorded, Reply, Running};

mod calls;
mod compiled;

/// Where the documents are.
fn folder() -> PathBuf {
    match std::env::var_os("POLICY_SNIPPETS") {
        Some(checkout) => PathBuf::from(checkout).join("examples"),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snippets"),
    }
}

fn document(name: &str) -> String {
    let text = fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.trim_start_matches('\u{feff}').to_owned()
}

fn named_value(config: &Config, name: &str, value: &str) {
    let text = serde_json::json!({"properties": {"displayName": name, "value": value}}).to_string();
    config.file(&format!("namedValues/{name}/namedValueInformation.json"), &text);
}

/// An API at `/echo` with the document, in front of a backend.
struct Served {
    gateway: Running,
    backend: Backend,
}

impl Served {
    fn new(name: &str, values: &[(&str, &str)]) -> Self {
        Self::before(Backend::fixed("ok"), name, values, |_| {})
    }

    fn before(backend: Backend, name: &str, values: &[(&str, &str)], more: impl Fn(&Config)) -> Self {
        let config = Config::new();
        let (url, operations) = (backend.url(), ["GET /item", "POST /item"]);
        config.api(&Api { name: "a", path: "echo", service_url: &url, operations: &operations, more: "" });
        config.file("apis/a/policy.xml", &document(name));
        values.iter().for_each(|(name, value)| named_value(&config, name, value));
        more(&config);
        Self { gateway: Running::start(config.path(), &[]), backend }
    }

    fn get(&self, headers: &[(&str, &str)]) -> Answer {
        self.gateway.get("/echo/item", headers)
    }

    fn post(&self, body: &str) -> Answer {
        let fields = [("Content-Type", "application/json")];
        self.gateway.client().request_with("POST", "/echo/item", &fields, body.as_bytes())
    }
}

/// Product `Starter` with a key of ann's.
fn starter(config: &Config) {
    config.file(
        "products/starter/productInformation.json",
        r#"{"properties": {"displayName": "Starter", "state": "published", "subscriptionRequired": true}}"#,
    );
    config.file("products/starter/apis/a/productApiInformation.json", "{}");
    config.file(
        "users/ann/userInformation.json",
        r#"{"properties": {"email": "ann@example.com", "firstName": "Ann", "lastName": "A"}}"#,
    );
    config.file(
        "subscriptions/s/subscriptionInformation.json",
        r#"{"properties": {"displayName": "s", "scope": "/products/starter", "state": "active", "ownerId": "/users/ann", "primaryKey": "ann-key"}}"#,
    );
}

const STARTER: (&str, &str) = ("Ocp-Apim-Subscription-Key", "ann-key");

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// `Bearer` and a token signed with [`SECRET`].
fn bearer(claims: &str) -> String {
    let [head, claims] = [r#"{"alg":"HS256","typ":"JWT"}"#, claims].map(|text| URL_SAFE_NO_PAD.encode(text));
    let signature =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), format!("{head}.{claims}").as_bytes());
    format!("Bearer {head}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn snippet_add_correlation_id() {
    let served = Served::new("Add correlation id to inbound request.policy.xml", &[]);
    served.get(&[]);
    served.get(&[("correlationid", "mine")]);
    let seen = served.backend.seen();
    let made = seen[0].header("correlationid").unwrap();
    assert!(made.len() == 36 && made.split('-').map(str::len).eq([8, 4, 4, 4, 12]), "{made}");
    assert_eq!(seen[1].header("correlationid"), Some("mine"));
}

#[test]
fn snippet_create_hmac_sha256_signed_jwt() {
    let served =
        Served::new("Create HMAC SHA256-Signed JWT.policy.xml", &[("hashing-secret", "a secret of the API")]);
    served.get(&[]);
    let seen = served.backend.only();
    let token = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of the API");
    hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["username"], "john_doe");
    assert!(claims["exp"].as_i64().unwrap() > 1_700_000_000);
}

#[test]
fn snippet_decrypt_aes_data() {
    let (key, vector) = (STANDARD.encode(b"0123456789abcdef"), STANDARD.encode(b"fedcba9876543210"));
    let values = [("AES-Key", key.as_str()), ("AES-IV", vector.as_str())];
    let served = Served::new("Decrypt AES Data using policy expressions.xml", &values);
    let hidden = {
        use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
        let key = UnboundCipherKey::new(&AES_128, b"0123456789abcdef").unwrap();
        let mut text = b"a text that nobody reads on the way".to_vec();
        let context = EncryptionContext::Iv128(aws_lc_rs::iv::FixedLength::from(*b"fedcba9876543210"));
        PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap().less_safe_encrypt(&mut text, context).unwrap();
        STANDARD.encode(text)
    };
    let answer = served.post(&format!(r#"{{"encrpText": "{hidden}"}}"#));
    assert_eq!((answer.status, answer.text().as_str()), (200, "a text that nobody reads on the way"));
}

#[test]
fn snippet_extract_value_from_xml() {
    let answer = Served::new("Extract value from XML.xml", &[]).get(&[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "ABCDEF123456789"));
}

#[test]
fn snippet_filter_on_ip_address_behind_application_gateway() {
    let name = "Filter on IP Address when using Application Gateway.policy.xml";
    let served = Served::new(name, &[("ipValidated", "validated")]);
    assert_eq!(served.get(&[("X-Forwarded-For", "10.1.2.3:4711")]).status, 200);
    assert_eq!(served.get(&[("X-Forwarded-For", "172.20.1.1")]).status, 200);
    assert_eq!(served.get(&[("X-Forwarded-For", "172.32.1.1")]).status, 403);
    assert_eq!(served.get(&[("X-Forwarded-For", "203.0.113.7:80")]).status, 403);
    assert_eq!(served.backend.seen().len(), 2);
}

#[test]
fn snippet_filter_response_content_by_product() {
    let weather = r#"{"place":"here","current":1,"minutely":2,"hourly":3,"daily":4,"alerts":5}"#;
    let backend = Backend::start(move |_| Reply::with(200, &[("Content-Type", "application/json")], weather));
    let name = "Filter response content based on product name.policy.xml";
    let answer = Served::before(backend, name, &[], starter).get(&[STARTER]);
    let left: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(left, serde_json::json!({"place": "here"}));
}

#[test]
fn snippet_forward_gateway_hostname() {
    let name = "Forward gateway hostname to backend for generating correct urls in responses.policy.xml";
    let served = Served::new(name, &[]);
    served.get(&[("Host", "api.example")]);
    assert_eq!(served.backend.only().header("forwarded"), Some("proto=http;host=api.example;"));
}

#[test]
fn snippet_list_all_inbound_headers() {
    let served = Served::new("List all inbound headers.policy.xml", &[]);
    let text = served.get(&[("X-One", "1"), ("X-Two", "two")]).text();
    assert!(text.contains("X-One: 1") && text.contains("X-Two: two"), "{text}");
    assert!(served.backend.seen().is_empty());
}

#[test]
fn snippet_parse_a_jwt() {
    let key = STANDARD.encode(SECRET);
    let served = Served::new("Parse a JWT token using expressions.xml", &[("signing-key", &key)]);
    let token = bearer(r#"{"exp":4000000000,"permissions":["read","sendEmail"]}"#);
    assert_eq!(served.get(&[("Authorization", &token)]).status, 200);
    assert_eq!(served.get(&[("Authorization", "Bearer a.b.c")]).status, 401);
    assert_eq!((served.get(&[]).status, served.backend.seen().len()), (401, 1));
}

#[test]
fn snippet_perform_basic_authentication() {
    let values = [("UserId", "ada"), ("Password", "pa:ss")];
    let served = Served::new("Perform basic authentication.policy.xml", &values);
    let given =
        |pair: &str| served.get(&[("Authorization", &format!("Basic {}", STANDARD.encode(pair)))]).status;
    assert_eq!([given("ada:pa:ss"), given("ada:other"), given("eve:pa:ss")], [200, 401, 401]);
    assert_eq!((served.get(&[]).status, served.backend.only().header("authorization")), (401, None));
}

#[test]
fn snippet_random_load_balancer() {
    let others = [Backend::fixed("one"), Backend::fixed("two")];
    let urls = others.each_ref().map(Backend::url);
    let values = [("backend-url-1", urls[0].as_str()), ("backend-url-2", urls[1].as_str())];
    let served = Served::new("Random load balancer.policy.xml", &values);
    assert!((0..80).all(|_| served.get(&[]).status == 200));
    let shares = others.each_ref().map(|other| other.seen().len());
    assert!(shares.iter().sum::<usize>() == 80 && shares.iter().all(|share| *share >= 10), "{shares:?}");
}

#[test]
fn snippet_random_load_balancer_simpler() {
    let other = Backend::fixed("other");
    let url = other.url();
    for (weight, expected) in [("100", "other"), ("0", "ok")] {
        let values = [
            ("MyTrafficSplitApp_TrafficSplitWeight", weight),
            ("MyTrafficSplitApp_TrafficBaseUrlOverride", url.as_str()),
        ];
        let served = Served::new("Random load balancer simpler.policy.xml", &values);
        assert!((0..20).all(|_| served.get(&[]).text() == expected), "{weight}");
    }
}

#[test]
fn snippet_return_405() {
    let name = "Return HTTP 405 if the HTTP Method of the request is not defined.xml";
    let served = Served::new(name, &[]);
    let refused = served.gateway.client().request("DELETE", "/echo/resource-cached", &[]);
    assert_eq!((refused.status, refused.reason.as_str()), (405, "Method not allowed"));
    let body: serde_json::Value = serde_json::from_str(&refused.text()).unwrap();
    assert_eq!(body["message"], "Method not allowed");
    assert_eq!(served.get(&[]).status, 200);
}

#[test]
fn snippet_route_requests_based_on_size() {
    let large = Backend::fixed("large");
    let url = large.url();
    let values = [("alternate-host", url.as_str()), ("alternate-path-and-query", "/bulk?all=1")];
    let served = Served::new("Route requests based on size.policy.xml", &values);
    assert_eq!(served.post("{}").text(), "ok");
    assert_eq!(served.post(&"x".repeat(256_000)).text(), "large");
    assert_eq!((large.only().target.as_str(), served.backend.seen().len()), ("/bulk?all=1", 1));
}

#[test]
fn snippet_send_request_context_information() {
    let name = "Send request context information to the backend service.policy.xml";
    let served = Served::before(Backend::fixed("ok"), name, &[], starter);
    assert_eq!(served.get(&[STARTER]).status, 200);
    let seen = served.backend.only();
    assert_eq!(seen.target, "/item?x-product-name=Starter");
    assert!(seen.header("x-request-context-data").unwrap().starts_with("ann"));
}

#[test]
fn snippet_set_cache_duration_by_the_response() {
    let asked = |age: &'static str| {
        let backend = Backend::start(move |_| Reply::with(200, &[("Cache-Control", age)], "kept"));
        let lookup = |config: &Config| {
            let lookup = r#"<cache-lookup vary-by-developer="false" vary-by-developer-groups="false" />"#;
            config.policy("policy.xml", lookup, "<forward-request />", " ", " ");
        };
        let name = "Set cache duration using response cache control header.policy.xml";
        let served = Served::before(backend, name, &[], lookup);
        assert!((0..3).all(|_| served.get(&[]).text() == "kept"));
        served.backend.seen().len()
    };
    assert_eq!([asked("public, max-age=120"), asked("public")], [1, 1]);
}

#[test]
fn snippet_custom_error_messages_of_validate_jwt() {
    let key = STANDARD.encode(SECRET);
    let name = "Use custom error messages for jwt-validate policy with on-error handler.policy.xml";
    let served = Served::new(name, &[("base64-encoded-hashing-secret", &key)]);
    assert_eq!(served.get(&[("Authorization", &bearer(r#"{"exp":4000000000}"#))]).status, 200);
    let refused = served.get(&[("Authorization", &bearer(r#"{"exp":1000000000}"#))]);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.text().trim(), "Unauthorized. Access token is missing or invalid.");
}

#[test]
fn snippet_forward_an_event_grid_event() {
    let served = Served::new("Forward Azure Event Grid Event.xml", &[]);
    let event = r#"{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "code-1"}}"#;
    let valid = served.post(&format!("[{event}]"));
    let body: serde_json::Value = serde_json::from_str(&valid.text()).unwrap();
    assert_eq!((valid.status, &body["validationResponse"]), (200, &"code-1".into()));
    let two = served.post(&format!("[{event},{event}]"));
    assert_eq!((two.status, two.text().as_str()), (400, r#"{"error":"We only support one event"}"#));
    assert!(served.backend.seen().is_empty());
}

#[test]
fn snippet_replay_request_on_error() {
    let backend = Backend::start(|_| Reply::raw(b""));
    let served = Served::before(backend, "Replay request on error.policy.xml", &[], |_| {});
    let answer = served.get(&[]);
    assert_eq!((answer.status, answer.header("x-request-replayed")), (500, Some("\"false\"")));
}

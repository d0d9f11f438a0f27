//! Documents that call other services.

use super::*;

const TOKENS: &str = "application/x-www-form-urlencoded";

/// Hands tokens out, and a number with each.
fn authorization_server() -> Backend {
    Backend::start(|request: &Recorded| {
        assert_eq!((request.method.as_str(), request.header("content-type")), ("POST", Some(TOKENS)));
        let form = String::from_utf8_lossy(&request.body);
        assert!(
            form.trim() == "client_id=me&scope=all&client_secret=s&grant_type=client_credentials",
            "{form}"
        );
        let body = r#"{"access_token": "t-1", "expires_in": 300}"#;
        Reply::with(200, &[("Content-Type", "application/json")], body)
    })
}

#[test]
fn snippet_oauth2_access_token_forwarded() {
    let tokens = authorization_server();
    let url = tokens.url();
    let values =
        [("authorizationServer", url.as_str()), ("clientId", "me"), ("scope", "all"), ("clientSecret", "s")];
    for (name, calls) in [
        ("Get OAuth2 access token from AAD and forward it to the backend.policy.xml", 3),
        ("Backend OAuth2 Authentication With Cache.policy.xml", 1),
    ] {
        let before = tokens.seen().len();
        let served = Served::before(Backend::fixed("ok"), name, &values, starter);
        assert!((0..3).all(|_| served.get(&[STARTER]).status == 200), "{name}");
        for seen in served.backend.seen() {
            let fields =
                (seen.header("authorization").map(str::trim), seen.header("ocp-apim-subscription-key"));
            assert_eq!(fields, (Some("Bearer t-1"), None), "{name}");
        }
        assert_eq!(tokens.seen().len() - before, calls, "{name}");
    }
}

#[test]
fn snippet_cached_token_goes_when_the_backend_refuses_it() {
    let tokens = authorization_server();
    let url = tokens.url();
    let values =
        [("authorizationServer", url.as_str()), ("clientId", "me"), ("scope", "all"), ("clientSecret", "s")];
    let refusing = Backend::start(|_| Reply::with(401, &[], "no"));
    let name = "Backend OAuth2 Authentication With Cache.policy.xml";
    let served = Served::before(refusing, name, &values, |_| {});
    assert!((0..3).all(|_| served.get(&[]).status == 401));
    assert_eq!(tokens.seen().len(), 3, "each call gets a new one");
}

#[test]
fn snippet_authorize_by_an_external_authorizer() {
    let authorizer = Backend::start(|request: &Recorded| {
        let status = if request.header("authorization") == Some("Bearer good") { "200" } else { "403" };
        Reply::with(200, &[("Content-Type", "application/json")], &format!(r#"{{"status": "{status}"}}"#))
    });
    let url = authorizer.url();
    let name = "Authorize requests using external authorizer.policy.xml";
    let served = Served::new(name, &[("authorizer-url", url.as_str())]);
    let unknown = served.get(&[("Host", "api.example")]);
    assert_eq!((unknown.status, unknown.header("www-authenticate")), (401, Some("Bearer realm=api.example")));
    assert!((0..2).all(|_| served.get(&[("Authorization", "Bearer good")]).status == 200));
    assert!((0..2).all(|_| served.get(&[("Authorization", "Bearer bad")]).status == 403));
    assert!((2..=4).contains(&authorizer.seen().len()), "kept for five seconds");
    assert_eq!(served.backend.seen().len(), 2);
}

#[test]
fn snippet_backend_for_frontend() {
    let services = Backend::start(|request: &Recorded| {
        let path = request.target.split('?').next().unwrap_or_default();
        match path {
            "/operation1" => {
                assert_eq!(request.target, "/operation1?param1=7");
                Reply::ok(r#"{"one": 1}"#)
            }
            "/operation3" => Reply::with(404, &[], r#""nothing there""#),
            _ => Reply::ok(r#"["all", "well"]"#),
        }
    });
    let url = services.url();
    let values = [("bff-baseurl", url.as_str()), ("bff-timeout", "10")];
    let served = Served::new("Backend for Frontend or curated API policy.xml", &values);
    let answer = served.gateway.get("/echo/item?param1=7", &[]);
    assert_eq!(answer.status, 207);
    let parts: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    let expected = serde_json::json!([
        {"operation": "operation1", "status": 200, "body": {"one": 1}},
        {"operation": "operation2", "status": 200, "body": ["all", "well"]},
        {"operation": "operation3", "status": 404, "error": "nothing there"},
        {"operation": "operation4", "status": 200, "body": ["all", "well"]},
    ]);
    assert_eq!(parts, expected);
    assert!(served.backend.seen().is_empty());
}

#[test]
fn snippet_mask_async_calls_as_synchronous() {
    let jobs = Backend::fixed("done");
    let location = format!("{}/jobs/1", jobs.url());
    let backend = Backend::start(move |_| Reply::with(202, &[("Location", &location)], ""));
    let served = Served::before(backend, "Mask async calls as synchronous.policy.xml", &[], |_| {});
    let answer = served.post("{}");
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    assert_eq!(jobs.only().target, "/jobs/1");
}

#[test]
fn snippet_extract_multiple_values_from_xml() {
    let xml = "<a xmlns='urn:x'><conditionValue>true</conditionValue><b><value1>1</value1><value3>drei</value3></b></a>";
    let service = Backend::start(move |_| Reply::with(200, &[("Content-Type", "text/xml")], xml));
    let url = service.url();
    let name = "Extracting multiple values from xml documents.policy.xml";
    let answer = Served::new(name, &[("my-send-request", url.as_str())]).get(&[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml")));
    let text: String = answer.text().split_whitespace().collect::<Vec<_>>().join(" ").replace("> <", "><");
    assert_eq!(text, r#"<message3><data val1="1" val3="drei" /></message3>"#);
}

#[test]
fn snippet_generate_shared_access_signature() {
    let name = "Generate Shared Access Signature and forward request to Azure storage.policy.xml";
    let key = STANDARD.encode(b"the key of the account");
    let values =
        [("storageAccountAccessKey", key.as_str()), ("storageAccountName", "acme"), ("tableName", "orders")];
    let served = Served::new(name, &values);
    assert_eq!(served.get(&[]).status, 200);
    let seen = served.backend.only();
    assert_eq!(seen.header("accept"), Some("application/json;odata=nometadata"));
    assert_eq!(seen.header("x-ms-version"), Some("2021-06-08"));
    let query = seen.target.strip_prefix("/orders?").unwrap_or_else(|| panic!("{}", seen.target));
    let part = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
    assert_eq!((part("sv="), part("sp="), part("tn=")), ("2021-06-08", "raud", "orders"));
    let expiry = part("se=").replace("%3A", ":");
    let fields =
        ["raud", "", expiry.as_str(), "/table/acme/orders", "", "", "", "2021-06-08", "", "", "", ""];
    let own = hmac::Key::new(hmac::HMAC_SHA256, b"the key of the account");
    let signature = STANDARD.encode(hmac::sign(&own, fields.join("\n").as_bytes()));
    let sent = part("sig=").replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    assert_eq!(sent, signature);
}

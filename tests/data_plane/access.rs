//! Subscription keys and products (`policies.md` §6.6).

use gateway_tests::{Api, Backend, Config, Running};

const MISSING: &str = r#"{ "statusCode": 401, "message": "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API." }"#;
const INVALID: &str = r#"{ "statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription." }"#;

const KEY: &str = "Ocp-Apim-Subscription-Key";

fn closed_api(backend: &Backend) -> Config {
    let config = Config::new();
    config.api(&Api {
        name: "shop",
        path: "shop",
        service_url: &backend.url(),
        operations: &["GET /item"],
        more: r#""subscriptionRequired": true"#,
    });
    config
}

#[test]
fn key_decides_as_the_table_says() {
    let backend = Backend::fixed("ok");
    let config = closed_api(&backend);
    config.product("basic", true, &["shop"]).product("other", true, &[]);
    for (name, scope, state) in [
        ("for-api", "/apis/shop", "active"),
        ("for-all", "/apis", "active"),
        ("for-product", "/products/basic", "active"),
        ("for-other", "/products/other", "active"),
        ("asleep", "/apis/shop", "suspended"),
    ] {
        config.subscription(name, scope, state);
    }
    let gateway = Running::start(config.path(), &[]);
    for (key, status) in [
        ("for-api-primary", 200),
        ("for-api-secondary", 200),
        ("for-all-primary", 200),
        ("for-product-primary", 200),
        ("for-other-primary", 401),
        ("asleep-primary", 401),
        ("for-api-primar", 401),
        ("FOR-API-PRIMARY", 401),
        ("", 401),
    ] {
        let answer = gateway.get("/shop/item", &[(KEY, key)]);
        assert_eq!(answer.status, status, "header {key}");
        if status == 401 {
            assert_eq!(answer.text(), INVALID);
        }
        let answer = gateway.get(&format!("/shop/item?subscription-key={key}"), &[]);
        assert_eq!(answer.status, status, "query {key}");
    }
}

#[test]
fn missing_key_is_401_with_the_challenge() {
    let backend = Backend::fixed("ok");
    let gateway = Running::start(closed_api(&backend).path(), &[]);
    let answer = gateway.get("/shop/item", &[("Host", "api.example:8080")]);
    assert_eq!((answer.status, answer.text().as_str()), (401, MISSING));
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            r#"AzureApiManagementKey realm="https://api.example:8080/shop",name="Ocp-Apim-Subscription-Key",type="header""#
        )
    );
    assert!(backend.seen().is_empty());
}

#[test]
fn header_is_looked_at_before_the_query() {
    let backend = Backend::fixed("ok");
    let config = closed_api(&backend);
    config.subscription("s", "/apis/shop", "active");
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/shop/item?subscription-key=s-primary", &[(KEY, "wrong")]).status, 401);
    assert_eq!(gateway.get("/shop/item?subscription-key=wrong", &[(KEY, "s-primary")]).status, 200);
}

#[test]
fn wrong_key_on_an_open_api_is_refused_and_a_missing_one_is_not() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "open", path: "open", service_url: &url, operations: &["GET /item"], more: "" });
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/open/item", &[]).status, 200);
    assert_eq!(gateway.get("/open/item", &[(KEY, "wrong")]).status, 401);
}

#[test]
fn open_product_lets_calls_without_a_key_in() {
    let backend = Backend::fixed("ok");
    let config = closed_api(&backend);
    config.product("free", false, &["shop"]);
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/shop/item", &[]).status, 200);
}

#[test]
fn renamed_key_header_is_the_only_one() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    config.api(&Api {
        name: "shop",
        path: "shop",
        service_url: &backend.url(),
        operations: &["GET /item"],
        more: r#""subscriptionRequired": true, "subscriptionKeyParameterNames": {"header": "X-Key", "query": "k"}"#,
    });
    config.subscription("s", "/apis/shop", "active");
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/shop/item", &[("X-Key", "s-primary")]).status, 200);
    assert_eq!(gateway.get("/shop/item?k=s-primary", &[]).status, 200);
    assert_eq!(gateway.get("/shop/item", &[(KEY, "s-primary")]).status, 401);
}

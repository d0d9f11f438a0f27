//! GraphQL APIs: passed through, checked, and put together from data sources.

use gateway_tests::{Answer, Backend, Config, Reply, Running};
use serde_json::{Value, json};

const SCHEMA: &str =
    "type Query { users: [User] user(id: ID!): User broken: String secret: String here: String }
type Mutation { first: Int second: Int }
type User { id: ID name: String posts(last: Int): [Post] }
type Post { title: String }
";

/// A GraphQL API at `/g`; with a service URL it is passed through.
fn folder(service_url: Option<&str>) -> Config {
    folder_with(service_url, SCHEMA)
}

pub fn folder_with(service_url: Option<&str>, schema: &str) -> Config {
    let config = Config::new();
    let url = service_url.map_or(String::new(), |url| format!(r#", "serviceUrl": "{url}""#));
    config.file(
        "apis/g/apiInformation.json",
        &format!(
            r#"{{"properties": {{"displayName": "g", "path": "g", "type": "graphql", "protocols": ["http"],
            "subscriptionRequired": false{url}}}}}"#
        ),
    );
    config.file("apis/g/specification.graphql", schema);
    config
}

pub fn resolver(config: &Config, path: &str, source: &str) {
    let name = path.replace('/', "-").to_lowercase();
    config.file(
        &format!("apis/g/resolvers/{name}/resolverInformation.json"),
        &json!({ "properties": { "displayName": name, "path": path } }).to_string(),
    );
    config.file(
        &format!("apis/g/resolvers/{name}/policy.xml"),
        &format!("<http-data-source>{source}</http-data-source>"),
    );
}

pub fn get(url: &str) -> String {
    format!("<http-request><set-method>GET</set-method><set-url>{url}</set-url></http-request>")
}

pub fn ask(gateway: &Running, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    gateway.client().request_with("POST", "/g", &headers, body.to_string().as_bytes())
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text()).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

#[test]
fn query_is_passed_through_to_the_backend() {
    let backend = Backend::fixed(r#"{"data": {"here": "ok"}}"#);
    let gateway = Running::start(folder(Some(&backend.url())).path(), &[]);
    let query = json!({ "query": "{ here }" });
    let answer = ask(&gateway, &query);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"data": {"here": "ok"}}"#));
    assert_eq!(backend.only().body, query.to_string().into_bytes(), "not a byte changed");
    assert_eq!(gateway.get("/g/other", &[]).status, 404);
}

#[test]
fn schema_is_answered_from_data_sources() {
    let source = Backend::start(|request| match request.target.as_str() {
        "/users" => Reply::ok(r#"[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bob"}]"#),
        "/users/7" => Reply::ok(r#"{"id": "7", "name": "Eve"}"#),
        "/posts?user=1&last=2" => Reply::ok(r#"{"items": [{"title": "a"}, {"title": "b"}]}"#),
        "/posts?user=2&last=2" => Reply::with(500, &[], "down"),
        other => panic!("{other}"),
    });
    let config = folder(None);
    let url = source.url();
    resolver(&config, "Query/users", &get(&format!("{url}/users")));
    resolver(
        &config,
        "Query/user",
        &get(&format!("@($\"{url}/users/{{context.GraphQL.Arguments[\"id\"]}}\")")),
    );
    let posts = format!(
        "{}<http-response><set-body>@(context.Response.StatusCode == 200 ? context.Response.Body.As&lt;JObject&gt;()[\"items\"].ToString() : \"null\")</set-body></http-response>",
        get(&format!(
            "@($\"{url}/posts?user={{context.GraphQL.Parent[\"id\"]}}&amp;last={{context.GraphQL.Arguments[\"last\"]}}\")"
        ))
    );
    resolver(&config, "User/posts", &posts);
    let gateway = Running::start(config.path(), &[]);
    let query = "query($id: ID!) { all: users { name latest: posts(last: 2) { title } } user(id: $id) { name __typename } }";
    let answer = ask(&gateway, &json!({ "query": query, "variables": { "id": "7" } }));
    let expected = json!({ "data": {
        "all": [
            { "name": "Ada", "latest": [{ "title": "a" }, { "title": "b" }] },
            { "name": "Bob", "latest": null },
        ],
        "user": { "name": "Eve", "__typename": "User" },
    }});
    assert_eq!((answer.status, json_of(&answer)), (200, expected));
    assert_eq!(source.seen().len(), 4);
}

#[test]
fn failing_data_source_is_a_field_error() {
    let source = Backend::start(|_| Reply::with(503, &[], "secret detail"));
    let config = folder(None);
    resolver(&config, "Query/broken", &get(&source.url()));
    let gateway = Running::start(config.path(), &[]);
    let body = json_of(&ask(&gateway, &json!({ "query": "{ broken here }" })));
    assert_eq!(body["data"], json!({ "broken": null, "here": null }));
    let error = &body["errors"][0];
    assert_eq!(error["path"], json!(["broken"]));
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("Query.broken") && message.contains("503") && !message.contains("detail"),
        "{message}"
    );
}

#[test]
fn mutations_run_one_after_the_other() {
    let source = Backend::start(|request| Reply::ok(if request.target == "/1" { "1" } else { "2" }));
    let config = folder(None);
    resolver(&config, "Mutation/first", &get(&format!("{}/1", source.url())));
    resolver(&config, "Mutation/second", &get(&format!("{}/2", source.url())));
    let gateway = Running::start(config.path(), &[]);
    let body = json_of(&ask(&gateway, &json!({ "query": "mutation { second first }" })));
    assert_eq!(body, json!({ "data": { "second": 2, "first": 1 } }));
    let targets: Vec<_> = source.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/2", "/1"]);
}

#[test]
fn resolver_overrides_a_field_of_the_backend() {
    let backend = Backend::fixed(r#"{"data": {"mine": "from the backend"}}"#);
    let source = Backend::fixed("\"from the source\"");
    let config = folder(Some(&backend.url()));
    resolver(&config, "Query/secret", &get(&source.url()));
    let gateway = Running::start(config.path(), &[]);
    let body = json_of(&ask(&gateway, &json!({ "query": "{ mine: here secret }" })));
    assert_eq!(body, json!({ "data": { "mine": "from the backend", "secret": "from the source" } }));
    let sent: Value = serde_json::from_slice(&backend.only().body).unwrap();
    let query = sent["query"].as_str().unwrap();
    assert!(query.contains("mine: here") && !query.contains("secret"), "{query}");
}

#[test]
fn introspection_is_answered_here() {
    let source = Backend::fixed("[]");
    let config = folder(None);
    resolver(&config, "Query/users", &get(&source.url()));
    let gateway = Running::start(config.path(), &[]);
    let query = "{ __schema { queryType { name } } __type(name: \"Post\") { fields { name } } }";
    let body = json_of(&ask(&gateway, &json!({ "query": query })));
    let expected = json!({ "__schema": { "queryType": { "name": "Query" } }, "__type": { "fields": [{ "name": "title" }] } });
    assert_eq!(body, json!({ "data": expected }));
    assert_eq!(source.seen().len(), 0);
}

/// `/g` with `validate-graphql-request` in front of a backend.
fn checked(backend: &Backend, attributes: &str, rules: &str) -> Running {
    let config = folder(Some(&backend.url()));
    let policy = format!(
        "<base /><validate-graphql-request error-variable-name=\"e\" {attributes}>{rules}</validate-graphql-request>"
    );
    config.policy("apis/g/policy.xml", &policy, "", "", "");
    Running::start(config.path(), &[])
}

#[test]
fn requests_that_do_not_fit_the_schema_never_reach_the_backend() {
    let backend = Backend::fixed(r#"{"data": {}}"#);
    let gateway = checked(&backend, "max-size=\"300\" max-depth=\"2\"", "");
    let long = format!("{{ here }} # {}", "x".repeat(400));
    let deep = "query { users { posts { title } } }";
    let spread =
        "query { ...A } fragment A on Query { users { ...B } } fragment B on User { posts { title } }";
    let circular = "query { ...A } fragment A on Query { ...A }";
    let nested = format!("{}here{}", "{ a ".repeat(120), " }".repeat(120));
    for (body, part) in [
        (json!({ "query": "{ missing }" }), "missing"),
        (json!({ "query": "{ here" }), "expected"),
        (json!({ "query": "query($id: ID!) { user(id: $id) { id } }" }), "id"),
        (json!({ "query": "query($id: ID!) { user(id: $id) { id } }", "variables": { "id": [1] } }), "id"),
        (json!({ "query": "{ here } query B { here }" }), ""),
        (json!({ "query": long }), "exceeds the limit of 300 bytes"),
        (json!({ "query": deep }), "more than 2 levels"),
        (json!({ "query": spread }), "more than 2 levels"),
        (json!({ "query": circular }), "A"),
        (json!({ "query": nested }), ""),
        (json!({ "query": 1 }), "must be a string"),
        (json!({}), "'query' is missing"),
        (json!([{ "query": "{ here }" }]), "one JSON object"),
        (json!({ "query": "{ here }", "variables": [] }), "must be an object"),
    ] {
        let answer = ask(&gateway, &body);
        let found = json_of(&answer);
        assert_eq!(answer.status, 400, "{body}");
        assert!(found.get("data").is_none(), "{found}");
        let message = found["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(part), "{body}: {message}");
    }
    let plain = gateway.client().request_with("POST", "/g", &[], b"{ here }");
    assert_eq!(plain.status, 400);
    assert_eq!(backend.seen().len(), 0);
    assert_eq!(ask(&gateway, &json!({ "query": "{ here }" })).status, 200);
    assert_eq!(gateway.get("/g?query=%7Bhere%7D", &[]).status, 200);
    assert_eq!(gateway.get("/g?query=%7Bmissing%7D", &[]).status, 400);
}

#[test]
fn rules_allow_remove_and_reject_fields() {
    let backend = Backend::fixed(r#"{"data": {"here": "ok"}}"#);
    let rules = r#"<authorize>
      <rule path="/Query/secret" action="@(context.Request.Headers.GetValueOrDefault("X-Who") == "me" ? "allow" : "remove")" />
      <rule path="/Mutation/*" action="reject" />
      <rule path="/__*" action="reject" />
    </authorize>"#;
    let gateway = checked(&backend, "max-size=\"10000\"", rules);
    let body = json_of(&ask(
        &gateway,
        &json!({ "query": "query($n: ID!) { here secret }", "variables": { "n": "1" } }),
    ));
    assert!(body.get("errors").is_some(), "an unused variable is an error: {body}");
    let body = json_of(&ask(&gateway, &json!({ "query": "{ here secret }" })));
    assert_eq!(body["data"], json!({ "here": "ok" }));
    assert_eq!(body["errors"][0]["message"], "Access to the field Query.secret is not allowed.");
    let sent: Value = serde_json::from_slice(&backend.only().body).unwrap();
    assert!(!sent["query"].as_str().unwrap().contains("secret"));
    for query in ["mutation { first }", "{ __schema { queryType { name } } }"] {
        assert_eq!(ask(&gateway, &json!({ "query": query })).status, 400, "{query}");
    }
    assert_eq!(backend.seen().len(), 1);
}

#[test]
fn broken_schema_or_resolver_takes_the_api_out() {
    for (file, text, part) in [
        ("apis/g/specification.graphql", "type Query { a: Missing }", "specification.graphql"),
        ("apis/g/resolvers/query-here/policy.xml", "<sql-data-source/>", "resolvers/query-here"),
        ("apis/g/resolvers/query-here/policy.xml", "<http-data-source/>", "resolvers/query-here"),
    ] {
        let config = folder(None);
        resolver(&config, "Query/here", &get("http://127.0.0.1:1/"));
        config.file(file, text);
        let gateway = Running::start(config.path(), &[]);
        let answer = ask(&gateway, &json!({ "query": "{ here }" }));
        assert_eq!(answer.status, 503, "{file}");
        assert!(answer.text().contains(part), "{}", answer.text());
    }
}

//! What a folder may be made of: three kinds of definitions, older names, overrides, secrets from files.

use gateway_tests::{Api, Backend, Config, Running};

#[test]
fn operations_come_from_every_kind_of_definition() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    let url = backend.url();
    let openapi = |version: &str| {
        format!(
            "openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths:\n  /pets/{{id}}:\n    get:\n      operationId: getPet\n\
             \x20     parameters:\n        - {{name: id, in: path, required: true, schema: {{type: string}}}}\n\
             \x20       - {{name: kind, in: query, required: true, schema: {{type: string}}}}\n      responses: {{'200': {{description: ok}}}}\n"
        )
    };
    let swagger = r#"{"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {"/pets/{id}": {"get": {
        "operationId": "getPet", "responses": {"200": {"description": "ok"}}, "parameters": [
        {"name": "id", "in": "path", "required": true, "type": "string"},
        {"name": "kind", "in": "query", "required": true, "type": "string"}]}}}}"#;
    for (name, file, text) in [
        ("three-zero", "specification.yaml", openapi("3.0.3")),
        ("three-one", "specification.yaml", openapi("3.1.0")),
        ("two", "specification.json", swagger.to_owned()),
    ] {
        config.api(&Api { name, path: name, service_url: &url, operations: &[], more: "" });
        config.file(&format!("apis/{name}/{file}"), &text);
    }
    let which =
        r#"<base /><set-header name="X-Operation"><value>@(context.Operation.Id)</value></set-header>"#;
    config.policy("policy.xml", &which.replace("<base />", ""), "<forward-request />", "", "");
    let gateway = Running::start(config.path(), &[]);
    for name in ["three-zero", "three-one", "two"] {
        assert_eq!(gateway.get(&format!("/{name}/pets/7?kind=cat"), &[]).status, 200, "{name}");
        // A required query parameter is part of the template.
        assert_eq!(gateway.get(&format!("/{name}/pets/7"), &[]).status, 404, "{name}");
        assert_eq!(gateway.client().request("POST", &format!("/{name}/pets/7?kind=cat"), &[]).status, 404);
    }
    // Identifiers are normalised as the service does when it imports a definition.
    for seen in backend.seen() {
        assert_eq!((seen.target.as_str(), seen.header("x-operation")), ("/pets/7?kind=cat", Some("getpet")));
    }
}

#[test]
fn overrides_and_secrets_complete_the_folder() {
    let (wrong, right) = (Backend::fixed("wrong"), Backend::fixed("right"));
    let config = Config::new();
    let url = wrong.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    // The tool's own spelling of the folder, and a value that the folder does not hold.
    config.file(
        "namedValues/hidden/namedValueInformation.json",
        r#"{"properties": {"displayName": "hidden", "secret": true}}"#,
    );
    let set = r#"<base /><set-header name="X-Hidden"><value>{{hidden}}</value></set-header>"#;
    config.policy("apis/a/policy.xml", set, "", "", "");
    let beside = tempfile::tempdir().expect("a folder");
    let overrides = beside.path().join("configuration.prod.yaml");
    let text = format!("apis:\n  - name: a\n    properties:\n      serviceUrl: {}\n", right.url());
    std::fs::write(&overrides, text).expect("a file");
    std::fs::write(beside.path().join("NAMED_VALUE_HIDDEN"), "s3cret\n").expect("a file");
    let settings = [
        ("config.overrides", overrides.to_str().expect("a path")),
        ("config.secrets", beside.path().to_str().expect("a path")),
    ];
    let gateway = Running::start(config.path(), &settings);
    assert_eq!(gateway.get("/a/item", &[]).text(), "right");
    assert_eq!(right.only().header("x-hidden"), Some("s3cret"));
}

#[test]
fn later_key_scopes_and_states_follow_the_folder_while_it_runs() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    let url = backend.url();
    let more = r#""subscriptionRequired": true"#;
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more });
    config.subscription("s", "/apis/a", "active");
    let gateway = Running::start(config.path(), &[]);
    let key = [("Ocp-Apim-Subscription-Key", "s-secondary")];
    assert_eq!(gateway.get("/a/item", &key).status, 200);
    config.subscription("s", "/apis/a", "suspended");
    let begin = std::time::Instant::now();
    while gateway.get("/a/item", &key).status != 401 {
        // Two seconds is the promise; the rest is for a busy machine.
        assert!(begin.elapsed().as_secs() < 10, "the change is not live");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

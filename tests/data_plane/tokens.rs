//! Tokens of callers and of the gateway itself (`policies.md` A §2, A §3).

use gateway_tests::{Answer, Api, Backend, Client, Config, Issuer, Recorded, Reply, Running};

fn gateway(inbound: &str, settings: &[(&str, &str)]) -> (Config, Backend, Running) {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    config.api(&Api {
        name: "shop",
        path: "shop",
        service_url: &backend.url(),
        operations: &["GET /item"],
        more: "",
    });
    config.policy("apis/shop/policy.xml", &format!("<base />{inbound}"), "", "", "");
    let gateway = Running::start(config.path(), settings);
    (config, backend, gateway)
}

fn call(gateway: &Running, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    Client::connect(gateway.http()).request("GET", "/shop/item", &[("Authorization", &authorization)])
}

#[test]
fn validate_jwt_follows_the_issuers_keys_and_outlives_it() {
    let issuer = Issuer::start();
    let (_config, backend, gateway) = gateway(
        &format!(
            r#"<validate-jwt header-name="Authorization"><openid-config url="{}" />
               <audiences><audience>shop</audience></audiences></validate-jwt>"#,
            issuer.configuration()
        ),
        &[],
    );
    let first = issuer.token("shop");
    assert_eq!(call(&gateway, &first).status, 200);
    for _ in 0..20 {
        assert_eq!(call(&gateway, &first).status, 200);
    }
    assert_eq!(issuer.asked(), 2, "one discovery document, one key set, for all workers");
    assert_eq!(
        call(&gateway, &issuer.token("other")).text(),
        r#"{ "statusCode": 401, "message": "Invalid JWT." }"#
    );
    let mut forged = first.clone().into_bytes();
    let place = forged.len() - 20;
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    assert_eq!(call(&gateway, &String::from_utf8(forged).expect("text")).status, 401);

    issuer.rotate();
    let second = issuer.token("shop");
    assert_eq!(call(&gateway, &second).status, 200, "an unknown key id asks the issuer once");
    assert_eq!(call(&gateway, &first).status, 401, "a key that is gone holds no more");
    let asked = issuer.asked();
    issuer.rotate();
    for _ in 0..10 {
        assert_eq!(call(&gateway, &issuer.token("shop")).status, 401);
    }
    assert_eq!(issuer.asked(), asked, "unknown key ids ask at most once in five minutes");

    issuer.go_down();
    assert_eq!(call(&gateway, &second).status, 200, "the last good keys go on");
    let missing = Client::connect(gateway.http()).request("GET", "/shop/item", &[]);
    assert_eq!((missing.status, missing.text().contains("JWT not present.")), (401, true));
    assert_eq!(backend.seen().len(), 23);
}

#[test]
fn validate_jwt_issuer_that_never_answered_refuses_without_delay_or_flood() {
    let issuer = Issuer::start();
    issuer.go_down();
    let (_config, _backend, gateway) = gateway(
        &format!(
            r#"<validate-jwt header-name="Authorization"><openid-config url="{}" /></validate-jwt>"#,
            issuer.configuration()
        ),
        &[],
    );
    for _ in 0..10 {
        assert_eq!(call(&gateway, &issuer.token("shop")).status, 401);
    }
    assert_eq!(issuer.asked(), 1);
}

/// A metadata service that refuses what Azure's refuses.
fn metadata(request: &Recorded) -> Reply {
    let Some((path, query)) = request.target.split_once('?') else { return Reply::with(404, &[], "") };
    if path != "/metadata/identity/oauth2/token" {
        return Reply::with(404, &[], "");
    }
    let bad = |text: &str| Reply::with(400, &[], &format!(r#"{{"error":"{text}"}}"#));
    if request.header("metadata") != Some("true") {
        return bad("bad_request_102");
    }
    if request.header("x-forwarded-for").is_some() || !query.contains("api-version=2018-02-01") {
        return bad("invalid_request");
    }
    if !query.contains("resource=https%3A%2F%2Fvault.azure.net") {
        return bad("invalid_resource");
    }
    Reply::ok(
        r#"{"access_token":"eyJ.vm.token","expires_in":"3599","expires_on":"1","resource":"x","token_type":"Bearer"}"#,
    )
}

#[test]
fn managed_identity_of_a_machine_gives_one_token_for_many_requests() {
    let service = Backend::start(metadata);
    let (_config, backend, gateway) = gateway(
        r#"<authentication-managed-identity resource="https://vault.azure.net" />"#,
        &[("identity.source", "vm"), ("identity.metadata.host", &service.url())],
    );
    for _ in 0..5 {
        assert_eq!(call(&gateway, "callers").status, 200);
    }
    assert_eq!(service.seen().len(), 1);
    assert!(backend.seen().iter().all(|seen| seen.header("authorization") == Some("Bearer eyJ.vm.token")));
}

#[test]
fn managed_identity_refused_is_an_error_of_the_gateway() {
    let service = Backend::start(metadata);
    let (_config, backend, gateway) = gateway(
        r#"<authentication-managed-identity resource="https://elsewhere" />"#,
        &[("identity.source", "vm"), ("identity.metadata.host", &service.url())],
    );
    assert_eq!(call(&gateway, "callers").status, 500);
    assert_eq!(service.seen().len(), 1, "a refusal is not repeated");
    assert!(backend.seen().is_empty());
}

/// A token service that knows one application and its federated token.
fn token_service(request: &Recorded) -> Reply {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let holds = |part: &str| body.split('&').any(|pair| pair == part);
    let is_known = request.method == "POST"
        && request.target == "/tenant-1/oauth2/v2.0/token"
        && request.header("content-type") == Some("application/x-www-form-urlencoded")
        && holds("grant_type=client_credentials")
        && holds("client_id=app-1")
        && holds("scope=https%3A%2F%2Fvault.azure.net%2F.default")
        && holds("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer")
        && holds("client_assertion=federated.token.1");
    if is_known {
        return Reply::ok(r#"{"token_type":"Bearer","expires_in":3599,"access_token":"workload-token"}"#);
    }
    let error = r#"{"error":"invalid_client","error_description":"AADSTS700016","error_codes":[700016]}"#;
    Reply::with(401, &[], error)
}

#[test]
fn managed_identity_of_a_workload_shows_the_token_in_its_file() {
    let service = Backend::start(token_service);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "federated.token.1\n").expect("a file");
    let (_config, backend, gateway) = gateway(
        r#"<authentication-managed-identity resource="https://vault.azure.net" />"#,
        &[
            ("azure.tenant.id", "tenant-1"),
            ("azure.client.id", "app-1"),
            ("azure.federated.token.file", file.to_str().expect("a path")),
            ("azure.authority.host", &service.url()),
        ],
    );
    assert_eq!(call(&gateway, "callers").status, 200);
    assert_eq!(backend.only().header("authorization"), Some("Bearer workload-token"));
}

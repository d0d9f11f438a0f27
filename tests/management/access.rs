//! Who may do what (management-api.md §2.6, §2.7): the token endpoint, and every operation by every role.

use gateway_management::contract::{Method, OPERATIONS, Operation};
use gateway_tests::Issuer;
use gateway_tests::plane::{Plane, SERVICE, TOKEN, target};
use serde_json::{Value, json};

const ROLES: &[&str] = &["Owner", "Contributor", "Reader", "GatewayConfigurationReader"];

pub fn method(operation: &Operation) -> &'static str {
    match operation.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Post => "POST",
    }
}

/// A path of the operation, with names that nothing has.
pub fn path(operation: &Operation) -> String {
    let path = operation.path.replace("{S}", SERVICE);
    let names = path.split('/').map(|segment| match segment {
        "{subscriptionId}" => "00000000-0000-0000-0000-000000000000",
        "{resourceGroupName}" => "rg1",
        name if name.starts_with('{') => "nothing",
        name => name,
    });
    names.collect::<Vec<_>>().join("/")
}

fn may(role: &str, operation: &Operation) -> bool {
    match role {
        "Owner" | "Contributor" => true,
        "Reader" => matches!(operation.method, Method::Get | Method::Head),
        _ => false,
    }
}

#[test]
fn every_operation_is_checked_against_every_role() {
    let plane = Plane::start(&[]);
    for role in ROLES {
        let bearer = plane.bearer(role);
        for operation in
            OPERATIONS.iter().filter(|one| one.id != "ApiManagementService_Delete" || !may(role, one))
        {
            let reply = plane.call_with(
                method(operation),
                &path(operation),
                &[("Authorization", &bearer)],
                &Value::Null,
            );
            let expected = may(role, operation);
            assert_eq!(
                reply.status != 403,
                expected,
                "{role} {}: {} {}",
                operation.id,
                reply.status,
                reply.body
            );
            assert!(reply.status != 401 && reply.status < 500, "{role} {}: {}", operation.id, reply.status);
            if !expected && operation.method != Method::Head {
                assert_eq!(reply.code(), "AuthorizationFailed", "{}", operation.id);
                assert!(reply.messages().contains(&format!("perform action '{}'", operation.action())));
            }
        }
    }
    assert_eq!(plane.call("GET", "", &Value::Null).status, 200, "the service is still there");
}

#[test]
fn no_operation_answers_without_a_token() {
    let plane = Plane::start(&[]);
    for operation in OPERATIONS {
        let reply = plane.call_with(method(operation), &path(operation), &[], &Value::Null);
        assert_eq!(reply.status, 401, "{}", operation.id);
        let challenge = reply.raw.header("www-authenticate").expect("a challenge");
        let login =
            format!("Bearer authorization_uri=\"{}/00000000-0000-0000-0000-000000000000\"", plane.url());
        assert!(challenge.starts_with(&login), "{challenge}");
    }
}

/// M-01 of reliability-security.md: every operation, by every kind of token that is none.
#[test]
fn no_operation_answers_to_a_token_that_is_not_valid() {
    let issuer = Issuer::start();
    let base = issuer.name();
    let plane = Plane::start(&[
        ("management.auth.issuer", base.as_str()),
        ("management.auth.audiences", "api://plane"),
    ]);
    plane.assign("somebody", "Owner");
    let good = format!("Bearer {}", issuer.token("api://plane"));
    let reply = plane.call_with("GET", "", &[("Authorization", &good)], &Value::Null);
    assert_eq!(reply.status, 200, "{}", reply.body);
    plane.must("PUT", "tags/there", &json!({"properties": {"displayName": "there"}}));
    for (algorithm, name, audience, seconds, code) in [
        ("RS256", base.as_str(), "api://plane", -3600, "ExpiredAuthenticationToken"),
        ("RS256", base.as_str(), "api://elsewhere", 3600, "InvalidAuthenticationToken"),
        ("RS256", "https://login.example/", "api://plane", 3600, "InvalidAuthenticationToken"),
        ("HS256", base.as_str(), "api://plane", 3600, "InvalidAuthenticationToken"),
        ("none", base.as_str(), "api://plane", 3600, "InvalidAuthenticationToken"),
    ] {
        let bearer = format!("Bearer {}", issuer.signed(algorithm, name, audience, seconds));
        let refused = |method: &str, path: &str| {
            let reply = plane.call_with(method, path, &[("Authorization", &bearer)], &Value::Null);
            assert_eq!(reply.status, 401, "{algorithm} {name} {audience} {seconds}: {method} {path}");
            reply
        };
        for operation in OPERATIONS {
            let reply = refused(method(operation), &path(operation));
            let is_told = operation.method == Method::Head || reply.code() == code;
            assert!(is_told, "{}: {}", operation.id, reply.body);
        }
        // What exists is told from what does not by those alone who may read.
        assert_eq!(refused("GET", "tags/there").body, refused("GET", "tags/nowhere").body);
    }
}

#[test]
fn tokens_that_are_not_ours_are_refused_by_name() {
    let plane = Plane::start(&[]);
    let good = plane.bearer("Owner");
    let (head, signature) = good.rsplit_once('.').expect("a JWT");
    let mut other = signature.to_owned();
    other.replace_range(0..1, if signature.starts_with('A') { "B" } else { "A" });
    let none =
        format!("Bearer eyJhbGciOiJub25lIiwia2lkIjoieCJ9.{}.", head.split('.').nth(1).expect("claims"));
    for (field, code) in [
        (None, "AuthenticationFailed"),
        (Some("Bearer".to_owned()), "AuthenticationFailedInvalidHeader"),
        (Some(format!("Basic {TOKEN}")), "AuthenticationFailedInvalidHeader"),
        (Some("Bearer nothing".to_owned()), "InvalidAuthenticationToken"),
        (Some(format!("Bearer {TOKEN}x")), "InvalidAuthenticationToken"),
        (Some(format!("{head}.{other}")), "InvalidAuthenticationToken"),
        (Some(none), "InvalidAuthenticationToken"),
    ] {
        let headers: Vec<(&str, &str)> =
            field.iter().map(|field| ("Authorization", field.as_str())).collect();
        let reply = plane.call_with("GET", "apis", &headers, &Value::Null);
        assert_eq!((reply.status, reply.code()), (401, code), "{field:?}");
    }
    let other_plane = Plane::start(&[]);
    let reply = other_plane.call_with("GET", "apis", &[("Authorization", &good)], &Value::Null);
    assert_eq!(reply.code(), "InvalidAuthenticationToken", "another plane's token");
}

#[test]
fn token_endpoint_speaks_client_credentials_only() {
    let plane = Plane::start(&[]);
    let (id, secret) = plane.principal("Reader");
    let reply = plane.token(&id, &secret);
    assert_eq!((reply.status, &reply.body["token_type"]), (200, &json!("Bearer")));
    let own = format!("{}/.default", plane.url());
    let good = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    for (form, status, error) in [
        (format!("{good}&scope={own}"), 200, Value::Null),
        (format!("{good}&resource=https://management.azure.com/"), 200, Value::Null),
        (format!("{good}&scope=https://vault.example/.default"), 400, json!("invalid_resource")),
        (
            format!("grant_type=client_credentials&client_id={id}&client_secret=x"),
            401,
            json!("invalid_client"),
        ),
        (
            format!("grant_type=client_credentials&client_id=x&client_secret={secret}"),
            401,
            json!("invalid_client"),
        ),
        (format!("grant_type=client_credentials&client_id={id}"), 400, json!("invalid_request")),
        (
            format!("grant_type=password&client_id={id}&client_secret={secret}"),
            400,
            json!("unsupported_grant_type"),
        ),
        (String::new(), 400, json!("invalid_request")),
        ("a".repeat(70_000), 400, json!("invalid_request")),
    ] {
        let reply = plane.send("POST", "/tenant/oauth2/v2.0/token", &[], form.as_bytes());
        let part = form.get(..60).unwrap_or(&form);
        assert_eq!((reply.status, &reply.body["error"]), (status, &error), "{part}");
    }
}

#[test]
fn principal_keeps_its_role_over_a_restart_and_loses_it_with_the_removal() {
    let plane = Plane::start(&[]);
    let (id, secret) = plane.principal("Owner");
    let token = plane.token(&id, &secret).body["access_token"].as_str().expect("a token").to_owned();
    let plane = plane.restarted(&[]);
    let bearer = format!("Bearer {token}");
    let get =
        |plane: &Plane| plane.call_with("GET", "apis", &[("Authorization", &bearer)], &Value::Null).status;
    assert_eq!(get(&plane), 200, "the key of the tokens is in the store");
    let output = gateway_tests::process::run(&[
        "principal",
        "list",
        "--store",
        plane.store().to_str().expect("a path"),
    ]);
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(listed, format!("{id}\tOwner\tof a test\n"));
    let store = plane.store();
    let output = gateway_tests::process::run(&[
        "principal",
        "remove",
        &id,
        "--store",
        store.to_str().expect("a path"),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(plane.token(&id, "wrong").status, 401);
    let began = std::time::Instant::now();
    while get(&plane) != 401 {
        assert!(began.elapsed().as_secs() < 20, "the running plane has heard of it");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn command_adds_a_principal_to_a_running_plane() {
    let plane = Plane::start(&[]);
    let store = plane.store();
    let output = gateway_tests::process::run(&[
        "principal",
        "add",
        "--role",
        "reader",
        "--name",
        "ci",
        "--store",
        store.to_str().expect("a path"),
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
    };
    let reply = plane.token(&of("client id"), &of("client secret"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let bearer = format!("Bearer {}", reply.body["access_token"].as_str().expect("a token"));
    let headers = [("Authorization", bearer.as_str())];
    assert_eq!(plane.call_with("GET", "apis", &headers, &Value::Null).status, 200);
    assert_eq!(plane.call_with("DELETE", "apis/x", &headers, &Value::Null).status, 403);
    let refused = gateway_tests::process::run(&[
        "principal",
        "add",
        "--role",
        "God",
        "--store",
        store.to_str().expect("a path"),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("'God' is no role"));
}

#[test]
fn documents_before_the_token_lead_to_it() {
    let plane = Plane::start(&[]);
    let get = |path: &str| plane.send("GET", path, &[], b"").body;
    let one = get("/metadata/endpoints?api-version=2022-09-01");
    assert_eq!(one["resourceManager"], plane.url());
    assert_eq!(one["authentication"]["loginEndpoint"], plane.url());
    for version in ["2019-05-01", "2020-06-01"] {
        assert_eq!(get(&format!("/metadata/endpoints?api-version={version}")), json!([one]));
    }
    let tenant = "00000000-0000-0000-0000-000000000000";
    let configuration = get(&format!("/{tenant}/v2.0/.well-known/openid-configuration"));
    assert_eq!(configuration["token_endpoint"], format!("{}/{tenant}/oauth2/v2.0/token", plane.url()));
    let keys = configuration["jwks_uri"].as_str().expect("an address").replace(&plane.url(), "");
    let keys = get(&keys);
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["e"]), (&json!("RSA"), &json!("AQAB")));
    let instance = get("/common/discovery/instance?api-version=1.1");
    assert!(instance["tenant_discovery_endpoint"].as_str().is_some_and(|at| at.starts_with(&plane.url())));
    assert_eq!(plane.send("GET", &target("apis"), &[], b"").status, 401, "nothing else is open");
}

#[test]
fn tokens_of_another_issuer_are_taken_with_the_role_that_is_given_here() {
    let issuer = Issuer::start();
    let base = issuer.configuration().replace("/.well-known/openid-configuration", "");
    let plane = Plane::start(&[
        ("management.auth.issuer", &base),
        ("management.auth.audiences", "api://other, api://plane"),
    ]);
    let call = |method: &str, token: &str| {
        let reply =
            plane.call_with(method, "tags/t", &[("Authorization", &format!("Bearer {token}"))], &Value::Null);
        (reply.status, reply.code().to_owned())
    };
    let refused = |code: &str, status| (status, code.to_owned());
    let token = issuer.token("api://plane");
    assert_eq!(call("GET", &token), refused("AuthorizationFailed", 403), "known, and without a role");
    plane.assign("somebody", "Reader");
    assert_eq!(call("GET", &token), refused("ResourceNotFound", 404));
    assert_eq!(call("DELETE", &token), refused("AuthorizationFailed", 403));
    plane.assign("somebody", "Contributor");
    assert_eq!(call("DELETE", &token).0, 204);
    let asked = issuer.asked();
    assert_eq!(call("GET", &issuer.token("api://elsewhere")), refused("InvalidAuthenticationToken", 401));
    issuer.rotate();
    assert_eq!(call("GET", &issuer.token("api://plane")), refused("InvalidAuthenticationToken", 401));
    assert_eq!(issuer.asked(), asked, "tokens cannot make the plane ask again at once");
    assert_eq!(call("GET", &token).0, 404, "the keys that are known stay");
}

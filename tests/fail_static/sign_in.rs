//! Row 41: gateways that sign in by an application or a workload identity instead of a token of their own.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_tests::{Backend, Federation, Issuer, Reply, Running};
use serde_json::{Value, json};

use crate::{admin, answered, eventually};

const AUDIENCE: &str = "https://azure-api.net/configuration";
const ROLE: &str = "GatewayConfigurationReader";

/// A gateway `a` that follows a plane quickly and signs in as it is told.
fn follow(plane: &Federation, settings: &[(&str, &str)]) -> Running {
    let endpoint = plane.endpoint();
    let fixed = [
        ("config.service.endpoint", endpoint.as_str()),
        ("config.service.poll", "1"),
        ("config.service.heartbeat", "1"),
        ("gateway.name", "a"),
    ];
    Running::with(&[&fixed, settings].concat())
}

/// An application of the plane's own token endpoint.
fn application<'s>(authority: &'s str, id: &'s str, secret: &'s str) -> [(&'static str, &'s str); 5] {
    [
        ("config.service.auth", "azureAdApp"),
        ("config.service.auth.azureAd.tenantId", "common"),
        ("config.service.auth.azureAd.clientId", id),
        ("config.service.auth.azureAd.clientSecret", secret),
        ("config.service.auth.azureAd.authority", authority),
    ]
}

fn served(backend: &Backend) -> Federation {
    let plane = Federation::start();
    plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    plane
}

/// By a secret at the plane's own token endpoint: served, followed, kept, and started again without the plane.
#[test]
fn application_signs_in_by_its_secret() {
    let backend = Backend::fixed("ok");
    let mut plane = served(&backend);
    let (id, secret) = plane.principal(ROLE);
    let authority = plane.endpoint();
    let folder = tempfile::tempdir().expect("a folder");
    let backup = [("config.backup.folder", folder.path().to_str().expect("a path"))];
    let settings = [&application(&authority, &id, &secret)[..], &backup].concat();
    let gateway = follow(&plane, &settings);
    answered(&gateway, "/one/item", 200, "ok");
    plane.api("two", &backend.url(), &["a"]);
    answered(&gateway, "/two/item", 200, "ok");
    eventually("what is kept is there", Duration::from_secs(10), || {
        folder.path().join("a.sign-in").exists() && folder.path().join("a.backup").exists()
    });
    drop(gateway);
    plane.stop();
    let gateway = follow(&plane, &settings);
    assert_eq!(gateway.get("/two/item", &[]).text(), "ok");
    drop(gateway);
    let stranger = [&application(&authority, &id, "another")[..], &backup].concat();
    assert_eq!(follow(&plane, &stranger).get("/two/item", &[]).status, 503);
    plane.resume();
}

/// Whoever has not the data action of gateways, or not the secret, gets nothing and serves nothing.
#[test]
fn application_without_the_right_gets_nothing() {
    let backend = Backend::fixed("ok");
    let plane = served(&backend);
    let authority = plane.endpoint();
    let (contributor, its_secret) = plane.principal("Contributor");
    let (id, _) = plane.principal(ROLE);
    for (id, secret) in [(&contributor, its_secret.as_str()), (&id, "wrong")] {
        let gateway = follow(&plane, &application(&authority, id, secret));
        eventually("the refusal shows", Duration::from_secs(10), || {
            admin(&gateway, "/config").1.contains("\"linked\":false")
        });
        assert_eq!(gateway.get("/one/item", &[]).status, 503);
    }
}

/// A token endpoint that writes down forms and gives tokens of an issuer for `seconds`.
fn token_endpoint(issuer: &Arc<Issuer>, seconds: u32) -> Backend {
    let issuer = Arc::clone(issuer);
    Backend::start(move |_| {
        let token = issuer.token(AUDIENCE);
        Reply::ok(&json!({"token_type": "Bearer", "expires_in": seconds, "access_token": token}).to_string())
    })
}

/// A plane that trusts an issuer, where `somebody` may have the configuration of gateways.
fn trusting(issuer: &Issuer, backend: &Backend) -> Federation {
    let plane = Federation::with(&[
        ("management.auth.issuer", &issuer.name()),
        ("management.auth.audiences", AUDIENCE),
    ]);
    plane.assign("somebody", ROLE);
    plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    plane
}

/// A field of the form of a request.
fn form(body: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    let field = text.split('&').find_map(|field| field.strip_prefix(&format!("{name}=")).map(str::to_owned));
    field.unwrap_or_default().replace("%3A", ":").replace("%2F", "/").replace("%3a", ":").replace("%2f", "/")
}

/// By a certificate: the assertion is what Entra asks for, and signed by the certificate's key.
#[test]
fn application_signs_in_by_its_certificate() {
    let backend = Backend::fixed("ok");
    let issuer = Arc::new(Issuer::start());
    let plane = trusting(&issuer, &backend);
    let entra = token_endpoint(&issuer, 3_600);
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let folder = tempfile::tempdir().expect("a folder");
    let pem = folder.path().join("application.pem");
    let certificate = certificate(&key, &pem);
    let gateway = follow(
        &plane,
        &[
            ("config.service.auth", "azureAdApp"),
            ("config.service.auth.azureAd.tenantId", "contoso"),
            ("config.service.auth.azureAd.clientId", "app-1"),
            ("config.service.auth.azureAd.certificatePath", pem.to_str().expect("a path")),
            ("config.service.auth.azureAd.authority", &entra.url()),
        ],
    );
    answered(&gateway, "/one/item", 200, "ok");
    let seen = entra.seen();
    let asked = seen.first().expect("a token was asked for");
    assert_eq!(asked.target, "/contoso/oauth2/v2.0/token");
    assert_eq!(form(&asked.body, "scope"), format!("{AUDIENCE}/.default"));
    assert_eq!(form(&asked.body, "grant_type"), "client_credentials");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(form(&asked.body, "client_assertion_type"), kind);
    let assertion = form(&asked.body, "client_assertion");
    let (signed, signature) = assertion.rsplit_once('.').expect("a JWT");
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
        .verify(signed.as_bytes(), &decode(signature))
        .expect("a good signature");
    let (header, claims) = signed.split_once('.').expect("a JWT");
    let json = |text: &str| serde_json::from_slice::<Value>(&decode(text)).expect("JSON");
    let (header, claims) = (json(header), json(claims));
    assert_eq!(header["x5t#S256"], URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("app-1"), &json!("app-1")));
    assert_eq!(claims["aud"], format!("{}/contoso/oauth2/v2.0/token", entra.url()));
    assert!(claims["exp"].as_i64().expect("an end") - claims["nbf"].as_i64().expect("a begin") <= 600);
}

/// Writes certificate and key; gives the certificate.
fn certificate(key: &RsaKeyPair, to: &Path) -> Vec<u8> {
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().expect("a key");
    let pair = rcgen::KeyPair::try_from(der.as_ref()).expect("a key");
    let params = rcgen::CertificateParams::new(vec!["application.example".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&pair).expect("a certificate");
    fs::write(to, format!("{}{}", certificate.pem(), pair.serialize_pem())).expect("written");
    certificate.der().to_vec()
}

/// By a workload identity: its file is read at every use; a new key of the gateway is met by signing in again.
#[test]
fn workload_identity_follows_its_file_and_the_key_of_the_gateway() {
    let backend = Backend::fixed("ok");
    let issuer = Arc::new(Issuer::start());
    let plane = trusting(&issuer, &backend);
    // Tokens of so short a life are asked for anew each time.
    let entra = token_endpoint(&issuer, 11);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    fs::write(&file, "first-token\n").expect("written");
    let gateway = follow(
        &plane,
        &[
            ("config.service.auth", "workloadIdentity"),
            ("azure.tenant.id", "contoso"),
            ("azure.client.id", "app-1"),
            ("azure.federated.token.file", file.to_str().expect("a path")),
            ("azure.authority.host", &entra.url()),
        ],
    );
    answered(&gateway, "/one/item", 200, "ok");
    let assertions =
        || entra.seen().iter().map(|seen| form(&seen.body, "client_assertion")).collect::<Vec<_>>();
    assert_eq!(assertions(), ["first-token"]);
    fs::write(&file, "second-token").expect("written");
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(plane.call("POST", "gateways/a/regenerateKey", &json!({"keyType": "primary"})).0, 204);
    plane.api("two", &backend.url(), &["a"]);
    answered(&gateway, "/two/item", 200, "ok");
    // The poll that was held through the change was let in before.
    eventually("it signs in again", Duration::from_secs(20), || {
        assertions().last().map(String::as_str) == Some("second-token")
    });
    plane.delete("apis/two");
    answered(&gateway, "/two/item", 404, "");
}

/// What a sign-in needs is asked for before anything is started.
#[test]
fn settings_that_are_missing_are_named() {
    use gateway::settings::{Given, Settings};
    let given = |settings: &[(&str, &str)]| {
        let all = settings
            .iter()
            .map(|(name, value)| Given { name: (*name).to_owned(), value: (*value).to_owned() });
        Settings::from_given(&all.collect::<Vec<_>>())
            .expect("readable")
            .0
            .check()
            .expect_err("refused")
            .to_string()
    };
    let mut settings =
        vec![("config.service.endpoint", "http://127.0.0.1:1"), ("config.service.auth", "azureAdApp")];
    for (name, value) in [
        ("gateway.name", "a"),
        ("config.service.auth.azureAd.tenantId", "contoso"),
        ("config.service.auth.azureAd.clientId", "app-1"),
        ("config.service.auth.azureAd.clientSecret", "secret"),
    ] {
        let error = given(&settings);
        assert!(error.contains(name), "{error}");
        settings.push((name, value));
    }
}

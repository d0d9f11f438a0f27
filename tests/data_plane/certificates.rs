//! Certificates of clients and towards backends: one gateway calls another, which asks for a certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_tests::{Answer, Api, Backend, Client, Config, Running};

const CLIENT_PFX: &[u8] = include_bytes!("../../gateway/policy/tests/cases/keys/client.pfx");
const AUTHORITY: &[u8] = include_bytes!("../../gateway/policy/tests/cases/keys/ca.der");

/// A gateway that lets only one client in.
fn guarded(backend: &Backend) -> (Config, Running) {
    let config = Config::new();
    config.api(&Api {
        name: "inner",
        path: "inner",
        service_url: &backend.url(),
        operations: &["GET /item"],
        more: "",
    });
    config.policy(
        "apis/inner/policy.xml",
        r#"<base />
           <validate-client-certificate validate-not-before="false">
             <identities><identity subject="CN=client-1, OU=Orders, O=&quot;Acme, Inc.&quot;" dns-name="two.example" /></identities>
           </validate-client-certificate>
           <set-header name="X-Subject" exists-action="override"><value>@(context.Request.Certificate.Subject)</value></set-header>"#,
        "",
        "",
        "",
    );
    config.file("gateways/g/gatewayInformation.json", r#"{"properties": {}}"#);
    config.file(
        "gateways/g/hostnameConfigurations/h/hostnameConfigurationInformation.json",
        r#"{"properties": {"hostname": "*", "negotiateClientCertificate": true}}"#,
    );
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD
            .encode(AUTHORITY)
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect::<Vec<_>>()
            .join("\n")
    );
    config.file("authorities.pem", &pem);
    let roots = config.path().join("authorities.pem");
    let settings = [
        ("net.https.address", "127.0.0.1:0"),
        ("net.server.tls.client.roots", roots.to_str().expect("a path")),
    ];
    let gateway = Running::start(config.path(), &settings);
    (config, gateway)
}

/// A gateway in front of it; its policy says what it shows.
fn outer(inner: &Running, credentials: &str, inbound: &str) -> (Config, Running) {
    let config = Config::new();
    config.api(&Api { name: "outer", path: "outer", service_url: "", operations: &["GET /item"], more: "" });
    config.file(
        "backends/inner/backendInformation.json",
        &format!(
            r#"{{"properties": {{"url": "https://{}/inner", "protocol": "http", {credentials}
               "tls": {{"validateCertificateChain": false, "validateCertificateName": false}}}}}}"#,
            inner.https()
        ),
    );
    config.file(
        "certificates/client/certificateInformation.json",
        &format!(r#"{{"properties": {{"data": "{}", "password": "secret"}}}}"#, STANDARD.encode(CLIENT_PFX)),
    );
    let inbound = format!(r#"<base /><set-backend-service backend-id="inner" />{inbound}"#);
    config.policy("apis/outer/policy.xml", &inbound, "", "", "");
    let gateway = Running::start(config.path(), &[]);
    (config, gateway)
}

fn call(gateway: &Running, header: (&str, &str)) -> Answer {
    Client::connect(gateway.http()).request("GET", "/outer/item", &[header])
}

#[test]
fn certificates_are_shown_to_backends_and_checked_of_clients() {
    let backend = Backend::fixed("ok");
    let (_inner_config, inner) = guarded(&backend);
    let by_policy = r#"<choose><when condition="@(context.Request.Headers.ContainsKey("X-Show"))">
        <authentication-certificate certificate-id="client" /></when></choose>"#;
    let (_config, gateway) = outer(&inner, "", by_policy);
    assert_eq!(call(&gateway, ("X-Show", "1")).status, 200);
    assert_eq!(
        call(&gateway, ("X-Hide", "1")).status,
        403,
        "connections are not shared without the certificate"
    );
    assert_eq!(call(&gateway, ("X-Show", "1")).status, 200);
    assert_eq!(call(&gateway, ("Client-Cert", ":MIIB:")).status, 403);
    let subject = "CN=client-1, OU=Orders, O=\"Acme, Inc.\"";
    assert_eq!(backend.seen().len(), 2);
    assert!(backend.seen().iter().all(|seen| seen.header("x-subject") == Some(subject)));
}

#[test]
fn certificates_of_backend_entities_are_shown() {
    let backend = Backend::fixed("ok");
    let (_inner_config, inner) = guarded(&backend);
    let credentials = r#""credentials": {"certificateIds": ["/certificates/client"],
        "authorization": {"scheme": "Basic", "parameter": "dTpw"}, "header": {"X-Key": ["a", "b"]}, "query": {"k": ["v w"]}},"#;
    let (_config, gateway) = outer(&inner, credentials, "");
    assert_eq!(call(&gateway, ("Authorization", "Bearer callers")).status, 200);
    let seen = backend.only();
    assert_eq!(seen.header("authorization"), Some("Basic dTpw"));
    assert_eq!(seen.header("x-key"), Some("a,b"));
    assert!(seen.target.ends_with("?k=v%20w"), "{}", seen.target);
}

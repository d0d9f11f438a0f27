//! Named values and certificates in a key vault.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_tests::key_vault::KeyVault;
use gateway_tests::plane::Plane;
use serde_json::{Value, json};

const PFX: &[u8] = include_bytes!("clients/vault.pfx");

fn in_vault(name: &str, identifier: &str) -> Value {
    json!({"properties": {"displayName": name, "keyVault": {"secretIdentifier": identifier}}})
}

#[test]
fn named_value_of_a_vault_is_read_shown_to_nobody_and_read_again() {
    let vault = KeyVault::start();
    let plane = Plane::start(&vault.settings());
    vault.set("db", Ok("first"));
    let body = in_vault("db", "https://v.vault.azure.net/secrets/db");
    let made = plane.must("PUT", "namedValues/db", &body).body;
    for shown in [&made, &plane.must("GET", "namedValues/db", &Value::Null).body] {
        let properties = &shown["properties"];
        assert_eq!((&properties["secret"], &properties["value"]), (&json!(true), &Value::Null), "{shown}");
        assert_eq!(properties["keyVault"]["lastStatus"]["code"], "Success", "{shown}");
    }
    let value = || plane.must("POST", "namedValues/db/listValue", &Value::Null).body["value"].take();
    assert_eq!(value(), "first");
    vault.set("db", Ok("second"));
    assert_eq!(value(), "first", "until it is read again");
    plane.must("POST", "namedValues/db/refreshSecret", &Value::Null);
    assert_eq!(value(), "second");
    // What the vault refuses is told, and what was known stays.
    let failed = "namedValues?isKeyVaultRefreshFailed=true";
    assert_eq!(plane.must("GET", failed, &Value::Null).names(), Vec::<String>::new());
    for (refusal, code) in
        [((403, "Forbidden"), "Forbidden"), ((500, "InternalServerError"), "InternalServerError")]
    {
        vault.set("db", Err(refusal));
        let told = plane.must("POST", "namedValues/db/refreshSecret", &Value::Null).body;
        let status = &told["properties"]["keyVault"]["lastStatus"];
        assert_eq!(
            (&status["code"], &status["message"]),
            (&json!(code), &json!(format!("told by the vault: {code}")))
        );
        assert_eq!(value(), "second");
    }
    assert_eq!(plane.must("GET", failed, &Value::Null).names(), ["db"]);
    let bytes = std::fs::read(plane.store().with_file_name("gateway.db-wal")).expect("the store");
    assert!(!bytes.windows(6).any(|part| part == b"second"), "sealed at rest");
}

#[test]
fn secrets_that_cannot_be_read_change_nothing() {
    let vault = KeyVault::start();
    let plane = Plane::start(&vault.settings());
    vault.set("long", Ok(&"x".repeat(5000)));
    vault.set("off", Err((403, "Forbidden")));
    let (revision, asked) = (plane.revision(), vault.asked());
    for identifier in [
        "",
        "http://v.vault.azure.net/secrets/a",
        "https://vault.azure.net/secrets/a",
        "https://v.vault.azure.net.example/secrets/a",
        "https://v@example/secrets/a",
        "https://example/v.vault.azure.net/secrets/a",
        "https://v.vault.azure.net/keys/a",
        "https://v.vault.azure.net/secrets/a/1/2",
        "https://v.vault.azure.net/secrets/..",
        "https://v.vault.azure.net/secrets/a?x=y",
        "https://v.vault.azure.net:8443/secrets/a",
    ] {
        let reply = plane.call("PUT", "namedValues/a", &in_vault("a", identifier));
        assert_eq!((reply.status, reply.code()), (400, "ValidationError"), "{identifier}: {}", reply.body);
    }
    assert_eq!(vault.asked(), asked, "no token for any of them");
    for (name, message) in [("nothing", "SecretNotFound"), ("off", "Forbidden"), ("long", "more than 4096")] {
        let body = in_vault("a", &format!("https://v.vault.azure.net/secrets/{name}"));
        let reply = plane.call("PUT", "namedValues/a", &body);
        assert_eq!((reply.status, reply.code()), (400, "ValidationError"), "{name}: {}", reply.body);
        assert_eq!(reply.body["error"]["details"][0]["target"], "keyVault.secretIdentifier");
        assert!(reply.messages().contains(message), "{}", reply.body);
    }
    assert_eq!(plane.revision(), revision);
}

#[test]
fn certificate_of_a_vault_is_that_of_its_secret() {
    let vault = KeyVault::start();
    let plane = Plane::start(&vault.settings());
    vault.set("tls", Ok(&STANDARD.encode(PFX)));
    let body =
        json!({"properties": {"keyVault": {"secretIdentifier": "https://v.vault.azure.net/secrets/tls"}}});
    let made = plane.must("PUT", "certificates/tls", &body).body;
    assert_eq!(made["properties"]["keyVault"]["lastStatus"]["code"], "Success", "{made}");
    let thumbprint = made["properties"]["thumbprint"].as_str().expect("a thumbprint").to_owned();
    assert_eq!((thumbprint.len(), &made["properties"]["data"]), (40, &Value::Null));
    vault.set("tls", Ok("no certificate"));
    let told = plane.must("POST", "certificates/tls/refreshSecret", &Value::Null).body;
    assert_eq!(told["properties"]["keyVault"]["lastStatus"]["code"], "InvalidSecret", "{told}");
    assert_eq!(told["properties"]["thumbprint"], thumbprint, "the old one stays");
    assert_eq!(plane.call("PUT", "certificates/other", &body).status, 400);
    vault.set("tls", Ok(&STANDARD.encode(PFX)));
    let told = plane.must("POST", "certificates/tls/refreshSecret", &Value::Null).body;
    assert_eq!(told["properties"]["keyVault"]["lastStatus"]["code"], "Success", "{told}");
}

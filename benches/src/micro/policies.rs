//! What policies add to a request: those of a typical API, and the check of a token.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use gateway_benches::folder::ISSUER;
use gateway_benches::workload::{Policies, key_of};
use gateway_policy::jose::{SigningKeys, encode, key_set};

use crate::pipelines::{Still, connection, exchange, run};
use crate::prepared::Prepared;
use crate::timing::Measure;

pub fn rows(measure: &mut Measure<'_>) -> anyhow::Result<()> {
    let plain = Prepared::of(Policies::None)?;
    row("policies: none", &plain, &Still::with_issuer(None), None, measure)?;
    let typical = Prepared::of(Policies::Typical)?;
    let title = "policies: key, limit by key, two headers, a choice";
    row(title, &typical, &Still::with_issuer(None), None, measure)?;
    let (keys, token) = issuer()?;
    let checked = Prepared::of(Policies::Token)?;
    let ports = Still::with_issuer(Some(Arc::new(keys)));
    row("policies: validate-jwt, RS256", &checked, &ports, Some(&token), measure)
}

fn row(
    title: &str,
    prepared: &Prepared,
    ports: &Still,
    token: Option<&str>,
    measure: &mut Measure<'_>,
) -> anyhow::Result<()> {
    let (connection, pipeline) = (connection(), &*prepared.operation.pipelines.none);
    let key = key_of(0);
    let answer = || {
        black_box(prepared.snapshot.keys.find(black_box(key.as_bytes())));
        let mut exchange = exchange(prepared, &connection).ok()?;
        if let Some(token) = token {
            exchange.request.headers.set("Authorization", token.as_bytes()).ok()?;
        }
        run(pipeline, &mut exchange, ports).then_some(exchange)
    };
    let example = answer().context("the pipeline waits for something")?;
    let status = example.response.as_ref().map(|response| response.status);
    ensure!(status == Some(200), "{title}: the answer is {status:?}: {:?}", example.last_error);
    measure(title, &mut || {
        black_box(answer());
    });
    Ok(())
}

/// Keys of an issuer, and the value of `Authorization` with a token of it.
fn issuer() -> anyhow::Result<(SigningKeys, String)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("no key"))?;
    // PKCS #1: nine bytes before the 256 of the modulus, then the exponent, which is 65537.
    let modulus = pair.public_key().as_ref().get(9..265).context("a key of another form")?;
    let key = serde_json::json!({ "kty": "RSA", "kid": "one", "n": encode(modulus), "e": "AQAB" });
    let document = serde_json::json!({ "keys": [key] });
    let keys = key_set(document.to_string().as_bytes()).map_err(|error| anyhow!("{error}"))?;
    let header = encode(br#"{"alg":"RS256","kid":"one","typ":"JWT"}"#);
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"shop","sub":"42","exp":4000000000}}"#);
    let input = format!("{header}.{}", encode(claims.as_bytes()));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
        .map_err(|_| anyhow!("no signature"))?;
    let token = format!("Bearer {input}.{}", encode(&signature));
    Ok((SigningKeys { issuer: ISSUER.to_owned(), keys }, token))
}

//! What an application says of itself instead of a secret: a JWT that its certificate's key signs (RFC 7523 §2.2,
//! self-hosted-gateway.md §4.5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

/// Life of an assertion: it is used at once.
const LIFETIME: Duration = Duration::from_mins(5);

/// The assertion of a client for a token endpoint. `pem` holds the certificate and its RSA key.
pub fn signed(pem: &str, client: &str, endpoint: &str, now: SystemTime) -> Result<String, String> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| format!("there is no certificate in it: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| format!("there is no private key in it: {error}"))?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err("its key is no RSA key".to_owned()),
    };
    let pair = pair.map_err(|error| format!("its key is no RSA key: {error}"))?;
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| "the system has no randomness")?;
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let header = json!({
        "alg": "RS256", "typ": "JWT",
        "x5t": URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate)),
        "x5t#S256": URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)),
    });
    let claims = json!({
        "iss": client, "sub": client, "aud": endpoint, "jti": URL_SAFE_NO_PAD.encode(id),
        "iat": seconds, "nbf": seconds, "exp": seconds + LIFETIME.as_secs(),
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(&claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
        .map_err(|_| "its key cannot sign")?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

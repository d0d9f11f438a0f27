//! A token issuer as OpenID Connect describes it: discovery document, key set, rotating keys.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::backend::{Backend, Reply};

/// The issuer; its key is another one after each rotation.
pub struct Issuer {
    server: Backend,
    state: Arc<Mutex<State>>,
}

struct State {
    key: RsaKeyPair,
    number: usize,
    is_down: bool,
}

impl Issuer {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State { key: new_key(), number: 1, is_down: false }));
        let shared = Arc::clone(&state);
        let server = Backend::start(move |request| {
            let state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let base = format!("http://{}", request.header("host").expect("a host"));
            match request.target.as_str() {
                _ if state.is_down => Reply::with(500, &[], "<html>down</html>"),
                "/.well-known/openid-configuration" => {
                    Reply::ok(&format!(r#"{{"issuer":"{base}","jwks_uri":"{base}/keys"}}"#))
                }
                "/keys" => Reply::ok(&format!(r#"{{"keys":[{}]}}"#, jwk(&state.key, state.number))),
                _ => Reply::with(404, &[], ""),
            }
        });
        Self { server, state }
    }

    /// Its name: `iss` of its tokens.
    pub fn name(&self) -> String {
        self.server.url()
    }

    /// Address of the discovery document.
    pub fn configuration(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.server.url())
    }

    /// Requests that have come so far.
    pub fn asked(&self) -> usize {
        self.server.seen().len()
    }

    /// From now on a new key, and only that one.
    pub fn rotate(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.key = new_key();
        state.number += 1;
    }

    pub fn go_down(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_down = true;
    }

    /// A token by the key of now, for `audience`, valid for an hour.
    pub fn token(&self, audience: &str) -> String {
        self.signed("RS256", &self.name(), audience, 3600)
    }

    /// A token by the key of now, valid for so many seconds from now; its header may say another algorithm than RS256.
    pub fn signed(&self, algorithm: &str, issuer: &str, audience: &str, seconds: i64) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"key-{}"}}"#, state.number);
        let claims = format!(
            r#"{{"iss":"{issuer}","aud":"{audience}","sub":"somebody","iat":{now},"exp":{}}}"#,
            now.saturating_add_signed(seconds)
        );
        let input = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let mut signature = vec![0; state.key.public_modulus_len()];
        state
            .key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .expect("a signature");
        format!("{input}.{}", encode(&signature))
    }
}

fn new_key() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")
}

fn jwk(key: &RsaKeyPair, number: usize) -> String {
    // PKCS #1: nine bytes before the 256 of the modulus, then the exponent, which is 65537.
    let n = encode(&key.public_key().as_ref()[9..265]);
    format!(r#"{{"kty":"RSA","use":"sig","kid":"key-{number}","n":"{n}","e":"AQAB"}}"#)
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

//! The plane's own tokens: JWTs signed with RS256 under a key in the store, and the key set that verifies them.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::directory::Entry;
use super::jwt::Jwk;
use crate::arm_error::ArmError;
use crate::plane::{Author, Plane, now};

/// Tenant of the plane: it has one.
pub const TENANT: &str = "00000000-0000-0000-0000-000000000000";
/// Life of a token.
pub const LIFETIME_SECONDS: i64 = 3600;
/// Where the directory keeps the key.
const PATH: &str = "keys/token";

/// The key.
pub struct Signing {
    pair: RsaKeyPair,
    pub jwk: Jwk,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signing({})", self.jwk.kid)
    }
}

impl Signing {
    /// The key of the store; a new one where there is none.
    pub async fn open(plane: &Plane) -> Result<Self, ArmError> {
        let failed = || ArmError::internal(&"the key of the token endpoint cannot be made or read");
        let kept =
            plane.directory.tree().get(PATH).and_then(|record| record.text("pkcs8").map(str::to_owned));
        let text = match kept {
            Some(kept) => kept,
            None => Self::create(plane).await?,
        };
        let der = STANDARD.decode(text).map_err(|_| failed())?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| failed())?;
        let jwk = Jwk::of(pair.public_key().as_ref()).ok_or_else(failed)?;
        Ok(Self { pair, jwk })
    }

    /// Makes a key and keeps it; another node may have been faster, then its key is the one.
    async fn create(plane: &Plane) -> Result<String, ArmError> {
        let failed = || ArmError::internal(&"the key of the token endpoint cannot be made");
        let fresh = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| failed())?;
        let fresh = STANDARD.encode(fresh.as_der().map_err(|_| failed())?.as_ref());
        let author = Author { principal: "system", operation: "TokenKey_Create" };
        plane
            .write(&plane.directory, author, |tx| {
                if let Some(kept) = tx.get(PATH).and_then(|record| record.text("pkcs8").map(str::to_owned)) {
                    return Ok(kept);
                }
                let properties = json!({ "pkcs8": fresh }).as_object().cloned().unwrap_or_default();
                tx.put(PATH, properties);
                Ok(fresh.clone())
            })
            .await
    }

    /// The key set.
    pub fn jwks(&self, issuer: &str) -> Value {
        let mut key = self.jwk.to_json();
        key["issuer"] = Value::from(issuer);
        json!({"keys": [key]})
    }

    /// A token of a principal.
    pub fn token(&self, principal: &Entry, audience: &str, issuer: &str) -> Result<String, ArmError> {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.jwk.kid, "x5t": self.jwk.kid});
        let issued = now();
        let claims = json!({
            "aud": audience, "iss": issuer, "iat": issued, "nbf": issued, "exp": issued + LIFETIME_SECONDS,
            "tid": TENANT, "oid": principal.id, "sub": principal.id, "appid": principal.id, "appidacr": "1",
            "idtyp": "app", "app_displayname": principal.name, "roles": [principal.role.name()], "ver": "1.0",
            "uti": uuid::Uuid::new_v4().simple().to_string(),
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| ArmError::internal(&"a token cannot be signed"))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

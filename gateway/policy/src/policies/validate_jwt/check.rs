//! The check of a token, for `validate-jwt` and `validate-azure-ad-token` alike.

use std::sync::Arc;
use std::time::Duration;

use gateway_expression::Value;

use super::claims::{self, RequiredClaim};
use super::keys::Keys;
use super::place::{Found, Place};
use super::{Refusal, lifetime};
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::jose::{self, DecryptionKey, Form, Signed, SigningKeys, VerificationKey, VerifyError};
use crate::ports::Ports;

/// What a token must be.
#[derive(Debug)]
pub struct Check {
    pub place: Place,
    pub code: IntArg,
    /// Text for the client instead of the default ones.
    pub message: Option<TextArg>,
    pub require_expiration: BoolArg,
    pub require_scheme: Option<TextArg>,
    pub require_signed: BoolArg,
    pub clock_skew: IntArg,
    pub output: Option<Arc<str>>,
    pub discovery: Vec<TextArg>,
    pub signing: Keys<VerificationKey>,
    pub decryption: Keys<DecryptionKey>,
    pub audiences: Vec<TextArg>,
    pub issuers: Vec<TextArg>,
    pub claims: Vec<RequiredClaim>,
}

/// A token that has passed: what goes into the variable, and its claims.
pub struct Passed {
    pub compact: String,
    pub claims: serde_json::Map<String, serde_json::Value>,
}

/// Keys of the discovery documents and what they say of the issuers.
type Issued = Vec<Arc<SigningKeys>>;

impl Check {
    /// Checks the request's token. The inner error refuses the token, the outer one is a failure of the policy.
    pub async fn run(
        &self,
        exchange: &Exchange,
        ports: &dyn Ports,
    ) -> Result<Result<Passed, Refusal>, Fault> {
        let mut discovery = Vec::with_capacity(self.discovery.len());
        for url in &self.discovery {
            discovery.push(url.get(exchange)?);
        }
        self.run_with(&discovery, exchange, ports).await
    }

    /// The same with the keys and issuers of these discovery documents.
    pub async fn run_with(
        &self,
        discovery: &[impl AsRef<str>],
        exchange: &Exchange,
        ports: &dyn Ports,
    ) -> Result<Result<Passed, Refusal>, Fault> {
        let scheme = match &self.require_scheme {
            Some(scheme) => Some(scheme.get(exchange)?),
            None => None,
        };
        let token = match self.place.find(scheme.as_deref(), exchange)? {
            Found::Token(token) => token,
            Found::Nothing => return Ok(Err(Refusal::not_present())),
            Found::Several => return Ok(Err(Refusal::invalid("The request holds several tokens."))),
        };
        match self.open(token, exchange)? {
            Ok(compact) => self.check(compact, discovery, exchange, ports).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The signed token, taken out of the encrypted one where it stands in one.
    fn open(&self, token: String, exchange: &Exchange) -> Result<Result<String, Refusal>, Fault> {
        match Form::of(&token) {
            Ok(Form::Signed) => Ok(Ok(token)),
            Ok(Form::Encrypted) => {
                let made = self.decryption.made(exchange)?;
                let made: Vec<_> = made.into_iter().map(|(id, key)| key.with_id(id)).collect();
                let keys = self.decryption.fixed.iter().chain(&made);
                Ok(jose::decrypt(&token, keys).map_err(Refusal::malformed).and_then(inner))
            }
            Err(error) => Ok(Err(Refusal::malformed(error))),
        }
    }

    async fn check(
        &self,
        compact: String,
        discovery: &[impl AsRef<str>],
        exchange: &Exchange,
        ports: &dyn Ports,
    ) -> Result<Result<Passed, Refusal>, Fault> {
        let token = match Signed::parse(&compact) {
            Ok(token) => token,
            Err(error) => return Ok(Err(Refusal::malformed(error))),
        };
        let issued = match self.verify(&token, discovery, exchange, ports).await? {
            Ok(issued) => issued,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let skew = Duration::from_secs(self.clock_skew.get(exchange)?.max(0).unsigned_abs());
        let requires = self.require_expiration.get(exchange)?;
        if let Some(refusal) = lifetime::objection(&token.claims, exchange.timestamp, skew, requires) {
            return Ok(Err(refusal));
        }
        if let Some(refusal) = self.audience_objection(&token.claims, exchange)? {
            return Ok(Err(refusal));
        }
        if let Some(refusal) = self.issuer_objection(&token.claims, &issued, exchange)? {
            return Ok(Err(refusal));
        }
        if let Some(refusal) = claims::objection(&self.claims, &token.claims, exchange)? {
            return Ok(Err(refusal));
        }
        let claims = token.claims;
        Ok(Ok(Passed { compact, claims }))
    }

    /// Checks the signature; the discovery documents that may name the token's issuer come back.
    async fn verify(
        &self,
        token: &Signed<'_>,
        discovery: &[impl AsRef<str>],
        exchange: &Exchange,
        ports: &dyn Ports,
    ) -> Result<Result<Issued, Refusal>, Fault> {
        let unsigned = token.header.algorithm.eq_ignore_ascii_case("none") && !token.is_signed();
        let unsigned = unsigned && !self.require_signed.get(exchange)?;
        let mut issued = Issued::new();
        for url in discovery {
            match ports.issuers().keys(url.as_ref(), None, exchange.fetches()).await {
                Ok(keys) => issued.push(keys),
                Err(error) => return Ok(Err(Refusal::new("TokenSignatureKeyNotFound", error.to_string()))),
            }
        }
        if unsigned {
            return Ok(Ok(issued));
        }
        let made = self.signing.made(exchange)?;
        let made: Vec<_> = made.into_iter().map(|(id, key)| key.with_id(id)).collect();
        let own = || self.signing.fixed.iter().chain(&made);
        let mut verdict = verify_with(token, own(), &issued);
        if verdict == Err(VerifyError::KeyNotFound) && refetch(&mut issued, discovery, exchange, ports).await
        {
            verdict = verify_with(token, own(), &issued);
        }
        if let Err(error) = verdict {
            return Ok(Err(Refusal::signature(error)));
        }
        // A document speaks for the tokens of its own keys: one issuer cannot sign in another one's name.
        if issued.len() > 1 && token.verify(own()).is_err() {
            issued.retain(|document| token.verify(document.keys.iter()).is_ok());
        }
        Ok(Ok(issued))
    }

    fn audience_objection(
        &self,
        claims: &serde_json::Map<String, serde_json::Value>,
        exchange: &Exchange,
    ) -> Result<Option<Refusal>, Fault> {
        if self.audiences.is_empty() {
            return Ok(None);
        }
        let given: Vec<&str> = match claims.get("aud") {
            Some(serde_json::Value::String(one)) => vec![one],
            Some(serde_json::Value::Array(list)) => {
                list.iter().filter_map(serde_json::Value::as_str).collect()
            }
            _ => Vec::new(),
        };
        for audience in &self.audiences {
            if given.contains(&&*audience.get(exchange)?) {
                return Ok(None);
            }
        }
        let text = "Audience validation failed: none of the token's audiences is allowed. Access denied.";
        Ok(Some(Refusal::new("TokenAudienceNotAllowed", text)))
    }

    fn issuer_objection(
        &self,
        claims: &serde_json::Map<String, serde_json::Value>,
        issued: &Issued,
        exchange: &Exchange,
    ) -> Result<Option<Refusal>, Fault> {
        if self.issuers.is_empty() && issued.is_empty() {
            return Ok(None);
        }
        let given = claims.get("iss").and_then(serde_json::Value::as_str);
        let tenant = claims.get("tid").and_then(serde_json::Value::as_str).unwrap_or_default();
        if let Some(given) = given {
            for issuer in &self.issuers {
                if *issuer.get(exchange)? == *given {
                    return Ok(None);
                }
            }
            // Documents for many tenants leave the tenant open: the token names it.
            let is_issued = |keys: &Arc<SigningKeys>| {
                keys.issuer == given
                    || (is_guid(tenant) && keys.issuer.replace("{tenantid}", tenant) == given)
            };
            if issued.iter().any(is_issued) {
                return Ok(None);
            }
        }
        let text = "Issuer validation failed: the token's issuer is not allowed. Access denied.";
        Ok(Some(Refusal::new("TokenIssuerNotAllowed", text)))
    }

    /// The fault of a refused token.
    pub fn fault(&self, source: &'static str, refusal: Refusal, exchange: &Exchange) -> Result<Fault, Fault> {
        let code = self.code.get(exchange)?;
        let code = u16::try_from(code)
            .ok()
            .filter(|code| (200..1000).contains(code))
            .ok_or_else(|| Fault::invalid_value(source, format!("{code} is not a status code")))?;
        let public = match &self.message {
            Some(message) => message.get(exchange)?.into_owned(),
            None if refusal.reason == "TokenNotPresent" => "JWT not present.".to_owned(),
            None => "Invalid JWT.".to_owned(),
        };
        Ok(Fault::new(code, public, source, refusal.reason, refusal.message))
    }

    /// Puts the token into the variable.
    pub fn store(&self, passed: &Passed, exchange: &mut Exchange) {
        if let Some(name) = &self.output {
            exchange.set_variable(name, Value::jwt(&passed.compact).unwrap_or(Value::Null));
        }
    }
}

/// Asks the issuers for keys that are not known yet; whether any came.
async fn refetch(
    issued: &mut Issued,
    discovery: &[impl AsRef<str>],
    exchange: &Exchange,
    ports: &dyn Ports,
) -> bool {
    let mut any = false;
    for (url, known) in discovery.iter().zip(issued) {
        if let Ok(keys) = ports.issuers().keys(url.as_ref(), Some(known), exchange.fetches()).await
            && !Arc::ptr_eq(&keys, known)
        {
            *known = keys;
            any = true;
        }
    }
    any
}

fn verify_with<'a>(
    token: &Signed<'_>,
    own: impl Iterator<Item = &'a VerificationKey> + Clone,
    issued: &'a Issued,
) -> Result<(), VerifyError> {
    token.verify(own.chain(issued.iter().flat_map(|keys| &keys.keys)))
}

/// What was encrypted: a signed token, or claims without a signature, which get the form of an unsigned token.
fn inner(content: Vec<u8>) -> Result<String, Refusal> {
    let content = String::from_utf8(content)
        .map_err(|_| Refusal::invalid("The content of the encrypted token is not text."))?;
    if content.starts_with('{') {
        return Ok(format!("{}.{}.", jose::encode(br#"{"alg":"none"}"#), jose::encode(content.as_bytes())));
    }
    match Form::of(&content) {
        Ok(Form::Signed) => Ok(content),
        Ok(Form::Encrypted) => Err(Refusal::invalid("The token is encrypted more than once.")),
        Err(error) => Err(Refusal::malformed(error)),
    }
}

fn is_guid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

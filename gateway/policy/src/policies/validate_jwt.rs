//! `validate-jwt` (`policies.md` A 2.3), and what `validate-azure-ad-token` shares with it.

pub mod check;
pub mod claims;
pub mod keys;
mod lifetime;
pub mod place;

use std::borrow::Cow;

use crate::catalogue::{AttributeDef, ChildDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::jose::{Malformed, VerifyError};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;
use check::Check;
use claims::RequiredClaim;
use keys::Keys;
use place::Place;

pub static VALIDATE_JWT: PolicyDef = PolicyDef {
    element: "validate-jwt",
    sections: &[Section::Inbound],
    attributes: &[
        place::HEADER,
        place::QUERY,
        place::VALUE,
        FAILED_CODE,
        FAILED_MESSAGE,
        optional("require-expiration-time", Kind::Bool).expression(),
        optional("require-scheme", Kind::Text).expression(),
        optional("require-signed-tokens", Kind::Bool).expression(),
        optional("clock-skew", Kind::Int(0, i32::MAX as i64)).expression(),
        OUTPUT,
    ],
    content: Content::Sequence(&[
        child("openid-config", (0, MANY), &[required("url", Kind::Text).expression()], Content::Empty),
        keys::SIGNING_KEYS,
        keys::DECRYPTION_KEYS,
        AUDIENCES,
        child(
            "issuers",
            (0, 1),
            &[],
            Content::Elements(&[child("issuer", (1, MANY), &[], Content::Text { expression: true })]),
        ),
        claims::REQUIRED_CLAIMS,
    ]),
    once: false,
    docs: "Checks the token in a header, a query parameter or an expression: signature (RS, PS, ES and HS with 256, \
           384, 512), lifetime, audience, issuer, claims. Keys come from OpenID Connect discovery documents, which \
           are fetched hourly and, for an unknown key id, at most once in five minutes; from certificates; or as \
           written. Encrypted tokens: RSA-OAEP, RSA-OAEP-256, A128KW, A192KW, A256KW and dir with AES-CBC-HMAC or AES-GCM. \
           A refused token is answered with `failed-validation-httpcode`, default 401, and \"JWT not present.\" or \
           \"Invalid JWT.\"; reason TokenNotPresent, TokenSignatureInvalid, TokenSignatureKeyNotFound, \
           TokenAudienceNotAllowed, TokenIssuerNotAllowed, TokenExpired, TokenClaimNotFound, \
           TokenClaimValueNotAllowed or JwtInvalid. `clock-skew` in seconds, default 0. The order of the children \
           matters.",
    compile,
};

pub const FAILED_CODE: AttributeDef =
    optional("failed-validation-httpcode", Kind::Int(200, 999)).expression();
pub const FAILED_MESSAGE: AttributeDef = optional("failed-validation-error-message", Kind::Text).expression();
pub const OUTPUT: AttributeDef = optional("output-token-variable-name", Kind::Text);
pub const AUDIENCES: ChildDef = child(
    "audiences",
    (0, 1),
    &[],
    Content::Elements(&[child("audience", (1, MANY), &[], Content::Text { expression: true })]),
);

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `LastError.Reason`.
    pub reason: &'static str,
    /// `LastError.Message`.
    pub message: Cow<'static, str>,
}

impl Refusal {
    pub fn new(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into() }
    }

    fn not_present() -> Self {
        Self::new("TokenNotPresent", "JWT not present. Access denied.")
    }

    fn invalid(message: &'static str) -> Self {
        Self::new("JwtInvalid", format!("{message} Access denied."))
    }

    fn malformed(error: Malformed) -> Self {
        Self::invalid(error.0)
    }

    fn signature(error: VerifyError) -> Self {
        match error {
            VerifyError::Algorithm => {
                Self::invalid("The token is not signed, or by an algorithm that is not supported.")
            }
            VerifyError::KeyNotFound => Self::new(
                "TokenSignatureKeyNotFound",
                "Signature validation failed: no key fits the token's key id and algorithm. Access denied.",
            ),
            VerifyError::Signature => {
                Self::new("TokenSignatureInvalid", "Signature validation failed. Access denied.")
            }
        }
    }
}

struct ValidateJwt(Check);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let place = Place::compile(element, None, c);
    let discovery: Vec<TextArg> = element
        .elements()
        .filter(|child| &*child.name == "openid-config")
        .filter_map(|child| c.text(child, "url"))
        .collect();
    let signing = Keys::signing(element.child("issuer-signing-keys"), c);
    let decryption = Keys::decryption(element.child("decryption-keys"), c);
    let require_signed = c.boolean(element, "require-signed-tokens").unwrap_or(BoolArg::Literal(true));
    if discovery.is_empty() && signing.is_empty() && matches!(require_signed, BoolArg::Literal(true)) {
        let text = "No key can ever fit: 'openid-config' or 'issuer-signing-keys' is needed where tokens must be signed.";
        c.error("jwt-no-keys", element.at, text);
    }
    let check = Check {
        place: place?,
        code: c.int(element, "failed-validation-httpcode").unwrap_or(IntArg::Literal(401)),
        message: c.text(element, "failed-validation-error-message"),
        require_expiration: c.boolean(element, "require-expiration-time").unwrap_or(BoolArg::Literal(true)),
        require_scheme: c.text(element, "require-scheme"),
        require_signed,
        clock_skew: c.int(element, "clock-skew").unwrap_or(IntArg::Literal(0)),
        output: c.literal(element, "output-token-variable-name"),
        discovery,
        signing,
        decryption,
        audiences: texts(element.child("audiences"), c),
        issuers: texts(element.child("issuers"), c),
        claims: RequiredClaim::compile_all(element.child("required-claims"), c),
    };
    (c.findings() == before).then(|| Step::waiting(ValidateJwt(check)))
}

/// Texts of the children.
pub fn texts(parent: Option<&Element>, c: &mut Compiler<'_>) -> Vec<TextArg> {
    parent.into_iter().flat_map(Element::elements).filter_map(|child| c.content(child)).collect()
}

impl WaitingPolicy for ValidateJwt {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        match self.0.run(exchange, ports).await? {
            Ok(passed) => {
                self.0.store(&passed, exchange);
                Ok(Flow::Continue)
            }
            Err(refusal) => Err(self.0.fault("validate-jwt", refusal, exchange)?),
        }
    }
}

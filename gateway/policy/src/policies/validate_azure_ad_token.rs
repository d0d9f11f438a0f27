//! `validate-azure-ad-token` (`policies.md` A 2.4): `validate-jwt` with the keys and issuers of a tenant.

use serde_json::{Map, Value};

use super::validate_jwt::check::Check;
use super::validate_jwt::claims::{self, RequiredClaim, value_refused};
use super::validate_jwt::keys::Keys;
use super::validate_jwt::place::Place;
use super::validate_jwt::{AUDIENCES, FAILED_CODE, FAILED_MESSAGE, OUTPUT, Refusal, keys, place, texts};
use crate::catalogue::{ChildDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

const SOURCE: &str = "validate-azure-ad-token";

const APPLICATIONS: &[ChildDef] =
    &[child("application-id", (1, MANY), &[], Content::Text { expression: true })];

pub static VALIDATE_AZURE_AD_TOKEN: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Inbound],
    attributes: &[
        required("tenant-id", Kind::Text).expression(),
        place::HEADER,
        place::QUERY,
        place::VALUE,
        optional("authentication-endpoint", Kind::Text).expression(),
        FAILED_CODE,
        FAILED_MESSAGE,
        OUTPUT,
    ],
    content: Content::Elements(&[
        child("backend-application-ids", (0, 1), &[], Content::Elements(APPLICATIONS)),
        child("client-application-ids", (0, 1), &[], Content::Elements(APPLICATIONS)),
        AUDIENCES,
        claims::REQUIRED_CLAIMS,
        keys::DECRYPTION_KEYS,
    ]),
    once: false,
    docs: "Checks a token of Microsoft Entra ID; the `Authorization` header unless an attribute names another place. \
           `tenant-id` is a GUID, a domain, `organizations`, `common`, or an URL; issuers of both token versions are \
           accepted. `client-application-ids` are compared with the claim appid or azp; an audience must be one of \
           `audiences` or of `backend-application-ids`, when there are any. Signature, lifetime, failures and \
           reasons as for `validate-jwt`. `authentication-endpoint`: another cloud's, default \
           login.microsoftonline.com.",
    compile,
};

struct ValidateAzureAdToken {
    check: Check,
    tenant: TextArg,
    endpoint: Option<TextArg>,
    clients: Vec<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    check_order(element, c);
    let header = Place::Header(TextArg::Literal("Authorization".into()));
    let place = Place::compile(element, Some(header), c);
    let mut audiences = texts(element.child("audiences"), c);
    audiences.extend(texts(element.child("backend-application-ids"), c));
    let check = Check {
        place: place?,
        code: c.int(element, "failed-validation-httpcode").unwrap_or(IntArg::Literal(401)),
        message: c.text(element, "failed-validation-error-message"),
        require_expiration: BoolArg::Literal(true),
        require_scheme: None,
        require_signed: BoolArg::Literal(true),
        clock_skew: IntArg::Literal(0),
        output: c.literal(element, "output-token-variable-name"),
        discovery: Vec::new(),
        signing: Keys::signing(None, c),
        decryption: Keys::decryption(element.child("decryption-keys"), c),
        audiences,
        issuers: Vec::new(),
        claims: RequiredClaim::compile_all(element.child("required-claims"), c),
    };
    let policy = ValidateAzureAdToken {
        check,
        tenant: c.text(element, "tenant-id")?,
        endpoint: c.text(element, "authentication-endpoint"),
        clients: texts(element.child("client-application-ids"), c),
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

/// The two lists of applications may change places: older documents have them the other way round.
fn check_order(element: &Element, c: &mut Compiler<'_>) {
    let rank = |name: &str| match name {
        "audiences" => 1,
        "required-claims" => 2,
        "decryption-keys" => 3,
        _ => 0,
    };
    let mut latest = 0;
    for child in element.elements() {
        let own = rank(&child.name);
        if own < latest {
            let text = format!(
                "The element '{SOURCE}' has invalid child element '{}': the order is backend-application-ids, client-application-ids, audiences, required-claims, decryption-keys.",
                child.name
            );
            return c.error("xsd", child.at, text);
        }
        latest = own;
    }
}

impl ValidateAzureAdToken {
    /// Discovery documents of both token versions.
    fn discovery(&self, exchange: &Exchange) -> Result<Vec<String>, Fault> {
        let tenant = self.tenant.get(exchange)?;
        let tenant = tenant.trim().trim_end_matches('/');
        let base = if tenant.contains("://") {
            tenant.trim_end_matches("/v2.0").to_owned()
        } else {
            if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
                return Err(Fault::invalid_value(SOURCE, "tenant-id is no GUID, domain or URL"));
            }
            let endpoint = match &self.endpoint {
                Some(endpoint) => endpoint.get(exchange)?.trim().trim_end_matches('/').to_owned(),
                None => "https://login.microsoftonline.com".to_owned(),
            };
            let scheme = if endpoint.contains("://") { "" } else { "https://" };
            format!("{scheme}{endpoint}/{tenant}")
        };
        let path = ".well-known/openid-configuration";
        Ok(vec![format!("{base}/v2.0/{path}"), format!("{base}/{path}")])
    }

    fn client_objection(
        &self,
        claims: &Map<String, Value>,
        exchange: &Exchange,
    ) -> Result<Option<Refusal>, Fault> {
        if self.clients.is_empty() {
            return Ok(None);
        }
        let (name, given) = match (claims.get("appid"), claims.get("azp")) {
            (Some(given), _) => ("appid", given),
            (None, Some(given)) => ("azp", given),
            (None, None) => return Ok(Some(claims::missing(&["appid"]))),
        };
        for client in &self.clients {
            if given.as_str() == Some(client.get(exchange)?.trim()) {
                return Ok(None);
            }
        }
        Ok(Some(value_refused(name, given)))
    }
}

impl WaitingPolicy for ValidateAzureAdToken {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let discovery = self.discovery(exchange)?;
        let passed = match self.check.run_with(&discovery, exchange, ports).await? {
            Ok(passed) => passed,
            Err(refusal) => return Err(self.check.fault(SOURCE, refusal, exchange)?),
        };
        if let Some(refusal) = self.client_objection(&passed.claims, exchange)? {
            return Err(self.check.fault(SOURCE, refusal, exchange)?);
        }
        self.check.store(&passed, exchange);
        Ok(Flow::Continue)
    }
}

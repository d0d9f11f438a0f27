//! `validate-client-certificate` (`policies.md` A 2.5).

mod distinguished_name;
mod identity;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_parser::prelude::{FromDer, X509Certificate};

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional};
use crate::compile::Compiler;
use crate::exchange::{ClientCertificate, Exchange};
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Ports, Revocation, TrustError};
use crate::xml::Element;
use identity::Identity;

const SOURCE: &str = "validate-client-certificate";

pub static VALIDATE_CLIENT_CERTIFICATE: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Inbound],
    attributes: &[
        optional("validate-revocation", Kind::Bool),
        optional("validate-trust", Kind::Bool),
        optional("validate-not-before", Kind::Bool),
        optional("validate-not-after", Kind::Bool),
        optional("ignore-error", Kind::Bool),
    ],
    content: Content::Elements(&[child(
        "identities",
        (0, 1),
        &[],
        Content::Elements(&[child("identity", (1, MANY), identity::ATTRIBUTES, Content::Empty)]),
    )]),
    once: false,
    docs: "Checks the certificate that the client showed in the TLS hand-shake, for which its host name must have \
           `negotiateClientCertificate`. All of: a chain to one of the authorities in `net.server.tls.client.roots` \
           (`validate-trust`), not on a list in `net.server.tls.client.crls` (`validate-revocation`; a certificate \
           that names a list which is not there is refused), in its time (`validate-not-before`, \
           `validate-not-after`), and equal to one `identity` in everything that identity names. Names are written \
           as Windows shows them, `CN=a, O=\"b, c\"`, and compared without letter case. The four checks are on by \
           default. Otherwise 403; reason ClientCertificateNotPresent, …NotTrusted, …Revoked, …Expired, \
           …NotYetValid or …IdentityNotMatched. `ignore-error=\"true\"`: the request goes on.",
    compile,
};

struct ValidateClientCertificate {
    revocation: bool,
    trust: bool,
    not_before: bool,
    not_after: bool,
    ignore_error: bool,
    /// Empty = any.
    identities: Vec<Identity>,
}

/// Reason and text for `LastError`.
type Objection = (&'static str, String);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let identities = element.child("identities").into_iter().flat_map(Element::elements);
    let identities = identities.filter_map(|element| Identity::compile(element, c)).collect();
    let policy = ValidateClientCertificate {
        revocation: c.literal_bool(element, "validate-revocation", true),
        trust: c.literal_bool(element, "validate-trust", true),
        not_before: c.literal_bool(element, "validate-not-before", true),
        not_after: c.literal_bool(element, "validate-not-after", true),
        ignore_error: c.literal_bool(element, "ignore-error", false),
        identities,
    };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl ValidateClientCertificate {
    fn objection(&self, exchange: &Exchange, ports: &dyn Ports) -> Option<Objection> {
        let Some(shown) = &exchange.connection.certificate else {
            let text = "The client has not shown a certificate. Access denied.";
            return Some(("ClientCertificateNotPresent", text.to_owned()));
        };
        self.time_and_trust(shown, exchange.timestamp, ports).or_else(|| self.identity(shown, ports)).map(
            |(reason, text)| {
                (reason, format!("The client certificate is not accepted: {text}. Access denied."))
            },
        )
    }

    fn time_and_trust(
        &self,
        shown: &ClientCertificate,
        now: SystemTime,
        ports: &dyn Ports,
    ) -> Option<Objection> {
        let Ok((_, leaf)) = X509Certificate::from_der(&shown.leaf.der) else {
            return Some(("ClientCertificateNotTrusted", "it cannot be read".to_owned()));
        };
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
        let (begin, end) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
        if self.not_before && seconds < begin {
            return Some(("ClientCertificateNotYetValid", "it is not valid yet".to_owned()));
        }
        if self.not_after && seconds > end {
            return Some(("ClientCertificateExpired", "it has expired".to_owned()));
        }
        if !self.trust && !self.revocation {
            return None;
        }
        // A time that need not hold must not fail the chain either: it is judged at the nearest moment that does.
        let moment = seconds.clamp(begin.min(end), end).max(0).unsigned_abs();
        let revocation = if self.revocation { Revocation::Checked } else { Revocation::Ignored };
        let chain = std::iter::once(&shown.leaf.der).chain(&shown.intermediates).cloned().collect::<Vec<_>>();
        let at = UNIX_EPOCH + Duration::from_secs(moment);
        match ports.client_trust().verify(&chain, at, revocation) {
            Ok(()) => None,
            // Without a way to an authority nothing is known of revocation; that alone was not asked for.
            Err(TrustError::Untrusted(_)) if !self.trust => None,
            Err(error @ TrustError::Untrusted(_)) => Some(("ClientCertificateNotTrusted", error.to_string())),
            Err(error) => Some(("ClientCertificateRevoked", error.to_string())),
        }
    }

    fn identity(&self, shown: &ClientCertificate, ports: &dyn Ports) -> Option<Objection> {
        if self.identities.is_empty() {
            return None;
        }
        let facts = identity::Facts::of(shown, ports.client_trust().authorities());
        let is_known = facts.is_some_and(|facts| self.identities.iter().any(|one| one.matches(&facts)));
        let text = "it is none of the identities";
        (!is_known).then(|| ("ClientCertificateIdentityNotMatched", text.to_owned()))
    }
}

impl Policy for ValidateClientCertificate {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        match self.objection(exchange, ports) {
            Some((reason, text)) if !self.ignore_error => {
                Err(Fault::new(403, "Invalid client certificate", SOURCE, reason, text))
            }
            _ => Ok(Flow::Continue),
        }
    }
}

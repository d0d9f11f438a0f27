//! `authentication-certificate` (`policies.md` A 3.2).

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_expression::Value;

use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional};
use crate::certificates::{Certificates, ClientIdentity};
use crate::compile::Compiler;
use crate::compile::arguments::{AnyArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

const SOURCE: &str = "authentication-certificate";

pub static AUTHENTICATION_CERTIFICATE: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "Shows a client certificate to the backend: a certificate resource by `certificate-id` or `thumbprint`, or \
           a PFX in `body` (bytes or base64) with its `password`. Exactly one of the three. It stands before the \
           certificate of a backend entity. Connections are shared only by requests with the same certificate. An \
           unknown certificate is refused when it is written out, and is 500 when an expression names it; reason \
           CertificateNotFound.",
    compile,
};

pub const ATTRIBUTES: &[AttributeDef] = &[
    optional("thumbprint", Kind::Text).expression(),
    optional("certificate-id", Kind::Text).expression(),
    optional("body", Kind::Text).expression(),
    optional("password", Kind::Text).expression(),
];

/// A certificate to be shown; shared with the policies that send requests of their own.
#[derive(Debug)]
pub enum CertificateArg {
    Fixed(Arc<ClientIdentity>),
    Thumbprint(TextArg, Arc<Certificates>),
    Id(TextArg, Arc<Certificates>),
    Body(BodyArg),
}

/// A PFX that an expression gives.
#[derive(Debug)]
pub struct BodyArg {
    body: AnyArg,
    password: Option<TextArg>,
    /// Reading a PFX costs thousands of hashes: the last one is kept.
    last: Mutex<Option<([u8; 32], Arc<ClientIdentity>)>>,
}

impl CertificateArg {
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let given = ["thumbprint", "certificate-id", "body"].map(|name| element.attribute(name));
        if given.iter().flatten().count() != 1 {
            let text =
                "Exactly one of the attributes 'thumbprint', 'certificate-id' and 'body' must be specified.";
            c.error("xsd", element.at, text);
            return None;
        }
        if let (None, Some(password)) = (given[2], element.attribute("password")) {
            c.error("xsd", password.at, "The attribute 'password' belongs to 'body'.");
        }
        let certificates = c.lookup.certificates();
        if let Some(argument) = c.text(element, "thumbprint") {
            return match argument.literal().map(|thumbprint| certificates.by_thumbprint(thumbprint)) {
                None => Some(Self::Thumbprint(argument, certificates)),
                Some(found) => fixed(found.and_then(|stored| stored.identity.clone()), element, c),
            };
        }
        if let Some(argument) = c.text(element, "certificate-id") {
            return match argument.literal().map(|id| certificates.by_id(id)) {
                None => Some(Self::Id(argument, certificates)),
                Some(found) => fixed(found.and_then(|stored| stored.identity.clone()), element, c),
            };
        }
        let body = c.any(element, "body")?;
        let password = c.text(element, "password");
        Some(Self::Body(BodyArg { body, password, last: Mutex::default() }))
    }

    /// The certificate to show.
    pub fn get(&self, exchange: &Exchange) -> Result<Arc<ClientIdentity>, Fault> {
        let (found, name) = match self {
            Self::Fixed(identity) => return Ok(Arc::clone(identity)),
            Self::Body(body) => return body.get(exchange),
            Self::Thumbprint(argument, certificates) => {
                let name = argument.get(exchange)?;
                (certificates.by_thumbprint(&name), name)
            }
            Self::Id(argument, certificates) => {
                let name = argument.get(exchange)?;
                (certificates.by_id(&name), name)
            }
        };
        found.and_then(|stored| stored.identity.clone()).ok_or_else(|| {
            let text = format!("The certificate '{name}' does not exist, or has no private key.");
            Fault::internal(SOURCE, "CertificateNotFound", text)
        })
    }
}

fn fixed(
    found: Option<Arc<ClientIdentity>>,
    element: &Element,
    c: &mut Compiler<'_>,
) -> Option<CertificateArg> {
    if found.is_none() {
        let text = "The certificate does not exist, or has no private key.";
        c.error("certificate-missing", element.at, text);
    }
    found.map(CertificateArg::Fixed)
}

impl BodyArg {
    fn get(&self, exchange: &Exchange) -> Result<Arc<ClientIdentity>, Fault> {
        let bytes = match self.body.get(exchange)? {
            Value::Str(text) => STANDARD.decode(text.as_str().trim()).ok(),
            value => value.as_bytes(),
        };
        let bytes =
            bytes.ok_or_else(|| Fault::invalid_value(SOURCE, "the body is neither bytes nor base64"))?;
        let password = match &self.password {
            Some(password) => password.get(exchange)?,
            None => "".into(),
        };
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&(password.len() as u64).to_be_bytes());
        hash.update(password.as_bytes());
        hash.update(&bytes);
        let hash = hash.finish();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, identity)) = last.as_ref().filter(|(known, _)| known == hash.as_ref()) {
            return Ok(Arc::clone(identity));
        }
        let identity = ClientIdentity::from_pfx(&bytes, &password)
            .map_err(|error| Fault::invalid_value(SOURCE, format!("the body cannot be used: {error}")))?;
        let identity = Arc::new(identity);
        let mut key = [0; 32];
        key.copy_from_slice(hash.as_ref());
        *last = Some((key, Arc::clone(&identity)));
        Ok(identity)
    }
}

struct AuthenticationCertificate(CertificateArg);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let argument = CertificateArg::compile(element, c)?;
    (c.findings() == before).then(|| Step::sync(AuthenticationCertificate(argument)))
}

impl Policy for AuthenticationCertificate {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        exchange.client_identity = Some(self.0.get(exchange)?);
        Ok(Flow::Continue)
    }
}

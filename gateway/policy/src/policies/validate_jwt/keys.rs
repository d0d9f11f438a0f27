//! Keys written into a policy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_expression::is_expression;

use crate::catalogue::{AttributeDef, ChildDef, Content, Kind, MANY, child, optional};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::jose::{DecryptionKey, VerificationKey, decode};
use crate::xml::Element;

const ATTRIBUTES: &[AttributeDef] = &[
    optional("id", Kind::Text),
    optional("certificate-id", Kind::Text),
    optional("n", Kind::Text),
    optional("e", Kind::Text),
];

const KEYS: &[ChildDef] = &[child("key", (1, MANY), ATTRIBUTES, Content::Text { expression: true })];

pub const SIGNING_KEYS: ChildDef = child("issuer-signing-keys", (0, 1), &[], Content::Elements(KEYS));
pub const DECRYPTION_KEYS: ChildDef = child("decryption-keys", (0, 1), &[], Content::Elements(KEYS));

/// Keys of a policy; those that an expression gives are made for each request.
#[derive(Debug)]
pub struct Keys<K> {
    pub fixed: Vec<K>,
    made: Vec<(Option<Box<str>>, TextArg)>,
    secret: fn(&[u8]) -> Option<K>,
}

/// What a `<key>` holds.
enum Material<'a> {
    Certificate(&'a str),
    Components(&'a str, &'a str),
    Text,
}

impl Keys<VerificationKey> {
    /// Reads `issuer-signing-keys`.
    pub fn signing(parent: Option<&Element>, c: &mut Compiler<'_>) -> Self {
        let mut keys =
            Self { fixed: Vec::new(), made: Vec::new(), secret: |bytes| VerificationKey::secret(bytes).ok() };
        for element in elements(parent) {
            let id = id_of(element);
            let key = match material(element) {
                Material::Certificate(name) => certificate(element, name, c).map(|stored| {
                    VerificationKey::of_certificate(&stored.certificate).map_err(|error| error.to_string())
                }),
                Material::Components(n, e) => Some(match (decode(n), decode(e)) {
                    (Ok(n), Ok(e)) => VerificationKey::rsa(&n, &e).map_err(|error| error.to_string()),
                    _ => Err("'n' and 'e' must be base64url".to_owned()),
                }),
                Material::Text => keys
                    .text(element, id, c)
                    .map(|bytes| VerificationKey::secret(&bytes).map_err(|error| error.to_string())),
            };
            if let Some(key) = reported(element, key, c) {
                keys.fixed.push(key.with_id(id));
            }
        }
        keys
    }
}

impl Keys<DecryptionKey> {
    /// Reads `decryption-keys`.
    pub fn decryption(parent: Option<&Element>, c: &mut Compiler<'_>) -> Self {
        let mut keys =
            Self { fixed: Vec::new(), made: Vec::new(), secret: |bytes| DecryptionKey::secret(bytes).ok() };
        for element in elements(parent) {
            let id = id_of(element);
            let key = match material(element) {
                Material::Certificate(name) => certificate(element, name, c).map(|stored| {
                    let identity = stored.identity.as_ref().ok_or("the certificate has no private key")?;
                    DecryptionKey::rsa(&identity.key).map_err(|error| error.to_string())
                }),
                Material::Components(..) => Some(Err("a public key ('n' and 'e') cannot decrypt".to_owned())),
                Material::Text => keys
                    .text(element, id, c)
                    .map(|bytes| DecryptionKey::secret(&bytes).map_err(|error| error.to_string())),
            };
            if let Some(key) = reported(element, key, c) {
                keys.fixed.push(key.with_id(id));
            }
        }
        keys
    }
}

impl<K> Keys<K> {
    /// The bytes of a literal; an expression is kept for later.
    fn text(&mut self, element: &Element, id: Option<&str>, c: &mut Compiler<'_>) -> Option<Vec<u8>> {
        let text = element.text();
        if is_expression(&text) {
            self.made.push((id.map(Into::into), c.content(element)?));
            return None;
        }
        if let Some(bytes) = base64(&text) {
            Some(bytes)
        } else {
            c.error("key-invalid", element.text_at(), "The key is not base64.");
            None
        }
    }

    /// The keys that expressions give. What is no key is an error of the policy, not of the token.
    pub fn made(&self, exchange: &Exchange) -> Result<Vec<(Option<&str>, K)>, Fault> {
        let mut keys = Vec::with_capacity(self.made.len());
        for (id, argument) in &self.made {
            let text = argument.get(exchange)?;
            let key = base64(&text).and_then(|bytes| (self.secret)(&bytes));
            let key =
                key.ok_or_else(|| Fault::expression("The value is not a base64 key of 128 bits or more."))?;
            keys.push((id.as_deref(), key));
        }
        Ok(keys)
    }

    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.made.is_empty()
    }
}

fn elements(parent: Option<&Element>) -> impl Iterator<Item = &Element> {
    parent.into_iter().flat_map(Element::elements)
}

fn id_of(element: &Element) -> Option<&str> {
    element.attribute("id").map(|id| id.value.trim()).filter(|id| !id.is_empty())
}

fn material(element: &Element) -> Material<'_> {
    let value = |name| element.attribute(name).map(|attribute| attribute.value.trim());
    match (value("certificate-id"), value("n"), value("e")) {
        (Some(id), ..) => Material::Certificate(id),
        (None, Some(n), Some(e)) => Material::Components(n, e),
        _ => Material::Text,
    }
}

fn certificate(
    element: &Element,
    id: &str,
    c: &mut Compiler<'_>,
) -> Option<std::sync::Arc<crate::certificates::StoredCertificate>> {
    let found = c.lookup.certificates().by_id(id).cloned();
    if found.is_none() {
        c.error("certificate-missing", element.at, format!("The certificate '{id}' does not exist."));
    }
    found
}

fn reported<K>(element: &Element, key: Option<Result<K, String>>, c: &mut Compiler<'_>) -> Option<K> {
    match key? {
        Ok(key) => Some(key),
        Err(reason) => {
            c.error("key-invalid", element.at, format!("The key cannot be used: {reason}."));
            None
        }
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(&text).ok().or_else(|| decode(&text).ok())
}

//! Manifests: what a view is made of, or what makes one view out of another.

use serde::{Deserialize, Serialize};

use super::{GatewaySecret, ProtocolError, Tag};

/// The list of a view's chunks; with `base`, the difference to another view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Name of the gateway that it is for.
    pub gateway: String,
    pub tag: String,
    /// Tag of the view that this is a difference to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Paths of the base that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    pub chunks: Vec<Chunk>,
}

/// A part of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    /// SHA-256 of the bytes, hexadecimal: where to get it, and how to check it.
    pub sha256: String,
    pub bytes: u64,
    /// Whether it is sealed for the gateway.
    #[serde(default)]
    pub sealed: bool,
    /// The bytes themselves in base64, where fetching them would cost more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Manifest {
    /// The manifest that a signed text holds, for a gateway.
    pub fn read(signed: &str, secret: &GatewaySecret, gateway: &str) -> Result<(Self, Tag), ProtocolError> {
        let payload = secret.verify(signed)?;
        let manifest: Self =
            serde_json::from_str(&payload).map_err(|_| ProtocolError::Malformed("the manifest"))?;
        if !manifest.gateway.eq_ignore_ascii_case(gateway) {
            return Err(ProtocolError::Signature);
        }
        let tag = manifest.tag.parse().map_err(|_| ProtocolError::Malformed("the manifest's tag"))?;
        Ok((manifest, tag))
    }

    /// The signed text.
    pub fn sign(&self, secret: &GatewaySecret) -> Result<String, ProtocolError> {
        let payload = serde_json::to_string(self).map_err(|_| ProtocolError::Malformed("the manifest"))?;
        Ok(secret.sign(&payload))
    }
}

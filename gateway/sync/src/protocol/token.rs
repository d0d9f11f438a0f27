//! Tokens of gateways: `<gateway>&<yyyyMMddHHmm>&<base64>`, where the last part is a 64-byte signature followed by the
//! secret that the gateway shares with its plane.
//!
//! Source: self-hosted-gateway.md §2.1. The content of the last part is ours: Azure's gateways treat the text as opaque, and
//! so do tools that carry it around.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::{GatewaySecret, SECRET_LEN};

const SIGNATURE_LEN: usize = 64;

/// A token, read and not verified.
#[derive(Clone)]
pub struct Token<'t> {
    pub gateway: &'t str,
    /// `yyyyMMddHHmm` in UTC.
    pub expiry: &'t str,
    pub signature: [u8; SIGNATURE_LEN],
    pub secret: [u8; SECRET_LEN],
}

impl<'t> Token<'t> {
    /// Reads a token, with or without the word `GatewayKey`.
    pub fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("GatewayKey").map_or(text, str::trim_start);
        let (gateway, rest) = text.split_once('&')?;
        let (expiry, proof) = rest.split_once('&')?;
        let is_time = expiry.len() == 12 && expiry.bytes().all(|byte| byte.is_ascii_digit());
        if !is_time || gateway.is_empty() {
            return None;
        }
        let proof = STANDARD.decode(proof).ok()?;
        let (signature, secret) = proof.split_first_chunk::<SIGNATURE_LEN>()?;
        let secret = <[u8; SECRET_LEN]>::try_from(secret).ok()?;
        Some(Self { gateway, expiry, signature: *signature, secret })
    }

    /// The token as text, without the word `GatewayKey`.
    pub fn text(&self) -> String {
        let proof = [&self.signature[..], &self.secret[..]].concat();
        format!("{}&{}&{}", self.gateway, self.expiry, STANDARD.encode(proof))
    }

    /// What signs and seals between this gateway and its plane.
    pub fn gateway_secret(&self) -> GatewaySecret {
        GatewaySecret::new(&self.secret)
    }
}

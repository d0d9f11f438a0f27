//! Servers that people sign in by: OAuth 2 servers, OpenID providers, identity providers of the portal. A PUT that leaves
//! a secret out keeps it, since no GET shows what it would have to repeat.

use super::{Put, Rules, default_to, text};
use crate::arm_error::ArmError;
use crate::tree::Properties;

/// `authorizationServers` and `openidConnectProviders`.
pub struct SignIn;

/// `identityProviders`: one of each type, named by it.
pub struct IdentityProvider;

const SECRETS: &[&str] = &["clientSecret", "resourceOwnerUsername", "resourceOwnerPassword"];
const TYPES: &[&str] = &["facebook", "google", "microsoft", "twitter", "aad", "aadB2C"];

fn keep_secrets(put: &Put<'_, '_, '_>, properties: &mut Properties) {
    for member in SECRETS {
        if let Some(kept) = put.existing.and_then(|existing| existing.properties.get(*member))
            && !properties.contains_key(*member)
            && !put.is_patch
        {
            properties.insert((*member).to_owned(), kept.clone());
        }
    }
}

fn check_addresses(properties: &Properties) -> Result<(), ArmError> {
    for member in ["authorizationEndpoint", "tokenEndpoint", "clientRegistrationEndpoint", "metadataEndpoint"]
    {
        let is_bad = text(properties, member).is_some_and(|url| {
            !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://")
        });
        if is_bad {
            return Err(ArmError::field(member, format!("'{member}' must be an absolute address.")));
        }
    }
    Ok(())
}

impl Rules for SignIn {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        keep_secrets(&put, properties);
        check_addresses(properties)
    }
}

impl Rules for IdentityProvider {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let Some(name) = TYPES.iter().find(|known| known.eq_ignore_ascii_case(put.name(0))) else {
            let message = format!("An identity provider is named by its type, one of {}.", TYPES.join(", "));
            return Err(ArmError::field("identityProviderName", message));
        };
        if text(properties, "type").is_some_and(|kind| !kind.eq_ignore_ascii_case(name)) {
            return Err(ArmError::field("type", "'type' must be the name of the identity provider."));
        }
        keep_secrets(&put, properties);
        default_to(properties, "type", *name);
        if text(properties, "clientSecret").is_none_or(str::is_empty) {
            return Err(ArmError::field("clientSecret", "'clientSecret' must not be empty."));
        }
        Ok(())
    }
}

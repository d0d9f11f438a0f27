//! Resolvers of GraphQL APIs.

use super::{Put, Rules, default_to, text};
use crate::arm_error::ArmError;
use crate::tree::Properties;

pub struct Resolver;

impl Rules for Resolver {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let api = put.tx.get(&format!("apis/{}", put.name(0)));
        if api.is_some_and(|api| api.text("type").is_none_or(|kind| !kind.eq_ignore_ascii_case("graphql"))) {
            let message = format!("The API '{}' is no GraphQL API: only those have resolvers.", put.name(0));
            return Err(ArmError::field("apiId", message));
        }
        let path = text(properties, "path").unwrap_or_default().trim_matches('/').to_owned();
        let is_field = path.split('/').count() == 2 && path.split('/').all(|part| !part.is_empty());
        if !is_field {
            let message = format!("'path' must name a type and a field, as in Query/users; it is '{path}'.");
            return Err(ArmError::field("path", message));
        }
        let collection = put.path.rsplit_once('/').map_or("", |(collection, _)| collection);
        let other = put.tx.list(collection).into_iter().find(|other| {
            !other.path.eq_ignore_ascii_case(put.path)
                && other.text("path").is_some_and(|taken| taken.trim_matches('/') == path)
        });
        if let Some(other) = other {
            let message = format!("The resolver '{}' answers '{path}' already.", other.name());
            return Err(ArmError::field("path", message));
        }
        default_to(properties, "displayName", put.name(1));
        Ok(())
    }
}

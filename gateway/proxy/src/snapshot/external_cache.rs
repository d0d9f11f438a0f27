//! Cache resources to the one that this gateway uses.

use std::sync::Arc;

use gateway_model::{Cache, Diagnostic, Resource, ResourceSet};

use crate::redis::RedisSettings;

const DEFAULT: &str = "default";

/// The cache of the gateway's location, else the one for all (`self-hosted-gateway.md` §7.3). One that cannot be used
/// is reported and left out: the policies go on without.
pub fn compile(
    set: &ResourceSet,
    location: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<RedisSettings>> {
    let usable = |name: &str| set.caches.values().find(|cache| is_for(cache, name));
    let cache = usable(location).filter(|_| !location.is_empty()).or_else(|| usable(DEFAULT))?;
    let mut report = |text: String| {
        let text = format!("cache {} is not used: its connection string: {text}", cache.id);
        diagnostics
            .push(Diagnostic::warning("cache-connection-string", cache.origin.clone(), text).on(cache.id()));
    };
    let Some(text) = cache.connection_string.as_ref().map(|text| text.expose().trim()) else {
        report("it has none".to_owned());
        return None;
    };
    let text = match text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")) {
        None => text,
        Some(name) => {
            if let Some(value) = named_value(set, name.trim()) {
                value
            } else {
                report(format!("there is no named value {name:?}"));
                return None;
            }
        }
    };
    match RedisSettings::parse(text) {
        Ok(settings) => Some(Arc::new(settings)),
        Err(error) => {
            report(error.to_string());
            None
        }
    }
}

/// Without `useFromLocation` the name of the resource tells.
fn is_for(cache: &Cache, location: &str) -> bool {
    let place = cache.use_from_location.as_deref().unwrap_or(cache.id.as_str());
    place.eq_ignore_ascii_case(location)
}

fn named_value<'a>(set: &'a ResourceSet, name: &str) -> Option<&'a str> {
    let found =
        set.named_values.values().find(|value| value.display_name == name || value.id.as_str() == name)?;
    found.value.as_ref().map(gateway_model::Secret::expose)
}

//! `cache-lookup-value` (`policies.md` B 3.3), and what the value cache policies share.

use std::sync::Arc;

use gateway_expression::Value;

use crate::catalogue::{ALL, AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{AnyArg, TextArg};
use crate::exchange::{CacheUse, Exchange};
use crate::fault::Fault;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::{CachingType, Ports};
use crate::xml::Element;

pub static CACHE_LOOKUP_VALUE: PolicyDef = PolicyDef {
    element: "cache-lookup-value",
    sections: ALL,
    attributes: &[
        KEY,
        required("variable-name", Kind::Text),
        optional("default-value", Kind::Text).expression(),
        CACHING_TYPE,
    ],
    content: Content::Empty,
    once: false,
    docs: "Puts the cached value of `key` into a variable. Not found: the variable gets `default-value`; without one \
           it is not set. The value keeps its type. `caching-type`: `internal` is the built-in cache, `external` the \
           Redis server of the configuration (a miss where none is configured or it does not answer within 50 ms), \
           `prefer-external` (default) the external one where there is one, else the built-in one.",
    compile,
};

pub const KEY: AttributeDef = required("key", Kind::Text).expression();
pub const CACHING_TYPE: AttributeDef =
    optional("caching-type", Kind::OneOf(&["internal", "external", "prefer-external"]));

/// Reads `caching-type`.
pub fn caching_type(element: &Element, c: &Compiler<'_>) -> CachingType {
    match c.literal(element, "caching-type").as_deref() {
        Some("internal") => CachingType::Internal,
        Some("external") => CachingType::External,
        _ => CachingType::PreferExternal,
    }
}

/// The name of a value in the caches, which hold responses as well.
pub fn value_key(key: &str) -> String {
    format!("v{key}")
}

struct CacheLookupValue {
    key: TextArg,
    variable: Arc<str>,
    default: Option<AnyArg>,
    caching: CachingType,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let key = c.text(element, "key");
    let default = c.any(element, "default-value");
    let variable = c.literal(element, "variable-name")?;
    let policy = CacheLookupValue { key: key?, variable, default, caching: caching_type(element, c) };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl WaitingPolicy for CacheLookupValue {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let key = value_key(&self.key.get(exchange)?);
        let found = ports.cache().get(self.caching, &key).await;
        let found = found.as_ref().and_then(|entry| entry.value());
        exchange.measures.cache = if found.is_some() { CacheUse::Hit } else { CacheUse::Miss };
        let value = match (found, &self.default) {
            (Some(portable), _) => Value::from_portable(portable),
            (None, Some(default)) => default.get(exchange)?,
            (None, None) => return Ok(Flow::Continue),
        };
        exchange.set_variable(&self.variable, value);
        Ok(Flow::Continue)
    }
}

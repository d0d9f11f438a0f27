//! `cache-lookup-value` (`policies.md` B 3.3), and what the three value cache policies share.

use std::sync::Arc;

use gateway_expression::Value;

use crate::catalogue::{ALL, AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{AnyArg, TextArg};
use crate::exchange::{CacheUse, Exchange};
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
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
           it is not set. The value keeps its type. `caching-type`: internal and prefer-external use the built-in \
           cache; external is not supported yet.",
    compile,
};

pub const KEY: AttributeDef = required("key", Kind::Text).expression();
pub const CACHING_TYPE: AttributeDef =
    optional("caching-type", Kind::OneOf(&["internal", "external", "prefer-external"]));

/// Refuses the cache that is not there.
pub fn check_caching_type(element: &Element, c: &mut Compiler<'_>) {
    if let Some(kind) = element.attribute("caching-type").filter(|kind| kind.value.trim() == "external") {
        let text = "The caching type 'external' is not supported yet: it needs a Redis cache. Use 'internal' or 'prefer-external'.";
        c.error("policy-unsupported", kind.at, text);
    }
}

struct CacheLookupValue {
    key: TextArg,
    variable: Arc<str>,
    default: Option<AnyArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    check_caching_type(element, c);
    let key = c.text(element, "key");
    let default = c.any(element, "default-value");
    let policy = CacheLookupValue { key: key?, variable: c.literal(element, "variable-name")?, default };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for CacheLookupValue {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let key = self.key.get(exchange)?;
        let found = ports.cache().get(&key);
        exchange.measures.cache = if found.is_some() { CacheUse::Hit } else { CacheUse::Miss };
        let value = match (found, &self.default) {
            (Some(portable), _) => Value::from_portable(&portable),
            (None, Some(default)) => default.get(exchange)?,
            (None, None) => return Ok(Flow::Continue),
        };
        exchange.set_variable(&self.variable, value);
        Ok(Flow::Continue)
    }
}

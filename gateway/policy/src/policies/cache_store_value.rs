//! `cache-store-value` (`policies.md` B 3.4).

use std::time::Duration;

use gateway_expression::Portable;

use super::cache_lookup_value::{CACHING_TYPE, KEY, caching_type, value_key};
use crate::catalogue::{ALL, Content, Kind, PolicyDef, required};
use crate::compile::Compiler;
use crate::compile::arguments::{AnyArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::exchange::trace::{Severity, TraceEntry};
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Cached, CachingType, Entry, Ports};
use crate::xml::Element;

pub static CACHE_STORE_VALUE: PolicyDef = PolicyDef {
    element: "cache-store-value",
    sections: ALL,
    attributes: &[
        KEY,
        required("value", Kind::Text).expression(),
        required("duration", Kind::Int(0, i32::MAX as i64)).expression(),
        CACHING_TYPE,
    ],
    content: Content::Empty,
    once: false,
    docs: "Keeps a value in the cache for `duration` seconds; 0 keeps nothing. A literal is a string, an expression \
           keeps the type of its value. A value that cannot be kept is noted in the trace and is no error. \
           `caching-type` as for `cache-lookup-value`.",
    compile,
};

struct CacheStoreValue {
    key: TextArg,
    value: AnyArg,
    duration: IntArg,
    caching: CachingType,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let key = c.text(element, "key");
    let value = c.any(element, "value");
    let duration = c.int(element, "duration");
    let caching = caching_type(element, c);
    let policy = CacheStoreValue { key: key?, value: value?, duration: duration?, caching };
    (c.findings() == before).then(|| Step::sync(policy))
}

/// Puts a value into the cache.
pub fn store(
    caching: CachingType,
    key: &str,
    value: Portable,
    lifetime: Duration,
    exchange: &Exchange,
    ports: &dyn Ports,
) {
    let (stored_ms, lifetime_ms) = (exchange.unix_ms(ports), lifetime.as_millis() as u64);
    ports.cache().writer(caching, key)(Entry { content: Cached::Value(value), stored_ms, lifetime_ms });
}

impl Policy for CacheStoreValue {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let key = value_key(&self.key.get(exchange)?);
        let value = self.value.get(exchange)?;
        let seconds = self.duration.get(exchange)?;
        match value.to_portable() {
            Some(_) if seconds <= 0 => {}
            Some(portable) => {
                let lifetime = Duration::from_secs(seconds.unsigned_abs());
                store(self.caching, &key, portable, lifetime, exchange, ports);
            }
            None => exchange.trace.add(TraceEntry {
                source: "cache-store-value".into(),
                severity: Severity::Error,
                message: format!(
                    "A value of type {} cannot be cached.",
                    value.clr_type_name().unwrap_or_default()
                ),
                metadata: Vec::new(),
                elapsed: exchange.elapsed(ports),
            }),
        }
        Ok(Flow::Continue)
    }
}

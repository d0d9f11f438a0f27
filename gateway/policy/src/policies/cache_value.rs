//! `cache-value` (`policies.md` B 3.6).

use std::sync::Arc;
use std::time::Duration;

use gateway_expression::Value;

use super::cache_lookup_value::{CACHING_TYPE, KEY, caching_type, value_key};
use super::cache_store_value::store;
use crate::catalogue::{ALL, Content, Kind, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{AnyArg, IntArg, TextArg};
use crate::exchange::{CacheUse, Exchange};
use crate::fault::Fault;
use crate::pipeline::{Block, Flow, Step, WaitingPolicy};
use crate::ports::{CachingType, Claim, Entry, Fill, Filled, Ports};
use crate::xml::Element;

pub static CACHE_VALUE: PolicyDef = PolicyDef {
    element: "cache-value",
    sections: ALL,
    attributes: &[
        KEY,
        required("variable-name", Kind::Text),
        optional("expires-after", Kind::Int(0, i32::MAX as i64)).expression(),
        optional("refresh-after", Kind::Int(0, i32::MAX as i64)).expression(),
        optional("default-value", Kind::Text).expression(),
        CACHING_TYPE,
    ],
    content: Content::Elements(&[child("value", (1, 1), &[], Content::Policies)]),
    once: false,
    docs: "Puts the cached value of `key` into a variable and keeps it fresh. A value younger than `refresh-after` \
           seconds (default: `expires-after`) is taken as it is. An older one, until `expires-after` (default 28,800), \
           makes the statements in `value` run, which set the variable; where they fail or set nothing, the old value \
           stays. Not found: the statements run and what they set is kept; where they set nothing, the variable gets \
           `default-value`. `refresh-after` 0 runs them always. One request runs them for a key at a time: others take \
           the old value, or wait at most 1 s for the new one. `caching-type` as for `cache-lookup-value`.",
    compile,
};

const EXPIRES_AFTER: i64 = 28_800;
/// How long a request waits for another that makes its value.
const WAIT_MAX: Duration = Duration::from_secs(1);

struct CacheValue {
    key: TextArg,
    variable: Arc<str>,
    expires_after: IntArg,
    refresh_after: Option<IntArg>,
    default: Option<AnyArg>,
    caching: CachingType,
    block: Block,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let key = c.text(element, "key");
    let expires_after = c.int(element, "expires-after").unwrap_or(IntArg::Literal(EXPIRES_AFTER));
    let refresh_after = c.int(element, "refresh-after");
    let default = c.any(element, "default-value");
    let variable = c.literal(element, "variable-name")?;
    let block = element.child("value").map(|value| c.within(value, 1, |c| c.block(value)));
    let caching = caching_type(element, c);
    let policy =
        CacheValue { key: key?, variable, expires_after, refresh_after, default, caching, block: block? };
    (c.findings() == before).then(|| Step::waiting(policy))
}

/// A value found, or the right to make it.
enum Found {
    Fresh(Arc<Entry>),
    /// The old value, and the right to make a new one unless another has it.
    Stale(Arc<Entry>, Option<Fill>),
    Missing(Option<Fill>),
}

impl CacheValue {
    async fn find(&self, key: &str, refresh_ms: u64, exchange: &Exchange, ports: &dyn Ports) -> Found {
        for round in 0..2 {
            let entry = ports.cache().get(self.caching, key).await.filter(|entry| entry.value().is_some());
            let age_ms = |entry: &Entry| exchange.unix_ms(ports).saturating_sub(entry.stored_ms);
            let entry = match entry {
                Some(entry) if age_ms(&entry) < refresh_ms => return Found::Fresh(entry),
                entry => entry,
            };
            match (entry, ports.cache().claim(key)) {
                (Some(entry), Claim::Mine(fill)) => return Found::Stale(entry, Some(fill)),
                (Some(entry), Claim::Pass | Claim::Busy) => return Found::Stale(entry, None),
                (None, Claim::Mine(fill)) => return Found::Missing(Some(fill)),
                (None, Claim::Pass) => return Found::Missing(None),
                (None, Claim::Busy) if round == 0 => ports.cache().wait(key, WAIT_MAX).await,
                (None, Claim::Busy) => {}
            }
        }
        Found::Missing(None)
    }

    /// Runs the statements; what they set is kept. `None` when they set nothing.
    async fn make(
        &self,
        key: &str,
        lifetime: Duration,
        fill: Option<Fill>,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Option<Flow>, Fault> {
        exchange.remove_variable(&self.variable);
        let flow = self.block.run(exchange, ports).await?;
        let Some(value) = exchange.variable(&self.variable).filter(|value| !value.is_null()) else {
            return Ok((flow == Flow::Respond).then_some(flow));
        };
        if let Some(portable) = value.to_portable().filter(|_| !lifetime.is_zero()) {
            store(self.caching, key, portable, lifetime, exchange, ports);
            fill.into_iter().for_each(|fill| fill.end(Filled::Stored));
        }
        Ok(Some(flow))
    }

    fn take(&self, entry: &Entry, exchange: &mut Exchange) {
        if let Some(portable) = entry.value() {
            exchange.set_variable(&self.variable, Value::from_portable(portable));
        }
    }
}

impl WaitingPolicy for CacheValue {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let key = value_key(&self.key.get(exchange)?);
        let seconds = |argument: &IntArg| argument.get(exchange).map(|seconds| seconds.max(0).unsigned_abs());
        let expires = seconds(&self.expires_after)?;
        let refresh = self.refresh_after.as_ref().map_or(Ok(expires), seconds)?;
        exchange.settle_bodies();
        let lifetime = Duration::from_secs(expires);
        let found = self.find(&key, refresh.saturating_mul(1000), exchange, ports).await;
        exchange.measures.cache =
            if matches!(found, Found::Missing(_)) { CacheUse::Miss } else { CacheUse::Hit };
        let (old, fill) = match found {
            Found::Fresh(entry) => {
                self.take(&entry, exchange);
                return Ok(Flow::Continue);
            }
            // Someone else refreshes it; `refresh-after="0"` asks for a new value all the same.
            Found::Stale(entry, None) if refresh > 0 => {
                self.take(&entry, exchange);
                return Ok(Flow::Continue);
            }
            Found::Stale(entry, fill) => (Some(entry), fill),
            Found::Missing(fill) => (None, fill),
        };
        match (self.make(&key, lifetime, fill, exchange, ports).await, old) {
            (Ok(Some(flow)), _) => Ok(flow),
            (_, Some(old)) => {
                self.take(&old, exchange);
                Ok(Flow::Continue)
            }
            (Err(fault), None) => Err(fault),
            (Ok(None), None) => {
                if let Some(default) = &self.default {
                    let value = default.get(exchange)?;
                    exchange.set_variable(&self.variable, value);
                }
                Ok(Flow::Continue)
            }
        }
    }
}

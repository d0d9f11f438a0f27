//! `cache-remove-value` (`policies.md` B 3.5).

use super::cache_lookup_value::{CACHING_TYPE, KEY, caching_type, value_key};
use crate::catalogue::{ALL, Content, PolicyDef};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{CachingType, Ports};
use crate::xml::Element;

pub static CACHE_REMOVE_VALUE: PolicyDef = PolicyDef {
    element: "cache-remove-value",
    sections: ALL,
    attributes: &[KEY, CACHING_TYPE],
    content: Content::Empty,
    once: false,
    docs: "Removes the value of `key` from the cache; a key that is not there is no error. `caching-type` as for \
           `cache-lookup-value`.",
    compile,
};

struct CacheRemoveValue(TextArg, CachingType);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let key = c.text(element, "key")?;
    let caching = caching_type(element, c);
    (c.findings() == before).then(|| Step::sync(CacheRemoveValue(key, caching)))
}

impl Policy for CacheRemoveValue {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        ports.cache().remove(self.1, &value_key(&self.0.get(exchange)?));
        Ok(Flow::Continue)
    }
}

//! Who a token of a gateway stands for. Gateways show the same token at every poll: one that was verified is remembered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gateway_sync::protocol::{GatewaySecret, Token};

use super::{Federation, Slot};
use crate::auth::gateway_token;
use crate::plane::Service;
use crate::tree::Record;

/// Tokens remembered. One that was forgotten is verified again.
const TOKENS_MAX: usize = 4_096;

/// A gateway that has shown a token signed with one of its keys.
pub struct Caller {
    /// Of its view.
    pub slot: Arc<Slot>,
    pub secret: GatewaySecret,
    /// End of the token, seconds since 1970.
    end: i64,
    /// With the key that has signed it.
    record: Arc<Record>,
    /// Revision of the service at which that was still the gateway's record.
    current_at: AtomicU64,
}

/// Tokens that were verified.
#[derive(Default)]
pub struct Callers(RwLock<HashMap<Box<str>, Arc<Caller>>>);

/// Why a token stands for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    Malformed,
    Expired,
    Unsigned,
}

impl Federation {
    /// Who shows a token, written `GatewayKey …`, in one of these services at a time in seconds since 1970.
    pub fn caller(&self, services: &[Arc<Service>], text: &str, now: i64) -> Result<Arc<Caller>, Unknown> {
        let known = self.callers.0.read().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(known) = known {
            if known.is_current(services) {
                return if known.end > now { Ok(known) } else { Err(Unknown::Expired) };
            }
            self.callers.0.write().unwrap_or_else(PoisonError::into_inner).remove(text);
        }
        let caller = Arc::new(self.verified(services, text, now)?);
        let mut callers = self.callers.0.write().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= TOKENS_MAX {
            callers.clear();
        }
        callers.insert(text.into(), Arc::clone(&caller));
        Ok(caller)
    }

    fn verified(&self, services: &[Arc<Service>], text: &str, now: i64) -> Result<Caller, Unknown> {
        let token =
            Token::parse(text).filter(|_| text.starts_with("GatewayKey")).ok_or(Unknown::Malformed)?;
        let path = format!("gateways/{}", token.gateway);
        for service in services {
            let (found, revision) = {
                let tree = service.tree();
                (tree.get(&path).cloned(), tree.revision)
            };
            let Some(record) = found else { continue };
            let mut keys =
                ["primaryKey", "secondaryKey"].into_iter().filter_map(|member| record.text(member));
            if !keys.any(|key| gateway_token::is_signed_by(&token, key)) {
                continue;
            }
            let end = gateway_token::expires(&token).filter(|end| *end > now).ok_or(Unknown::Expired)?;
            return Ok(Caller {
                slot: self.slot(service, record.name()),
                secret: token.gateway_secret(),
                end,
                record,
                current_at: AtomicU64::new(revision),
            });
        }
        Err(Unknown::Unsigned)
    }
}

impl Caller {
    /// The name of the gateway.
    pub fn gateway(&self) -> &str {
        &self.slot.gateway
    }

    pub fn service(&self) -> &Arc<Service> {
        &self.slot.service
    }

    /// Whether the gateway is still there as it was when the token was verified, with the same keys.
    fn is_current(&self, services: &[Arc<Service>]) -> bool {
        if !services.iter().any(|service| Arc::ptr_eq(service, self.service())) {
            return false;
        }
        let tree = self.service().tree();
        if self.current_at.load(Ordering::Relaxed) == tree.revision {
            return true;
        }
        let is_same = tree.get(&self.record.path).is_some_and(|record| Arc::ptr_eq(record, &self.record));
        if is_same {
            self.current_at.store(tree.revision, Ordering::Relaxed);
        }
        is_same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::{ServiceName, apply, service};
    use crate::tree::Tree;

    const NOW: i64 = 1_790_000_000;

    fn gateway(version: u64, key: &str) -> Vec<(String, Option<Record>)> {
        let properties = serde_json::json!({"primaryKey": key, "secondaryKey": "other"});
        let serde_json::Value::Object(properties) = properties else { unreachable!("it is one") };
        let path = "gateways/Edge".to_owned();
        vec![(path.clone(), Some(Record { path: path.into(), version, created: 0, modified: 0, properties }))]
    }

    #[test]
    fn token_that_is_remembered_ends_with_its_key_its_time_and_its_service() {
        let name = ServiceName { subscription: "s".into(), resource_group: "g".into(), name: "n".into() };
        let services = [Arc::new(service(name, Tree::default()))];
        let federation = Federation::default();
        let end = jiff::Timestamp::from_second(NOW + 3_600).expect("a time");
        let token = format!("GatewayKey {}", gateway_token::sign("edge", end, "key"));
        let ask = |services: &[Arc<Service>], text: &str, now| {
            federation.caller(services, text, now).map(|caller| caller.gateway().to_owned())
        };
        assert_eq!(ask(&services, &token, NOW), Err(Unknown::Unsigned));
        apply(&services[0], 1, gateway(1, "key"));
        for now in [NOW, NOW + 1] {
            assert_eq!(ask(&services, &token, now).as_deref(), Ok("Edge"));
        }
        assert_eq!(ask(&services, token.trim_start_matches("GatewayKey "), NOW), Err(Unknown::Malformed));
        assert_eq!(ask(&services, &token.replace("edge", "Edge"), NOW).as_deref(), Ok("Edge"));
        assert_eq!(ask(&services, &token, NOW + 3_600), Err(Unknown::Expired));
        assert_eq!(ask(&[], &token, NOW), Err(Unknown::Unsigned));
        // Changes elsewhere do not matter; a new key does, and so does the end of the gateway.
        apply(&services[0], 2, Vec::new());
        assert_eq!(ask(&services, &token, NOW).as_deref(), Ok("Edge"));
        apply(&services[0], 3, gateway(3, "new"));
        assert_eq!(ask(&services, &token, NOW), Err(Unknown::Unsigned));
        apply(&services[0], 4, gateway(4, "key"));
        assert_eq!(ask(&services, &token, NOW).as_deref(), Ok("Edge"));
        apply(&services[0], 5, vec![("gateways/Edge".to_owned(), None)]);
        assert_eq!(ask(&services, &token, NOW), Err(Unknown::Unsigned));
    }

    #[test]
    fn tokens_without_end_are_not_remembered_without_end() {
        let name = ServiceName { subscription: "s".into(), resource_group: "g".into(), name: "n".into() };
        let services = [Arc::new(service(name, Tree::default()))];
        apply(&services[0], 1, gateway(1, "key"));
        let federation = Federation::default();
        for minute in 1..=TOKENS_MAX as i64 + 10 {
            let end = jiff::Timestamp::from_second(NOW + minute * 60).expect("a time");
            let token = format!("GatewayKey {}", gateway_token::sign("edge", end, "key"));
            assert!(federation.caller(&services, &token, NOW - 60).is_ok(), "{minute}");
        }
        let known = federation.callers.0.read().unwrap_or_else(PoisonError::into_inner).len();
        assert!(known <= TOKENS_MAX, "{known}");
    }
}

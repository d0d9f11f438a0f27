//! Pool of backend entities (`policies.md` §7): the group of least priority that has a member left, and in it the
//! members in turn, in proportion to their weights. The turns are shared by the workers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Backend, Backends};

/// Most members of a pool.
const MEMBERS_MAX: usize = 30;

/// Members by priority.
#[derive(Debug)]
pub struct Pool {
    /// Lowest priority number first.
    groups: Vec<Group>,
    /// Name of the cookie that keeps a client with its member.
    affinity: Option<Box<str>>,
}

#[derive(Debug)]
struct Group {
    members: Vec<Member>,
    /// Smooth weighted round robin: each turn a member gains its weight, and the one that is ahead is taken and pays
    /// for all.
    credit: Mutex<Vec<i64>>,
}

#[derive(Debug)]
struct Member {
    backend: Arc<Backend>,
    weight: u32,
    /// What the cookie says of the member.
    token: String,
}

/// A member, and the cookie that leads to it again.
#[derive(Debug)]
pub struct Chosen<'a> {
    pub backend: &'a Arc<Backend>,
    /// Name and value, where the client does not have it yet.
    pub cookie: Option<(&'a str, &'a str)>,
}

impl Pool {
    /// The pool of an entity, of single backends already compiled; the error names what cannot be. Members that are
    /// missing have been reported and are left out.
    pub fn new(entity: &gateway_model::Backend, singles: &Backends) -> Result<Self, String> {
        let services = entity.pool.as_ref().map(|pool| pool.services.as_slice()).unwrap_or_default();
        if services.len() > MEMBERS_MAX {
            return Err(format!("it has {} members, {MEMBERS_MAX} are allowed", services.len()));
        }
        let mut members: Vec<(u32, Member)> = Vec::new();
        for service in services {
            let Some(backend) = service.backend().and_then(|id| singles.get(&id)) else { continue };
            let (weight, priority) = (service.weight.unwrap_or(0), service.priority.unwrap_or(0));
            if weight > 100 || priority > 100 {
                return Err(format!("weight and priority of member '{}' must be 0 to 100", service.id));
            }
            let id = backend.id.as_deref().unwrap_or_default();
            let token = format!("{:016x}", digest(&[entity.id.as_str(), id]));
            members.push((priority, Member { backend: Arc::clone(backend), weight, token }));
        }
        if members.is_empty() {
            return Err("it has no member that can be used".to_owned());
        }
        members.sort_by_key(|(priority, _)| *priority);
        let groups = members.chunk_by_mut(|a, b| a.0 == b.0).map(|group| group.len()).collect::<Vec<_>>();
        let mut members = members.into_iter().map(|(_, member)| member);
        let groups = groups.into_iter().map(|count| Group::new(members.by_ref().take(count).collect()));
        Ok(Self { groups: groups.collect(), affinity: affinity(entity)? })
    }

    /// Name of the affinity cookie, where there is one.
    pub fn cookie(&self) -> Option<&str> {
        self.affinity.as_deref()
    }

    /// A member that may be called. `token` is the client's cookie; members in `avoid` are taken only where their
    /// group has no other. `Err`: none is left, for so long.
    pub fn choose(
        &self,
        token: Option<&str>,
        avoid: &[Arc<str>],
        now: Instant,
    ) -> Result<Chosen<'_>, Duration> {
        let mut shortest = Duration::MAX;
        let is_avoided = |member: &Member| avoid.iter().any(|id| Some(&**id) == member.backend.id.as_deref());
        if let Some(token) = token {
            let known =
                self.groups.iter().flat_map(|group| &group.members).find(|member| member.token == token);
            if let Some(member) = known.filter(|member| !is_avoided(member) && member.wait(now).is_none()) {
                return Ok(Chosen { backend: &member.backend, cookie: None });
            }
        }
        for group in &self.groups {
            let mut able = Vec::with_capacity(group.members.len());
            for (at, member) in group.members.iter().enumerate() {
                match member.wait(now) {
                    None => able.push(at),
                    Some(wait) => shortest = shortest.min(wait),
                }
            }
            let fresh: Vec<usize> = able
                .iter()
                .copied()
                .filter(|at| group.members.get(*at).is_some_and(|m| !is_avoided(m)))
                .collect();
            if let Some(member) = group.next(if fresh.is_empty() { &able } else { &fresh }) {
                let cookie = self.affinity.as_deref().map(|name| (name, member.token.as_str()));
                return Ok(Chosen { backend: &member.backend, cookie });
            }
        }
        Err(shortest)
    }
}

impl Group {
    fn new(mut members: Vec<Member>) -> Self {
        // Nothing said: equal shares. Otherwise 0 is what stands in when no other is left.
        if members.iter().all(|member| member.weight == 0) {
            members.iter_mut().for_each(|member| member.weight = 1);
        }
        let credit = Mutex::new(vec![0; members.len()]);
        Self { members, credit }
    }

    /// The next of the members at these places.
    fn next(&self, able: &[usize]) -> Option<&Member> {
        let weight = |at: usize| self.members.get(at).map_or(0, |member| i64::from(member.weight));
        let only_reserve = able.iter().all(|at| weight(*at) == 0);
        let weight = |at: usize| if only_reserve { 1 } else { weight(at) };
        let mut credit = self.credit.lock().unwrap_or_else(PoisonError::into_inner);
        let mut best: Option<(usize, i64)> = None;
        let mut total = 0;
        for &at in able.iter().filter(|at| weight(**at) > 0) {
            let own = credit.get_mut(at)?;
            *own += weight(at);
            total += weight(at);
            if best.is_none_or(|(_, most)| *own > most) {
                best = Some((at, *own));
            }
        }
        let (at, _) = best?;
        *credit.get_mut(at)? -= total;
        self.members.get(at)
    }
}

impl Member {
    fn wait(&self, now: Instant) -> Option<Duration> {
        self.backend.breaker.as_ref().and_then(|breaker| breaker.open_for(now))
    }
}

/// `sessionAffinity.sessionId`: `source` `cookie` and its `name`.
fn affinity(entity: &gateway_model::Backend) -> Result<Option<Box<str>>, String> {
    let extra = entity.pool.as_ref().and_then(|pool| pool.extra.get("sessionAffinity"));
    let Some(id) = extra.and_then(|affinity| affinity.get("sessionId")) else { return Ok(None) };
    let member = |name| id.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    if !member("source").eq_ignore_ascii_case("cookie") {
        return Err(format!("the session affinity source '{}' is not 'cookie'", member("source")));
    }
    let name = member("name");
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("the session affinity name '{name}' is no cookie name"));
    }
    Ok(Some(name.into()))
}

/// FNV-1a: the same in every process, so that a cookie outlives a restart. It hides nothing and need not.
fn digest(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gateway_model::BackendId;

    use super::*;
    use crate::message::Url;

    fn pool(services: &str) -> Pool {
        let singles: Backends = ["a", "b", "c"]
            .map(|name| {
                let url = Url::parse(&format!("http://{name}.test")).unwrap();
                let backend = Backend { id: Some(name.into()), ..Backend::from_url(url) };
                (BackendId::from(name), Arc::new(backend))
            })
            .into();
        let entity =
            serde_json::from_str(&format!(r#"{{"type": "Pool", "pool": {{"services": [{services}]}}}}"#));
        Pool::new(&entity.unwrap(), &singles).unwrap()
    }

    fn counts(pool: &Pool, avoid: &[Arc<str>], calls: usize) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for _ in 0..calls {
            let chosen = pool.choose(None, avoid, Instant::now()).unwrap();
            *counts.entry(chosen.backend.id.as_deref().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    #[test]
    fn choose_shares_are_those_of_the_weights() {
        let three = r#"{"id": "a", "weight": 3}, {"id": "b", "weight": 1}, {"id": "c"}"#;
        assert_eq!(counts(&pool(three), &[], 400), BTreeMap::from([("a".into(), 300), ("b".into(), 100)]));
        let equal = pool(r#"{"id": "a"}, {"id": "b"}"#);
        assert_eq!(counts(&equal, &[], 10), BTreeMap::from([("a".into(), 5), ("b".into(), 5)]));
    }

    #[test]
    fn choose_tried_members_are_avoided_inside_their_group() {
        let pool =
            pool(r#"{"id": "a", "priority": 1}, {"id": "b", "priority": 1}, {"id": "c", "priority": 2}"#);
        assert_eq!(counts(&pool, &["a".into()], 4), BTreeMap::from([("b".into(), 4)]));
        assert_eq!(counts(&pool, &["a".into(), "b".into()], 4).len(), 2, "c waits until both are tripped");
    }
}

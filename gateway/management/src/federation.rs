//! What gateways get from the plane: each its own view of the service, kept current by tags, long polls and differences.
//!
//! A view is computed when its gateway first asks ([`closure`]). From then on it is kept current by what changed
//! ([`touch`]), and computed again only where a change can make another choice of documents. Views are compared by hash:
//! changes elsewhere leave the tag as it is. Source: management-api.md §6.2.

mod callers;
mod closure;
mod instances;
mod offer;
mod prepared;
mod touch;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

pub use callers::{Caller, Callers, Unknown};
pub use instances::Instances;
pub use offer::Part;
pub use view::View;

use crate::plane::Service;
use prepared::Prepared;
use touch::{Seen, Touch};

/// Views and chunks of one plane.
#[derive(Default)]
pub struct Federation {
    followed: Mutex<HashMap<String, Followed>>,
    chunks: Mutex<HashMap<String, Weak<Part>>>,
    pub instances: Instances,
    pub callers: Callers,
}

/// What is kept of one service. A service that is made anew under the same name is another one.
struct Followed {
    service: Arc<Service>,
    prepared: Arc<Prepared>,
    slots: HashMap<String, Arc<Slot>>,
}

impl Followed {
    fn of(service: &Arc<Service>) -> Self {
        Self { service: Arc::clone(service), prepared: Arc::default(), slots: HashMap::new() }
    }
}

/// The place of one gateway's view.
pub struct Slot {
    pub service: Arc<Service>,
    /// Its name as the service has it.
    pub gateway: String,
    prepared: Arc<Prepared>,
    /// The view, and up to which revision of the service it is known to be current.
    current: Mutex<Option<(u64, Arc<View>)>>,
}

impl Federation {
    /// The place of a gateway's view.
    pub fn slot(&self, service: &Arc<Service>, gateway: &str) -> Arc<Slot> {
        let mut followed = lock(&self.followed);
        let followed = followed.entry(service.name.key()).or_insert_with(|| Followed::of(service));
        if !Arc::ptr_eq(&followed.service, service) {
            *followed = Followed::of(service);
        }
        let slot = followed.slots.entry(gateway.to_ascii_lowercase()).or_insert_with(|| {
            Arc::new(Slot {
                service: Arc::clone(service),
                gateway: gateway.to_owned(),
                prepared: Arc::clone(&followed.prepared),
                current: Mutex::default(),
            })
        });
        Arc::clone(slot)
    }

    /// A chunk of any view that is in use.
    pub fn chunk(&self, name: &str) -> Option<Bytes> {
        lock(&self.chunks).get(name)?.upgrade().map(|part| part.bytes.clone())
    }

    /// Makes chunks known by name; those of views that nobody has any more are forgotten.
    pub fn publish(&self, parts: &[Arc<Part>]) {
        let mut chunks = lock(&self.chunks);
        chunks.retain(|_, part| part.strong_count() > 0);
        for part in parts {
            chunks.insert(part.name.clone(), Arc::downgrade(part));
        }
    }
}

impl Slot {
    /// The view now; `None` where there is no such gateway. `epoch` is that of the store.
    pub fn view(&self, epoch: u64) -> Option<Arc<View>> {
        let Self { service, gateway, prepared, .. } = self;
        let mut current = lock(&self.current);
        let tree = service.tree();
        let revision = tree.revision;
        let touch = match &*current {
            Some((since, view)) if *since == revision => return Some(Arc::clone(view)),
            Some((since, view)) => {
                let (view, since) = (&view.documents, *since);
                Seen { tree: &tree, prepared, view, gateway, since }.touched(service)
            }
            None => Touch::Choice,
        };
        let documents = match (touch, &mut *current) {
            (Touch::Nothing, Some((at, view))) => {
                *at = revision;
                return Some(Arc::clone(view));
            }
            (Touch::Contents(changed, removed), Some((_, view))) => {
                let mut documents = view.documents.clone();
                removed.iter().for_each(|path| documents.remove(path));
                changed.into_iter().for_each(|document| documents.put(document));
                Some(documents)
            }
            _ => closure::documents(&tree, gateway, prepared),
        };
        drop(tree);
        let Some(documents) = documents else {
            *current = None;
            return None;
        };
        let previous = current.take().map(|(_, view)| view);
        let view = match previous {
            Some(previous) if previous.tag.hash == documents.hash() => previous,
            previous => Arc::new(View::new(epoch, revision, documents, previous.as_deref())),
        };
        *current = Some((revision, Arc::clone(&view)));
        Some(view)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::plane::{ServiceName, apply, service};
    use crate::tree::{Record, Tree};

    /// Places of a small service, each with the documents that may stand there.
    const PLACES: &[(&str, &[&str])] = &[
        ("apis/a", &[r#"{"path":"a"}"#, r#"{"path":"a","apiVersionSetId":"/apiVersionSets/v"}"#]),
        ("apis/A;rev=2", &[r#"{"path":"a"}"#]),
        ("apis/b", &[r#"{"path":"b"}"#]),
        (
            "apis/a/policies/policy",
            &[
                r#"{"value":"<x backend-id=\"one\"/>{{n}}"}"#,
                r#"{"value":"<x backend-id=\"Two\" note=\"nothing\"/>"}"#,
                r#"{"value":"<x backend-id=\"@(some)\"/>"}"#,
                r#"{"value":"<include-fragment fragment-id=\"f\"/>"}"#,
                r#"{"value":"<trace/>"}"#,
            ],
        ),
        ("apis/a/operations/get", &[r#"{"method":"GET"}"#, r#"{"method":"PUT"}"#]),
        ("apis/a/tags/t", &["{}"]),
        ("apis/a/releases/r", &["{}"]),
        ("tags/t", &[r#"{"displayName":"t"}"#, r#"{"displayName":"u"}"#]),
        ("apiVersionSets/v", &[r#"{"displayName":"v"}"#]),
        ("gateways/g", &["{}", r#"{"description":"d"}"#]),
        ("gateways/g/apis/a", &["{}"]),
        ("gateways/h/apis/b", &["{}"]),
        ("products/p", &[r#"{"displayName":"p"}"#]),
        ("products/p/apis/a", &["{}"]),
        ("products/p/apis/b", &["{}"]),
        ("products/p/policies/policy", &[r#"{"value":"{{m}}"}"#]),
        ("products/p/groups/team", &["{}"]),
        ("groups/team", &["{}"]),
        ("groups/guests", &["{}", r#"{"displayName":"g"}"#]),
        ("groups/guests/users/o", &["{}"]),
        (
            "subscriptions/s",
            &[
                r#"{"scope":"/products/p","ownerId":"/users/o"}"#,
                r#"{"scope":"/apis/b","primaryKey":"k"}"#,
                r#"{"scope":"/apis"}"#,
            ],
        ),
        ("subscriptions/w", &[r#"{"scope":"/apis/a","ownerId":"/users/o"}"#, r#"{"scope":"/apis/a"}"#]),
        ("users/o", &[r#"{"email":"o"}"#, r#"{"email":"p"}"#]),
        ("backends/one", &[r#"{"url":"1"}"#, r#"{"url":"{{m}}"}"#]),
        ("backends/two", &[r#"{"url":"2"}"#]),
        ("policyFragments/f", &[r#"{"value":"{{n}}"}"#, r#"{"value":"<x backend-id=\"one\"/>"}"#]),
        ("namedValues/n", &[r#"{"displayName":"n","value":"1"}"#, r#"{"displayName":"m","value":"1"}"#]),
        ("certificates/c", &[r#"{"thumbprint":"T"}"#]),
        ("authorizationServers/s", &["{}"]),
    ];

    /// What others refer to by id: the rules of their kinds see to it that it is there.
    const KEPT: &[&str] = &[
        "apis/a",
        "apis/b",
        "apiVersionSets/v",
        "gateways/h",
        "groups/guests",
        "groups/team",
        "products/p",
        "tags/t",
        "users/o",
    ];

    fn record(path: &str, version: u64, text: &str) -> Record {
        let Ok(Value::Object(properties)) = serde_json::from_str(text) else { panic!("{text}") };
        Record { path: path.into(), version, created: 0, modified: 0, properties }
    }

    #[test]
    fn views_kept_current_are_the_views_computed_anew() {
        let name = ["s", "g", "n"].map(str::to_owned);
        let [subscription, resource_group, name] = name;
        let service = Arc::new(service(ServiceName { subscription, resource_group, name }, Tree::default()));
        let federation = Federation::default();
        let mut random = 7_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let first = |path: &&str| ((*path).to_owned(), Some(record(path, 1, "{}")));
        apply(&service, 1, KEPT.iter().map(first).collect());
        for revision in 2..6_000 {
            let (path, texts) = PLACES[next(PLACES.len())];
            let choices = texts.len() + usize::from(!KEPT.contains(&path));
            let written = texts.get(next(choices)).map(|text| record(path, revision, text));
            apply(&service, revision, vec![(path.to_owned(), written)]);
            for gateway in ["g", "h"] {
                // Gateways ask at different times: what they find differs in age.
                if next(3) == 0 {
                    continue;
                }
                let kept = federation.slot(&service, gateway).view(1);
                let anew = closure::documents(&service.tree(), gateway, &Prepared::default());
                let paths = |documents: &gateway_sync::protocol::Documents| {
                    documents.iter().map(|d| format!("{} {}", d.path, d.text)).collect::<Vec<_>>()
                };
                let kept = kept.map(|view| paths(&view.documents));
                assert_eq!(kept, anew.as_ref().map(paths), "{gateway} after {path} of {revision}");
            }
        }
    }

    #[test]
    fn service_made_anew_under_a_name_has_views_of_its_own() {
        let name = || ServiceName { subscription: "s".into(), resource_group: "g".into(), name: "n".into() };
        let federation = Federation::default();
        let paths = |service: &Arc<Service>| {
            let view = federation.slot(service, "g").view(1)?;
            Some(view.documents.iter().map(|document| document.path.clone()).collect::<Vec<_>>())
        };
        let written = |path: &str| (path.to_owned(), Some(record(path, 1, "{}")));
        let old = Arc::new(service(name(), Tree::default()));
        apply(&old, 7, ["apis/a", "gateways/g", "gateways/g/apis/a"].map(written).into());
        assert!(paths(&old).is_some_and(|paths| paths.contains(&"apis/a".into())));
        let new = Arc::new(service(name(), Tree::default()));
        assert_eq!(paths(&new), None);
        apply(&new, 1, vec![written("gateways/g")]);
        assert_eq!(paths(&new), Some(vec!["gateways/g".into()]));
    }
}

//! What gateways get from the plane: each its own view of the service, kept current by tags, long polls and differences.
//!
//! A view is computed when its gateway asks and the service has changed since ([`closure`]), and compared by hash: changes
//! elsewhere leave its tag as it is. Source: management-api.md §6.2.

mod closure;
mod instances;
mod mentions;
mod offer;
mod prepared;
mod touch;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

pub use instances::Instances;
pub use offer::Part;
pub use view::View;

use crate::plane::Service;
use prepared::Prepared;

/// Views and chunks of one plane.
#[derive(Default)]
pub struct Federation {
    slots: Mutex<HashMap<(String, String), Arc<Slot>>>,
    chunks: Mutex<HashMap<String, Weak<Part>>>,
    prepared: Mutex<HashMap<String, Arc<Prepared>>>,
    pub instances: Instances,
}

/// The view of one gateway, and up to which revision of the service it is known to be current.
#[derive(Default)]
struct Slot(Mutex<Option<(u64, Arc<View>)>>);

impl Federation {
    /// The view of a gateway now; `None` where there is no such gateway.
    pub fn view(&self, epoch: u64, service: &Service, gateway: &str) -> Option<Arc<View>> {
        let key = (service.name.key(), gateway.to_ascii_lowercase());
        let slot = Arc::clone(lock(&self.slots).entry(key.clone()).or_default());
        let mut current = lock(&slot.0);
        let revision = service.tree().revision;
        if let Some((at, view)) = &mut *current
            && (*at == revision || !touch::may(service, *at, &view.documents, gateway))
        {
            *at = (*at).max(revision);
            return Some(Arc::clone(view));
        }
        let prepared = self.prepared(&key.0);
        let tree = service.tree();
        let Some(documents) = closure::documents(&tree, gateway, &prepared) else {
            *current = None;
            return None;
        };
        let revision = tree.revision;
        drop(tree);
        let previous = current.take().map(|(_, view)| view);
        let view = match previous {
            Some(previous) if previous.tag.hash == documents.hash() => previous,
            previous => Arc::new(View::new(epoch, revision, documents, previous.as_deref())),
        };
        *current = Some((revision, Arc::clone(&view)));
        Some(view)
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

    fn prepared(&self, service: &str) -> Arc<Prepared> {
        Arc::clone(lock(&self.prepared).entry(service.to_owned()).or_default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

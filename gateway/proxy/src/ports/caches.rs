//! A worker's door to the caches: the built-in one and, where the configuration names one, a Redis server.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gateway_policy::ports::{
    Cache, CachingType, Claim, ENTRY_BYTES_MAX, Entry, LocalFuture, Vectors, Writer,
};

use super::built_in_cache::BuiltInCache;
use super::flights::Flights;
use super::vector_store::VectorStore;
use crate::redis::link::Link;
use crate::redis::vectors::{Answer, RedisVectors};
use crate::redis::{RedisSettings, cache};
use crate::upstream::TlsClient;

/// What the caches of all workers share.
#[derive(Debug, Default)]
pub struct SharedCaches {
    pub built_in: BuiltInCache,
    pub flights: Flights,
    pub vectors: Arc<VectorStore>,
}

/// The caches of one worker.
pub struct Caches {
    shared: Arc<SharedCaches>,
    tls: Arc<TlsClient>,
    external: RefCell<Option<Rc<Link>>>,
    /// The external cache's way to keep vectors, by the same connection.
    external_vectors: RefCell<Option<Rc<RedisVectors>>>,
}

/// Where a policy's cache is.
enum Place {
    BuiltIn,
    External(Rc<Link>),
    Nowhere,
}

impl Caches {
    pub fn new(shared: Arc<SharedCaches>, tls: Arc<TlsClient>) -> Self {
        Self { shared, tls, external: RefCell::default(), external_vectors: RefCell::default() }
    }

    /// Uses the server that the configuration in force names; an old connection goes when it has another.
    pub fn follow(&self, settings: Option<&Arc<RedisSettings>>) {
        let is_same = match (settings, &*self.external.borrow()) {
            (Some(wanted), Some(link)) => {
                Arc::ptr_eq(wanted, link.settings()) || **wanted == **link.settings()
            }
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            let link = settings.map(|settings| Link::new(Arc::clone(settings), Arc::clone(&self.tls)));
            *self.external_vectors.borrow_mut() = link.clone().map(RedisVectors::new);
            *self.external.borrow_mut() = link;
        }
    }

    fn place(&self, caching: CachingType) -> Place {
        match (caching, &*self.external.borrow()) {
            (CachingType::External | CachingType::PreferExternal, Some(link)) => {
                Place::External(Rc::clone(link))
            }
            (CachingType::External, None) => Place::Nowhere,
            (CachingType::Internal, _) | (CachingType::PreferExternal, None) => Place::BuiltIn,
        }
    }
}

impl Cache for Caches {
    fn get<'a>(&'a self, caching: CachingType, key: &'a str) -> LocalFuture<'a, Option<Arc<Entry>>> {
        match self.place(caching) {
            Place::BuiltIn => Box::pin(std::future::ready(self.shared.built_in.get(key))),
            Place::External(link) => Box::pin(async move { cache::get(&link, key).await }),
            Place::Nowhere => Box::pin(std::future::ready(None)),
        }
    }

    fn writer(&self, caching: CachingType, key: &str) -> Writer {
        let (place, shared, key) = (self.place(caching), Arc::clone(&self.shared), key.to_owned());
        Box::new(move |entry| {
            if entry.size_bytes() > ENTRY_BYTES_MAX {
                return;
            }
            match place {
                Place::BuiltIn => shared.built_in.set(key.into(), entry),
                // Nobody waits for the server; commands reach it in the order in which they were given.
                Place::External(link) => drop(tokio::task::spawn_local(async move {
                    cache::set(&link, &key, &entry).await;
                })),
                Place::Nowhere => {}
            }
        })
    }

    fn remove(&self, caching: CachingType, key: &str) {
        match self.place(caching) {
            Place::BuiltIn => self.shared.built_in.remove(key),
            Place::External(link) => {
                let key = key.to_owned();
                drop(tokio::task::spawn_local(async move { cache::remove(&link, &key).await }));
            }
            Place::Nowhere => {}
        }
    }

    fn claim(&self, key: &str) -> Claim {
        self.shared.flights.claim(key)
    }

    fn wait<'a>(&'a self, key: &'a str, at_most: Duration) -> LocalFuture<'a, ()> {
        Box::pin(self.shared.flights.wait(key, at_most))
    }
}

impl Vectors for Caches {
    fn nearest<'a>(
        &'a self,
        partition: &'a str,
        vector: &'a Arc<[f32]>,
        distance_max: f64,
    ) -> LocalFuture<'a, Option<Arc<Entry>>> {
        let external = self.external_vectors.borrow().clone();
        Box::pin(async move {
            if let Some(external) = external
                && let Answer::Known(found) = external.nearest(partition, vector, distance_max).await
            {
                return found;
            }
            self.shared.vectors.nearest(partition, vector, distance_max)
        })
    }

    fn vector_writer(&self, partition: &str, vector: &Arc<[f32]>) -> Writer {
        let external = self.external_vectors.borrow().clone();
        let (own, partition, vector) =
            (Arc::clone(&self.shared.vectors), partition.to_owned(), Arc::clone(vector));
        Box::new(move |entry| {
            if entry.size_bytes() > ENTRY_BYTES_MAX {
                return;
            }
            match external.filter(|external| external.can_search()) {
                // Nobody waits for the server.
                Some(external) => drop(tokio::task::spawn_local(async move {
                    external.set(&partition, &vector, &entry).await;
                })),
                None => own.set(partition, vector, entry),
            }
        })
    }
}

//! A copy of the plane, to see what changes would come to.

use std::sync::{Arc, RwLock};

use gateway_store::{Store, StoreError};
use tokio::sync::OnceCell;

use super::{Plane, service};
use crate::federation::Federation;

impl Plane {
    /// The services as they are now, in memory: what is written there is written nowhere else. Their revisions begin at 0.
    pub async fn draft(&self) -> Result<Self, StoreError> {
        let store = Store::open(":memory:").await?;
        let mut services = Vec::new();
        for known in self.services() {
            store.create_service(&known.name.key()).await?;
            let mut tree = known.tree().clone();
            tree.revision = 0;
            services.push(Arc::new(service(known.name.clone(), tree)));
        }
        Ok(Self {
            store,
            check: Arc::clone(&self.check),
            download: Arc::clone(&self.download),
            vault: Arc::clone(&self.vault),
            epoch: self.epoch,
            federation: Federation::default(),
            home: self.home.clone(),
            directory: Arc::clone(&self.directory),
            figures: OnceCell::new(),
            sealer: Arc::clone(&self.sealer),
            services: RwLock::new(services),
        })
    }
}

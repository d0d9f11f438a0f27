//! What other nodes of the store do.

use std::sync::{Arc, PoisonError};

use super::{Plane, PlaneError, Service, ServiceName, service};
use crate::tree::Tree;

impl Plane {
    /// Takes over what other nodes commit, for as long as the plane lives. Returns at once where there are none.
    pub async fn follow(self: Arc<Self>) {
        let Some(mut commits) = self.store.commits() else { return };
        while commits.changed().await.is_ok() {
            if let Err(error) = self.catch_up_all().await {
                tracing::warn!(event_type = "StoreLinkLost", %error, "commits of other nodes cannot be read");
            }
        }
    }

    async fn catch_up_all(&self) -> Result<(), PlaneError> {
        self.refresh_directory().await?;
        self.catch_up_services().await?;
        for service in self.services() {
            self.catch_up(&service).await?;
        }
        Ok(())
    }

    /// Services that others have made or deleted.
    async fn catch_up_services(&self) -> Result<(), PlaneError> {
        // Before the store is asked: what is made here meanwhile is not missed there.
        let known: Vec<(Arc<Service>, u64)> = self
            .services()
            .into_iter()
            .map(|service| {
                let revision = service.tree().revision;
                (service, revision)
            })
            .collect();
        let kept = self.store.services().await?;
        let kept = kept.iter().filter_map(|(name, revision)| Some((ServiceName::parse(name)?, *revision)));
        let kept: Vec<(ServiceName, u64)> = kept.filter(|(name, _)| !name.is(&self.directory.name)).collect();
        // One that is at an earlier revision is another of the same name.
        let is_gone = |(service, revision): &(Arc<Service>, u64)| {
            !kept.iter().any(|(name, at)| name.is(&service.name) && at >= revision)
        };
        let gone: Vec<Arc<Service>> = known.into_iter().filter(is_gone).map(|(service, _)| service).collect();
        if !gone.is_empty() {
            let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
            services.retain(|known| !gone.iter().any(|gone| Arc::ptr_eq(gone, known)));
        }
        // Without a revision it has nothing yet, and who makes it will commit.
        for (name, _) in kept.into_iter().filter(|(_, revision)| *revision > 0) {
            if self.service(&name).is_some() {
                continue;
            }
            let fresh = Arc::new(service(name, Tree::default()));
            self.catch_up(&fresh).await?;
            let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
            if !services.iter().any(|known| known.name.is(&fresh.name)) {
                services.push(fresh);
            }
        }
        Ok(())
    }
}

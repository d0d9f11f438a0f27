//! A folder into a management plane of this process.

use std::collections::HashSet;
use std::sync::Arc;

use gateway_management::{ArmError, Others, Plane, ServiceName};
use gateway_model::diagnostic;
use gateway_sync::documents::documents;
use gateway_sync::folder::LoadOutcome;
use tokio::runtime::Handle;

/// Writes folders into one service. Not for threads of the plane's own runtime: it waits for the write.
#[derive(Clone)]
pub struct Importer {
    pub(crate) runtime: Handle,
    pub(crate) plane: Arc<Plane>,
    pub(crate) service: ServiceName,
}

impl Importer {
    /// Adds what a folder has to what is there.
    pub fn add(&self, outcome: &LoadOutcome) -> Result<usize, ArmError> {
        self.write(outcome, &Others::Keep, None)
    }

    /// Makes the service what a folder says, and gives all its APIs to a gateway. APIs that cannot be read stay as they are.
    pub fn mirror(&self, outcome: &LoadOutcome, gateway: &str) -> Result<usize, ArmError> {
        let broken: HashSet<String> = diagnostic::broken_apis(&outcome.diagnostics)
            .into_keys()
            .map(|api| api.root().as_str().to_ascii_lowercase())
            .collect();
        self.write(outcome, &Others::Remove { except: broken, with_gateways: false }, Some(gateway))
    }

    /// The token of a gateway of the service.
    pub fn token(&self, gateway: &str) -> Option<String> {
        self.plane.own_token(&*self.plane.service(&self.service)?, gateway)
    }

    fn write(
        &self,
        outcome: &LoadOutcome,
        others: &Others,
        gateway: Option<&str>,
    ) -> Result<usize, ArmError> {
        let service = self.plane.service(&self.service).ok_or_else(|| ArmError::not_found("Service"))?;
        let mut all = documents(&outcome.set);
        if let Others::Remove { except: broken, .. } = others {
            all.retain(|(path, _)| {
                let mut segments = path.split('/');
                let is_api = segments.next() == Some("apis");
                let name = segments.next().unwrap_or_default().split(";rev=").next().unwrap_or_default();
                !(is_api && broken.contains(&name.to_ascii_lowercase()))
            });
        }
        self.runtime.block_on(self.plane.take_over(&service, &all, others, gateway))?;
        Ok(all.len())
    }
}

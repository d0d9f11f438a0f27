//! The configuration of W4, compiled as the gateway does.

use std::sync::Arc;

use anyhow::{Context, ensure};
use gateway_benches::folder;
use gateway_benches::workload::{PATH, Policies, key_of};
use gateway_expression::Options;
use gateway_expression::host::{Deployment, Subscription};
use gateway_policy::message::{Headers, Url};
use gateway_proxy::snapshot::{ApiRoute, OperationRoute, Snapshot, compile};
use gateway_sync::folder::{FolderSettings, load};
use gateway_telemetry::{Buckets, Instance, Registry};

pub struct Prepared {
    pub snapshot: Snapshot,
    /// Of the one API there is.
    pub api: Arc<ApiRoute>,
    pub operation: Arc<OperationRoute>,
    /// Of the first key.
    pub subscription: Arc<Subscription>,
}

impl Prepared {
    pub fn new() -> anyhow::Result<Self> {
        Self::of(Policies::Some)
    }

    /// The API with these policies; without subscriptions a subscription of nobody.
    pub fn of(policies: Policies) -> anyhow::Result<Self> {
        let snapshot = snapshot(1, policies, &registry())?;
        let url = url(PATH);
        let found = snapshot.router.find(&url, &Headers::new()).context("no API")?;
        let api = Arc::clone(found.route);
        let operation = api.operations.find("GET", found.operation_path, "").context("no operation")?;
        let operation = Arc::clone(operation.operation);
        let key = snapshot.keys.find(key_of(0).as_bytes());
        let subscription = key.map(|key| Arc::clone(&key.subscription)).unwrap_or_default();
        Ok(Self { snapshot, api, operation, subscription })
    }
}

pub fn registry() -> Arc<Registry> {
    Arc::new(Registry::new(1, Buckets::default(), Arc::new(Instance::default())))
}

/// Compiles the folder of a workload whose backend is at this port.
pub fn snapshot(backend: u16, policies: Policies, registry: &Registry) -> anyhow::Result<Snapshot> {
    let dir = tempfile::tempdir()?;
    folder::write(dir.path(), backend, policies)?;
    let loaded = load(&FolderSettings { dir: dir.path().to_owned(), ..FolderSettings::default() });
    let compiled =
        compile(&loaded.set, loaded.diagnostics, Deployment::default(), &Options::default(), None, registry);
    ensure!(compiled.diagnostics.is_empty(), "the folder has findings: {:?}", compiled.diagnostics);
    Ok(compiled.snapshot)
}

/// A request's URL with this path.
pub fn url(path: &str) -> Url {
    Url { host: "localhost".to_owned(), port: 80, path: path.to_owned(), ..Url::default() }
}

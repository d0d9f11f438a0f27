//! What a proxy is started with.

use std::path::{Path, PathBuf, absolute};

use gateway_benches::scratch;
use gateway_benches::workload::Policies;

use crate::Arguments;
use crate::backend::Backend;
use crate::certificate::Certificate;

/// What a run has beside the proxies: the backend runs until it is dropped.
#[derive(Debug)]
pub struct Site {
    backend: Backend,
    certificate: Certificate,
    gateway: PathBuf,
    dir: PathBuf,
}

impl Site {
    pub fn make(arguments: &Arguments) -> anyhow::Result<Self> {
        scratch::prepare()?;
        let dir = absolute(&arguments.dir)?;
        std::fs::create_dir_all(&dir)?;
        Ok(Self {
            backend: Backend::start(&dir)?,
            certificate: Certificate::make(&dir.join("certificate"))?,
            gateway: absolute(&arguments.gateway)?,
            dir,
        })
    }

    /// For proxies without policies.
    pub fn setup(&self) -> Setup<'_> {
        Setup {
            policies: Policies::None,
            backend: self.backend.port,
            certificate: &self.certificate,
            gateway: &self.gateway,
            dir: &self.dir,
        }
    }
}

/// What every proxy is given.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub policies: Policies,
    /// Port of the backend.
    pub backend: u16,
    pub certificate: &'a Certificate,
    /// The gateway's binary.
    pub gateway: &'a Path,
    pub dir: &'a Path,
}

/// Where a proxy runs.
#[derive(Debug)]
pub struct Place {
    pub dir: PathBuf,
    pub http: u16,
    /// Of the gateway, where its figures are read.
    pub admin: u16,
    pub https: u16,
}

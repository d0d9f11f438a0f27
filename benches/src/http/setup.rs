//! What a proxy is started with.

use std::path::{Path, PathBuf};

use gateway_benches::workload::Policies;

use crate::certificate::Certificate;

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

//! What keeps a gateway from starting.

use gateway_proxy::downstream::BindError;

use crate::handover::HandoverError;

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Datapath(#[from] gateway_datapath::StartError),
    #[error(transparent)]
    Handover(#[from] HandoverError),
    #[error("{what}: {source}")]
    Io { what: &'static str, source: std::io::Error },
    #[error("{0}")]
    Setting(String),
}

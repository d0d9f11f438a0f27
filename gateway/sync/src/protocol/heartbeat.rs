//! What an instance says of itself, once a minute.

use serde::{Deserialize, Serialize};

/// Findings that a heartbeat carries at most.
pub const DIAGNOSTICS_MAX: usize = 100;

/// A heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Heartbeat {
    /// Id of the instance, made when it started.
    pub instance_id: String,
    /// Of the program.
    pub version: String,
    /// Host name of the machine.
    pub host: String,
    pub uptime_seconds: u64,
    /// Tag of the view in force; empty where there is none.
    pub applied: String,
    /// Where the view in force came from: `plane` or `backup`.
    pub source: String,
    /// APIs served, and those that are taken out because they do not compile.
    pub apis: u64,
    pub apis_isolated: u64,
    /// Whether requests are taken.
    pub ready: bool,
    /// What did not compile, one line each, at most [`DIAGNOSTICS_MAX`].
    pub diagnostics: Vec<String>,
}

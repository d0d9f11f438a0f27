//! What a gateway tells its plane of the requests it served, and what it is told back.
//!
//! Reports of an instance are numbered. One that is not acknowledged is sent again as it was, and a plane takes each number
//! once: nothing is lost by a cut, and nothing counted twice.

use gateway_model::usage::{LoggedRequest, Usage};
use serde::{Deserialize, Serialize};

/// Longest report, in bytes.
pub const REPORT_BYTES_MAX: usize = 4 << 20;
/// Rows of usage in a report at most.
pub const USAGE_MAX: usize = 4_000;
/// Requests in a report at most.
pub const REQUESTS_MAX: usize = 100;
/// Counters in a report at most.
pub const QUOTAS_MAX: usize = 4_000;
/// Bytes of a counter's key; those with longer ones stay at their gateway.
pub const QUOTA_KEY_BYTES_MAX: usize = 1_000;
/// Longest trace, in bytes.
pub const TRACE_BYTES_MAX: usize = 2 << 20;

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// Id of the instance, made when it started.
    pub instance_id: String,
    /// From 1 on.
    pub sequence: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Usage>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<LoggedRequest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaChange>,
}

/// What has been used of a quota since the last report; nothing asks for the sum of all gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaChange {
    /// Key of the counter, as the policies make it.
    pub key: String,
    /// Window, seconds since 1970; without an end it never ends.
    pub start: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    pub calls: u64,
    pub bytes: u64,
}

/// What a plane answers: the sums of the counters of the report, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reported {
    pub quotas: Vec<QuotaSum>,
}

/// The sum of all gateways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaSum {
    pub calls: u64,
    pub bytes: u64,
    /// How often it was set by hand: a gateway that knows another number takes the sum as it is, else the higher one.
    pub sets: u64,
}

//! Settings of the exporters.

use gateway_telemetry::export::application_insights::ConnectionString;
use gateway_telemetry::export::{Identity, Limits, Sampling};

/// Where telemetry goes beside the log and `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct ExportSettings {
    pub limits: Limits,
    pub application_insights: ApplicationInsightsSettings,
    pub monitor_logs: MonitorLogsSettings,
    pub monitor_metrics: MonitorMetricsSettings,
}

/// Requests as rows of Log Analytics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonitorLogsSettings {
    /// `None`: off.
    pub endpoint: Option<String>,
    pub rule: Option<String>,
    pub stream: String,
    pub audience: String,
    pub client_id: Option<String>,
}

/// Custom metrics of an Azure resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonitorMetricsSettings {
    /// `None`: off.
    pub resource: Option<String>,
    pub region: Option<String>,
    /// Instead of the region's.
    pub endpoint: Option<String>,
    pub namespace: String,
    pub audience: String,
    pub client_id: Option<String>,
}

/// Application Insights for all requests.
#[derive(Clone, Debug, Default)]
pub struct ApplicationInsightsSettings {
    /// `None`: off.
    pub connection: Option<ConnectionString>,
    /// Instead of the connection string's own.
    pub endpoint: Option<String>,
    /// Show a token of this identity.
    pub identity: Option<Identity>,
    pub sampling: Sampling,
}

/// Reads `off`, `on` or a client id.
pub fn identity(value: &str) -> Option<Identity> {
    match value {
        "" | "off" => None,
        "on" => Some(Identity::Own),
        id => Some(Identity::Assigned(id.to_owned())),
    }
}

/// Reads 0–100.
pub fn percentage(value: &str) -> Result<f64, String> {
    let number: Option<f64> = value.parse().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "0 to 100 is expected".to_owned())
}

/// Reads an `http` or `https` URL; empty is none.
pub fn url(value: &str) -> Result<Option<String>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let read = gateway_policy::message::Url::parse(value);
    read.map(|_| Some(value.trim_end_matches('/').to_owned())).map_err(|error| error.to_string())
}

/// Reads the id of an Azure resource; empty is none.
pub fn resource(value: &str) -> Result<Option<String>, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.()".contains(c);
    match value {
        "" => Ok(None),
        id if id.to_ascii_lowercase().starts_with("/subscriptions/")
            && id.contains("/providers/")
            && id.chars().all(plain) =>
        {
            Ok(Some(id.trim_end_matches('/').to_owned()))
        }
        _ => Err("/subscriptions/…/resourceGroups/…/providers/… is expected".to_owned()),
    }
}

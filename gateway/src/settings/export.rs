//! Settings of the exporters.

use std::collections::BTreeMap;

use gateway_model::resource::{Logger, LoggerType};
use gateway_policy::event_hub::EventHub;
use gateway_proxy::ports::event_hubs::exporter_settings;
use gateway_telemetry::export::application_insights::ConnectionString;
use gateway_telemetry::export::event_hubs;
use gateway_telemetry::export::otlp::Protocol;
use gateway_telemetry::export::statsd::TagFormat;
use gateway_telemetry::export::{Identity, Limits, Sampling};
use gateway_telemetry::{Buckets, Local, LocalForm};

/// Where telemetry goes beside the log and `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct ExportSettings {
    pub limits: Limits,
    pub application_insights: ApplicationInsightsSettings,
    pub monitor_logs: MonitorLogsSettings,
    pub monitor_metrics: MonitorMetricsSettings,
    pub opentelemetry: OpenTelemetrySettings,
    pub event_hubs: EventHubsSettings,
    pub statsd: StatsdSettings,
}

/// Requests as events of an event hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventHubsSettings {
    /// By its address; `None`: off.
    pub url: Option<String>,
    /// By a connection string, which wins.
    pub hub: Option<event_hubs::Settings>,
    pub audience: String,
    pub client_id: Option<String>,
}

/// `StatsD`, for the metrics of requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsdSettings {
    /// `telemetry.metrics.local` is `statsd`.
    pub enabled: bool,
    /// HOST:PORT.
    pub endpoint: Option<String>,
    pub sampling: Sampling,
    pub tags: TagFormat,
}

/// The local sink of the log, before its endpoint is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalLogSettings {
    pub form: LocalForm,
    pub syslog: Endpoint,
    pub rfc5424: Endpoint,
    pub journal: Endpoint,
    pub json: Endpoint,
}

/// Where a local sink listens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    pub address: Option<String>,
    /// Of syslog.
    pub facility: Option<u8>,
}

impl LocalLogSettings {
    /// The sink; the error names the setting.
    pub fn sink(&self) -> Result<Option<Local>, String> {
        let (name, endpoint) = match self.form {
            LocalForm::None | LocalForm::Auto => ("telemetry.logs.local", &Endpoint::default()),
            LocalForm::LocalSyslog => ("telemetry.logs.local.localsyslog", &self.syslog),
            LocalForm::Rfc5424 => ("telemetry.logs.local.rfc5424", &self.rfc5424),
            LocalForm::Journal => ("telemetry.logs.local.journal", &self.journal),
            LocalForm::Json => ("telemetry.logs.local.json", &self.json),
        };
        Local::new(self.form, endpoint.address.as_deref(), endpoint.facility)
            .map_err(|error| format!("settings {name}.*: {error}"))
    }
}

/// OpenTelemetry, by OTLP.
#[derive(Clone, Debug, Default)]
pub struct OpenTelemetrySettings {
    pub enabled: bool,
    pub collector: Option<String>,
    /// `None`: as the port says.
    pub protocol: Option<Protocol>,
    pub metrics: bool,
    pub traces: bool,
    pub traces_sampling: Sampling,
    pub logs: bool,
    pub system_metrics: bool,
    pub buckets: Buckets,
}

impl OpenTelemetrySettings {
    /// Where to, when it is on: port 4318 speaks HTTP, any other gRPC; without a port it is 4317, or 4318.
    pub fn target(&self) -> Option<(String, Protocol)> {
        let collector = self.collector.clone().filter(|_| self.enabled)?;
        let authority = collector.split_once("://").map_or(&*collector, |(_, rest)| rest);
        let port =
            authority.rsplit_once(':').map(|(_, port)| port).filter(|port| port.parse::<u16>().is_ok());
        let told = if port == Some("4318") { Protocol::Http } else { Protocol::Grpc };
        let protocol = self.protocol.unwrap_or(told);
        let default = if protocol == Protocol::Http { 4318 } else { 4317 };
        let has_port = port.is_some() || authority.contains('/');
        Some((if has_port { collector } else { format!("{collector}:{default}") }, protocol))
    }
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

/// Reads a connection string with an `EntityPath`; empty is none. The error holds no secret.
pub fn event_hub(value: &str) -> Result<Option<event_hubs::Settings>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let credentials = BTreeMap::from([("connectionString".to_owned(), value.into())]);
    let logger = Logger { logger_type: LoggerType::AzureEventHub, credentials, ..Logger::default() };
    EventHub::of(&logger, &str::to_owned).map(exporter_settings).map(Some)
}

/// Reads 0–100.
pub fn percentage(value: &str) -> Result<f64, String> {
    let number: Option<f64> = value.parse().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "0 to 100 is expected".to_owned())
}

/// Reads HOST:PORT, also with `udp://` before it; empty is none.
pub fn host_port(value: &str) -> Result<Option<String>, String> {
    let plain = value.strip_prefix("udp://").unwrap_or(value);
    let has_port =
        plain.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    match plain {
        "" => Ok(None),
        _ if has_port => Ok(Some(plain.to_owned())),
        _ => Err("HOST:PORT is expected".to_owned()),
    }
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

/// Reads 0–1; failures are not more likely to be counted than others.
pub fn share(value: &str) -> Result<Sampling, String> {
    let number: Option<f64> = value.parse().ok();
    let share = number.filter(|number| *number > 0.0 && *number <= 1.0);
    let share = share.ok_or_else(|| "more than 0, at most 1 is expected".to_owned())?;
    Ok(Sampling { percentage: share * 100.0, all_errors: false })
}

/// Reads `auto`, `grpc` or `http/protobuf`.
pub fn protocol(value: &str) -> Result<Option<Protocol>, String> {
    match value {
        "auto" => Ok(None),
        "grpc" => Ok(Some(Protocol::Grpc)),
        "http/protobuf" => Ok(Some(Protocol::Http)),
        _ => Err("auto, grpc or http/protobuf is expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collector_without_a_port_gets_that_of_its_protocol() {
        for (collector, protocol, expected) in [
            ("http://c", None, ("http://c:4317", Protocol::Grpc)),
            ("http://c:4318", None, ("http://c:4318", Protocol::Http)),
            ("https://c:443", None, ("https://c:443", Protocol::Grpc)),
            ("http://[::1]", Some(Protocol::Http), ("http://[::1]:4318", Protocol::Http)),
            ("https://c/otlp", Some(Protocol::Http), ("https://c/otlp", Protocol::Http)),
        ] {
            let collector = Some(collector.to_owned());
            let settings = OpenTelemetrySettings {
                enabled: true,
                collector,
                protocol,
                ..OpenTelemetrySettings::default()
            };
            let (url, protocol) = settings.target().unwrap();
            assert_eq!((&*url, protocol), expected);
        }
    }
}

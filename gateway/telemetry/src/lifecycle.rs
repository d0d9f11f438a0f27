//! Events of the gateway's own life, each a change of state worth one line.

use std::net::SocketAddr;
use std::time::Duration;

use crate::event::{Fields, Listener, Severity, Value};

/// A change of state of this instance.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The process began: version, worker threads.
    GatewayStarting { version: &'a str, workers: usize },
    /// All listeners accept and the first configuration is in force or found missing (design.md §6).
    GatewayListening { addresses: &'a [(Listener, SocketAddr)] },
    /// Draining began.
    GatewayStopping { requests_in_flight: u64, deadline: Duration },
    /// Draining ended; `requests_cut` were still running.
    GatewayStopped { requests_cut: u64 },
    /// A snapshot is in force; `apis_isolated` of its APIs did not compile.
    ConfigurationLoaded { revision: &'a str, apis: usize, apis_isolated: usize, elapsed: Duration },
    /// A change was refused as a whole; the snapshot in force stays.
    ConfigurationRejected { revision: &'a str, diagnostics: usize, message: &'a str },
    /// One resource took its API out: the last good version serves, or 503.
    ApiIsolated { api_id: &'a str, resource: &'a str, message: &'a str, serves_last_good: bool },
    /// The configuration source can or cannot be reached.
    ConfigurationSourceState { source: &'a str, available: bool, message: &'a str },
    /// How the kernel path runs on an interface: `native`, `generic`, `tcx` or `off`.
    DatapathState { interface: &'a str, mode: &'a str, message: &'a str },
    /// Certificates for TLS were loaded or renewed.
    CertificatesLoaded { names: usize },
    /// A sink other than the log went up or down.
    SinkState { sink: &'a str, available: bool, message: &'a str },
    /// Log records given up because the output was slower than the gateway.
    LogRecordsDropped { records: u64 },
}

impl Event<'_> {
    /// Name in the member `eventType`.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::GatewayStarting { .. } => "GatewayStarting",
            Self::GatewayListening { .. } => "GatewayListening",
            Self::GatewayStopping { .. } => "GatewayStopping",
            Self::GatewayStopped { .. } => "GatewayStopped",
            Self::ConfigurationLoaded { .. } => "ConfigurationLoaded",
            Self::ConfigurationRejected { .. } => "ConfigurationRejected",
            Self::ApiIsolated { .. } => "ApiIsolated",
            Self::ConfigurationSourceState { .. } => "ConfigurationSourceState",
            Self::DatapathState { .. } => "DatapathState",
            Self::CertificatesLoaded { .. } => "CertificatesLoaded",
            Self::SinkState { .. } => "SinkState",
            Self::LogRecordsDropped { .. } => "LogRecordsDropped",
        }
    }

    /// Info for what was asked for, warning for what is degraded, error for what an operator must mend.
    pub fn severity(&self) -> Severity {
        match self {
            Self::ConfigurationRejected { .. } | Self::ApiIsolated { .. } => Severity::Error,
            Self::LogRecordsDropped { .. } => Severity::Warning,
            Self::ConfigurationSourceState { available: false, .. }
            | Self::SinkState { available: false, .. } => Severity::Warning,
            Self::ConfigurationLoaded { apis_isolated: 1.., .. }
            | Self::GatewayStopped { requests_cut: 1.. } => Severity::Warning,
            _ => Severity::Info,
        }
    }
}

impl Fields for Event<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        match *self {
            Self::GatewayStarting { version, workers } => {
                visit("version", Value::Text(version));
                visit("workers", Value::Unsigned(workers as u64));
            }
            Self::GatewayListening { addresses } => {
                for (listener, address) in addresses {
                    visit(listener.as_str(), Value::Display(address));
                }
            }
            Self::GatewayStopping { requests_in_flight, deadline } => {
                visit("requestsInFlight", Value::Unsigned(requests_in_flight));
                visit("deadlineSeconds", Value::Number(deadline.as_secs_f64()));
            }
            Self::GatewayStopped { requests_cut } => visit("requestsCut", Value::Unsigned(requests_cut)),
            Self::ConfigurationLoaded { revision, apis, apis_isolated, elapsed } => {
                visit("revision", Value::Text(revision));
                visit("apis", Value::Unsigned(apis as u64));
                visit("apisIsolated", Value::Unsigned(apis_isolated as u64));
                visit("elapsedSeconds", Value::Number(elapsed.as_secs_f64()));
            }
            Self::ConfigurationRejected { revision, diagnostics, message } => {
                visit("message", Value::Text(message));
                visit("revision", Value::Text(revision));
                visit("diagnostics", Value::Unsigned(diagnostics as u64));
            }
            Self::ApiIsolated { api_id, resource, message, serves_last_good } => {
                visit("message", Value::Text(message));
                visit("apiId", Value::Text(api_id));
                visit("resource", Value::Text(resource));
                visit("servesLastGood", Value::Bool(serves_last_good));
            }
            Self::ConfigurationSourceState { source: name, available, message }
            | Self::SinkState { sink: name, available, message } => {
                visit("message", Value::Text(message));
                visit("name", Value::Text(name));
                visit("available", Value::Bool(available));
            }
            Self::DatapathState { interface, mode, message } => {
                visit("message", Value::Text(message));
                visit("interface", Value::Text(interface));
                visit("mode", Value::Text(mode));
            }
            Self::CertificatesLoaded { names } => visit("names", Value::Unsigned(names as u64)),
            Self::LogRecordsDropped { records } => visit("records", Value::Unsigned(records)),
        }
    }
}

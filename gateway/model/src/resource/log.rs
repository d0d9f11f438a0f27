//! Loggers, and diagnostics that say what goes to them.

use std::collections::BTreeMap;

use super::{Deserialize, Extra, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, LogDiagnosticId, LoggerId};
use crate::origin::Origin;
use crate::secret::Secret;

text_enum! {
    /// Where a logger writes to.
    #[derive(Default)]
    LoggerType {
        #[default]
        AzureEventHub = "azureEventHub",
        ApplicationInsights = "applicationInsights",
        AzureMonitor = "azureMonitor",
    }
}

/// A logger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Logger {
    /// Name.
    #[serde(skip)]
    pub id: LoggerId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Where it writes to.
    pub logger_type: LoggerType,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Connection strings and keys; may be references to named values.
    #[serde(skip_serializing)]
    pub credentials: BTreeMap<String, Secret>,
    /// Whether records are buffered before they are sent; default yes.
    #[serde(skip_serializing_if = "is_default")]
    pub is_buffered: Option<bool>,
    /// Id of the resource it writes to.
    #[serde(skip_serializing_if = "is_default")]
    pub resource_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a diagnostic is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogDiagnosticScope {
    /// All APIs.
    #[default]
    Global,
    /// One API revision; wins over the global one of the same name.
    Api(ApiId),
}

/// A diagnostic: what of requests and responses goes to a logger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogDiagnostic {
    /// What it is about.
    #[serde(skip)]
    pub scope: LogDiagnosticScope,
    /// Name: `applicationinsights`, `azuremonitor`, `local`, ….
    #[serde(skip)]
    pub id: LogDiagnosticId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Resource id of the logger.
    #[serde(skip_serializing_if = "is_default")]
    pub logger_id: Option<String>,
    /// `allErrors`: errors are logged whatever the sampling says.
    #[serde(skip_serializing_if = "is_default")]
    pub always_log: Option<String>,
    /// Which part of the requests is logged; absent: all.
    #[serde(skip_serializing_if = "is_default")]
    pub sampling: Option<Sampling>,
    /// Client side.
    #[serde(skip_serializing_if = "is_default")]
    pub frontend: Option<PipelineLogging>,
    /// Backend side.
    #[serde(skip_serializing_if = "is_default")]
    pub backend: Option<PipelineLogging>,
    /// Whether the client address is logged; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub log_client_ip: Option<bool>,
    /// `None`, `Legacy` or `W3C`.
    #[serde(skip_serializing_if = "is_default")]
    pub http_correlation_protocol: Option<String>,
    /// `verbose`, `information` or `error`.
    #[serde(skip_serializing_if = "is_default")]
    pub verbosity: Option<String>,
    /// `Name` or `Url`.
    #[serde(skip_serializing_if = "is_default")]
    pub operation_name_format: Option<String>,
    /// Whether emit-metric writes to it.
    #[serde(skip_serializing_if = "is_default")]
    pub metrics: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Which part of the requests is logged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sampling {
    /// `fixed`.
    pub sampling_type: String,
    /// 0–100.
    pub percentage: f64,
}

/// What is logged of one side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineLogging {
    /// Of requests.
    #[serde(skip_serializing_if = "is_default")]
    pub request: Option<HttpLogging>,
    /// Of responses.
    #[serde(skip_serializing_if = "is_default")]
    pub response: Option<HttpLogging>,
}

/// What is logged of one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpLogging {
    /// Headers by name.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<String>,
    /// Part of the body.
    #[serde(skip_serializing_if = "is_default")]
    pub body: Option<BodyLogging>,
    /// What is masked or left out.
    #[serde(skip_serializing_if = "is_default")]
    pub data_masking: Option<DataMasking>,
}

/// How much of a body is logged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BodyLogging {
    /// Bytes, 0–8192.
    pub bytes: u32,
}

/// What is masked or left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataMasking {
    /// Query parameters.
    #[serde(skip_serializing_if = "is_default")]
    pub query_params: Vec<MaskedEntity>,
    /// Headers.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<MaskedEntity>,
}

/// One masked name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MaskedEntity {
    /// Name of the header or parameter.
    pub value: String,
    /// `Mask` or `Hide`.
    pub mode: String,
}

resource!(Logger, loggers, LoggerId, |this| this.id.clone(), ResourceId::Logger(this.id.clone()));
resource!(
    LogDiagnostic,
    log_diagnostics,
    (LogDiagnosticScope, LogDiagnosticId),
    |this| (this.scope.clone(), this.id.clone()),
    match &this.scope {
        LogDiagnosticScope::Global => ResourceId::LogDiagnostic(this.id.clone()),
        LogDiagnosticScope::Api(api) => ResourceId::ApiLogDiagnostic(api.clone(), this.id.clone()),
    }
);

//! Requests as log records, with the members of the record `GatewayLogs` as attributes.

use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use prost::Message;

use super::resource::{Who, attribute, cut, nanos};
use crate::event::{Fields, GatewayLogs, RequestEvent, Value};
use crate::export::Gathered;

/// How many records, and the message.
pub fn encode(gathered: &[Gathered], who: &Who, now: SystemTime) -> (u64, Vec<u8>) {
    let records = gathered.iter().map(|item| item.request.with(|event| record(event, now)));
    let log_records: Vec<LogRecord> = records.collect();
    let items = log_records.len() as u64;
    let scope_logs = vec![ScopeLogs { scope: Some(who.scope.clone()), log_records, ..ScopeLogs::default() }];
    let resource = Some(who.resource.clone());
    let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
    (items, ExportLogsServiceRequest { resource_logs }.encode_to_vec())
}

fn record(event: &RequestEvent<'_>, now: SystemTime) -> LogRecord {
    let (severity, text) = if event.response_code == 0 || event.response_code >= 500 {
        (SeverityNumber::Error, "Error")
    } else {
        (SeverityNumber::Info, "Info")
    };
    LogRecord {
        time_unix_nano: nanos(event.time_generated + event.total_time),
        observed_time_unix_nano: nanos(now),
        severity_number: severity.into(),
        severity_text: text.to_owned(),
        body: Some(AnyValue { value: Some(Any::StringValue("GatewayLogs".to_owned())) }),
        attributes: attributes(&GatewayLogs { event, region: "", rules: None }),
        trace_id: event.trace.trace_id.to_vec(),
        span_id: event.trace.span.to_vec(),
        event_name: "GatewayLogs".to_owned(),
        ..LogRecord::default()
    }
}

fn attributes(fields: &dyn Fields) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(32);
    fields.visit(&mut |name, value| all.push(attribute(name, any(value))));
    all
}

fn any(value: Value<'_>) -> Any {
    match value {
        Value::Bool(value) => Any::BoolValue(value),
        Value::Integer(value) => Any::IntValue(value),
        Value::Unsigned(value) => Any::IntValue(i64::try_from(value).unwrap_or(i64::MAX)),
        Value::Number(value) => Any::DoubleValue(value),
        Value::Text(text) => Any::StringValue(cut(text).to_owned()),
        Value::Display(shown) => Any::StringValue(cut(&shown.to_string()).to_owned()),
        Value::Object(fields) => object(fields),
        Value::Errors(errors) => list(errors.iter().map(|error| object(error))),
        Value::Traces(least, traces) => {
            list(traces.iter().filter(|trace| trace.severity >= least).map(|trace| object(trace)))
        }
    }
}

fn object(fields: &dyn Fields) -> Any {
    Any::KvlistValue(KeyValueList { values: attributes(fields) })
}

fn list(values: impl Iterator<Item = Any>) -> Any {
    Any::ArrayValue(ArrayValue { values: values.map(|value| AnyValue { value: Some(value) }).collect() })
}

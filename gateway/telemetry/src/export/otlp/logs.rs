//! Requests as log records, with the members of the record `GatewayLogs` as attributes.

use std::fmt::Write;
use std::time::SystemTime;

use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use uuid::Uuid;

use super::resource::nanos;
use super::wire::{Items, Wire};
use crate::event::{Fields, GatewayLogs, Hex, RequestEvent, Value};
use crate::export::Gathered;
use crate::json;
use crate::rfc3339::Rfc3339;

/// Adds a record.
pub fn add(out: &mut Items, gathered: &Gathered, now: SystemTime) {
    gathered.with(|event| out.add(|record| write(record, event, now)));
}

/// A `LogRecord`.
fn write(record: &mut Wire, event: &RequestEvent<'_>, now: SystemTime) {
    let (severity, text) = if event.response_code == 0 || event.response_code >= 500 {
        (SeverityNumber::Error, "Error")
    } else {
        (SeverityNumber::Info, "Info")
    };
    record.fixed64(1, nanos(event.time_generated + event.total_time)); // time_unix_nano
    record.number(2, severity as u64); // severity_number
    record.text(3, text); // severity_text
    record.message(5, |body| body.text(1, "GatewayLogs")); // body: string_value
    attributes(record, 6, &GatewayLogs { event, region: "", rules: None });
    record.bytes(9, &event.trace.trace_id); // trace_id
    record.bytes(10, &event.trace.span); // span_id
    record.fixed64(11, nanos(now)); // observed_time_unix_nano
    record.text(12, "GatewayLogs"); // event_name
}

/// Fields as `KeyValue`s.
fn attributes(out: &mut Wire, field: u32, fields: &dyn Fields) {
    let mut shown = String::new();
    fields.visit(&mut |name, value| match value {
        Value::Text(text) => out.attribute(field, name, text),
        Value::Id(_)
        | Value::Hex(_)
        | Value::Address(_)
        | Value::Time(_)
        | Value::Url(_)
        | Value::Display(_) => {
            shown.clear();
            show(&mut shown, value);
            out.attribute(field, name, &shown);
        }
        _ => out.message(field, |pair| {
            pair.text(1, name); // key
            pair.message(2, |any| write_any(any, value)); // value
        }),
    });
}

fn show(out: &mut String, value: Value<'_>) {
    // A `String` takes all; what a value shows of itself before it fails stays.
    let _ = match value {
        Value::Id(id) => {
            out.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            Ok(())
        }
        Value::Hex(bytes) => write!(out, "{}", Hex(bytes)),
        Value::Address(address) => {
            json::address(out, address);
            Ok(())
        }
        Value::Time(time) => {
            Rfc3339 { time, digits: 7 }.with(|text| out.push_str(text));
            Ok(())
        }
        Value::Url(url) => url.write_to(out),
        Value::Display(other) => write!(out, "{other}"),
        _ => Ok(()),
    };
}

/// The `AnyValue` of what is no text.
fn write_any(any: &mut Wire, value: Value<'_>) {
    match value {
        Value::Bool(value) => any.number(2, value.into()), // bool_value
        Value::Integer(value) => any.number(3, value as u64), // int_value, two's complement
        Value::Unsigned(value) => any.number(3, value.min(i64::MAX as u64)),
        Value::Number(value) => any.fixed64(4, value.to_bits()), // double_value
        Value::Object(fields) => any.message(6, |list| attributes(list, 1, fields)), // kvlist_value
        Value::Errors(errors) => list(any, errors.iter().map(|error| error as &dyn Fields)),
        Value::Traces(least, traces) => {
            let shown = traces.iter().filter(|trace| trace.severity >= least);
            list(any, shown.map(|trace| trace as &dyn Fields));
        }
        text => {
            let mut shown = String::new();
            show(&mut shown, text);
            any.text(1, &shown);
        }
    }
}

/// An `ArrayValue` of objects.
fn list<'a>(any: &mut Wire, items: impl Iterator<Item = &'a dyn Fields>) {
    any.message(5, |array| {
        for item in items {
            array.message(1, |any| any.message(6, |list| attributes(list, 1, item)));
        }
    });
}

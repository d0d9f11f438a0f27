//! A request as a row of `ApiManagementGatewayLogs` (self-hosted-gateway.md §3.4). Columns that Azure fills are left
//! out, and so is what is not known.

use std::time::Duration;

use crate::diagnostic::{Message, MessageRules, Rules};
use crate::event::{Protocol, RequestEvent, ShownHeaders, TlsVersion, Value};
use crate::json::Object;
use crate::redact::Redacted;
use crate::sink::Instance;

/// A longer text is cut by the service.
const TEXT_MAX: usize = 32 << 10;

/// Writes the row, as a diagnostic has it.
pub fn write(out: &mut String, event: &RequestEvent<'_>, rules: &Rules, instance: &Instance) {
    Object::write(out, |row| {
        row.time("TimeGenerated", event.time_generated);
        row.text("Category", "GatewayLogs", TEXT_MAX);
        row.text("OperationName", "Microsoft.ApiManagement/GatewayLogs", TEXT_MAX);
        row.value("CorrelationId", Value::Id(event.correlation_id));
        row.text("Region", &instance.region, TEXT_MAX);
        row.value("IsRequestSuccess", Value::Bool(event.is_success()));
        client(row, event, rules);
        names(row, event);
        backend(row, event, rules);
        failure(row, event);
        if !event.traces.is_empty() {
            row.value("TraceRecords", Value::Traces(rules.verbosity, event.traces));
        }
        if let Some(messages) = event.messages {
            let (frontend, backend) = (&rules.frontend, &rules.backend);
            message(row, ["RequestHeaders", "RequestBody"], &frontend.request, &messages.frontend_request);
            message(
                row,
                ["ResponseHeaders", "ResponseBody"],
                &frontend.response,
                &messages.frontend_response,
            );
            message(
                row,
                ["BackendRequestHeaders", "BackendRequestBody"],
                &backend.request,
                &messages.backend_request,
            );
            message(
                row,
                ["BackendResponseHeaders", "BackendResponseBody"],
                &backend.response,
                &messages.backend_response,
            );
        }
    });
}

/// Names of the columns of a message's fields and body.
type Columns = [&'static str; 2];

fn message(row: &mut Object<'_>, [headers, body]: Columns, rules: &MessageRules, message: &Message) {
    if rules.headers(message).next().is_some() {
        row.value(headers, Value::Object(&ShownHeaders(rules, message)));
    }
    row.text_if(body, rules.body(message), TEXT_MAX);
}

fn client(row: &mut Object<'_>, event: &RequestEvent<'_>, rules: &Rules) {
    row.text("Method", event.method, TEXT_MAX);
    let url = Redacted::url(&event.url, event.key_parameter).masking(&rules.frontend.request.query_masks);
    row.url("Url", &url, TEXT_MAX);
    if rules.log_client_ip {
        row.value("CallerIpAddress", Value::Address(event.caller_ip));
    }
    row.text("ClientProtocol", event.client_protocol.as_str(), TEXT_MAX);
    row.text_if("ClientTlsVersion", event.client_tls.map(TlsVersion::as_str), TEXT_MAX);
    row.value("ResponseCode", Value::Unsigned(event.response_code.into()));
    row.value("RequestSize", Value::Unsigned(event.request_size));
    row.value("ResponseSize", Value::Unsigned(event.response_size));
    row.value("TotalTime", millis(event.total_time));
    row.value("ClientTime", millis(event.client_time));
    row.text("Cache", event.cache.as_str(), TEXT_MAX);
    if let Some(time) = event.cache_time {
        row.value("CacheTime", millis(time));
    }
}

fn names(row: &mut Object<'_>, event: &RequestEvent<'_>) {
    row.text_if("ApiId", event.api_id, TEXT_MAX);
    row.text_if("ApiRevision", event.api_revision, TEXT_MAX);
    row.text_if("OperationId", event.operation_id, TEXT_MAX);
    row.text_if("ProductId", event.product_id, TEXT_MAX);
    row.text_if("UserId", event.user_id, TEXT_MAX);
    row.text_if("ApimSubscriptionId", event.subscription_id, TEXT_MAX);
}

fn backend(row: &mut Object<'_>, event: &RequestEvent<'_>, rules: &Rules) {
    if let Some(time) = event.backend_time {
        row.value("BackendTime", millis(time));
    }
    let Some(call) = event.backend() else { return };
    row.text_if("BackendId", call.backend_id, TEXT_MAX);
    row.text("BackendMethod", call.method, TEXT_MAX);
    let url = Redacted::text(call.url, event.key_parameter).masking(&rules.backend.request.query_masks);
    row.url("BackendUrl", &url, TEXT_MAX);
    row.value("BackendResponseCode", Value::Unsigned(call.response_code.into()));
    row.text_if("BackendProtocol", call.protocol.map(Protocol::as_str), TEXT_MAX);
}

fn failure(row: &mut Object<'_>, event: &RequestEvent<'_>) {
    if let Some(error) = &event.last_error {
        row.value("LastErrorElapsed", millis(error.elapsed));
        row.text("LastErrorSource", error.source, TEXT_MAX);
        row.text("LastErrorReason", error.reason, TEXT_MAX);
        row.text("LastErrorMessage", error.message, TEXT_MAX);
        row.text("LastErrorSection", error.section, TEXT_MAX);
        row.text("LastErrorScope", error.scope, TEXT_MAX);
    }
    if !event.errors.is_empty() {
        row.value("Errors", Value::Errors(event.errors));
    }
}

fn millis(time: Duration) -> Value<'static> {
    Value::Unsigned(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

//! The gateway's part in distributed traces, where its telemetry sends traces: `traceparent` in and out.

use gateway_policy::exchange::Exchange;
use gateway_policy::exchange::correlation::Correlation;

const TRACEPARENT: &str = "traceparent";

/// Reads where the request stands.
pub fn begin(exchange: &mut Exchange) {
    let told = exchange.request.headers.get_str(TRACEPARENT);
    exchange.correlation = Some(Correlation::of(exchange.id, told));
}

/// Names the span of the call to the backend, unless a policy has set the field itself.
pub fn tell_backend(exchange: &mut Exchange) {
    let Some(correlation) = &exchange.correlation else { return };
    if !exchange.request.headers.was_set(TRACEPARENT) {
        // The value is ASCII; it cannot be refused.
        let _ = exchange.request.headers.set(TRACEPARENT, correlation.traceparent().as_bytes());
    }
}

//! The gateway's part in distributed traces, where its telemetry sends traces or a diagnostic asks for it.

use std::sync::Arc;

use gateway_policy::exchange::Exchange;
use gateway_policy::exchange::correlation::{Applications, Correlation, Protocols, application};

/// Reads where the request stands, and has the sections timed.
pub fn begin(exchange: &mut Exchange) {
    exchange.sections = Some(Vec::with_capacity(4));
    join(exchange, Protocols { w3c: true, legacy: false });
}

/// Reads and writes the fields of further protocols.
pub fn join(exchange: &mut Exchange, protocols: Protocols) {
    let known = exchange.correlation.map(|known| known.protocols).unwrap_or_default();
    let all = Protocols { w3c: known.w3c || protocols.w3c, legacy: known.legacy || protocols.legacy };
    if all != known {
        exchange.correlation = Some(Correlation::of(exchange.id, &exchange.request.headers, all));
    }
}

/// Notes which component the caller is, and which one we are.
pub fn name(exchange: &mut Exchange, own: Option<Arc<str>>) {
    let caller = application(&exchange.request.headers);
    exchange.applications = Some(Box::new(Applications { own, caller, backend: None }));
}

/// Names the span of the call to the backend.
pub fn tell_backend(exchange: &mut Exchange) {
    if let Some(applications) = &exchange.applications {
        applications.tell(&mut exchange.request.headers);
    }
    if let Some(correlation) = exchange.correlation {
        correlation.tell(correlation.backend_span(), &mut exchange.request.headers);
    }
}

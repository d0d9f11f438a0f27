//! What gateways tell: reports of what was used, and traces of requests.

use bytes::Bytes;
use gateway_store::figures::{Counter, Report as Stored, Trace};
use gateway_sync::protocol::{
    QUOTA_KEY_BYTES_MAX, QUOTAS_MAX, QuotaChange, QuotaSum, REPORT_BYTES_MAX, REQUESTS_MAX, Report, Reported,
    TRACE_BYTES_MAX, USAGE_MAX,
};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::{Page, page, whole};
use crate::arm_error::ArmError;
use crate::federation::Caller;
use crate::figures::Figures;
use crate::plane::{Plane, now};

/// Longest id of an instance or a trace, in bytes.
const ID_BYTES_MAX: usize = 100;

/// Takes a report; on disk when it is answered.
pub async fn report<B>(plane: &Plane, caller: &Caller, body: B) -> Result<Page, ArmError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let malformed = || ArmError::field("body", "The body is no report, or longer than 4 MiB.");
    let body = whole(body, REPORT_BYTES_MAX).await.ok_or_else(malformed)?;
    let report: Report = serde_json::from_slice(&body).map_err(|_| malformed())?;
    check(&report)?;
    let figures = plane.figures().await?;
    let stored = stored(&figures, caller, report).map_err(|error| ArmError::internal(&error))?;
    let sums = plane.store.report(stored).await.map_err(|error| ArmError::internal(&error))?;
    let sum = |counter: Counter| QuotaSum { calls: counter.calls, bytes: counter.bytes, sets: counter.sets };
    let answer = Reported { quotas: sums.into_iter().map(sum).collect() };
    let body = serde_json::to_vec(&answer).map_err(|error| ArmError::internal(&error))?;
    let mut page = page(StatusCode::OK, None, Bytes::from(body));
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(page)
}

fn check(report: &Report) -> Result<(), ArmError> {
    let Report { instance_id, sequence, usage, requests, quotas } = report;
    if instance_id.is_empty() || instance_id.len() > ID_BYTES_MAX || instance_id.contains('\0') {
        return Err(ArmError::field("instanceId", "'instanceId' must have from 1 to 100 bytes."));
    }
    if *sequence == 0 {
        return Err(ArmError::field("sequence", "'sequence' must be at least 1."));
    }
    for (target, length, length_max) in [
        ("usage", usage.len(), USAGE_MAX),
        ("requests", requests.len(), REQUESTS_MAX),
        ("quotas", quotas.len(), QUOTAS_MAX),
    ] {
        if length > length_max {
            return Err(ArmError::field(target, format!("'{target}' has more than {length_max} items.")));
        }
    }
    let is_bad = |change: &QuotaChange| {
        change.key.is_empty()
            || change.key.len() > QUOTA_KEY_BYTES_MAX
            || change.end.is_some_and(|end| end <= change.start)
    };
    if quotas.iter().any(is_bad) {
        return Err(ArmError::field("quotas", "A counter has no key, too long a one, or no window."));
    }
    Ok(())
}

fn stored(
    figures: &Figures,
    caller: &Caller,
    report: Report,
) -> Result<Stored, gateway_sync::protocol::ProtocolError> {
    let region = {
        let tree = caller.service().tree();
        let record = tree.get(&format!("gateways/{}", caller.gateway()));
        let place = record.and_then(|record| record.properties.get("locationData")?.get("name")?.as_str());
        place.unwrap_or_default().to_owned()
    };
    let requests = report.requests.into_iter().map(|request| figures.request(request, &region));
    let counters = report.quotas.iter().map(|change| figures.counter(change));
    Ok(Stored {
        service: caller.service().name.key(),
        source: format!("{}/{}", caller.gateway().to_ascii_lowercase(), report.instance_id),
        sequence: report.sequence,
        at: now(),
        requests: requests.collect::<Result<_, _>>()?,
        counters: counters.collect::<Result<_, _>>()?,
        usage: report.usage.into_iter().map(|row| Figures::usage(row, &region)).collect(),
    })
}

/// Keeps the trace of a request.
pub async fn trace<B>(plane: &Plane, caller: &Caller, id: &str, body: B) -> Result<Page, ArmError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let malformed = || ArmError::field("body", "The body is no trace, or longer than 2 MiB.");
    let body = whole(body, TRACE_BYTES_MAX).await.ok_or_else(malformed)?;
    let is_object = serde_json::from_slice::<Value>(&body).is_ok_and(|trace| trace.is_object());
    if !is_object || id.len() > ID_BYTES_MAX {
        return Err(malformed());
    }
    let sealed = plane.figures().await?.seal("trace", &body).map_err(|error| ArmError::internal(&error))?;
    let trace = Trace {
        service: caller.service().name.key(),
        gateway: caller.gateway().to_owned(),
        id: id.to_owned(),
        at: now(),
        body: sealed,
    };
    plane.store.put_trace(trace).await.map_err(|error| ArmError::internal(&error))?;
    Ok(page(StatusCode::NO_CONTENT, None, Bytes::new()))
}

//! Reports and quotas. What gateways count is not reported to the plane yet: no records, and no counters, are known.

use super::super::filter::Filter;
use super::super::{Call, Outcome, list};
use crate::arm_error::ArmError;

/// Records of a report: none. What the report would refuse is refused.
pub fn report(call: &Call<'_>) -> Outcome {
    if let Some(text) = call.query.get("$filter") {
        Filter::parse(text, call.operation.filter)?;
    }
    if call.operation.id == "Reports_ListByTime" {
        let interval = call.query.get("interval").unwrap_or_default();
        if gateway_model::resource::IsoDuration::parse(interval).is_none() {
            let message = "'interval' must be a duration as in PT15M.";
            return Err(ArmError::field("interval", message));
        }
    }
    list::values_page(call, Vec::new())
}

/// Counters of a key: none.
pub fn quotas(call: &Call<'_>) -> Outcome {
    list::values_page(call, Vec::new())
}

/// A counter that is not known.
pub fn no_counter() -> Outcome {
    Err(ArmError::not_found("QuotaCounter"))
}

//! Counters of quotas: the sums of what gateways report, by the name that people know them by.

use gateway_policy::ports::CounterName;
use gateway_store::figures::{Counter, NEVER, Setting};
use serde_json::{Value, json};

use super::super::{Answer, Call, Outcome, list, time};
use super::gateways::bare;
use crate::arm_error::ArmError;
use crate::plane::{Plane, now};

/// End of windows that never end: the last that all time zones have (9999-12-30T22:00:00Z).
const LAST: i64 = 253_402_207_200;
const KILOBYTE: f64 = 1_024.0;

/// A counter and what people call it.
struct Named {
    name: CounterName,
    counter: Counter,
}

/// All counters of a key, or of a subscription.
pub async fn list(call: &Call<'_>) -> Outcome {
    let found = find(call).await?;
    list::values_page(call, found.iter().map(shown).collect())
}

/// Sets all of them.
pub async fn set_all(call: &Call<'_>) -> Outcome {
    let setting = setting(call)?;
    let found = find(call).await?;
    change(call, &found, setting).await?;
    list(call).await
}

/// The counter of one period.
pub async fn get(call: &Call<'_>) -> Outcome {
    Ok(Answer::ok(shown(&of_period(call).await?)))
}

/// Sets it.
pub async fn set(call: &Call<'_>) -> Outcome {
    let setting = setting(call)?;
    change(call, &[of_period(call).await?], setting).await?;
    get(call).await
}

fn key<'c>(call: &'c Call<'_>) -> &'c str {
    call.path.split('/').nth(1).unwrap_or_default()
}

async fn find(call: &Call<'_>) -> Result<Vec<Named>, ArmError> {
    let figures = call.plane.figures().await?;
    let key = key(call);
    // A part of a subscription's quota is found with the subscription.
    let group = key.split(':').next().unwrap_or_default();
    let service = call.service.name.key();
    let mut found = Vec::new();
    for name in [key, group].iter().take(if group == key { 1 } else { 2 }) {
        let counters = call.plane.store.counters(&service, &figures.group(name)).await;
        for counter in counters.map_err(|error| ArmError::internal(&error))? {
            let Some(name) = figures.counter_name(&counter) else { continue };
            let is_meant = name.name == key || name.group == key;
            if is_meant && counter.end > now() {
                found.push(Named { name, counter });
            }
        }
    }
    Ok(found)
}

async fn of_period(call: &Call<'_>) -> Result<Named, ArmError> {
    let period = call.path.split('/').nth(3).unwrap_or_default();
    let found = find(call).await?.into_iter();
    let mut fitting = found.filter(|named| {
        named.name.name == key(call) && period_key(&named.counter).eq_ignore_ascii_case(period)
    });
    fitting.next().ok_or_else(|| ArmError::not_found("QuotaCounter"))
}

async fn change(call: &Call<'_>, found: &[Named], setting: Setting) -> Result<(), ArmError> {
    if found.is_empty() {
        return Err(ArmError::not_found("QuotaCounter"));
    }
    let counters = found.iter().map(|named| (named.counter.id.clone(), named.counter.start)).collect();
    let note = Plane::note(&call.service, call.author(), &call.path);
    let set = call.plane.store.set_counters(counters, setting, note).await;
    set.map_err(|error| ArmError::internal(&error))
}

fn setting(call: &Call<'_>) -> Result<Setting, ArmError> {
    let given = bare(&call.body);
    let calls = match given.get("callsCount") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let bad = || ArmError::field("callsCount", "'callsCount' must be a whole number from 0 on.");
            Some(value.as_u64().filter(|calls| i64::try_from(*calls).is_ok()).ok_or_else(bad)?)
        }
    };
    let bytes = match given.get("kbTransferred") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let bad = || ArmError::field("kbTransferred", "'kbTransferred' must be a number from 0 on.");
            let kilobytes = value.as_f64().filter(|number| (0.0..1e15).contains(number)).ok_or_else(bad)?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^60")]
            Some((kilobytes * KILOBYTE).round() as u64)
        }
    };
    if calls.is_none() && bytes.is_none() {
        let message = "'callsCount' or 'kbTransferred' is needed: what the counter is set to.";
        return Err(ArmError::field("properties", message));
    }
    Ok(Setting { calls, bytes })
}

/// `{start of the window}_{its length}`, seconds since 1970 and ISO 8601: one for each window of a key.
fn period_key(counter: &Counter) -> String {
    match counter.end {
        NEVER => "0_PT0S".to_owned(),
        end => format!("{}_PT{}S", counter.start, end.saturating_sub(counter.start)),
    }
}

fn shown(Named { name, counter }: &Named) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "kilobytes are shown as a fraction anyway")]
    let kilobytes = counter.bytes as f64 / KILOBYTE;
    json!({
        "counterKey": name.name,
        "periodKey": period_key(counter),
        "periodStartTime": time(counter.start),
        "periodEndTime": time(counter.end.min(LAST)),
        "value": {"callsCount": counter.calls, "kbTransferred": kilobytes},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_is_named_by_start_and_length() {
        let counter = Counter { start: 600, end: 4_200, ..Counter::default() };
        assert_eq!(period_key(&counter), "600_PT3600S");
        assert_eq!(period_key(&Counter { end: NEVER, ..counter }), "0_PT0S");
        assert_eq!(time(LAST), "9999-12-30T22:00:00Z");
        assert_eq!(time(-62_135_596_800), "0001-01-01T00:00:00Z");
    }
}

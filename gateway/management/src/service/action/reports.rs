//! Reports: the figures that gateways told, summed as asked for, and the requests that they told of one by one.

mod filter;
mod record;

use std::collections::BTreeMap;

use gateway_model::resource::IsoDuration;
use gateway_model::usage::{Figures, Place, QUARTER, Usage};
use gateway_store::figures::USED_MAX;
use serde_json::Value;

use super::super::{Call, Outcome, list};
use crate::arm_error::ArmError;
use filter::Asked;

/// What a report sums by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Api,
    User,
    Operation,
    Product,
    Subscription,
    Geo,
    /// Steps of so many seconds.
    Time(i64),
}

/// Calls that go into one record: when, where, and for a report that names it, what.
type Key = (i64, Place);

/// The records of a report.
pub async fn records(call: &Call<'_>) -> Outcome {
    let by = by(call)?;
    let asked = Asked::of(call)?;
    let order = record::Order::parse(call.query.get("$orderby").unwrap_or_default())?;
    let step = match by {
        By::Time(step) => step,
        // One step holds all.
        _ => i64::MAX,
    };
    let service = call.service.name.key();
    let used = call.plane.store.used(&service, asked.quarters(), step).await;
    let used = used.map_err(|error| ArmError::internal(&error))?;
    if used.len() > USED_MAX {
        let message = format!(
            "The time has more than {USED_MAX} rows: ask for a shorter one, or for longer intervals."
        );
        return Err(ArmError::field("$filter", message));
    }
    let mut sums: BTreeMap<Key, Figures> = BTreeMap::new();
    for row in used.iter().filter(|row| asked.accepts(&filter::shown(&row.place))) {
        if let Some(key) = by.key(row) {
            sums.entry(key).or_default().add(&row.figures);
        }
    }
    let tree = call.service.tree();
    let shown = sums.iter().map(|((at, place), figures)| record::shown(by, *at, place, figures, &tree));
    let mut shown: Vec<Value> = shown.collect();
    drop(tree);
    order.sort(&mut shown);
    list::values_page(call, shown)
}

/// Requests, oldest first.
pub async fn requests(call: &Call<'_>) -> Outcome {
    let asked = Asked::of(call)?;
    let figures = call.plane.figures().await?;
    let service = call.service.name.key();
    let found = call.plane.store.requests(&service, asked.milliseconds()).await;
    let found = found.map_err(|error| ArmError::internal(&error))?;
    let opened = found.iter().filter_map(|stored| figures.opened_request(stored));
    let fitting = opened.filter(|request| asked.accepts(&filter::shown(&request.place)));
    list::values_page(call, fitting.map(|request| record::request(&request)).collect())
}

fn by(call: &Call<'_>) -> Result<By, ArmError> {
    Ok(match call.operation.id {
        "Reports_ListByUser" => By::User,
        "Reports_ListByOperation" => By::Operation,
        "Reports_ListByProduct" => By::Product,
        "Reports_ListBySubscription" => By::Subscription,
        "Reports_ListByGeo" => By::Geo,
        "Reports_ListByTime" => By::Time(interval(call)?),
        _ => By::Api,
    })
}

fn interval(call: &Call<'_>) -> Result<i64, ArmError> {
    let given = call.query.get("interval").and_then(IsoDuration::parse);
    let seconds = given.filter(|IsoDuration(given)| given.subsec_nanos() == 0);
    let seconds = seconds.and_then(|IsoDuration(given)| i64::try_from(given.as_secs()).ok());
    seconds.filter(|seconds| *seconds > 0 && seconds % QUARTER == 0).ok_or_else(|| {
        let message = "'interval' must be a duration of 15 minutes or a multiple of them, as in PT15M.";
        ArmError::field("interval", message)
    })
}

impl By {
    /// The record that a row goes into; `None` where it has not what the report names.
    fn key(self, row: &Usage) -> Option<Key> {
        let Place { api, operation, product, user, subscription, region } = row.place.clone();
        let none = Place::default;
        let (place, named) = match self {
            Self::Api => (Place { api: api.clone(), ..none() }, api),
            Self::User => (Place { user: user.clone(), ..none() }, user),
            Self::Operation => (Place { api, operation: operation.clone(), ..none() }, operation),
            Self::Product => (Place { product: product.clone(), ..none() }, product),
            Self::Subscription => {
                (Place { subscription: subscription.clone(), user, product, ..none() }, subscription)
            }
            Self::Geo => return Some((0, Place { region, ..none() })),
            Self::Time(_) => return Some((row.at, none())),
        };
        (!named.is_empty()).then_some((0, place))
    }
}

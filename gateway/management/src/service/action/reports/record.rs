//! Records of reports as answers, and their order.

use std::cmp::Ordering;

use gateway_model::usage::{Figures, LoggedRequest, Place, Spread};
use serde_json::{Map, Value, json};

use super::{By, filter};
use crate::arm_error::ArmError;
use crate::tree::Tree;

/// Members that a report can be ordered by. Clients also call some by another name.
const ORDERED: &[(&str, &str)] = &[
    ("name", "name"),
    ("displayName", "name"),
    ("timestamp", "timestamp"),
    ("callCountSuccess", "callCountSuccess"),
    ("callCountBlocked", "callCountBlocked"),
    ("callCountFailed", "callCountFailed"),
    ("callCountOther", "callCountOther"),
    ("callCountTotal", "callCountTotal"),
    ("bandwidth", "bandwidth"),
    ("cacheHitCount", "cacheHitCount"),
    ("cacheHitsCount", "cacheHitCount"),
    ("cacheMissCount", "cacheMissCount"),
    ("apiTimeAvg", "apiTimeAvg"),
    ("apiTimeMin", "apiTimeMin"),
    ("apiTimeMax", "apiTimeMax"),
    ("serviceTimeAvg", "serviceTimeAvg"),
    ("serviceTimeMin", "serviceTimeMin"),
    ("serviceTimeMax", "serviceTimeMax"),
];

/// `$orderby`: members, each with whether the highest comes first.
pub struct Order(Vec<(&'static str, bool)>);

impl Order {
    /// `callCountTotal desc, name`; nothing leaves the order as it is.
    pub fn parse(text: &str) -> Result<Self, ArmError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parsed = parts.map(|part| {
            let bad = || {
                let message = format!("'{part}' is no member of the report with 'asc' or 'desc' after it.");
                ArmError::field("$orderby", message)
            };
            let (name, direction) = part.split_once(char::is_whitespace).unwrap_or((part, "asc"));
            let known = ORDERED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).ok_or_else(bad)?;
            match direction.trim().to_ascii_lowercase().as_str() {
                "asc" => Ok((known.1, false)),
                "desc" => Ok((known.1, true)),
                _ => Err(bad()),
            }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    pub fn sort(&self, records: &mut [Value]) {
        records.sort_by(|a, b| {
            let orders = self.0.iter().map(|(member, descends)| {
                let order = compare(&a[*member], &b[*member]);
                if *descends { order.reverse() } else { order }
            });
            orders.fold(Ordering::Equal, Ordering::then)
        });
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (a, b) => a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default()),
    }
}

/// A record. Where callers are is not known: `byGeo` has one for each region of gateways, with the caller's place empty.
pub fn shown(by: By, at: i64, place: &Place, figures: &Figures, tree: &Tree) -> Value {
    let mut record = Map::new();
    match by {
        By::Time(step) => {
            record.insert("timestamp".to_owned(), super::super::super::time(at).into());
            record.insert("interval".to_owned(), duration(step).into());
        }
        By::Geo => {
            for member in ["country", "region", "zip"] {
                record.insert(member.to_owned(), Value::Null);
            }
            record.insert("apiRegion".to_owned(), place.region.clone().into());
        }
        _ => {
            record.insert("name".to_owned(), name(by, place, tree).into());
            let Value::Object(ids) = filter::shown(place) else { return Value::Null };
            record.extend(ids.into_iter().filter(|(_, id)| id.as_str().is_some_and(|id| !id.is_empty())));
        }
    }
    let Value::Object(numbers) = numbers(figures) else { return Value::Null };
    record.extend(numbers);
    Value::Object(record)
}

/// What the resource is called now; its id where it is gone.
fn name(by: By, place: &Place, tree: &Tree) -> String {
    let Place { api, operation, product, user, subscription, .. } = place;
    let (path, id) = match by {
        By::Operation => (format!("apis/{api}/operations/{operation}"), operation),
        By::Product => (format!("products/{product}"), product),
        By::User => (format!("users/{user}"), user),
        By::Subscription => (format!("subscriptions/{subscription}"), subscription),
        _ => (format!("apis/{api}"), api),
    };
    let known = tree.get(&path).and_then(|record| match by {
        By::User => {
            let text = |member| record.text(member).unwrap_or_default();
            Some(format!("{} {}", text("firstName"), text("lastName")).trim().to_owned())
        }
        _ => record.text("displayName").map(str::to_owned),
    });
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone())
}

fn numbers(figures: &Figures) -> Value {
    let [api, service] = [&figures.time, &figures.backend].map(milliseconds);
    json!({
        "callCountSuccess": figures.success,
        "callCountBlocked": figures.blocked,
        "callCountFailed": figures.failed,
        "callCountOther": figures.other,
        "callCountTotal": figures.calls(),
        "bandwidth": figures.bytes,
        "cacheHitCount": figures.cache_hits,
        "cacheMissCount": figures.cache_misses,
        "apiTimeAvg": api[0], "apiTimeMin": api[1], "apiTimeMax": api[2],
        "serviceTimeAvg": service[0], "serviceTimeMin": service[1], "serviceTimeMax": service[2],
    })
}

/// Average, shortest and longest.
fn milliseconds(spread: &Spread) -> [f64; 3] {
    let Spread { count, sum, min, max } = *spread;
    if count == 0 {
        return [0.0; 3];
    }
    [as_milliseconds(sum) / count as f64, as_milliseconds(min), as_milliseconds(max)]
}

#[allow(clippy::cast_precision_loss, reason = "a figure of a report")]
fn as_milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// ISO 8601: `PT15M`, `PT6H`, `P1D`.
fn duration(seconds: i64) -> String {
    match seconds {
        days if days % 86_400 == 0 => format!("P{}D", days / 86_400),
        hours if hours % 3_600 == 0 => format!("PT{}H", hours / 3_600),
        other => format!("PT{}M", other / 60),
    }
}

/// A request of the log.
pub fn request(request: &LoggedRequest) -> Value {
    let LoggedRequest { method, url, ip, cache, id, .. } = request;
    let mut shown = filter::shown(&request.place);
    let more = json!({
        "method": method,
        "url": url,
        "ipAddress": ip,
        "backendResponseCode": match request.backend_status {
            0 => Value::Null,
            status => status.to_string().into(),
        },
        "responseCode": request.status,
        "responseSize": request.response_bytes,
        "timestamp": jiff::Timestamp::from_millisecond(request.at).unwrap_or_default().to_string(),
        "cache": cache,
        "apiTime": as_milliseconds(request.time),
        "serviceTime": as_milliseconds(request.backend_time),
        "requestId": id,
        "requestSize": request.request_bytes,
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_takes_members_and_directions_and_nothing_else() {
        let mut records = vec![
            json!({"name": "b", "callCountTotal": 2}),
            json!({"name": "A", "callCountTotal": 10}),
            json!({"name": "c", "callCountTotal": 2}),
        ];
        let mut names = |text: &str| {
            Order::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).sort(&mut records);
            records.iter().filter_map(|record| record["name"].as_str()).collect::<String>()
        };
        assert_eq!(names(""), "bAc");
        assert_eq!(names("callCountTotal desc, name desc"), "Acb");
        assert_eq!(names("DisplayName"), "Abc");
        for bad in ["nothing", "name up", "name asc desc", "apiId; drop"] {
            assert!(Order::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_milliseconds_and_intervals_iso() {
        let mut figures = Figures::default();
        [2_000, 4_000].into_iter().for_each(|micros| {
            figures.count(200);
            figures.time.record(micros);
        });
        let shown = numbers(&figures);
        assert_eq!((&shown["apiTimeAvg"], &shown["apiTimeMin"]), (&json!(3.0), &json!(2.0)));
        assert_eq!(shown["serviceTimeAvg"], json!(0.0));
        assert_eq!([900, 21_600, 86_400, 4_500].map(duration), ["PT15M", "PT6H", "P1D", "PT75M"]);
    }
}

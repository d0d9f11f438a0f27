//! `$filter` of reports: a time, by `timestamp`, and conditions on the place.

use gateway_model::usage::{Place, QUARTER};
use gateway_store::figures::USAGE_DAYS;
use serde_json::{Value, json};

use super::super::super::Call;
use super::super::super::filter::{Filter, Literal, Operator};
use crate::arm_error::ArmError;
use crate::plane::now;

const TIMESTAMP: &str = "timestamp";

/// What is asked for.
pub struct Asked {
    /// Milliseconds since 1970; the end is not in it.
    from: i64,
    to: i64,
    rest: Option<Filter>,
}

impl Asked {
    /// Everything that is kept, where there is no filter.
    pub fn of(call: &Call<'_>) -> Result<Self, ArmError> {
        let now = now();
        let from = (now - USAGE_DAYS * 86_400) * 1_000;
        let mut asked = Self { from, to: (now + 86_400) * 1_000, rest: None };
        if let Some(text) = call.query.get("$filter") {
            let filter = Filter::parse(text, call.operation.filter)?;
            asked.rest = asked.narrow(filter, &call.service_id)?;
        }
        Ok(asked)
    }

    /// Milliseconds of the time, the end not in it.
    pub fn milliseconds(&self) -> (i64, i64) {
        (self.from, self.to)
    }

    /// Begins of the quarters that the time touches, seconds, the end not in it.
    pub fn quarters(&self) -> (i64, i64) {
        (
            self.from.div_euclid(QUARTER * 1_000) * QUARTER,
            self.to.div_euclid(1_000) + i64::from(self.to.rem_euclid(1_000) > 0),
        )
    }

    pub fn accepts(&self, place: &Value) -> bool {
        self.rest.as_ref().is_none_or(|filter| filter.accepts(place))
    }

    /// Takes the conditions on the time out of a filter; what is left asks for places.
    fn narrow(&mut self, filter: Filter, service_id: &str) -> Result<Option<Filter>, ArmError> {
        match filter {
            Filter::And(a, b) => {
                let (a, b) = (self.narrow(*a, service_id)?, self.narrow(*b, service_id)?);
                Ok(match (a, b) {
                    (Some(a), Some(b)) => Some(Filter::And(Box::new(a), Box::new(b))),
                    (a, b) => a.or(b),
                })
            }
            Filter::Compare { field, operator, literal } if is_timestamp(&field) => {
                self.bound(operator, &literal)?;
                Ok(None)
            }
            filter => shortened(filter, service_id).map(Some),
        }
    }

    fn bound(&mut self, operator: Operator, literal: &Literal) -> Result<(), ArmError> {
        let refuse = |message: &str| ArmError::field("$filter", message);
        let time = match literal {
            Literal::Time(time) => Some(*time),
            Literal::Text(text) => text.parse().ok(),
            _ => None,
        };
        let time: jiff::Timestamp = time.ok_or_else(|| {
            refuse("'timestamp' is compared with a time as in datetime'2026-01-31T12:00:00Z'.")
        })?;
        let at = time.as_millisecond();
        match operator {
            Operator::Ge => self.from = self.from.max(at),
            Operator::Gt => self.from = self.from.max(at + 1),
            Operator::Le => self.to = self.to.min(at + 1),
            Operator::Lt => self.to = self.to.min(at),
            Operator::Eq | Operator::Ne => return Err(refuse("'timestamp' has a range: 'ge' and 'le'.")),
        }
        Ok(())
    }
}

fn is_timestamp(field: &[String]) -> bool {
    matches!(field, [name] if name.eq_ignore_ascii_case(TIMESTAMP))
}

/// Ids as reports show them: clients write them as names, short or full.
fn shortened(filter: Filter, service_id: &str) -> Result<Filter, ArmError> {
    let both =
        |a: Filter, b: Filter| Ok::<_, ArmError>((shortened(a, service_id)?, shortened(b, service_id)?));
    Ok(match filter {
        Filter::And(a, b) => {
            let (a, b) = both(*a, *b)?;
            Filter::And(Box::new(a), Box::new(b))
        }
        Filter::Or(a, b) => {
            let (a, b) = both(*a, *b)?;
            Filter::Or(Box::new(a), Box::new(b))
        }
        Filter::Not(inner) => Filter::Not(Box::new(shortened(*inner, service_id)?)),
        Filter::Compare { field, .. } | Filter::Text { field, .. } if is_timestamp(&field) => {
            let message = "Conditions on 'timestamp' are joined with the others by 'and' alone.";
            return Err(ArmError::field("$filter", message));
        }
        Filter::Compare { field, operator, literal: Literal::Text(text) } => {
            let literal = Literal::Text(short(&field, &text, service_id));
            Filter::Compare { field, operator, literal }
        }
        other => other,
    })
}

fn short(field: &[String], text: &str, service_id: &str) -> String {
    let own = service_id.len();
    let is_full = text.get(..own).is_some_and(|start| start.eq_ignore_ascii_case(service_id));
    let text = if is_full { text.get(own..).unwrap_or_default() } else { text };
    let collection = match field.first().map(|name| name.to_ascii_lowercase()).as_deref() {
        Some("apiid") => "/apis/",
        Some("productid") => "/products/",
        Some("userid") => "/users/",
        Some("subscriptionid") => "/subscriptions/",
        _ => return text.to_owned(),
    };
    if text.starts_with('/') { text.to_owned() } else { format!("{collection}{text}") }
}

/// The place of calls as a filter sees it, and as records show it.
pub fn shown(place: &Place) -> Value {
    let id = |collection: &str, name: &str| match name {
        "" => Value::Null,
        name => Value::from(format!("/{collection}/{name}")),
    };
    let operation = match place.operation.as_str() {
        "" => Value::Null,
        operation => Value::from(format!("/apis/{}/operations/{operation}", place.api)),
    };
    json!({
        "apiId": id("apis", &place.api),
        "operationId": operation,
        "productId": id("products", &place.product),
        "userId": id("users", &place.user),
        "subscriptionId": id("subscriptions", &place.subscription),
        "apiRegion": place.region,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/n";

    fn asked(text: &str) -> Result<Asked, ArmError> {
        let mut asked = Asked { from: 0, to: 10_000_000_000_000, rest: None };
        asked.rest = asked.narrow(Filter::parse(text, "")?, SERVICE)?;
        Ok(asked)
    }

    #[test]
    fn time_is_taken_out_and_places_are_compared_in_any_form() {
        let text = "timestamp ge datetime'2026-01-01T00:10:00Z' and timestamp le datetime'2026-01-01T00:20:00Z' \
                    and apiId eq 'Orders'";
        let asked_for = asked(text).expect("a filter");
        let midnight = 1_767_225_600;
        assert_eq!(asked_for.quarters(), (midnight, midnight + 1_201));
        assert_eq!(asked_for.milliseconds(), ((midnight + 600) * 1_000, (midnight + 1_200) * 1_000 + 1));
        let orders = Place { api: "orders".to_owned(), operation: "get".to_owned(), ..Place::default() };
        assert!(asked_for.accepts(&shown(&orders)));
        assert!(!asked_for.accepts(&shown(&Place::default())));
        for (text, fits) in [
            ("apiId eq '/apis/orders' or apiId eq 'x'", true),
            (&*format!("apiId eq '{SERVICE}/apis/orders'"), true),
            ("operationId eq '/apis/orders/operations/get'", true),
            ("not (productId eq null)", false),
            ("userId eq '1'", false),
        ] {
            assert_eq!(asked(text).expect(text).accepts(&shown(&orders)), fits, "{text}");
        }
        for bad in [
            "apiId eq 'x' or timestamp ge datetime'2026-01-01T00:10:00Z'",
            "timestamp ge 5",
            "timestamp eq datetime'2026-01-01T00:10:00Z'",
        ] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}

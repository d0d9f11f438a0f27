//! A [`Host`] made of JSON, in the shape of the repository's expression fixture: for tests and `gateway expression`.

use std::cell::Cell;

use serde_json::Value as Json;

use super::{
    Api, Body, Deployment, Gateway, Group, Host, Identity, LastError, Message, Operation, Product,
    Subscription, UrlParts, User, WhichUrl,
};
use crate::message::ResponseData;
use crate::value::{Cycles, Kind, Value};

/// Why a fixture cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixtureError {
    /// A variable's `$t` is unknown or its `v` does not fit.
    #[error("the variable '{0}' cannot be read")]
    Variable(String),
    /// A text that should be a time is none.
    #[error("'{0}' is not a time")]
    Time(String),
}

/// An exchange read from JSON. Absent parts are null to expressions.
#[derive(Debug, Default)]
pub struct Fixture {
    request_id: String,
    timestamp: i64,
    method: String,
    ip: String,
    url: String,
    original_url: String,
    matched: Vec<(String, String)>,
    request: Lines,
    response: Option<(u16, String, Lines)>,
    variables: Vec<(String, Value)>,
    api: Option<Api>,
    operation: Option<Operation>,
    product: Option<Product>,
    subscription: Option<Subscription>,
    user: Option<User>,
    deployment: Deployment,
    last_error: Option<LastError>,
    traced: std::cell::RefCell<Vec<(String, String)>>,
    kept: std::cell::RefCell<Vec<Cycles>>,
}

#[derive(Debug, Default)]
struct Lines {
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    consumed: Cell<bool>,
}

fn text(json: &Json, name: &str) -> String {
    json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn flag(json: &Json, name: &str) -> bool {
    json.get(name).and_then(Json::as_bool).unwrap_or_default()
}

fn list<T>(json: &Json, name: &str, each: impl Fn(&Json) -> T) -> Vec<T> {
    json.get(name).and_then(Json::as_array).map(|items| items.iter().map(each).collect()).unwrap_or_default()
}

fn part<T>(json: &Json, name: &str, each: impl FnOnce(&Json) -> T) -> Option<T> {
    json.get(name).filter(|v| !v.is_null()).map(each)
}

fn ticks(text: &str) -> Result<i64, FixtureError> {
    super::ticks_of(text).ok_or_else(|| FixtureError::Time(text.to_owned()))
}

fn ticks_of(json: &Json, name: &str) -> Result<Option<i64>, FixtureError> {
    json.get(name).and_then(Json::as_str).map(ticks).transpose()
}

impl Lines {
    fn read(json: &Json) -> Self {
        let mut headers = Vec::new();
        for (name, value) in json.get("headers").and_then(Json::as_object).into_iter().flatten() {
            match value {
                Json::Array(values) => {
                    headers
                        .extend(values.iter().filter_map(Json::as_str).map(|v| (name.clone(), v.to_owned())));
                }
                other => headers.extend(other.as_str().map(|v| (name.clone(), v.to_owned()))),
            }
        }
        let body = json.get("body").and_then(Json::as_str).map(|b| b.as_bytes().to_vec());
        Self { headers, body, consumed: Cell::new(false) }
    }

    fn body(&self) -> Body<'_> {
        match &self.body {
            None => Body::Absent,
            Some(_) if self.consumed.get() => Body::Consumed,
            Some(bytes) => Body::Content(bytes),
        }
    }
}

impl Fixture {
    /// Reads a fixture; unknown names are ignored.
    pub fn parse(json: &Json) -> Result<Self, FixtureError> {
        let empty = Json::Null;
        let request = json.get("request").unwrap_or(&empty);
        let matched = request.get("matched").and_then(Json::as_object);
        let response = part(json, "response", |r| {
            let status = r.get("status").and_then(Json::as_u64).unwrap_or(200) as u16;
            (status, text(r, "reason"), Lines::read(r))
        });
        let mut fixture = Self {
            request_id: text(json, "requestId"),
            timestamp: ticks_of(json, "timestamp")?.unwrap_or_default(),
            method: text(request, "method"),
            ip: text(request, "ip"),
            url: text(request, "url"),
            original_url: text(request, "originalUrl"),
            matched: matched
                .into_iter()
                .flatten()
                .filter_map(|(n, v)| v.as_str().map(|v| (n.clone(), v.to_owned())))
                .collect(),
            request: Lines::read(request),
            response,
            api: part(json, "api", api),
            operation: part(json, "operation", operation),
            product: part(json, "product", product),
            deployment: part(json, "deployment", deployment).unwrap_or_default(),
            last_error: part(json, "lastError", last_error),
            subscription: part(json, "subscription", subscription).transpose()?,
            user: part(json, "user", user).transpose()?,
            ..Self::default()
        };
        for (name, value) in json.get("variables").and_then(Json::as_object).into_iter().flatten() {
            fixture.set_variable(name, value)?;
        }
        Ok(fixture)
    }

    /// Sets a variable from its JSON form.
    pub fn set_variable(&mut self, name: &str, json: &Json) -> Result<(), FixtureError> {
        let value = variable(json).ok_or_else(|| FixtureError::Variable(name.to_owned()))?;
        self.put_variable(name, value);
        Ok(())
    }

    /// Sets a variable to a value, as `set-variable` does.
    pub fn put_variable(&mut self, name: &str, value: Value) {
        self.variables.retain(|(n, _)| n != name);
        self.variables.push((name.to_owned(), value));
    }

    /// What `context.Trace` was called with so far: source and message.
    pub fn traces(&self) -> Vec<(String, String)> {
        self.traced.borrow().clone()
    }
}

fn api(json: &Json) -> Api {
    let names = json.get("keyNames").cloned().unwrap_or_default();
    Api {
        id: text(json, "id"),
        name: text(json, "name"),
        path: text(json, "path"),
        revision: text(json, "revision"),
        version: text(json, "version"),
        is_current_revision: flag(json, "isCurrentRevision"),
        protocols: list(json, "protocols", |p| p.as_str().unwrap_or_default().to_owned()),
        service_url: text(json, "serviceUrl"),
        key_header: text(&names, "header"),
        key_query: text(&names, "query"),
    }
}

fn operation(json: &Json) -> Operation {
    Operation {
        id: text(json, "id"),
        method: text(json, "method"),
        name: text(json, "name"),
        url_template: text(json, "urlTemplate"),
    }
}

fn group(json: &Json) -> Group {
    Group { id: text(json, "id"), name: text(json, "name") }
}

fn product(json: &Json) -> Product {
    Product {
        id: text(json, "id"),
        name: text(json, "name"),
        apis: list(json, "apis", api),
        groups: list(json, "groups", group),
        approval_required: flag(json, "approvalRequired"),
        published: json.get("state").and_then(Json::as_i64) == Some(1),
        subscriptions_limit: json.get("subscriptionLimit").and_then(Json::as_i64).map(|v| v as i32),
        subscription_required: flag(json, "subscriptionRequired"),
    }
}

fn subscription(json: &Json) -> Result<Subscription, FixtureError> {
    Ok(Subscription {
        id: text(json, "id"),
        name: text(json, "name"),
        key: text(json, "key"),
        primary_key: text(json, "primaryKey"),
        secondary_key: text(json, "secondaryKey"),
        created_ticks: ticks_of(json, "createdDate")?.unwrap_or_default(),
        start_ticks: ticks_of(json, "startDate")?,
        end_ticks: ticks_of(json, "endDate")?,
    })
}

fn user(json: &Json) -> Result<User, FixtureError> {
    Ok(User {
        id: text(json, "id"),
        email: text(json, "email"),
        first_name: text(json, "firstName"),
        last_name: text(json, "lastName"),
        note: text(json, "note"),
        groups: list(json, "groups", group),
        identities: list(json, "identities", |i| Identity {
            id: text(i, "id"),
            provider: text(i, "provider"),
        }),
        registration_ticks: ticks_of(json, "registrationDate")?.unwrap_or_default(),
    })
}

fn deployment(json: &Json) -> Deployment {
    let gateway = json.get("gateway").cloned().unwrap_or_default();
    Deployment {
        gateway_id: text(json, "gatewayId"),
        region: text(json, "region"),
        service_id: text(json, "serviceId"),
        service_name: text(json, "serviceName"),
        gateway: Gateway {
            id: text(&gateway, "id"),
            instance_id: text(&gateway, "instanceId"),
            is_managed: flag(&gateway, "isManaged"),
        },
        carbon_intensity: 5,
        ..Deployment::default()
    }
}

fn last_error(json: &Json) -> LastError {
    LastError {
        source: text(json, "source"),
        reason: text(json, "reason"),
        message: text(json, "message"),
        scope: text(json, "scope"),
        section: text(json, "section"),
        path: text(json, "path"),
        policy_id: text(json, "policyId"),
    }
}

/// A variable: plain JSON, or `{"$t": type, "v": value}`.
fn variable(json: &Json) -> Option<Value> {
    use crate::clr::{encoding, guid, time_span::TimeSpan};
    let Some(ty) = json.get("$t").and_then(Json::as_str) else {
        return Some(match json {
            Json::Null => Value::Null,
            Json::Bool(v) => Value::Bool(*v),
            Json::String(text) => Value::str(text),
            Json::Number(n) => match n.as_i64() {
                Some(v) => i32::try_from(v).map_or(Value::I64(v), Value::I32),
                None => Value::F64(n.as_f64()?),
            },
            other => crate::types::json_value(&other.to_string())?,
        });
    };
    let v = json.get("v")?;
    Some(match ty {
        "int" => Value::I32(v.as_i64()? as i32),
        "long" => Value::I64(v.as_i64()?),
        "double" => Value::F64(v.as_f64()?),
        "bool" => Value::Bool(v.as_bool()?),
        "string" => Value::str(v.as_str()?),
        "datetime" => Value::DateTime(ticks(v.as_str()?).ok()?, Kind::Utc),
        "guid" => Value::Guid(guid::parse(v.as_str()?).ok()?),
        "timespan" => Value::TimeSpan(TimeSpan::parse(v.as_str()?).ok()?.0),
        "json" => crate::types::json_value(v.as_str()?)?,
        "xml" => crate::types::xml_value(v.as_str()?, false)?,
        "bytes" => Value::bytes(encoding::from_base64(v.as_str()?).ok()?),
        "response" => {
            let lines = Lines::read(v);
            Value::response(ResponseData {
                status: v.get("status").and_then(Json::as_u64)? as u16,
                reason: text(v, "reason"),
                headers: lines.headers,
                body: lines.body.unwrap_or_default(),
            })
        }
        _ => return None,
    })
}

impl Host for Fixture {
    fn keep(&self, cycles: Cycles) {
        self.kept.borrow_mut().push(cycles);
    }

    fn request_id(&self) -> &str {
        &self.request_id
    }

    fn timestamp_ticks(&self) -> i64 {
        self.timestamp
    }

    fn now_ticks(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        crate::clr::date_time::UNIX_EPOCH_TICKS + (since.as_nanos() / 100) as i64
    }

    fn trace(&self, source: &str, message: &str) {
        self.traced.borrow_mut().push((source.to_owned(), message.to_owned()));
    }

    fn method(&self) -> &str {
        &self.method
    }

    fn ip_address(&self) -> &str {
        &self.ip
    }

    fn url(&self, which: WhichUrl) -> UrlParts<'_> {
        let text = if which == WhichUrl::Current { &self.url } else { &self.original_url };
        let none = UrlParts { scheme: "http", host: "", port: 80, path: "/", query: "" };
        crate::types::split_url(text).unwrap_or(none)
    }

    fn matched_parameter(&self, name: &str) -> Option<&str> {
        self.matched.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn matched_parameters(&self, each: &mut dyn FnMut(&str, &str)) {
        self.matched.iter().for_each(|(n, v)| each(n, v));
    }

    fn response_status(&self) -> Option<(u16, &str)> {
        self.response.as_ref().map(|(status, reason, _)| (*status, reason.as_str()))
    }

    fn header(&self, message: Message, name: &str, each: &mut dyn FnMut(&str)) {
        self.headers(message, &mut |n, v| {
            if n.eq_ignore_ascii_case(name) {
                each(v);
            }
        });
    }

    fn headers(&self, message: Message, each: &mut dyn FnMut(&str, &str)) {
        let lines = match message {
            Message::Request => Some(&self.request),
            Message::Response => self.response.as_ref().map(|(_, _, lines)| lines),
        };
        lines.into_iter().flat_map(|l| &l.headers).for_each(|(n, v)| each(n, v));
    }

    fn body(&self, message: Message) -> Body<'_> {
        match message {
            Message::Request => self.request.body(),
            Message::Response => self.response.as_ref().map_or(Body::Absent, |(_, _, lines)| lines.body()),
        }
    }

    fn consume_body(&self, message: Message) {
        match message {
            Message::Request => self.request.consumed.set(true),
            Message::Response => self.response.iter().for_each(|(_, _, lines)| lines.consumed.set(true)),
        }
    }

    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }

    fn variables(&self, each: &mut dyn FnMut(&str, Value)) {
        self.variables.iter().for_each(|(name, value)| each(name, value.clone()));
    }

    fn api(&self) -> Option<&Api> {
        self.api.as_ref()
    }

    fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    fn product(&self) -> Option<&Product> {
        self.product.as_ref()
    }

    fn subscription(&self) -> Option<&Subscription> {
        self.subscription.as_ref()
    }

    fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn last_error(&self) -> Option<&LastError> {
        self.last_error.as_ref()
    }
}

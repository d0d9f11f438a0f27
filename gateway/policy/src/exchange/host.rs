//! The exchange as expressions see it.

use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gateway_expression::host::{
    Api, Body, Certificate, Deployment, Host, LastError, Message, Operation, Product, Subscription, UrlParts,
    User, WhichUrl,
};
use gateway_expression::{Cycles, Value};

use super::Exchange;
use super::trace::{Severity, TraceEntry};
use crate::message::{self, Headers};

/// 100 ns ticks from 0001-01-01 to 1970-01-01.
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

fn ticks(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH_TICKS + (since.as_nanos() / 100) as i64
}

impl Exchange {
    fn headers_of(&self, message: Message) -> Option<&Headers> {
        match message {
            Message::Request => Some(&self.request.headers),
            Message::Response => self.response.as_ref().map(|response| &response.headers),
        }
    }
}

fn url_parts(url: &message::Url) -> UrlParts<'_> {
    UrlParts {
        scheme: url.scheme.as_str(),
        host: &url.host,
        port: url.port,
        path: &url.path,
        query: &url.query,
    }
}

impl Host for Exchange {
    fn keep(&self, cycles: Cycles) {
        self.kept.get_or_init(Rc::default).borrow_mut().push(cycles);
    }

    fn request_id(&self) -> &str {
        self.id_text()
    }

    fn timestamp_ticks(&self) -> i64 {
        ticks(self.timestamp)
    }

    fn now_ticks(&self) -> i64 {
        // Wall clock at receipt plus monotonic time since: `Elapsed` never runs backwards (C-10).
        ticks(self.timestamp)
            + (Instant::now().saturating_duration_since(self.received).as_nanos() / 100) as i64
    }

    fn trace(&self, source: &str, message: &str) {
        self.trace.add(TraceEntry {
            source: source.into(),
            severity: Severity::default(),
            message: message.to_owned(),
            metadata: Vec::new(),
            elapsed: self.received.elapsed(),
        });
    }

    fn method(&self) -> &str {
        self.request.method.as_str()
    }

    fn original_method(&self) -> &str {
        self.original_method.as_str()
    }

    fn ip_address(&self) -> &str {
        &self.connection.ip
    }

    fn client_certificate(&self) -> Option<&Certificate> {
        self.connection.certificate.as_ref().map(|certificate| &certificate.leaf)
    }

    /// The current URL shows the backend's scheme, host and port, and the path below its base.
    fn url(&self, which: WhichUrl) -> UrlParts<'_> {
        match which {
            WhichUrl::Original => url_parts(&self.original_url),
            WhichUrl::Current => {
                let own = url_parts(&self.request.url);
                match self.destination() {
                    Some(backend) => {
                        UrlParts { path: own.path, query: own.query, ..url_parts(&backend.base) }
                    }
                    None => own,
                }
            }
        }
    }

    fn matched_parameter(&self, name: &str) -> Option<&str> {
        self.matched_parameters.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.as_str())
    }

    fn matched_parameters(&self, each: &mut dyn FnMut(&str, &str)) {
        for (name, value) in &self.matched_parameters {
            each(name, value);
        }
    }

    fn response_status(&self) -> Option<(u16, &str)> {
        self.response.as_ref().map(|response| (response.status, response.reason_text()))
    }

    fn header(&self, message: Message, name: &str, each: &mut dyn FnMut(&str)) {
        let Some(headers) = self.headers_of(message) else { return };
        for value in headers.get_all(name) {
            match std::str::from_utf8(value) {
                Ok(text) => each(text),
                Err(_) => each(&String::from_utf8_lossy(value)),
            }
        }
    }

    fn headers(&self, message: Message, each: &mut dyn FnMut(&str, &str)) {
        let Some(headers) = self.headers_of(message) else { return };
        for (name, value) in headers.iter() {
            each(name, &String::from_utf8_lossy(value));
        }
    }

    fn body(&self, message: Message) -> Body<'_> {
        let (body, consumed) = match message {
            Message::Request => (Some(&self.request.body), self.request_consumed.get()),
            Message::Response => (self.response.as_ref().map(|r| &r.body), self.response_consumed.get()),
        };
        match body {
            None | Some(message::Body::Empty) => Body::Absent,
            Some(message::Body::Bytes(bytes)) if !consumed => Body::Content(bytes),
            // A stream here is one that no `Needs` announced; it cannot be read synchronously.
            Some(_) => Body::Consumed,
        }
    }

    fn consume_body(&self, message: Message) {
        match message {
            Message::Request => self.request_consumed.set(true),
            Message::Response => self.response_consumed.set(true),
        }
    }

    fn variable(&self, name: &str) -> Option<Value> {
        Exchange::variable(self, name).cloned()
    }

    fn variables(&self, each: &mut dyn FnMut(&str, Value)) {
        for (name, value) in &self.variables {
            each(name, value.clone());
        }
    }

    fn has_variable(&self, name: &str) -> bool {
        Exchange::variable(self, name).is_some()
    }

    fn api(&self) -> Option<&Api> {
        self.caller.api.as_deref()
    }

    fn operation(&self) -> Option<&Operation> {
        self.caller.operation.as_deref()
    }

    fn product(&self) -> Option<&Product> {
        self.caller.product.as_deref()
    }

    fn subscription(&self) -> Option<&Subscription> {
        self.caller.subscription.as_deref()
    }

    fn user(&self) -> Option<&User> {
        self.caller.user.as_deref()
    }

    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn graphql(&self) -> Option<(&str, &str)> {
        self.graphql_field.as_ref().map(|field| (field.arguments.as_str(), field.parent.as_str()))
    }

    fn last_error(&self) -> Option<&LastError> {
        self.last_error.as_ref()
    }
}

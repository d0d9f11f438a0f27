//! What a diagnostic lets go to its logger (self-hosted-gateway.md §3.5), and the parts of messages it may ask for.

use std::sync::Arc;

use crate::event::{RequestEvent, Severity, closed};
use crate::export::Sampling;
use crate::redact::{MASK, same_name};

/// Bytes of a body that a diagnostic may ask for.
pub const BODY_BYTES_MAX: usize = 8192;

closed! {
    /// What a logger writes to.
    LoggerKind {
        ApplicationInsights = "applicationInsights",
        AzureMonitor = "azureMonitor",
        EventHub = "azureEventHub",
    }
}

closed! {
    /// How operations are called (`operationNameFormat`).
    OperationName {
        /// `shop;rev=1 - get-items`.
        Name = "Name",
        /// `GET /items/{id}`.
        Url = "Url",
    }
}

/// A compiled diagnostic, or what holds without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub kind: LoggerKind,
    /// Name of the logger; empty without a diagnostic.
    pub logger: Arc<str>,
    pub sampling: Sampling,
    /// Notes of `trace` below it are left out.
    pub verbosity: Severity,
    pub log_client_ip: bool,
    /// Whether `emit-metric` goes there.
    pub metrics: bool,
    pub operation_name: OperationName,
    /// Client's side.
    pub frontend: Side,
    /// Backend's side.
    pub backend: Side,
}

/// What is shown of a request and of its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    pub request: MessageRules,
    pub response: MessageRules,
}

/// What is shown of one message; nothing by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageRules {
    /// Names of fields.
    pub headers: Box<[Box<str>]>,
    /// Bytes of the body, 0–8192.
    pub body_bytes: usize,
    pub header_masks: Box<[Mask]>,
    pub query_masks: Box<[Mask]>,
}

/// A name whose values are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Compared without case and percent-decoded; `*` is any.
    pub name: Box<str>,
    /// The name is not shown either.
    pub hides: bool,
}

impl Mask {
    pub fn holds_for(&self, name: &str) -> bool {
        &*self.name == "*" || same_name(name, &self.name)
    }
}

/// The parts of a message that diagnostics ask for. Secrets are masked already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub headers: Vec<(Box<str>, String)>,
    /// At most as long as the longest that a diagnostic asks for.
    pub body: String,
}

/// Of the four messages of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    pub frontend_request: Message,
    pub frontend_response: Message,
    pub backend_request: Message,
    pub backend_response: Message,
}

impl Messages {
    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        let all =
            [&self.frontend_request, &self.frontend_response, &self.backend_request, &self.backend_response];
        let headers = |message: &Message| -> usize {
            message.headers.iter().map(|(name, value)| name.len() + value.capacity() + 40).sum()
        };
        size_of::<Self>()
            + all.map(|message| message.body.capacity() + headers(message)).iter().sum::<usize>()
    }
}

impl Rules {
    /// What holds without a diagnostic: everything of the event, nothing of the messages.
    pub fn without_diagnostic(kind: LoggerKind, sampling: Sampling) -> Self {
        Self {
            kind,
            logger: Arc::default(),
            sampling,
            verbosity: Severity::Verbose,
            log_client_ip: kind != LoggerKind::ApplicationInsights,
            metrics: true,
            operation_name: OperationName::Name,
            frontend: Side::default(),
            backend: Side::default(),
        }
    }

    /// The operation as [`OperationName`] says; where none was found, method and path.
    pub fn operation_name(&self, event: &RequestEvent<'_>) -> String {
        match (self.operation_name, event.api_id, event.operation_id, event.operation_template) {
            (OperationName::Name, Some(api), Some(operation), _) => {
                [api, ";rev=", event.api_revision.unwrap_or("1"), " - ", operation].concat()
            }
            (OperationName::Url, _, _, Some(template)) => [event.method, " ", template].concat(),
            _ => format!("{} {}", event.method, event.url.target.split('?').next().unwrap_or_default()),
        }
    }
}

impl MessageRules {
    /// The fields to show, in the order the rules name them.
    pub fn headers<'m>(&self, message: &'m Message) -> impl Iterator<Item = (&'m str, &'m str)> {
        message.headers.iter().filter_map(|(name, value)| {
            let wanted = self.headers.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
            let mask = self.header_masks.iter().find(|mask| mask.holds_for(name));
            match mask {
                _ if !wanted => None,
                None => Some((&**name, value.as_str())),
                Some(mask) => (!mask.hides).then_some((&**name, MASK)),
            }
        })
    }

    /// The beginning of the body; `None` when none is wanted or there is none.
    pub fn body<'m>(&self, message: &'m Message) -> Option<&'m str> {
        let end = message.body.floor_char_boundary(self.body_bytes.min(BODY_BYTES_MAX));
        message.body.get(..end).filter(|body| !body.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::Url;

    #[test]
    fn rules_show_what_is_named_and_not_masked() {
        let mask = |name: &str, hides| Mask { name: name.into(), hides };
        let rules = MessageRules {
            headers: ["A", "b", "C"].map(Into::into).into(),
            body_bytes: 3,
            header_masks: [mask("B", false), mask("c", true)].into(),
            query_masks: Box::default(),
        };
        let headers = ["a", "B", "c", "d"].map(|name| (name.into(), "1".to_owned())).into();
        let message = Message { headers, body: "aéé".to_owned() };
        assert_eq!(rules.headers(&message).collect::<Vec<_>>(), [("a", "1"), ("B", "***")]);
        assert_eq!(rules.body(&message), Some("aé"));
        assert_eq!(MessageRules::default().body(&message), None);
    }

    #[test]
    fn operation_is_called_as_the_format_says() {
        let url = Url { scheme: "http", authority: "h", target: "/shop/items/7?x=1" };
        let unknown = RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", url);
        let known = RequestEvent {
            api_id: Some("shop"),
            api_revision: Some("2"),
            operation_id: Some("get-item"),
            operation_template: Some("/items/{id}"),
            ..unknown
        };
        let mut rules = Rules::without_diagnostic(LoggerKind::AzureMonitor, Sampling::default());
        let names = |rules: &Rules| [rules.operation_name(&known), rules.operation_name(&unknown)];
        assert_eq!(names(&rules), ["shop;rev=2 - get-item", "GET /shop/items/7"]);
        rules.operation_name = OperationName::Url;
        assert_eq!(names(&rules), ["GET /items/{id}", "GET /shop/items/7"]);
    }
}

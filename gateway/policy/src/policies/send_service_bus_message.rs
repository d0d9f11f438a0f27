//! `send-service-bus-message` (`policies.md` C 3.4): Azure Service Bus over HTTPS
//! (learn.microsoft.com/rest/api/servicebus/send-message-to-queue).

use std::sync::Arc;
use std::time::Duration;

use super::dapr::segment;
use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::calls::Purpose;
use crate::fault::{Fault, Section};
use crate::message::{Body, Headers, Method, Request, Url, ascii_json};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::{OutboundCall, Ports, TokenRequest};
use crate::xml::Element;

const SOURCE: &str = "send-service-bus-message";
/// What tokens are for.
const RESOURCE: &str = "https://servicebus.azure.net";
const TIMEOUT: Duration = Duration::from_mins(1);

pub static SEND_SERVICE_BUS_MESSAGE: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[
        optional("queue-name", Kind::Text).expression(),
        optional("topic-name", Kind::Text).expression(),
        optional("namespace", Kind::Text).expression(),
        optional("client-id", Kind::Text).expression(),
    ],
    content: Content::Elements(&[
        child(
            "message-properties",
            (0, 1),
            &[],
            Content::Elements(&[child(
                "message-property",
                (0, MANY),
                &[required("name", Kind::Text)],
                Content::Text { expression: true },
            )]),
        ),
        child("payload", (1, 1), &[], Content::Text { expression: true }),
    ]),
    once: false,
    docs: "Sends `payload` as a message to a queue or a topic of Azure Service Bus, over HTTPS, and waits until it is \
           accepted. Exactly one of `queue-name` and `topic-name`; `namespace` is the full host name and required here, as \
           the gateway has no namespace of its own. The gateway's identity, or the user-assigned one of `client-id`, must \
           be a Service Bus Data Sender. Message properties are texts, each in a field of its own. Not accepted: 500, \
           reason ServiceBusMessageNotSent; no token: ManagedIdentityTokenFailed.",
    compile,
};

struct SendServiceBusMessage {
    entity: TextArg,
    namespace: TextArg,
    client_id: Option<TextArg>,
    properties: Vec<(Arc<str>, TextArg)>,
    payload: TextArg,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let (queue, topic) = (c.text(element, "queue-name"), c.text(element, "topic-name"));
    if element.attribute("queue-name").is_some() == element.attribute("topic-name").is_some() {
        let text = "Exactly one of the attributes 'queue-name' and 'topic-name' must be specified.";
        c.error("xsd", element.at, text);
    }
    if element.attribute("namespace").is_none() {
        let text =
            "The attribute 'namespace' is required by this gateway: the full host name of the namespace.";
        c.error("xsd", element.at, text);
    }
    let properties = element.child("message-properties").into_iter().flat_map(Element::elements);
    let properties =
        properties.filter_map(|property| Some((c.literal(property, "name")?, c.content(property)?)));
    let properties: Vec<_> = properties.collect();
    let client_id = c.text(element, "client-id");
    let namespace = c.text(element, "namespace");
    let payload = element.child("payload").and_then(|payload| c.content(payload));
    let policy = SendServiceBusMessage {
        entity: queue.or(topic)?,
        namespace: namespace?,
        client_id,
        properties,
        payload: payload?,
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl SendServiceBusMessage {
    fn url(&self, exchange: &Exchange) -> Result<Url, Fault> {
        let namespace = self.namespace.get(exchange)?;
        let host = namespace.trim().trim_end_matches('/');
        let host = host.split_once("://").map_or(host, |(_, host)| host);
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte)) {
            return Err(Fault::expression(&format!("The namespace '{host}' is no host name.")));
        }
        let entity = self.entity.get(exchange)?;
        // A queue may stand below others.
        let parts = entity.trim().split('/').map(|part| segment(part, "queue or topic"));
        let path = parts.collect::<Result<Vec<_>, _>>()?.join("/");
        Url::parse(&format!("https://{host}/{path}/messages"))
            .map_err(|error| Fault::expression(&format!("The namespace '{host}' is no host name: {error}.")))
    }

    fn headers(&self, token: &str, exchange: &Exchange) -> Result<Headers, Fault> {
        let mut headers = Headers::new();
        let mut set = |name: &str, value: &str| {
            headers.set(name, value.as_bytes()).map_err(|error| Fault::invalid_value(SOURCE, error))
        };
        for (name, value) in &self.properties {
            // A text stands in quotes; without them the service reads a number, a date or true and false.
            let quoted = ascii_json(&serde_json::Value::String(value.get(exchange)?.into_owned()));
            set(name, &quoted)?;
        }
        set("Authorization", &format!("Bearer {token}"))?;
        set("Content-Type", "application/json;charset=utf-8")?;
        Ok(headers)
    }
}

impl WaitingPolicy for SendServiceBusMessage {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let client_id = match &self.client_id {
            Some(id) => Some(id.get(exchange)?.trim().to_owned()).filter(|id| !id.is_empty()),
            None => None,
        };
        let (url, payload) = (self.url(exchange)?, self.payload.get(exchange)?.into_owned());
        let wanted = TokenRequest { resource: RESOURCE.to_owned(), client_id };
        let token = ports.identity().token(&wanted, exchange.fetches()).await;
        let token = token
            .map_err(|error| Fault::internal(SOURCE, "ManagedIdentityTokenFailed", error.to_string()))?;
        let headers = self.headers(&token, exchange)?;
        exchange.settle_bodies();
        exchange.count_call()?;
        let request = Request { method: Method::Post, url, headers, body: Body::from(payload) };
        let call = OutboundCall::new(request, TIMEOUT);
        let answer = exchange.call(Purpose::ServiceBus, call, ports).await;
        let answer = answer.map_err(|error| Fault::internal(SOURCE, error.reason, error.message))?;
        if !(200..300).contains(&answer.status) {
            let text = format!("Service Bus answered {} {}.", answer.status, answer.reason_text());
            return Err(Fault::internal(SOURCE, "ServiceBusMessageNotSent", text));
        }
        Ok(Flow::Continue)
    }
}

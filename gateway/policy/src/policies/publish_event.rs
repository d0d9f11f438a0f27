//! `publish-event` (`policies.md` C 5.4): a resolver's result to those who have subscribed.

use std::sync::Arc;

use serde_json::Value;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, required};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::fault::{Fault, Scope, Section};
use crate::graphql::topic;
use crate::pipeline::{Flow, Needs, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

const SOURCE: &str = "publish-event";

pub static PUBLISH_EVENT: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Outbound],
    attributes: &[],
    content: Content::Elements(&[child(
        "targets",
        (1, 1),
        &[],
        Content::Elements(&[child(
            "graphql-subscription",
            (1, MANY),
            &[required("id", Kind::Text)],
            Content::Empty,
        )]),
    )]),
    once: false,
    docs: "In `http-response` of a resolver: what the response is at this point goes to all who have subscribed to the \
           fields `graphql-subscription` of the schema's Subscription type, on this gateway. Those fields have no resolver. \
           Clients subscribe over WebSocket, as `graphql-transport-ws` or `graphql-ws`, at the address of a GraphQL API \
           that has no backend. A client that is 256 events behind gets an error, and its subscription ends.",
    compile,
};

struct PublishEvent {
    fields: Vec<Arc<str>>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    if c.scope != Scope::Resolver {
        c.error("policy-section", element.at, "Policy is allowed in the 'http-response' of a resolver only.");
        return None;
    }
    let targets = element.child("targets").into_iter().flat_map(Element::elements);
    let fields = targets.filter_map(|target| c.literal(target, "id")).collect();
    c.need(Needs { request_body: false, response_body: true });
    Some(Step::sync(PublishEvent { fields }))
}

impl Policy for PublishEvent {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let body = exchange.response.as_ref().map_or(&[][..], |response| response.body.buffered());
        // What is no JSON is a text, as the field's own value.
        let event: Arc<Value> = Arc::new(match body {
            [] => Value::Null,
            body => serde_json::from_slice(body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned())),
        });
        for field in &self.fields {
            let known =
                exchange.caller.graphql.as_ref().is_some_and(|api| api.schema.has_subscription(field));
            if !known {
                let text = format!("The schema has no subscription '{field}'.");
                return Err(Fault::internal(SOURCE, "SubscriptionNotFound", text));
            }
            ports.publish(&topic(exchange, field), &event);
        }
        Ok(Flow::Continue)
    }
}

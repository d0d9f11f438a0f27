//! `publish-to-dapr` (`policies.md` C 3.5).

use super::dapr::{
    CONTENT_TYPE, IGNORE_ERROR, Message, RESPONSE_VARIABLE, SidecarCall, TEMPLATE, TIMEOUT, segment,
};
use crate::catalogue::{Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static PUBLISH_TO_DAPR: PolicyDef = PolicyDef {
    element: "publish-to-dapr",
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[
        required("topic", Kind::Text).expression(),
        optional("pubsub-name", Kind::Text).expression(),
        IGNORE_ERROR,
        RESPONSE_VARIABLE,
        TIMEOUT,
        TEMPLATE,
        CONTENT_TYPE,
    ],
    content: Content::Template,
    once: false,
    docs: "Publishes its text to a topic through the Dapr sidecar (port: setting `dapr.http.port`). Without \
           `pubsub-name` the topic is `pubsub/topic`. `timeout` 1–240 s, default 5. No answer, or one of 400 and more: \
           on-error (500), unless `ignore-error`; `response-variable-name` is set in both cases, to null where no \
           answer came. `template=\"Liquid\"`: the text is a Liquid template, which sees the message at hand as `body`.",
    compile,
};

struct PublishToDapr {
    topic: TextArg,
    pubsub: Option<TextArg>,
    message: Message,
    call: SidecarCall,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let call = SidecarCall::compile(element, c);
    let (topic, pubsub) = (c.text(element, "topic"), c.text(element, "pubsub-name"));
    if let (Some(topic), None) = (topic.as_ref().and_then(TextArg::literal), &pubsub)
        && split(topic).is_none()
    {
        let text = format!("Without 'pubsub-name' the topic must be 'pubsub/topic', not '{topic}'.");
        c.error("dapr-topic", element.at, text);
    }
    let policy =
        PublishToDapr { topic: topic?, pubsub, message: Message::compile(element, element, c)?, call };
    (c.findings() == before).then(|| Step::waiting(policy))
}

fn split(topic: &str) -> Option<(&str, &str)> {
    topic.split_once('/').filter(|(pubsub, topic)| !pubsub.is_empty() && !topic.is_empty())
}

impl WaitingPolicy for PublishToDapr {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let topic = self.topic.get(exchange)?;
        let path = if let Some(pubsub) = &self.pubsub {
            let pubsub = pubsub.get(exchange)?;
            format!("/v1.0/publish/{}/{}", segment(&pubsub, "pubsub-name")?, segment(&topic, "topic")?)
        } else {
            let (pubsub, topic) = split(&topic)
                .ok_or_else(|| Fault::expression(&format!("The topic '{topic}' is not 'pubsub/topic'.")))?;
            format!("/v1.0/publish/{}/{}", segment(pubsub, "pubsub-name")?, segment(topic, "topic")?)
        };
        let message = self.message.get(exchange)?;
        exchange.settle_bodies();
        self.call.post(path, message, exchange, ports).await?;
        Ok(Flow::Continue)
    }
}

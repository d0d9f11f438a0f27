//! `invoke-dapr-binding` (`policies.md` C 3.5).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::dapr::{
    CONTENT_TYPE, IGNORE_ERROR, Message, RESPONSE_VARIABLE, SidecarCall, TEMPLATE, TIMEOUT, segment,
};
use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static INVOKE_DAPR_BINDING: PolicyDef = PolicyDef {
    element: "invoke-dapr-binding",
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[
        required("name", Kind::Text).expression(),
        optional("operation", Kind::Text),
        IGNORE_ERROR,
        RESPONSE_VARIABLE,
        TIMEOUT,
        TEMPLATE,
        CONTENT_TYPE,
    ],
    content: Content::Elements(&[
        child(
            "metadata",
            (0, 1),
            &[],
            Content::Elements(&[child(
                "item",
                (0, MANY),
                &[required("key", Kind::Text)],
                Content::Text { expression: true },
            )]),
        ),
        child("data", (0, 1), &[], Content::Template),
    ]),
    once: false,
    docs: "Triggers an output binding of the Dapr sidecar (port: setting `dapr.http.port`) with `data`, which is sent as \
           JSON where it is JSON and as a JSON string else, `metadata` and `operation`. `template=\"Liquid\"`: `data` is a \
           Liquid template. Timeout, errors and \
           `response-variable-name` as for `publish-to-dapr`.",
    compile,
};

struct InvokeDaprBinding {
    name: TextArg,
    operation: Option<Arc<str>>,
    metadata: Vec<(Arc<str>, TextArg)>,
    data: Option<Message>,
    call: SidecarCall,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let items = element.child("metadata").into_iter().flat_map(super::super::xml::Element::elements);
    let metadata = items.filter_map(|item| Some((c.literal(item, "key")?, c.content(item)?))).collect();
    let policy = InvokeDaprBinding {
        metadata,
        name: c.text(element, "name")?,
        operation: c.literal(element, "operation"),
        data: element.child("data").and_then(|data| Message::compile(element, data, c)),
        call: SidecarCall::compile(element, c),
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl InvokeDaprBinding {
    fn body(&self, exchange: &Exchange) -> Result<String, Fault> {
        let mut body = Map::new();
        if let Some(data) = &self.data {
            let text = data.get(exchange)?;
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            body.insert("data".to_owned(), value);
        }
        if !self.metadata.is_empty() {
            let mut metadata = Map::new();
            for (key, value) in &self.metadata {
                metadata.insert(key.to_string(), Value::String(value.get(exchange)?.into_owned()));
            }
            body.insert("metadata".to_owned(), Value::Object(metadata));
        }
        if let Some(operation) = &self.operation {
            body.insert("operation".to_owned(), Value::String(operation.to_string()));
        }
        Ok(Value::Object(body).to_string())
    }
}

impl WaitingPolicy for InvokeDaprBinding {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let path = format!("/v1.0/bindings/{}", segment(&self.name.get(exchange)?, "name")?);
        let body = self.body(exchange)?;
        exchange.settle_bodies();
        self.call.post(path, body, exchange, ports).await?;
        Ok(Flow::Continue)
    }
}

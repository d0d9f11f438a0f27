//! `log-to-eventhub` (`policies.md` C 3.3).

use std::sync::Arc;

use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::event_hub::{EventHub, HubEvent, Partition};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static LOG_TO_EVENTHUB: PolicyDef = PolicyDef {
    element: "log-to-eventhub",
    sections: ALL,
    attributes: &[
        required("logger-id", Kind::Text),
        optional("partition-id", Kind::Text),
        optional("partition-key", Kind::Text).expression(),
    ],
    content: Content::Text { expression: true },
    once: false,
    docs: "Sends its text as an event to the event hub of a logger, over HTTPS with a shared access key or a token of the \
           gateway's own identity (`endpointAddress`, `identityClientId`), without waiting; \
           at most one of `partition-id` and `partition-key`. Longer than 200 KB it is cut. Events are gathered for up to \
           200 ms unless the logger's `isBuffered` is false; 10,000 events or 8 MiB wait for each worker, more are dropped. \
           `gateway_event_hub_events_total` counts what became of them.",
    compile,
};

struct LogToEventHub {
    hub: Arc<EventHub>,
    partition: PartitionArg,
    message: TextArg,
}

enum PartitionArg {
    Fixed(Partition),
    Key(TextArg),
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let (id, key) = (c.literal(element, "partition-id"), c.text(element, "partition-key"));
    let partition = match (id, key) {
        (Some(_), Some(_)) => {
            let text = "The attributes 'partition-id' and 'partition-key' exclude each other.";
            c.error("xsd", element.at, text);
            return None;
        }
        (Some(id), None) if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) => {
            c.error("xsd", element.at, format!("The partition-id '{id}' is no number of a partition."));
            return None;
        }
        (Some(id), None) => PartitionArg::Fixed(Partition::Id(id)),
        (None, Some(key)) => PartitionArg::Key(key),
        (None, None) => PartitionArg::Fixed(Partition::Any),
    };
    let logger = element.attribute("logger-id")?;
    let hub = match c.lookup.event_hub(logger.value.trim()) {
        Some(Ok(hub)) => hub,
        Some(Err(error)) => {
            let text = format!("The logger '{}' cannot be used: {error}.", logger.value.trim());
            c.error("logger-invalid", logger.at, text);
            return None;
        }
        None => {
            let text = format!("The logger '{}' does not exist.", logger.value.trim());
            c.error("logger-missing", logger.at, text);
            return None;
        }
    };
    let policy = LogToEventHub { hub, partition, message: c.content(element)? };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for LogToEventHub {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let partition = match &self.partition {
            PartitionArg::Fixed(partition) => partition.clone(),
            PartitionArg::Key(key) => Partition::Key(key.get(exchange)?.into_owned()),
        };
        let message = self.message.get(exchange)?.into_owned();
        ports.log_to_event_hub(&self.hub, HubEvent::new(partition, message));
        Ok(Flow::Continue)
    }
}

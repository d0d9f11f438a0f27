//! Where events go: the metrics always, the log when it is on, and whatever exporter is added.

use std::sync::Arc;
use std::time::Duration;

use crate::event::RequestEvent;
use crate::export::Pipeline;
use crate::lifecycle::Event;
use crate::metrics::{Registry, Shard};
use crate::prometheus::{self, Format};
use crate::usage::UsageMeter;

/// Who this gateway is, as every sink names it.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// Name of the gateway resource.
    pub gateway_id: String,
    /// `region` of records, `Location` of metrics: the gateway's location name.
    pub region: String,
    /// This process among the gateway's instances.
    pub instance_id: String,
    pub version: String,
}

/// Something that takes events. Calls come from the workers: copy what is needed into a bounded queue, count what
/// does not fit, never wait.
pub trait Sink: Send + Sync {
    /// Name in metrics and at the status endpoint.
    fn name(&self) -> &'static str;
    /// Whether it does anything with requests as it is set; default true.
    fn reads_requests(&self) -> bool {
        true
    }
    /// One request has ended on worker `worker`; only for those that read requests.
    fn request(&self, worker: usize, event: &RequestEvent<'_>);
    /// The gateway's state changed.
    fn event(&self, event: &Event<'_>);
    /// The process ends: send what waits, for at most `patience`.
    fn close(&self, patience: Duration);
}

/// The way out of every event; shared by all workers.
pub struct Telemetry {
    registry: Arc<Registry>,
    sinks: Vec<Box<dyn Sink>>,
    pipeline: Option<Arc<Pipeline>>,
    usage: Option<Arc<UsageMeter>>,
    sends_traces: bool,
}

impl Telemetry {
    /// Fans out to the registry and to `sinks`, in that order.
    pub fn new(registry: Arc<Registry>, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { registry, sinks, pipeline: None, usage: None, sends_traces: false }
    }

    /// Names the one of the sinks that leads to collectors, for the thread that runs it.
    #[must_use]
    pub fn with_pipeline(self, pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline: Some(pipeline), ..self }
    }

    /// Says whether an exporter sends traces: then the gateway takes part in its callers' ones.
    #[must_use]
    pub fn with_traces(self, sends_traces: bool) -> Self {
        Self { sends_traces, ..self }
    }

    /// Counts what is used, for a management plane.
    #[must_use]
    pub fn with_usage(self, usage: Option<Arc<UsageMeter>>) -> Self {
        Self { usage, ..self }
    }

    /// What counts for the management plane, where one is told.
    pub fn usage(&self) -> Option<&Arc<UsageMeter>> {
        self.usage.as_ref()
    }

    /// Whether requests carry a trace context to backends.
    pub fn sends_traces(&self) -> bool {
        self.sends_traces
    }

    /// The way to collectors.
    pub fn pipeline(&self) -> Option<&Arc<Pipeline>> {
        self.pipeline.as_ref()
    }

    /// Where labels are interned and the counters read.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Whether anyone beside the metrics reads requests: only then are their texts worth making.
    pub fn reads_requests(&self) -> bool {
        self.sinks.iter().any(|sink| sink.reads_requests())
            || self.usage.as_ref().is_some_and(|usage| usage.reads_requests())
    }

    /// The counters of a worker; keep the reference, or call this each time: both are cheap.
    pub fn shard(&self, worker: usize) -> &Shard {
        self.registry.shard(worker)
    }

    /// One request has ended: call exactly once for each.
    pub fn emit(&self, worker: usize, event: &RequestEvent<'_>) {
        self.registry.shard(worker).record(event);
        self.registry.custom().record(event.metrics);
        if let Some(usage) = &self.usage {
            usage.record(worker, event);
        }
        for sink in self.sinks.iter().filter(|sink| sink.reads_requests()) {
            sink.request(worker, event);
        }
    }

    /// The gateway's state changed.
    pub fn event(&self, event: &Event<'_>) {
        for sink in &self.sinks {
            sink.event(event);
        }
    }

    /// Answer of `/metrics`: content type and body. `accept`: the request's `Accept`.
    pub fn metrics(&self, accept: Option<&str>) -> (&'static str, String) {
        let format = Format::negotiate(accept);
        (format.content_type(), prometheus::render(&self.registry, format))
    }

    /// Gives every sink up to `patience` to send what waits.
    pub fn close(&self, patience: Duration) {
        for sink in &self.sinks {
            sink.close(patience);
        }
    }
}

//! All exporters: the one [`Sink`] that workers meet, and the thread's side of it.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};

use super::inlet::Inlet;
use super::open::{Inlets, OpenBatches};
use super::routes::{Maker, Routes};
use super::{Exporter, Intake, Logger, Outbound, Sampling};
use crate::event::RequestEvent;
use crate::lifecycle::Event;
use crate::metrics::Registry;
use crate::sink::{Instance, Sink, Telemetry};

/// How much may wait for each exporter.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Memory of requests that are not yet encoded; default 16 MiB.
    pub queue_bytes_max: usize,
    /// Memory of payloads; default 16 MiB.
    pub memory_bytes_max: u64,
    /// Where payloads go that do not fit, or that the process leaves behind; `None`: nowhere.
    pub folder: Option<PathBuf>,
    /// Of that folder, for each exporter; default 1 GiB.
    pub disk_bytes_max: u64,
    /// For sending what is left when the process ends; default 2 s.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_bytes_max: 16 << 20,
            memory_bytes_max: 16 << 20,
            folder: None,
            disk_bytes_max: 1 << 30,
            patience: Duration::from_secs(2),
        }
    }
}

/// An exporter to be.
pub struct Spec {
    /// Name in metrics and of its folder.
    pub name: String,
    /// The requests that it takes; `None`: it takes none.
    pub requests: Option<Intake>,
    /// Makes it, on the telemetry thread.
    pub make: Box<dyn FnOnce() -> Box<dyn Exporter> + Send>,
}

/// What the thread is told.
enum Change {
    /// An exporter with its queue; in place of one of the same name.
    Add(Spec, Arc<Inlet>),
    Remove(String),
}

/// The way to all collectors.
pub struct Pipeline {
    limits: Limits,
    registry: Arc<Registry>,
    inlets: ArcSwap<Inlets>,
    open: Arc<OpenBatches>,
    changes: mpsc::UnboundedSender<Change>,
    to_change: Mutex<Option<mpsc::UnboundedReceiver<Change>>>,
    /// Those of the configuration that have an exporter.
    pub(super) loggers: Mutex<Vec<Logger>>,
    stop: watch::Sender<bool>,
    running: Mutex<bool>,
    ended: Condvar,
}

impl Pipeline {
    pub fn new(limits: Limits, registry: Arc<Registry>) -> Arc<Self> {
        let (changes, to_change) = mpsc::unbounded_channel();
        Arc::new(Self {
            limits,
            inlets: ArcSwap::default(),
            open: Arc::new(OpenBatches::new(registry.workers())),
            registry,
            changes,
            to_change: Mutex::new(Some(to_change)),
            loggers: Mutex::default(),
            stop: watch::Sender::new(false),
            running: Mutex::new(false),
            ended: Condvar::new(),
        })
    }

    /// Adds an exporter; it begins when the thread runs.
    pub fn add(&self, spec: Spec) {
        let figures = self.registry.exporters().add(&spec.name);
        let intake = spec.requests.clone().unwrap_or_else(|| Intake::all(Sampling::default()));
        let inlet = Arc::new(Inlet::new(self.limits.queue_bytes_max, intake, figures));
        if spec.requests.is_some() {
            self.inlets.rcu(|inlets| {
                let mut more = Vec::clone(inlets);
                more.push(Arc::clone(&inlet));
                more
            });
        }
        // Refused only behind the end of the thread.
        let _ = self.changes.send(Change::Add(spec, inlet));
    }

    /// Ends an exporter: it sends what it has, and lays down the rest.
    pub fn remove(&self, name: &str) {
        self.inlets.rcu(|inlets| {
            let others = inlets.iter().filter(|inlet| inlet.figures.name() != name);
            others.map(Arc::clone).collect::<Vec<_>>()
        });
        let _ = self.changes.send(Change::Remove(name.to_owned()));
    }

    /// Who this gateway is.
    pub fn instance(&self) -> &Arc<Instance> {
        self.registry.instance()
    }

    /// Works until [`Sink::close`]; to be called once, inside a `LocalSet`.
    pub async fn run(&self, outbound: Rc<dyn Outbound>, telemetry: Arc<Telemetry>) {
        let to_change = self.to_change.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut to_change) = to_change else { return };
        self.set_running(true);
        let mut stopped = self.stop.subscribe();
        let mut routes = Routes::new(Maker {
            limits: self.limits.clone(),
            open: Arc::clone(&self.open),
            outbound,
            telemetry,
        });
        loop {
            let next = tokio::select! {
                next = to_change.recv() => next,
                _ = stopped.wait_for(|stopped| *stopped) => None,
            };
            match next {
                Some(Change::Add(spec, inlet)) => routes.begin(spec, inlet),
                Some(Change::Remove(name)) => routes.end(&name),
                None => break,
            }
        }
        routes.end_all().await;
        // What came meanwhile is counted.
        self.open.hand_on();
        self.set_running(false);
    }

    /// Tells the thread to send what it has and to end.
    pub fn stop(&self) {
        // Nobody listens when the thread never ran.
        let _ = self.stop.send(true);
    }

    fn set_running(&self, running: bool) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
        self.ended.notify_all();
    }
}

impl Sink for Arc<Pipeline> {
    fn name(&self) -> &'static str {
        "exporters"
    }

    fn reads_requests(&self) -> bool {
        !self.inlets.load().is_empty()
    }

    fn request(&self, worker: usize, event: &RequestEvent<'_>) {
        self.open.add(worker, &self.inlets.load(), event);
    }

    fn event(&self, _: &Event<'_>) {}

    fn close(&self, patience: Duration) {
        self.stop();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A second more than the routes take themselves, so that what is left is laid down.
        let patience = patience.max(self.limits.patience) + Duration::from_secs(1);
        drop(self.ended.wait_timeout_while(running, patience, |running| *running));
    }
}

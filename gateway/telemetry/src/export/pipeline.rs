//! All exporters: the one [`Sink`] that workers meet, and the thread's side of it.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use super::backlog::Backlog;
use super::inlet::{Gathered, Inlet};
use super::route::Route;
use super::spill::{self, Spill};
use super::{Exporter, Kept, Outbound, Sampling};
use crate::event::RequestEvent;
use crate::lifecycle::Event;
use crate::metrics::Registry;
use crate::sink::{Sink, Telemetry};

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
    pub requests: Option<Sampling>,
    /// Makes it, on the telemetry thread.
    pub make: Box<dyn FnOnce() -> Box<dyn Exporter> + Send>,
}

/// An exporter on its way to the thread, with its queue.
type Wanted = (Spec, Arc<Inlet>);

/// The way to all collectors.
pub struct Pipeline {
    limits: Limits,
    registry: Arc<Registry>,
    inlets: ArcSwap<Vec<Arc<Inlet>>>,
    wanted: mpsc::UnboundedSender<Wanted>,
    to_make: Mutex<Option<mpsc::UnboundedReceiver<Wanted>>>,
    stop: watch::Sender<bool>,
    running: Mutex<bool>,
    ended: Condvar,
}

impl Pipeline {
    pub fn new(limits: Limits, registry: Arc<Registry>) -> Arc<Self> {
        let (wanted, to_make) = mpsc::unbounded_channel();
        Arc::new(Self {
            limits,
            registry,
            inlets: ArcSwap::default(),
            wanted,
            to_make: Mutex::new(Some(to_make)),
            stop: watch::Sender::new(false),
            running: Mutex::new(false),
            ended: Condvar::new(),
        })
    }

    /// Adds an exporter; it begins when the thread runs.
    pub fn add(&self, spec: Spec) {
        let figures = self.registry.exporters().add(&spec.name);
        let sampling = spec.requests.unwrap_or_default();
        let inlet = Arc::new(Inlet::new(self.limits.queue_bytes_max, sampling, figures));
        if spec.requests.is_some() {
            self.inlets.rcu(|inlets| {
                let mut more = Vec::clone(inlets);
                more.push(Arc::clone(&inlet));
                more
            });
        }
        // Refused only behind the end of the thread.
        let _ = self.wanted.send((spec, inlet));
    }

    /// Works until [`Sink::close`]; to be called once, inside a `LocalSet`.
    pub async fn run(&self, outbound: Rc<dyn Outbound>, telemetry: Arc<Telemetry>) {
        let to_make = self.to_make.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut to_make) = to_make else { return };
        self.set_running(true);
        let mut stopped = self.stop.subscribe();
        let mut routes = JoinSet::new();
        loop {
            let next = tokio::select! {
                next = to_make.recv() => next,
                _ = stopped.wait_for(|stopped| *stopped) => None,
            };
            let Some((spec, inlet)) = next else { break };
            let route = self.route(spec, inlet, &outbound, &telemetry);
            routes.spawn_local(route.run(self.stop.subscribe(), self.limits.patience));
        }
        routes.join_all().await;
        self.set_running(false);
    }

    fn route(
        &self,
        spec: Spec,
        inlet: Arc<Inlet>,
        outbound: &Rc<dyn Outbound>,
        telemetry: &Arc<Telemetry>,
    ) -> Route {
        let spill = self.limits.folder.as_ref().and_then(|root| {
            let folder = spill::folder(root, &spec.name);
            match Spill::open(folder, self.limits.disk_bytes_max) {
                Ok(spill) => Some(spill),
                Err(error) => {
                    let exporter = &spec.name;
                    tracing::error!(event_type = "ExportNotBuffered", exporter, %error, "the folder of telemetry.buffer.folder cannot be used");
                    None
                }
            }
        });
        let backlog = Backlog::new(self.limits.memory_bytes_max, spill, Arc::clone(&inlet.figures));
        Route {
            exporter: (spec.make)(),
            inlet,
            backlog: backlog.into(),
            outbound: Rc::clone(outbound),
            telemetry: Arc::clone(telemetry),
            arrived: Notify::new(),
            pausing: false.into(),
        }
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

    fn request(&self, _worker: usize, event: &RequestEvent<'_>) {
        let mut kept = None;
        for inlet in self.inlets.load().iter() {
            if let Some(sample_rate) = inlet.sampling.rate(event) {
                let request = kept.get_or_insert_with(|| Arc::new(Kept::of(event)));
                inlet.push(Gathered { request: Arc::clone(request), sample_rate });
            }
        }
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

//! The exporters at work, by name: each in a task of its own, one behind the other where they have the same name.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;

use super::backlog::Backlog;
use super::inlet::Inlet;
use super::open::OpenBatches;
use super::route::Route;
use super::spill::{self, Spill};
use super::{Limits, Outbound, Spec};
use crate::sink::Telemetry;

/// What routes are made of.
pub struct Maker {
    pub limits: Limits,
    pub open: Arc<OpenBatches>,
    pub outbound: Rc<dyn Outbound>,
    pub telemetry: Arc<Telemetry>,
}

impl Maker {
    fn route(&self, spec: Spec, inlet: Arc<Inlet>) -> Route {
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
            open: Arc::clone(&self.open),
            inlet,
            backlog: backlog.into(),
            outbound: Rc::clone(&self.outbound),
            telemetry: Arc::clone(&self.telemetry),
            arrived: Notify::new(),
            pausing: false.into(),
        }
    }
}

/// The last one of a name.
struct Running {
    stop: watch::Sender<bool>,
    /// Held by the one that works: the next one opens the folder when the last one has left it.
    turn: Rc<Mutex<()>>,
}

/// All of them.
pub struct Routes {
    maker: Rc<Maker>,
    running: HashMap<String, Running>,
    tasks: JoinSet<()>,
}

impl Routes {
    pub fn new(maker: Maker) -> Self {
        Self { maker: Rc::new(maker), running: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Begins an exporter, behind the end of the one that has its name.
    pub fn begin(&mut self, spec: Spec, inlet: Arc<Inlet>) {
        self.end(&spec.name);
        while self.tasks.try_join_next().is_some() {}
        let turn = self.running.get(&spec.name).map(|last| Rc::clone(&last.turn)).unwrap_or_default();
        let (stop, stopped) = watch::channel(false);
        self.running.insert(spec.name.clone(), Running { stop, turn: Rc::clone(&turn) });
        let maker = Rc::clone(&self.maker);
        self.tasks.spawn_local(async move {
            let _turn = turn.lock().await;
            let patience = maker.limits.patience;
            maker.route(spec, inlet).run(stopped, patience).await;
        });
    }

    /// Tells the exporter of a name to end.
    pub fn end(&self, name: &str) {
        if let Some(last) = self.running.get(name) {
            // Nobody listens when it has ended.
            let _ = last.stop.send(true);
        }
    }

    /// Ends all, and waits for them.
    pub async fn end_all(self) {
        self.running.keys().for_each(|name| self.end(name));
        self.tasks.join_all().await;
    }
}

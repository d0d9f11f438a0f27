//! One exporter at work: gathers, encodes, sends, waits.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::backlog::Backlog;
use super::inlet::Inlet;
use super::open::OpenBatches;
use super::pace::Pace;
use super::{Exporter, Outbound, Payload, Verdict};
use crate::lifecycle::Event;
use crate::metrics::exporters::Outcome;
use crate::sink::Telemetry;

/// What is gathered so long goes out together.
const GATHER: Duration = Duration::from_secs(1);
/// Requests that are encoded before others on the thread have their turn.
const TURN: usize = 512;
/// How often the end is looked for when the process stops.
const END: Duration = Duration::from_millis(5);

/// An exporter and what it works with.
pub struct Route {
    pub exporter: Box<dyn Exporter>,
    pub open: Arc<OpenBatches>,
    pub inlet: Arc<Inlet>,
    pub backlog: RefCell<Backlog>,
    pub outbound: Rc<dyn Outbound>,
    pub telemetry: Arc<Telemetry>,
    /// A payload has arrived in the backlog.
    pub arrived: Notify,
    /// The sender waits after a failure.
    pub pausing: Cell<bool>,
}

impl Route {
    /// Works until told to stop; then sends what it has for at most `patience` and lays the rest down.
    pub async fn run(self, mut stop: watch::Receiver<bool>, patience: Duration) {
        {
            let mut sending = std::pin::pin!(self.send());
            tokio::select! {
                never = &mut sending => match never {},
                () = self.gather(&mut stop) => {}
            }
            let rest = async {
                tokio::select! {
                    never = &mut sending => match never {},
                    () = self.emptied() => {}
                }
            };
            // Late is no error here: what is left is laid down below.
            let _ = timeout(patience, rest).await;
        }
        self.inlet.close();
        self.backlog.borrow_mut().close();
    }

    async fn gather(&self, stop: &mut watch::Receiver<bool>) {
        loop {
            let stopped = tokio::select! {
                () = sleep(GATHER) => false,
                () = self.inlet.pressed.notified() => false,
                _ = stop.wait_for(|stopped| *stopped) => true,
            };
            self.open.hand_on();
            self.encode(stopped).await;
            if stopped {
                return;
            }
        }
    }

    async fn encode(&self, stopped: bool) {
        loop {
            let gathered = self.inlet.take(TURN);
            let last = gathered.len() < TURN;
            let mut payloads = Vec::new();
            let now = self.outbound.now();
            let too_large = self.exporter.encode(&gathered, now, stopped && last, &mut payloads);
            self.inlet.figures.item_ended(Outcome::TooLarge, too_large);
            if !payloads.is_empty() {
                for payload in payloads {
                    self.backlog.borrow_mut().push(payload);
                }
                self.arrived.notify_one();
            }
            if last {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn emptied(&self) {
        while !self.backlog.borrow().is_empty() && !self.pausing.get() {
            sleep(END).await;
        }
    }

    async fn send(&self) -> Infallible {
        let mut pace = Pace::default();
        loop {
            let next = self.backlog.borrow_mut().take(self.outbound.now());
            let Some(payload) = next else {
                self.arrived.notified().await;
                continue;
            };
            let verdict = self.exporter.send(&payload, &*self.outbound).await;
            if let Some(pause) = self.settle(&payload, verdict, &mut pace) {
                self.pausing.set(true);
                sleep(pause).await;
                self.pausing.set(false);
            }
        }
    }

    /// Counts what became of a payload; the pause before the next.
    fn settle(&self, payload: &Payload, verdict: Verdict, pace: &mut Pace) -> Option<Duration> {
        let figures = &self.inlet.figures;
        let mut backlog = self.backlog.borrow_mut();
        match verdict {
            Verdict::Sent => {
                figures.item_ended(Outcome::Sent, payload.items);
                backlog.done();
                pace.reset();
                self.tell(None);
                None
            }
            Verdict::Partly { left, refused, pause } => {
                let kept: u64 = left.iter().map(|payload| payload.items).sum();
                figures.item_ended(Outcome::Refused, refused);
                figures.item_ended(Outcome::Sent, payload.items.saturating_sub(kept + refused));
                let progress = kept < payload.items || left.len() > 1;
                backlog.keep(Some(left));
                if progress && pause.is_none() {
                    return None;
                }
                Some(pace.next(pause))
            }
            Verdict::Later { why, pause } => {
                backlog.keep(None);
                self.tell(Some(&why));
                Some(pace.next(pause))
            }
            Verdict::Refused { why } => {
                figures.item_ended(Outcome::Refused, payload.items);
                backlog.done();
                self.tell(Some(&why));
                None
            }
        }
    }

    /// One line at each change of state.
    fn tell(&self, trouble: Option<&str>) {
        let figures = &self.inlet.figures;
        if figures.set_state(trouble) {
            self.telemetry.event(&Event::LinkState {
                message: trouble.unwrap_or("the sink takes telemetry again"),
                link: figures.name(),
                available: trouble.is_none(),
            });
        }
    }
}

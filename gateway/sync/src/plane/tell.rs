//! What was used, told to the plane for as long as the gateway runs, and once more when it stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{Client, RoundError, Transport};
use crate::protocol::{Report, Reported};

/// Traces are wanted at once: so often is looked for them.
const LOOK: Duration = Duration::from_millis(250);

/// A trace: its id and its text.
pub type Trace = (Box<str>, Arc<str>);

/// Where there is something to tell.
pub trait Telling {
    /// The next report; the one before was taken.
    fn report(&self) -> Option<Report>;

    /// The plane has taken a report.
    fn taken(&self, report: &Report, answer: &Reported);

    /// A trace that the plane has not.
    fn trace(&self) -> Option<Trace>;
}

/// Tells the plane each `pause`, and of traces at once; ends when told to stop, after everything was told or could not be.
pub async fn tell<T: Transport>(
    transport: T,
    gateway: &str,
    pause: Duration,
    source: impl Telling,
    mut stopping: watch::Receiver<bool>,
) {
    let mut teller = Teller { transport, gateway, source, report: None, trace: None };
    let mut next = Instant::now() + pause;
    loop {
        let is_last = tokio::select! {
            () = sleep(LOOK.min(pause)) => false,
            _ = stopping.wait_for(|stopping| *stopping) => true,
        };
        teller.traces().await;
        if is_last || Instant::now() >= next {
            teller.reports().await;
            next = Instant::now() + pause;
        }
        if is_last {
            return;
        }
    }
}

struct Teller<'g, T, S> {
    transport: T,
    gateway: &'g str,
    source: S,
    /// Sent, and not known to be taken: sent again as it is.
    report: Option<Report>,
    trace: Option<Trace>,
}

impl<T: Transport, S: Telling> Teller<'_, T, S> {
    async fn reports(&mut self) {
        while let Some(report) = self.report.take().or_else(|| self.source.report()) {
            match Client::report(&self.transport, self.gateway, &report).await {
                Ok(answer) => self.source.taken(&report, &answer),
                // It was taken; only what was said back is lost.
                Err(RoundError::Unusable(_)) => {}
                Err(error) if is_final(&error) => {
                    tracing::error!(
                        event_type = "ReportRefused",
                        %error,
                        rows = report.usage.len(),
                        "the management plane does not take a report of what was used: its figures are lost"
                    );
                }
                // Rounds tell of a link that is down.
                Err(_) => return self.report = Some(report),
            }
        }
    }

    async fn traces(&mut self) {
        while let Some(trace) = self.trace.take().or_else(|| self.source.trace()) {
            match Client::trace(&self.transport, self.gateway, &trace.0, &trace.1).await {
                Err(error) if !is_final(&error) => return self.trace = Some(trace),
                _ => {}
            }
        }
    }
}

/// Whether the plane will never take it.
fn is_final(error: &RoundError) -> bool {
    matches!(error, RoundError::Status(400 | 413))
}

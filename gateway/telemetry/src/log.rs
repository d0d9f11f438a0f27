//! The process log on stdout: settings, and the handle everyone writes through.

mod bridge;
mod queue;
mod record;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

pub use self::bridge::InstallError;
use self::queue::Queue;
pub use self::queue::Stats;
use self::record::Record;
use crate::event::{Fields, GatewayLogs, RequestEvent, Severity};
use crate::lifecycle::Event;
use crate::sink::{Instance, Sink};

/// Bytes of finished lines that may wait for the output; as many again can be with the writer.
const QUEUE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Settings `telemetry.logs.std`, `….level`, `….color` (self-hosted-gateway.md §1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Default `text`.
    pub std: Std,
    /// Records below are not written; default info.
    pub level: Severity,
    /// Also records of libraries below warning (level `all`); default false.
    pub libraries: bool,
    /// ANSI colours in text; default true.
    pub color: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { std: Std::Text, level: Severity::Info, libraries: false, color: true }
    }
}

/// Form of the lines on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Std {
    None,
    Text,
    Json,
}

/// A setting's value that is not in its list.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{setting}: {value:?} is none of {accepted}")]
pub struct LogSettingError {
    pub setting: &'static str,
    pub value: String,
    pub accepted: &'static str,
}

impl FromStr for Std {
    type Err = LogSettingError;

    fn from_str(value: &str) -> Result<Self, LogSettingError> {
        match value {
            "none" => Ok(Self::None),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogSettingError {
                setting: "telemetry.logs.std",
                value: value.to_owned(),
                accepted: "none, text, json",
            }),
        }
    }
}

impl LogSettings {
    /// Takes a value of `telemetry.logs.std.level`: all, debug, info, warn, error, fatal.
    pub fn set_level(&mut self, value: &str) -> Result<(), LogSettingError> {
        (self.level, self.libraries) = match value {
            "all" => (Severity::Verbose, true),
            "debug" => (Severity::Verbose, false),
            "info" => (Severity::Info, false),
            "warn" => (Severity::Warning, false),
            "error" => (Severity::Error, false),
            "fatal" => (Severity::Fatal, false),
            _ => {
                return Err(LogSettingError {
                    setting: "telemetry.logs.std.level",
                    value: value.to_owned(),
                    accepted: "all, debug, info, warn, error, fatal",
                });
            }
        };
        Ok(())
    }
}

/// The log; clones write to the same output. Writing never waits for the output.
#[derive(Clone)]
pub struct Log {
    settings: LogSettings,
    queue: Arc<Queue>,
    instance: Arc<Instance>,
}

impl Log {
    /// Starts the writer thread on stdout; `None` when `telemetry.logs.std` is `none`.
    ///
    /// # Errors
    /// Stdout cannot be duplicated or the thread not started.
    pub fn stdout(
        settings: LogSettings,
        instance: Arc<Instance>,
        stats: Arc<Stats>,
    ) -> io::Result<Option<Self>> {
        if settings.std == Std::None {
            return Ok(None);
        }
        // Own descriptor: std's stdout has a buffer that could cut a line in two writes.
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Self::start(settings, instance, stats, output).map(Some)
    }

    /// Starts the writer thread on any output; each line is one call of `write`, as far as the output takes it whole.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        settings: LogSettings,
        instance: Arc<Instance>,
        stats: Arc<Stats>,
        output: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(QUEUE_BYTES_MAX, stats));
        let log = Self { settings, queue: Arc::clone(&queue), instance };
        let notice = log.clone();
        let dropped = move |records| {
            let event = Event::LogRecordsDropped { records };
            notice.line(event.severity(), event.event_type(), "gateway", &event)
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || queue.run(output, dropped))?;
        Ok(log)
    }

    /// Whether a record of this severity would be written.
    pub fn writes(&self, severity: Severity) -> bool {
        severity as u8 >= self.settings.level as u8
    }

    /// Writes one record. `source`: the component it comes from.
    pub fn write(&self, severity: Severity, event_type: &str, source: &str, fields: &dyn Fields) {
        if self.writes(severity) {
            self.queue.push(self.line(severity, event_type, source, fields));
        }
    }

    /// Ends the writer once it has written what waits, for at most `patience`; later records are dropped.
    pub fn close(&self, patience: Duration) {
        self.queue.close(patience);
    }

    fn line(&self, severity: Severity, event_type: &str, source: &str, fields: &dyn Fields) -> String {
        Record { severity, time: SystemTime::now(), event_type, source, fields }.line(self.settings)
    }
}

impl Sink for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn request(&self, _worker: usize, event: &RequestEvent<'_>) {
        let record = GatewayLogs { event, region: &self.instance.region };
        self.write(Severity::Info, "GatewayLogs", "gateway", &record);
    }

    fn event(&self, event: &Event<'_>) {
        self.write(event.severity(), event.event_type(), "gateway", event);
    }

    fn close(&self, patience: Duration) {
        Self::close(self, patience);
    }
}

#[cfg(test)]
mod tests;

//! Takes the records of the `tracing` and `log` macros into the process log.
//!
//! Spans are not kept: a record names the request it belongs to by a field of its own.

use std::error::Error;
use std::fmt::{Debug, Display, Write};

use thiserror::Error;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::subscriber::{Interest, SetGlobalDefaultError, Subscriber, set_global_default};
use tracing::{Level, Metadata};

use super::Log;
use crate::event::{Fields, Severity, Value, camel_case};
use crate::redact::{self, Redacted};

/// `eventType` of a record that names none in its field `event_type`.
const EVENT_TYPE_DEFAULT: &str = "Message";

/// Another logger was installed before.
#[derive(Debug, Error)]
pub enum InstallError {
    #[error("a tracing subscriber is installed already")]
    Tracing(#[source] SetGlobalDefaultError),
    #[error("a logger is installed already")]
    Log(#[source] log::SetLoggerError),
}

impl Log {
    /// Makes this log the process's receiver of `tracing` and `log` records.
    pub fn install(&self) -> Result<(), InstallError> {
        set_global_default(self.clone()).map_err(InstallError::Tracing)?;
        log::set_boxed_logger(Box::new(self.clone())).map_err(InstallError::Log)?;
        log::set_max_level(match self.settings.level {
            Severity::Verbose => log::LevelFilter::Trace,
            Severity::Info => log::LevelFilter::Info,
            Severity::Warning => log::LevelFilter::Warn,
            Severity::Error => log::LevelFilter::Error,
            Severity::Fatal => log::LevelFilter::Off,
        });
        Ok(())
    }

    /// Libraries speak of their inner life; below warning they are heard at level `all` only.
    fn hears(&self, severity: Severity, target: &str) -> bool {
        let ours = target.starts_with("gateway");
        self.writes(severity) && (ours || self.settings.libraries || severity >= Severity::Warning)
    }
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Subscriber::enabled(self, metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.hears(severity(*metadata.level()), metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels =
            [LevelFilter::TRACE, LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR, LevelFilter::OFF];
        levels.get(self.settings.level as usize).copied()
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Recorded::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let event_type = fields.event_type.take();
        let event_type = event_type.as_deref().unwrap_or(EVENT_TYPE_DEFAULT);
        self.write(severity(*metadata.level()), event_type, metadata.target(), &fields);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1) // never asked for: spans are not enabled
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl log::Log for Log {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.hears(log_severity(metadata.level()), metadata.target())
    }

    fn log(&self, record: &log::Record<'_>) {
        if log::Log::enabled(self, record.metadata()) {
            let mut fields = Recorded::default();
            fields.push("message", Kept::Text(record.args().to_string()));
            self.write(log_severity(record.level()), EVENT_TYPE_DEFAULT, record.target(), &fields);
        }
    }

    fn flush(&self) {}
}

fn severity(level: Level) -> Severity {
    match level {
        Level::ERROR => Severity::Error,
        Level::WARN => Severity::Warning,
        Level::INFO => Severity::Info,
        Level::DEBUG | Level::TRACE => Severity::Verbose,
    }
}

fn log_severity(level: log::Level) -> Severity {
    match level {
        log::Level::Error => Severity::Error,
        log::Level::Warn => Severity::Warning,
        log::Level::Info => Severity::Info,
        log::Level::Debug | log::Level::Trace => Severity::Verbose,
    }
}

/// Fields of one record, in the order given.
#[derive(Default)]
struct Recorded {
    event_type: Option<String>,
    fields: Vec<(String, Kept)>,
}

enum Kept {
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Number(f64),
    Text(String),
}

impl Recorded {
    fn push(&mut self, name: &str, value: Kept) {
        let value = match value {
            Kept::Text(text) if name == "event_type" => {
                self.event_type = Some(text);
                return;
            }
            _ if redact::is_secret_name(name) => Kept::Text(redact::MASK.to_owned()),
            Kept::Text(text) if name.ends_with("url") || name.ends_with("uri") => {
                Kept::Text(Redacted::text(&text, "").to_string())
            }
            value => value,
        };
        self.fields.push((camel_case(name), value));
    }

    fn text(&mut self, field: &Field, text: &dyn Display) {
        self.push(field.name(), Kept::Text(text.to_string()));
    }
}

impl Visit for Recorded {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field.name(), Kept::Bool(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field.name(), Kept::Integer(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field.name(), Kept::Unsigned(value));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field.name(), Kept::Number(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, &value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format_args!("{value:?}"));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut chain = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let _ = write!(chain, ": {cause}"); // a `String` takes all
            source = cause.source();
        }
        self.text(field, &chain);
    }
}

impl Fields for Recorded {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        for (name, value) in &self.fields {
            let value = match value {
                Kept::Bool(value) => Value::Bool(*value),
                Kept::Integer(value) => Value::Integer(*value),
                Kept::Unsigned(value) => Value::Unsigned(*value),
                Kept::Number(value) => Value::Number(*value),
                Kept::Text(value) => Value::Text(value),
            };
            visit(name, value);
        }
    }
}

//! Log records of the programs become tracing events, target `gateway_datapath::program`.

use log::{Level, Log, Metadata, Record};

/// Takes what aya-log read from the ring buffer.
pub struct ToTracing;

const TARGET: &str = "gateway_datapath::program";

impl Log for ToTracing {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.line().unwrap_or(0);
        let module = record.module_path().unwrap_or("");
        match record.level() {
            Level::Error => tracing::error!(target: TARGET, module, line, "{}", record.args()),
            Level::Warn => tracing::warn!(target: TARGET, module, line, "{}", record.args()),
            Level::Info => tracing::info!(target: TARGET, module, line, "{}", record.args()),
            Level::Debug => tracing::debug!(target: TARGET, module, line, "{}", record.args()),
            Level::Trace => tracing::trace!(target: TARGET, module, line, "{}", record.args()),
        }
    }

    fn flush(&self) {}
}

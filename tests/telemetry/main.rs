//! Telemetry through a whole gateway: every sink gets every request once, with the right fields.

mod application_insights;
mod azure_monitor;
mod calls;
mod collector;
mod collectors;
mod dashboards;
mod diagnostics;
mod everything;
mod journald;
mod local;
mod opentelemetry;
mod outages;
mod status_page;

use std::time::{Duration, Instant};

/// What `ask` gives once it gives something, within half a minute.
fn eventually<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

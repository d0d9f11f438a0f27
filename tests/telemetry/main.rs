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

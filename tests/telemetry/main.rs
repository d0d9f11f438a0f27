//! Telemetry through a whole gateway: every sink gets every request once, with the right fields.

mod application_insights;
mod azure_monitor;
mod collector;
mod dashboards;
mod local;
mod opentelemetry;

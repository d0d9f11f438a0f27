//! Metrics that policies emit during one request, bounded.

use std::sync::Arc;

/// Metrics kept of one request.
const METRICS_MAX: usize = 64;

/// One value of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    pub value: f64,
    pub dimensions: Vec<(Arc<str>, String)>,
}

/// The metrics of a request.
#[derive(Debug, Default)]
pub struct Metrics(Vec<Metric>);

impl Metrics {
    /// Adds a value; beyond the bound it is dropped.
    pub fn add(&mut self, metric: Metric) {
        if self.0.len() < METRICS_MAX {
            self.0.push(metric);
        }
    }

    pub fn list(&self) -> &[Metric] {
        &self.0
    }
}

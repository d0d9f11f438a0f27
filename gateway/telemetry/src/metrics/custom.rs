//! Metrics that policies define (`emit-metric`): sums and counts by namespace, name and dimensions, bounded in number.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::MetricRecord;

/// Combinations of metric and dimension values told apart over the life of the process; more are counted as an
/// overflow and left out (S-05).
const SERIES_MAX: usize = 10_000;

/// Bytes kept of a dimension's value.
const VALUE_BYTES_MAX: usize = 256;

/// All metrics of policies. One lock for all workers: it is taken only by requests that emit.
#[derive(Debug, Default)]
pub struct CustomMetrics {
    series: Mutex<BTreeMap<Key, Total>>,
    overflows: AtomicU64,
}

/// One combination of a metric and the values of its dimensions.
#[derive(Clone, Copy, Debug)]
pub struct CustomSeries<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub dimensions: &'a [(String, String)],
    pub count: u64,
    pub sum: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Name in the exposition; first, so that the series of one family follow each other.
    family: String,
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    count: u64,
    sum: f64,
}

impl CustomMetrics {
    pub fn record(&self, metrics: &[MetricRecord<'_>]) {
        if metrics.is_empty() {
            return;
        }
        let mut series = self.lock();
        for metric in metrics {
            let key = Key::of(metric);
            if series.len() >= SERIES_MAX && !series.contains_key(&key) {
                self.overflows.fetch_add(1, Relaxed);
                continue;
            }
            let total = series.entry(key).or_default();
            total.count += 1;
            total.sum += metric.value;
        }
    }

    pub fn overflows(&self) -> u64 {
        self.overflows.load(Relaxed)
    }

    /// Calls `visit` for each series.
    pub fn each(&self, visit: &mut dyn FnMut(CustomSeries<'_>)) {
        for (Key { namespace, name, dimensions, .. }, Total { count, sum }) in &*self.lock() {
            visit(CustomSeries { namespace, name, dimensions, count: *count, sum: *sum });
        }
    }

    /// The exposition as summaries without quantiles; `escape` writes a label value.
    pub fn render(&self, out: &mut String, escape: fn(&mut String, &str)) {
        let mut last = String::new();
        for (key, total) in &*self.lock() {
            let family = &key.family;
            if *family != last {
                let _ = write!(out, "# HELP {family} Emitted by policies.\n# TYPE {family} summary\n");
                last.clone_from(family);
            }
            let figures = [("count", format!("{}", total.count)), ("sum", format!("{:?}", total.sum))];
            for (suffix, value) in figures {
                let _ = write!(out, "{family}_{suffix}{{namespace=\"");
                escape(out, &key.namespace);
                out.push_str("\",metric=\"");
                escape(out, &key.name);
                for (name, value) in &key.dimensions {
                    let _ = write!(out, "\",{name}=\"");
                    escape(out, value);
                }
                let _ = writeln!(out, "\"}} {value}");
            }
        }
    }

    /// A panic elsewhere leaves whole totals behind.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Total>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn of(metric: &MetricRecord<'_>) -> Self {
        let mut dimensions: Vec<(String, String)> = Vec::with_capacity(metric.dimensions.len());
        for (name, value) in metric.dimensions {
            let mut label = sanitise(name);
            // Two names that Prometheus cannot tell apart, or one that we use ourselves.
            while matches!(&*label, "namespace" | "metric")
                || dimensions.iter().any(|(known, _)| *known == label)
            {
                label.push('_');
            }
            dimensions.push((label, cut(value).to_owned()));
        }
        Self {
            family: format!("gateway_custom_{}", sanitise(metric.name)),
            namespace: cut(metric.namespace).to_owned(),
            name: cut(metric.name).to_owned(),
            dimensions,
        }
    }
}

/// A label or metric name: lower-case letters, digits and `_`.
fn sanitise(name: &str) -> String {
    let mut out: String = cut(name)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() {
        out.insert(0, '_');
    }
    out
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(VALUE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(metrics: &CustomMetrics) -> String {
        let mut out = String::new();
        metrics.render(&mut out, |out, text| out.push_str(&text.replace('"', "\\\"")));
        out
    }

    #[test]
    fn render_families_are_grouped_and_names_made_valid() {
        let metrics = CustomMetrics::default();
        let dimensions = [("API ID", "a\"b"), ("api.id", "2"), ("namespace", "n")];
        for (name, value) in [("Requests!", 1.5), ("Other", 1.0), ("Requests!", 2.0)] {
            metrics.record(&[MetricRecord {
                namespace: "API Management",
                name,
                value,
                dimensions: &dimensions,
            }]);
        }
        let labels = |name| {
            format!(
                r#"{{namespace="API Management",metric="{name}",api_id="a\"b",api_id_="2",namespace_="n"}}"#
            )
        };
        let expected = format!(
            "# HELP gateway_custom_other Emitted by policies.\n# TYPE gateway_custom_other summary\n\
             gateway_custom_other_count{o} 1\ngateway_custom_other_sum{o} 1.0\n\
             # HELP gateway_custom_requests_ Emitted by policies.\n# TYPE gateway_custom_requests_ summary\n\
             gateway_custom_requests__count{r} 2\ngateway_custom_requests__sum{r} 3.5\n",
            o = labels("Other"),
            r = labels("Requests!"),
        );
        assert_eq!(render(&metrics), expected);
    }

    #[test]
    fn record_beyond_the_bound_is_counted_and_left_out() {
        let metrics = CustomMetrics::default();
        for number in 0..SERIES_MAX + 3 {
            let value = format!("{number:06}{}", "x".repeat(400));
            let dimensions = [("user", value.as_str())];
            metrics.record(&[MetricRecord {
                namespace: "n",
                name: "m",
                value: 1.0,
                dimensions: &dimensions,
            }]);
        }
        assert_eq!((metrics.lock().len(), metrics.overflows()), (SERIES_MAX, 3));
        assert!(metrics.lock().keys().all(|key| key.dimensions[0].1.len() == VALUE_BYTES_MAX));
    }
}

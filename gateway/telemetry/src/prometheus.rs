//! Prometheus text exposition 0.0.4 and `OpenMetrics` 1.0.

use std::fmt::Write;

use crate::metrics::table::{Kind, Metric};
use crate::metrics::{Registry, Sample};

/// Which of the two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    /// `OpenMetrics` for those whose `Accept` names it; Prometheus's own text for all others.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let wanted = accept.is_some_and(|accept| {
            accept
                .split(',')
                .any(|range| range.trim().to_ascii_lowercase().starts_with("application/openmetrics-text"))
        });
        if wanted { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics as text.
pub fn render(registry: &Registry, format: Format) -> String {
    let mut text = Text { out: String::with_capacity(16 * 1024), format };
    let mut last = "";
    registry.collect(&mut |metric, labels, sample| {
        if last != metric.name {
            text.head(metric);
            last = metric.name;
        }
        text.sample(metric, labels, sample);
    });
    registry.custom().render(&mut text.out, |out, value| escape(out, value, true));
    if format == Format::OpenMetrics {
        text.out.push_str("# EOF\n");
    }
    text.out
}

struct Text {
    out: String,
    format: Format,
}

impl Text {
    fn head(&mut self, metric: &Metric) {
        let Metric { name, kind, unit, help, .. } = metric;
        // In OpenMetrics a counter's family goes without the `_total` of its sample.
        let family = if self.format == Format::OpenMetrics { name.trim_end_matches("_total") } else { name };
        self.put(format_args!("# HELP {family} "));
        escape(&mut self.out, help, self.format == Format::OpenMetrics);
        self.put(format_args!("\n# TYPE {family} {}\n", kind.as_str()));
        if self.format == Format::OpenMetrics && !unit.is_empty() {
            self.put(format_args!("# UNIT {family} {unit}\n"));
        }
    }

    fn sample(&mut self, metric: &Metric, labels: &[&str], sample: Sample<'_>) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        debug_assert_eq!(metric.kind == Kind::Histogram, matches!(sample, Sample::Histogram { .. }));
        match sample {
            Sample::Count(count) => self.line(metric, "", labels, None, format_args!("{count}")),
            Sample::Number(number) => self.line(metric, "", labels, None, format_args!("{number:?}")),
            Sample::Histogram { bounds, counts, sum_seconds } => {
                let mut below = 0;
                let bounds = bounds.iter().map(|bound| format!("{bound:?}")).chain([String::from("+Inf")]);
                for (bound, count) in bounds.zip(counts) {
                    below += count;
                    self.line(metric, "_bucket", labels, Some(&bound), format_args!("{below}"));
                }
                self.line(metric, "_sum", labels, None, format_args!("{sum_seconds:?}"));
                self.line(metric, "_count", labels, None, format_args!("{below}"));
            }
        }
    }

    fn line(
        &mut self,
        metric: &Metric,
        suffix: &str,
        labels: &[&str],
        bound: Option<&str>,
        value: std::fmt::Arguments<'_>,
    ) {
        self.put(format_args!("{}{suffix}", metric.name));
        let labels = metric.labels.iter().zip(labels).map(|(name, value)| (*name, *value));
        let mut open = '{';
        for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            self.put(format_args!("{open}{name}=\""));
            escape(&mut self.out, value, true);
            self.out.push('"');
            open = ',';
        }
        if open == ',' {
            self.out.push('}');
        }
        self.put(format_args!(" {value}\n"));
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(text); // a `String` takes all
    }
}

/// Backslash and line feed everywhere, quotes where the text is quoted.
fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(character),
        }
    }
}

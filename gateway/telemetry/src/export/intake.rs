//! Which requests an exporter takes, and by what rules: the diagnostics' of the configuration, or the settings'.

use std::sync::Arc;

use super::Sampling;
use crate::diagnostic::{LoggerKind, Rules};
use crate::event::RequestEvent;

/// What an exporter takes.
#[derive(Clone, Debug)]
pub enum Intake {
    /// Every request by these rules, whatever diagnostics say.
    All(Arc<Rules>),
    /// By the rules of the request's diagnostic of the kind, where there is none by these.
    Ruled(Arc<Rules>),
    /// Those without a diagnostic of the kind: it sends them elsewhere.
    Undiagnosed(Arc<Rules>),
    /// Those that a diagnostic sends to the logger of that kind and name.
    Logger(LoggerKind, Arc<str>),
}

impl Intake {
    /// Every request of the sample.
    pub fn all(sampling: Sampling) -> Self {
        Self::All(Arc::new(Rules::without_diagnostic(LoggerKind::AzureMonitor, sampling)))
    }

    /// A sink of the settings, which stands in where the configuration has no diagnostic for it. Azure Monitor is one
    /// sink, so that its diagnostics rule it; loggers of Application Insights are sinks of their own.
    pub fn of_settings(kind: LoggerKind, sampling: Sampling) -> Self {
        let rules = Arc::new(Rules::without_diagnostic(kind, sampling));
        if kind == LoggerKind::ApplicationInsights { Self::Undiagnosed(rules) } else { Self::Ruled(rules) }
    }

    /// The rules under which a request is taken.
    fn rules<'r>(&'r self, event: &'r RequestEvent<'_>) -> Option<&'r Arc<Rules>> {
        let of_kind =
            |kind| event.diagnostics.iter().find(move |diagnostic: &&Arc<Rules>| diagnostic.kind == kind);
        match self {
            Self::All(rules) => Some(rules),
            Self::Ruled(rules) => Some(of_kind(rules.kind).unwrap_or(rules)),
            Self::Undiagnosed(rules) => of_kind(rules.kind).is_none().then_some(rules),
            Self::Logger(kind, name) => event
                .diagnostics
                .iter()
                .find(|diagnostic| diagnostic.kind == *kind && diagnostic.logger == *name),
        }
    }

    /// The rules, where every request is taken at full rate whatever it is.
    pub fn everything(&self) -> Option<&Arc<Rules>> {
        match self {
            Self::All(rules) => Some(rules).filter(|rules| rules.sampling.percentage >= 100.0),
            _ => None,
        }
    }

    /// The rules and the rate under which a request is taken. Rate 0: only its metrics are, which no sampling thins out.
    pub fn take<'r>(&'r self, event: &'r RequestEvent<'_>) -> Option<(&'r Arc<Rules>, f64)> {
        let rules = self.rules(event)?;
        let rate = rules.sampling.rate(event);
        let metrics_only =
            rules.kind == LoggerKind::ApplicationInsights && rules.metrics && !event.metrics.is_empty();
        rate.or(metrics_only.then_some(0.0)).map(|rate| (rules, rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::testing::request;

    fn rules(kind: LoggerKind, logger: &str, percentage: f64) -> Arc<Rules> {
        let sampling = Sampling { percentage, all_errors: false };
        Arc::new(Rules { logger: logger.into(), ..Rules::without_diagnostic(kind, sampling) })
    }

    #[test]
    fn request_goes_where_its_diagnostics_say() {
        let insights = LoggerKind::ApplicationInsights;
        let diagnostics = [
            rules(insights, "a", 100.0),
            rules(insights, "b", 0.0),
            rules(LoggerKind::AzureMonitor, "m", 0.0),
        ];
        let plain = request(200);
        let diagnosed = RequestEvent { diagnostics: &diagnostics, ..plain };
        let everything = Sampling::default();
        for (intake, without, with) in [
            (Intake::all(everything), true, true),
            (Intake::of_settings(insights, everything), true, false),
            (Intake::of_settings(LoggerKind::AzureMonitor, everything), true, false),
            (Intake::of_settings(LoggerKind::EventHub, everything), true, true),
            (Intake::Logger(insights, "a".into()), false, true),
            (Intake::Logger(insights, "b".into()), false, false),
            (Intake::Logger(LoggerKind::EventHub, "a".into()), false, false),
        ] {
            let taken = [&plain, &diagnosed].map(|event| intake.take(event).is_some());
            assert_eq!(taken, [without, with], "{intake:?}");
        }
    }
}

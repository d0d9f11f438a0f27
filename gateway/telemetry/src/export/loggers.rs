//! Exporters of the loggers of the configuration: they come and go with it.

use std::sync::{Arc, PoisonError};

use super::application_insights::{self, ApplicationInsights};
use super::event_hubs::{self, EventHubs};
use super::{Exporter, Intake, Pipeline, Spec};
use crate::diagnostic::LoggerKind;

/// A logger that a diagnostic writes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Logger {
    pub name: Arc<str>,
    pub settings: LoggerSettings,
}

/// Where it writes.
#[derive(Clone, Debug, PartialEq)]
pub enum LoggerSettings {
    ApplicationInsights(application_insights::Settings),
    EventHubs(event_hubs::Settings),
}

impl Logger {
    /// Name in metrics and of its folder: `application-insights:NAME`, `event-hubs:NAME`.
    fn exporter(&self) -> String {
        let kind = match self.settings {
            LoggerSettings::ApplicationInsights(_) => "application-insights",
            LoggerSettings::EventHubs(_) => "event-hubs",
        };
        format!("{kind}:{}", self.name)
    }

    fn kind(&self) -> LoggerKind {
        match self.settings {
            LoggerSettings::ApplicationInsights(_) => LoggerKind::ApplicationInsights,
            LoggerSettings::EventHubs(_) => LoggerKind::EventHub,
        }
    }
}

impl Pipeline {
    /// Has an exporter for each of the loggers and for no other ones. One whose settings have changed is begun anew
    /// behind the end of the old one, which sends what it has.
    pub fn follow(&self, loggers: &[Logger]) {
        let mut known = self.loggers.lock().unwrap_or_else(PoisonError::into_inner);
        for old in known.iter().filter(|old| !loggers.contains(old)) {
            self.remove(&old.exporter());
        }
        for new in loggers.iter().filter(|new| !known.contains(new)) {
            let (settings, instance) = (new.settings.clone(), Arc::clone(self.instance()));
            self.add(Spec {
                name: new.exporter(),
                requests: Some(Intake::Logger(new.kind(), Arc::clone(&new.name))),
                make: Box::new(move || -> Box<dyn Exporter> {
                    match settings {
                        LoggerSettings::ApplicationInsights(settings) => {
                            Box::new(ApplicationInsights::new(settings, &instance))
                        }
                        LoggerSettings::EventHubs(settings) => Box::new(EventHubs::new(&settings, instance)),
                    }
                }),
            });
        }
        known.clear();
        known.extend_from_slice(loggers);
    }
}

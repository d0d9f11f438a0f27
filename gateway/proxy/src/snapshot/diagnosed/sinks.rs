//! Loggers as sinks: what their credentials say.

use std::sync::Arc;

use gateway_model::resource::{Logger as Resource, LoggerType};
use gateway_policy::event_hub::EventHub;
use gateway_telemetry::export::application_insights::{self, ConnectionString};
use gateway_telemetry::export::{Identity, Logger, LoggerSettings};

use crate::ports::event_hubs::exporter_settings;

/// The loggers in use.
#[derive(Default)]
pub struct Sinks {
    pub loggers: Vec<Logger>,
}

impl Sinks {
    /// Adds a logger, unless it is there or, as Azure Monitor, no sink of its own. The error holds no secret.
    pub fn add(
        &mut self,
        logger: &Resource,
        most: usize,
        expand: &dyn Fn(&str) -> String,
    ) -> Result<(), String> {
        let name = logger.id.as_str();
        if self.loggers.iter().any(|known| *known.name == *name) {
            return Ok(());
        }
        let settings = match logger.logger_type {
            LoggerType::ApplicationInsights => {
                LoggerSettings::ApplicationInsights(application_insights(logger, expand)?)
            }
            LoggerType::AzureEventHub => {
                LoggerSettings::EventHubs(exporter_settings(EventHub::of(logger, expand)?))
            }
            LoggerType::AzureMonitor | LoggerType::Other(_) => return Ok(()),
        };
        if self.loggers.len() >= most {
            return Err(format!("{most} loggers are in use, more are not allowed"));
        }
        self.loggers.push(Logger { name: name.into(), settings });
        Ok(())
    }

    /// The application id of a logger's component, if it is known.
    pub fn application(&self, name: &str) -> Option<Arc<str>> {
        let logger = self.loggers.iter().find(|logger| *logger.name == *name)?;
        match &logger.settings {
            LoggerSettings::ApplicationInsights(settings) => settings.connection.application_id.clone(),
            LoggerSettings::EventHubs(_) => None,
        }
    }
}

fn application_insights(
    logger: &Resource,
    expand: &dyn Fn(&str) -> String,
) -> Result<application_insights::Settings, String> {
    let credential = |name: &str| {
        let found = logger.credentials.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| expand(value.expose())).filter(|value| !value.is_empty())
    };
    let text = credential("connectionString").or_else(|| credential("instrumentationKey"));
    let text = text.ok_or("its credentials have neither connectionString nor instrumentationKey")?;
    let connection = ConnectionString::parse(&text)
        .map_err(|error| format!("its connection string cannot be used: {error}"))?;
    let identity = credential("identityClientId").map(|id| match id {
        id if id.eq_ignore_ascii_case("SystemAssigned") => Identity::Own,
        id => Identity::Assigned(id),
    });
    Ok(application_insights::Settings { connection, identity })
}

//! A gateway in this process.

use std::net::SocketAddr;
use std::path::Path;

use gateway::settings::{Given, Settings};
use gateway::{Gateway, telemetry};
use gateway_telemetry::Listener;

use crate::client::{Answer, Client};

/// A running gateway on free ports; stopped when dropped.
pub struct Running {
    gateway: Option<Gateway>,
}

impl Running {
    /// Serves a folder with two workers, without the kernel path and with further settings.
    pub fn start(config: &Path, settings: &[(&str, &str)]) -> Self {
        let folder = [("config.folder", config.to_str().expect("a UTF-8 path"))];
        Self::with(&[&folder, settings].concat())
    }

    /// The same with settings that say where the configuration comes from.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let fixed = [
            ("net.http.address", "127.0.0.1:0"),
            ("net.https.address", "off"),
            ("admin.address", "127.0.0.1:0"),
            ("workers", "2"),
            ("datapath.mode", "off"),
            ("telemetry.logs.std", "none"),
            ("shutdown.delay", "0"),
            ("shutdown.timeout", "2"),
        ];
        let given: Vec<_> = fixed
            .iter()
            .chain(settings)
            .map(|(name, value)| Given { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect();
        let (settings, unknown) = Settings::from_given(&given).expect("good settings");
        assert!(unknown.is_empty(), "{unknown:?}");
        let (telemetry, instance) = telemetry::start(&settings).expect("telemetry");
        let gateway = Gateway::start(settings, telemetry, &instance).expect("a gateway");
        Self { gateway: Some(gateway) }
    }

    fn address(&self, listener: Listener) -> SocketAddr {
        self.gateway.as_ref().and_then(|gateway| gateway.address(listener)).expect("a listener")
    }

    pub fn http(&self) -> SocketAddr {
        self.address(Listener::Http)
    }

    pub fn https(&self) -> SocketAddr {
        self.address(Listener::Https)
    }

    pub fn admin(&self) -> SocketAddr {
        self.address(Listener::Admin)
    }

    /// A connection to the HTTP listener.
    pub fn client(&self) -> Client {
        Client::connect(self.http())
    }

    /// One GET on a connection of its own.
    pub fn get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.client().request("GET", target, headers)
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        Client::connect(self.admin()).request("GET", "/metrics", &[]).text()
    }

    /// Sum of a metric's samples whose labels hold all of `labels`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        self.metrics()
            .lines()
            .filter(|line| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']))
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// The same once it has not changed for a moment: an event is closed just behind its answer.
    pub fn settled(&self, name: &str, labels: &[&str]) -> f64 {
        let mut last = self.metric(name, labels);
        loop {
            std::thread::sleep(std::time::Duration::from_millis(60));
            let now = self.metric(name, labels);
            if now.to_bits() == last.to_bits() {
                return now;
            }
            last = now;
        }
    }

    /// Stops the gateway in an orderly way.
    pub fn stop(mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop();
        }
    }
}

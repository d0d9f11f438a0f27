//! A gateway in this process.

use std::net::SocketAddr;
use std::path::Path;

use gateway::settings::{Given, Settings};
use gateway::{Gateway, telemetry};
use gateway_telemetry::Listener;

use crate::client::{Answer, Client};

/// A gateway with exactly these settings, in the namespaces of the calling thread.
pub fn start_gateway(settings: &[(&str, &str)]) -> Gateway {
    let given: Vec<Given> = settings
        .iter()
        .map(|(name, value)| Given { name: (*name).to_owned(), value: (*value).to_owned() })
        .collect();
    start_with(Settings::from_given(&given).expect("good settings"))
}

/// The same with a settings file, which may change.
pub fn start_gateway_by(file: &Path, settings: &[(&str, &str)]) -> Gateway {
    let assignments: Vec<_> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let gathered = Settings::gather(std::iter::empty(), Some(file.to_owned()), &assignments, &[]);
    start_with(gathered.expect("good settings"))
}

fn start_with((settings, unknown): (Settings, Vec<String>)) -> Gateway {
    assert!(unknown.is_empty(), "{unknown:?}");
    let (telemetry, instance) = telemetry::start(&settings).expect("telemetry");
    Gateway::start(settings, telemetry, &instance).expect("a gateway")
}

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
        Self { gateway: Some(start_gateway(&[&fixed, settings].concat())) }
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

    /// The listener of the only L4 route that has its own.
    pub fn route(&self) -> SocketAddr {
        let routes = self.gateway.as_ref().map(gateway::Gateway::routes).unwrap_or_default();
        let [(_, address)] = routes else { panic!("one route, not {routes:?}") };
        *address
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

    /// True once a metric is exactly that, within a while: what is counted just behind an end that a client sees.
    pub fn comes_to(&self, expected: u32, name: &str, labels: &[&str]) -> bool {
        let begin = std::time::Instant::now();
        while begin.elapsed() < std::time::Duration::from_secs(20) {
            if (self.metric(name, labels) - f64::from(expected)).abs() < 0.5 {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        false
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

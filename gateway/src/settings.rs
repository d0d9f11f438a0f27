//! Settings: one table of dotted names, each with its default, unit and meaning (`design.md` §2).
//!
//! Precedence, highest first: `--set` and flags, `--settings FILE` (TOML), environment (the dotted name, or its
//! upper-case form with `_`). Unknown names warn; a bad value stops the start before any socket is bound.

mod check;
mod export;
mod l4;
mod live;
mod service;
mod sources;
mod table;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gateway_model::Secret;
use gateway_proxy::abuse::AbuseSettings;
use gateway_proxy::ports::identity::IdentitySettings;
use gateway_proxy::redis::RedisSettings;
use gateway_sync::folder::Environment;
use gateway_sync::plane::Pace;
use thiserror::Error;

use crate::mirror::MirrorSettings;
use crate::plane_transport::Endpoint;

pub use export::{ExportSettings, LocalLogSettings};
pub use l4::{L4Settings, Splice};
pub use live::{Changed, Origin, stamp};
pub use service::{Auth, ServiceSettings};
pub use sources::Given;
pub use table::{SETTINGS, SettingDef, help_text};

/// A setting with a value that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("setting {name}: the value {value:?} is not valid: {reason}")]
pub struct SettingError {
    pub name: String,
    pub value: String,
    pub reason: String,
}

/// Where a listener listens, or that it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListenAddress {
    At(SocketAddr),
    #[default]
    Off,
}

impl ListenAddress {
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }
}

/// Everything that can be set, typed. Built from defaults, then changed by each source in turn.
#[derive(Clone, Debug)]
pub struct Settings {
    pub config: ConfigSettings,
    pub net: NetSettings,
    pub identity: IdentitySettings,
    pub workers: WorkerSettings,
    pub datapath: DatapathSettings,
    pub counts: CountSettings,
    pub logs: LogSettings,
    pub export: ExportSettings,
    pub shutdown: ShutdownSettings,
    pub takeover: TakeoverSettings,
    pub management: ManagementSettings,
    /// How policy expressions are compiled, and what each evaluation may spend.
    pub expressions: gateway_expression::Options,
    /// Where changes are read from; `None` = there is no settings file.
    pub origin: Option<Origin>,
}

/// The management plane.
#[derive(Clone, Debug, Default)]
pub struct ManagementSettings {
    pub address: ListenAddress,
    /// SQLite file, or `postgres://…`.
    pub store: String,
    /// Keys of the store; beside it where nothing is said.
    pub key_file: Option<PathBuf>,
    /// A command that prints them instead.
    pub key_command: Option<String>,
    pub static_token: Option<Secret>,
    pub static_token_remote: bool,
    /// Another issuer of tokens, and what its tokens for this plane say as audience.
    pub issuer: Option<String>,
    pub audiences: Vec<String>,
    /// TLS on loopback addresses as well.
    pub tls: bool,
    /// Chain and key of the listener, PEM; self-signed where there is none.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// More names of the self-signed one.
    pub names: Vec<String>,
    pub subscription: String,
    pub resource_group: String,
    pub service: String,
    /// Service that is mirrored; `None`: this one is written itself.
    pub mirror_service: Option<Endpoint>,
    pub mirror_token: Option<Secret>,
    pub mirror_interval: Duration,
    pub vault: VaultSettings,
}

/// Key vaults that the management plane reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultSettings {
    /// What the names of vaults end with.
    pub suffix: String,
    /// Where all of them are asked instead, with their name as the first segment of the path.
    pub endpoint: Option<String>,
}

impl Default for VaultSettings {
    fn default() -> Self {
        Self { suffix: "vault.azure.net".to_owned(), endpoint: None }
    }
}

impl ManagementSettings {
    /// What is mirrored, if anything.
    pub fn mirror(&self) -> Option<MirrorSettings> {
        Some(MirrorSettings {
            service: self.mirror_service.clone()?,
            token: self.mirror_token.clone().unwrap_or_else(|| String::new().into()),
            interval: self.mirror_interval,
        })
    }
}

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub struct ConfigSettings {
    pub folder: Option<PathBuf>,
    pub overrides: Option<PathBuf>,
    pub secrets: Option<PathBuf>,
    /// Name of the gateway resource whose APIs are served; all APIs when it has no list.
    pub gateway: Option<String>,
    /// Location name of telemetry.
    pub location: String,
    /// Where tokens and secrets of the folder are looked up; the process's own.
    pub environment: Environment,
    pub service: ServiceSettings,
}

/// Listeners and the limits of what comes in by them.
#[derive(Clone, Debug)]
pub struct NetSettings {
    pub http: ListenAddress,
    pub https: ListenAddress,
    pub admin: ListenAddress,
    pub forwarded_proto: bool,
    pub dapr_port: u16,
    pub connections_max: Option<usize>,
    /// Limits on clients; the connections are capped by `connections_max`.
    pub downstream: gateway_proxy::downstream::Settings,
    pub tls_certificates: Option<PathBuf>,
    /// More roots for backends, PEM.
    pub backend_roots: Option<PathBuf>,
    /// Authorities of client certificates, PEM.
    pub client_roots: Option<PathBuf>,
    /// Revocation lists for them, PEM.
    pub client_crls: Option<PathBuf>,
    pub request_buffer_bytes_max: u64,
    /// Of all messages together.
    pub buffer_bytes_max: u64,
    pub trusted_proxies: Vec<gateway_proxy::upstream::Network>,
    /// Link-local networks that policies may call all the same.
    pub allowed_networks: Vec<gateway_proxy::upstream::Network>,
    pub l4: L4Settings,
}

/// Threads.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerSettings {
    /// 0 = one a core.
    pub count: usize,
    pub pin: Pin,
}

/// Whether each worker stays on its core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// When there is a core for each worker.
    Auto,
    On,
    Off,
}

/// The kernel path.
#[derive(Clone, Debug, PartialEq)]
pub struct DatapathSettings {
    pub mode: gateway_datapath::Mode,
    pub interfaces: Vec<String>,
    pub xdp: gateway_datapath::Ingress,
    pub steering: gateway_datapath::Steering,
    /// More addresses and ports of the HTTP listener, steered to it without a bind.
    pub http_bindings: Vec<gateway_datapath::Binding>,
    pub https_bindings: Vec<gateway_datapath::Binding>,
    /// Whose packets are dropped.
    pub shed: gateway_datapath::ShedSettings,
    /// SYNs are answered with cookies while a queue overflows.
    pub cookies: bool,
    /// A second.
    pub cookies_max: u32,
    /// Virtual addresses, shared out over members; and balancers whose packets are unpacked.
    pub balance: gateway_datapath::BalanceSettings,
    /// Address filters of the global scope are applied there, too.
    pub policies: bool,
    /// Whom the proxy reports to it.
    pub feedback: AbuseSettings,
    pub statistics: bool,
    /// Log records of the programs.
    pub log: bool,
    pub splice: Splice,
}

/// Counters, quotas and caches.
#[derive(Clone, Debug, PartialEq)]
pub struct CountSettings {
    /// Where counts outlive the process.
    pub folder: Option<PathBuf>,
    /// Redis server that gateways share their counts through.
    pub redis: Option<Arc<RedisSettings>>,
    /// Of the built-in cache.
    pub cache_bytes_max: u64,
    pub neighborhood: NeighborhoodSettings,
}

/// Gateways that tell each other what they count.
#[derive(Clone, Debug, PartialEq)]
pub struct NeighborhoodSettings {
    /// Names or addresses of all instances; none = they do not.
    pub host: Option<String>,
    /// Own address of the two ports.
    pub address: IpAddr,
    pub heartbeat_port: u16,
    pub counter_port: u16,
    /// What they have in common.
    pub secret: Option<Secret>,
}

/// The process log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSettings {
    pub std: gateway_telemetry::Std,
    /// One of the names of `telemetry.logs.std.level`.
    pub level: String,
    pub color: bool,
    /// Beside standard output.
    pub local: LocalLogSettings,
}

/// The way down.
#[derive(Clone, Debug, PartialEq)]
pub struct ShutdownSettings {
    /// Between "not ready" and closing the listeners.
    pub delay: Duration,
    /// For requests in flight.
    pub timeout: Duration,
}

/// From one process to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TakeoverSettings {
    /// Where a successor asks; none = there is no hand-over.
    pub socket: Option<PathBuf>,
    /// Take over from the gateway that runs (flag `--takeover`).
    pub asked: bool,
}

impl LogSettings {
    /// A place for the table's defaults.
    fn none() -> Self {
        let local = LocalLogSettings::default();
        Self { std: gateway_telemetry::Std::None, level: String::new(), color: false, local }
    }
}

impl DatapathSettings {
    /// A place for the table's defaults.
    fn none() -> Self {
        Self {
            mode: gateway_datapath::Mode::Off,
            interfaces: Vec::new(),
            xdp: gateway_datapath::Ingress::Off,
            steering: gateway_datapath::Steering::Auto,
            http_bindings: Vec::new(),
            https_bindings: Vec::new(),
            shed: gateway_datapath::ShedSettings::default(),
            cookies: false,
            cookies_max: 0,
            balance: gateway_datapath::BalanceSettings::default(),
            policies: false,
            feedback: AbuseSettings { misdeeds: Vec::new(), strikes: 0, window: Duration::ZERO },
            statistics: false,
            log: false,
            splice: Splice::default(),
        }
    }
}

impl Default for Settings {
    // The defaults stand in the table, once; this is only a place to put them.
    fn default() -> Self {
        let mut settings = Self {
            config: ConfigSettings {
                folder: None,
                overrides: None,
                secrets: None,
                gateway: None,
                location: String::new(),
                environment: Environment::process(),
                service: ServiceSettings {
                    endpoint: None,
                    auth: None,
                    application: IdentitySettings::default(),
                    audience: String::new(),
                    validate_certificate: true,
                    timeout: Duration::ZERO,
                    pace: Pace { pause: Duration::ZERO, wait: Duration::ZERO, heartbeat: Duration::ZERO },
                    report: Duration::ZERO,
                    report_requests: 0,
                    backup: None,
                },
            },
            net: NetSettings {
                http: ListenAddress::Off,
                https: ListenAddress::Off,
                admin: ListenAddress::Off,
                forwarded_proto: false,
                dapr_port: 3500,
                connections_max: None,
                downstream: gateway_proxy::downstream::Settings::default(),
                tls_certificates: None,
                backend_roots: None,
                client_roots: None,
                client_crls: None,
                request_buffer_bytes_max: 0,
                buffer_bytes_max: 0,
                trusted_proxies: Vec::new(),
                allowed_networks: Vec::new(),
                l4: L4Settings::default(),
            },
            identity: IdentitySettings::default(),
            workers: WorkerSettings { count: 0, pin: Pin::Auto },
            datapath: DatapathSettings::none(),
            counts: CountSettings {
                folder: None,
                redis: None,
                cache_bytes_max: 0,
                neighborhood: NeighborhoodSettings {
                    host: None,
                    address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                    heartbeat_port: 0,
                    counter_port: 0,
                    secret: None,
                },
            },
            logs: LogSettings::none(),
            export: ExportSettings::default(),
            shutdown: ShutdownSettings { delay: Duration::ZERO, timeout: Duration::ZERO },
            takeover: TakeoverSettings::default(),
            management: ManagementSettings::default(),
            expressions: gateway_expression::Options::default(),
            origin: None,
        };
        for def in SETTINGS {
            if let Err(reason) = (def.apply)(&mut settings, def.default) {
                unreachable!("the default of {} is valid: {reason}", def.name);
            }
        }
        settings
    }
}

impl Settings {
    /// Applies what the sources gave, lowest precedence first. All mistakes at once; unknown names come back.
    pub fn from_given(given: &[Given]) -> Result<(Self, Vec<String>), Vec<SettingError>> {
        let mut settings = Self::default();
        let mut unknown = Vec::new();
        let mut errors = Vec::new();
        for Given { name, value } in given {
            let Some(def) = SETTINGS.iter().find(|def| def.name == name) else {
                unknown.push(name.clone());
                continue;
            };
            if let Err(reason) = (def.apply)(&mut settings, value.trim()) {
                let value = if def.secret { "***".to_owned() } else { value.clone() };
                errors.push(SettingError { name: name.clone(), value, reason });
            }
        }
        if errors.is_empty() { Ok((settings, unknown)) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Vec<Given> {
        pairs.iter().map(|(n, v)| Given { name: (*n).to_owned(), value: (*v).to_owned() }).collect()
    }

    #[test]
    fn settings_have_a_name_each() {
        let mut names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn default_is_what_the_design_says() {
        let settings = Settings::default();
        assert_eq!(settings.net.http, ListenAddress::At("[::]:8080".parse().unwrap()));
        assert_eq!(settings.net.admin, ListenAddress::At("127.0.0.1:9090".parse().unwrap()));
        assert_eq!(settings.shutdown.timeout, Duration::from_secs(30));
    }

    #[test]
    fn from_given_later_sources_win_and_unknown_names_come_back() {
        let list = given(&[("workers", "2"), ("no.such", "x"), ("workers", "3")]);
        let (settings, unknown) = Settings::from_given(&list).unwrap();
        assert_eq!(settings.workers.count, 3);
        assert_eq!(unknown, ["no.such"]);
    }

    #[test]
    fn from_given_bad_values_are_all_named() {
        let errors =
            Settings::from_given(&given(&[("workers", "x"), ("net.http.address", "nowhere")])).unwrap_err();
        let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 2);
        assert!(text[0].contains("workers") && text[0].contains("\"x\""), "{text:?}");
        assert!(text[1].contains("ADDR:PORT"), "{text:?}");
    }
}

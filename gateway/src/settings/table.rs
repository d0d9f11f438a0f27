// tidy: table
//! The table of settings.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use gateway_datapath::Binding;
use gateway_proxy::abuse::Misdeed;
use gateway_proxy::downstream::l4::RouteTable;
use gateway_proxy::redis::RedisSettings;
use gateway_proxy::upstream::Network;
use gateway_sync::protocol::{REQUESTS_MAX, Token, WAIT_SECONDS_MAX};
use gateway_telemetry::Buckets;
use gateway_telemetry::export::application_insights::ConnectionString;

use super::export;
use super::{Auth, ListenAddress, Pin, Settings};
use crate::plane_transport::Endpoint;

/// One setting.
pub struct SettingDef {
    /// Dotted name.
    pub name: &'static str,
    /// Default, in the form a user would write.
    pub default: &'static str,
    /// Unit, or the values it takes.
    pub unit: &'static str,
    pub help: &'static str,
    /// Never shown in errors.
    pub secret: bool,
    /// Reads a value; the reason when it cannot be.
    pub apply: fn(&mut Settings, &str) -> Result<(), String>,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    unit: &'static str,
    help: &'static str,
    apply: fn(&mut Settings, &str) -> Result<(), String>,
) -> SettingDef {
    SettingDef { name, default, unit, help, secret: false, apply }
}

/// A setting whose value is never shown; it has no default.
const fn secret(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    apply: fn(&mut Settings, &str) -> Result<(), String>,
) -> SettingDef {
    SettingDef { name, default: "", unit, help, secret: true, apply }
}

/// Every setting there is.
pub const SETTINGS: &[SettingDef] = &[
    setting("config.folder", "", "path", "APIOps folder to serve (flag --config)", |s, v| {
        s.config.folder = path(v);
        Ok(())
    }),
    setting("config.overrides", "", "path", "configuration.<env>.yaml, laid over the folder", |s, v| {
        s.config.overrides = path(v);
        Ok(())
    }),
    setting(
        "config.secrets",
        "",
        "path",
        "folder of files with the secrets that the configuration leaves out",
        |s, v| {
            s.config.secrets = path(v);
            Ok(())
        },
    ),
    setting(
        "config.service.endpoint",
        "",
        "URL",
        "management plane that the configuration comes from",
        |s, v| {
            s.config.service.endpoint = text(v).map(|text| Endpoint::parse(&text)).transpose()?;
            Ok(())
        },
    ),
    secret(
        "config.service.auth",
        "GatewayKey and a token, azureAdApp or workloadIdentity",
        "how the gateway shows the plane who it is",
        |s, v| {
            s.config.service.auth = match v {
                "" => None,
                "azureAdApp" => Some(Auth::Application),
                "workloadIdentity" => Some(Auth::Workload),
                _ if v.starts_with("GatewayKey") && Token::parse(v).is_some() => Some(Auth::Token(v.into())),
                _ => {
                    let expected =
                        "GatewayKey and a token of the management plane, azureAdApp or workloadIdentity";
                    return Err(format!("{expected} is expected"));
                }
            };
            Ok(())
        },
    ),
    setting(
        "config.service.auth.azureAd.tenantId",
        "",
        "name or GUID",
        "tenant of the application",
        |s, v| {
            s.config.service.application.tenant = text(v);
            Ok(())
        },
    ),
    setting("config.service.auth.azureAd.clientId", "", "GUID", "id of the application", |s, v| {
        s.config.service.application.client_id = text(v);
        Ok(())
    }),
    secret("config.service.auth.azureAd.clientSecret", "text", "secret of the application", |s, v| {
        s.config.service.application.client_secret = text(v).map(Into::into);
        Ok(())
    }),
    setting(
        "config.service.auth.azureAd.certificatePath",
        "",
        "path",
        "PEM file with the application's certificate and RSA key, instead of a secret",
        |s, v| {
            s.config.service.application.client_certificate = path(v);
            Ok(())
        },
    ),
    setting(
        "config.service.auth.azureAd.authority",
        "https://login.microsoftonline.com",
        "URL",
        "token service of the application",
        |s, v| {
            v.clone_into(&mut s.config.service.application.authority);
            Ok(())
        },
    ),
    setting(
        "config.service.auth.tokenAudience",
        "https://azure-api.net/configuration",
        "URL",
        "what the token for the plane is asked for",
        |s, v| {
            v.clone_into(&mut s.config.service.audience);
            Ok(())
        },
    ),
    setting(
        "config.service.endpoint.disableCertificateValidation",
        "false",
        "true or false",
        "do not check who the plane is; for tests",
        |s, v| {
            s.config.service.validate_certificate = !boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "config.service.integration.timeout",
        "00:00:10",
        "seconds or hh:mm:ss",
        "until the plane begins to answer, beyond what it was asked to wait",
        |s, v| {
            s.config.service.timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "config.service.poll",
        "10",
        "seconds",
        "from the end of a round with the plane to the next",
        |s, v| {
            s.config.service.pace.pause = seconds(v)?.max(Duration::from_millis(100));
            Ok(())
        },
    ),
    setting(
        "config.service.wait",
        "25",
        "seconds, at most 55",
        "how long the plane may hold a round until something changes; 0: it is only polled",
        |s, v| {
            s.config.service.pace.wait = seconds(v)?.min(Duration::from_secs(WAIT_SECONDS_MAX));
            Ok(())
        },
    ),
    setting("config.service.heartbeat", "60", "seconds", "between two heartbeats to the plane", |s, v| {
        s.config.service.pace.heartbeat = seconds(v)?.max(Duration::from_millis(100));
        Ok(())
    }),
    setting(
        "config.service.report",
        "30",
        "seconds",
        "between two reports of what was used to the plane (figures, quotas, requests); 0: none, and quotas are this gateway's",
        |s, v| {
            s.config.service.report = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "config.service.report.requests",
        "100",
        "count, at most 100",
        "requests that a report tells of one by one: the first of its time",
        |s, v| {
            s.config.service.report_requests = number::<usize>(v)?.min(REQUESTS_MAX);
            Ok(())
        },
    ),
    setting(
        "config.backup.folder",
        "",
        "path",
        "where the plane's configuration is kept, sealed, so that the gateway can start without the plane",
        |s, v| {
            s.config.service.backup = path(v);
            Ok(())
        },
    ),
    setting("gateway.name", "", "name", "gateway resource whose APIs are served; empty = all", |s, v| {
        s.config.gateway = text(v);
        Ok(())
    }),
    setting("gateway.location", "", "name", "location name shown in telemetry", |s, v| {
        v.clone_into(&mut s.config.location);
        Ok(())
    }),
    setting("net.http.address", "[::]:8080", "ADDR:PORT or off", "HTTP listener (flag --http)", |s, v| {
        s.net.http = listen(v)?;
        Ok(())
    }),
    setting("net.https.address", "[::]:8081", "ADDR:PORT or off", "HTTPS listener (flag --https)", |s, v| {
        s.net.https = listen(v)?;
        Ok(())
    }),
    setting(
        "admin.address",
        "127.0.0.1:9090",
        "ADDR:PORT or off",
        "metrics, health and status (flag --admin)",
        |s, v| {
            s.net.admin = listen(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.forwarded.proto.enabled",
        "false",
        "true or false",
        "trust X-Forwarded-Proto when an API's scheme is matched",
        |s, v| {
            s.net.forwarded_proto = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.trusted-proxies",
        "",
        "addresses, comma-separated",
        "peers whose X-Forwarded-* fields are kept",
        |s, v| {
            s.net.trusted_proxies = networks(v)?;
            Ok(())
        },
    ),
    setting(
        "policy.send-request.allowed-networks",
        "",
        "addresses, comma-separated",
        "link-local networks that policies may call",
        |s, v| {
            s.net.allowed_networks = networks(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.connections.max",
        "",
        "connections",
        "cap on client connections; empty = half of the descriptor limit",
        |s, v| {
            s.net.connections_max = if v.is_empty() { None } else { Some(number(v)?) };
            Ok(())
        },
    ),
    setting(
        "net.server.http.request-line.bytes.max",
        "8192",
        "bytes",
        "longest request line; more is 414",
        |s, v| {
            s.net.downstream.head.start_line_bytes = number(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.headers.bytes.max",
        "32768",
        "bytes",
        "all header fields together, decoded; more is 431",
        |s, v| {
            s.net.downstream.head.fields_bytes = number(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.headers.count.max",
        "100",
        "fields",
        "most header fields, at most 100; more is 431",
        |s, v| {
            s.net.downstream.head.fields = within(v, 1, 100)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.headers.timeout",
        "10",
        "seconds",
        "from the first byte of a head to its last",
        |s, v| {
            s.net.downstream.head_timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.body.idle-timeout",
        "30",
        "seconds",
        "longest time without a byte of a body, either way",
        |s, v| {
            s.net.downstream.pace.idle = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.body.rate.min",
        "240",
        "bytes a second",
        "least average rate of a body, after 5 s",
        |s, v| {
            s.net.downstream.pace.rate = number(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.keep-alive.timeout",
        "60",
        "seconds",
        "idle time between requests of a connection",
        |s, v| {
            s.net.downstream.idle_timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http.keep-alive.requests.max",
        "10000",
        "requests",
        "requests of a connection",
        |s, v| {
            s.net.downstream.requests_per_connection = within(v, 1, u32::MAX)?;
            Ok(())
        },
    ),
    setting("net.server.tls.handshake.timeout", "10", "seconds", "longest TLS hand-shake", |s, v| {
        s.net.downstream.handshake_timeout = seconds(v)?;
        Ok(())
    }),
    setting(
        "net.server.http2.enabled",
        "true",
        "true or false",
        "offer HTTP/2, by ALPN and by prior knowledge",
        |s, v| {
            s.net.downstream.http2 = boolean(v)?;
            Ok(())
        },
    ),
    setting("net.server.http2.streams.max", "100", "streams", "open streams of a connection", |s, v| {
        s.net.downstream.http2_limits.concurrent_streams = within(v, 1, u32::MAX)?;
        Ok(())
    }),
    setting(
        "net.server.http2.stream.window",
        "65536",
        "bytes",
        "what a client may send ahead on a stream",
        |s, v| {
            s.net.downstream.http2_limits.stream_window = within(v, 65_535, (1 << 31) - 1)?;
            Ok(())
        },
    ),
    setting(
        "net.server.http2.connection.window",
        "1048576",
        "bytes",
        "what a client may send ahead on a connection",
        |s, v| {
            s.net.downstream.http2_limits.connection_window = within(v, 65_535, (1 << 31) - 1)?;
            Ok(())
        },
    ),
    setting(
        "net.server.tls.certificates",
        "",
        "path",
        "folder of NAME.crt and NAME.key (PEM); empty = self-signed",
        |s, v| {
            s.net.tls_certificates = path(v);
            Ok(())
        },
    ),
    setting(
        "net.client.tls.roots",
        "",
        "path",
        "PEM file of CA certificates trusted for backends, beside the system's",
        |s, v| {
            s.net.backend_roots = path(v);
            Ok(())
        },
    ),
    setting("dapr.http.port", "3500", "port", "port of the Dapr sidecar on this host", |s, v| {
        s.net.dapr_port = number(v)?;
        Ok(())
    }),
    setting(
        "net.server.tls.client.roots",
        "",
        "path",
        "PEM file of CA certificates that client certificates may come from",
        |s, v| {
            s.net.client_roots = path(v);
            Ok(())
        },
    ),
    setting(
        "net.server.tls.client.crls",
        "",
        "path",
        "PEM file of revocation lists for client certificates",
        |s, v| {
            s.net.client_crls = path(v);
            Ok(())
        },
    ),
    setting(
        "net.l4.routes",
        "",
        "LISTENER [NAME …] -> HOST:PORT …, comma-separated",
        "connections that pass through, raw or by the name in TLS",
        |s, v| {
            s.net.l4.routes = RouteTable::parse(v).map_err(|error| error.to_string())?;
            Ok(())
        },
    ),
    setting("net.l4.connect.timeout", "5", "seconds", "to reach one target of an L4 route", |s, v| {
        s.net.l4.connect_timeout = seconds(v)?;
        Ok(())
    }),
    setting(
        "net.l4.idle.timeout",
        "600",
        "seconds",
        "longest time without a byte either way through an L4 route",
        |s, v| {
            s.net.l4.idle_timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "net.l4.connections.max",
        "",
        "connections",
        "cap on all L4 routes together; empty = net.server.connections.max alone",
        |s, v| {
            s.net.l4.connections_max = if v.is_empty() { None } else { Some(number(v)?) };
            Ok(())
        },
    ),
    setting(
        "identity.source",
        "auto",
        "auto, workload, client, app-service, arc, vm or off",
        "where the gateway's own tokens come from; auto = what the settings below allow, else vm",
        |s, v| {
            s.identity.source = word(v)?;
            Ok(())
        },
    ),
    setting("azure.tenant.id", "", "name or GUID", "tenant of the gateway's identity", |s, v| {
        s.identity.tenant = text(v);
        Ok(())
    }),
    setting("azure.client.id", "", "GUID", "application id of the gateway's identity", |s, v| {
        s.identity.client_id = text(v);
        Ok(())
    }),
    secret("azure.client.secret", "text", "secret of that application", |s, v| {
        s.identity.client_secret = text(v).map(Into::into);
        Ok(())
    }),
    setting(
        "azure.federated.token.file",
        "",
        "path",
        "file with the token of a workload identity; read at every use",
        |s, v| {
            s.identity.federated_token_file = path(v);
            Ok(())
        },
    ),
    setting(
        "azure.authority.host",
        "https://login.microsoftonline.com",
        "URL",
        "token service of the gateway's identity",
        |s, v| {
            v.clone_into(&mut s.identity.authority);
            Ok(())
        },
    ),
    setting("identity.endpoint", "", "URL", "token endpoint of App Service or Azure Arc", |s, v| {
        s.identity.endpoint = text(v);
        Ok(())
    }),
    secret("identity.header", "text", "secret for the endpoint of App Service", |s, v| {
        s.identity.endpoint_secret = text(v).map(Into::into);
        Ok(())
    }),
    setting(
        "identity.metadata.host",
        "http://169.254.169.254",
        "URL",
        "metadata service of the virtual machine",
        |s, v| {
            v.clone_into(&mut s.identity.metadata_host);
            Ok(())
        },
    ),
    setting(
        "policy.buffer.bytes.max",
        "4194304",
        "bytes",
        "most that policies buffer of one message",
        |s, v| {
            s.net.request_buffer_bytes_max = number(v)?;
            Ok(())
        },
    ),
    setting(
        "policy.buffer.total.bytes.max",
        "268435456",
        "bytes",
        "most that policies buffer of all messages together; more is 503 (requests) or 502 (responses)",
        |s, v| {
            s.net.buffer_bytes_max = number(v)?;
            Ok(())
        },
    ),
    setting("policy.cache.bytes.max", "67108864", "bytes", "size of the built-in cache", |s, v| {
        s.counts.cache_bytes_max = number(v)?;
        Ok(())
    }),
    setting(
        "state.folder",
        "",
        "path",
        "folder in which quotas outlive the process; empty = they do not",
        |s, v| {
            s.counts.folder = path(v);
            Ok(())
        },
    ),
    SettingDef {
        secret: true,
        ..setting(
            "state.redis",
            "",
            "connection string",
            "Redis server through which gateways share rate counters and quotas",
            |s, v| {
                let settings = (!v.is_empty()).then(|| RedisSettings::parse(v)).transpose();
                s.counts.redis = settings.map_err(|error| error.to_string())?.map(Arc::new);
                Ok(())
            },
        )
    },
    setting(
        "neighborhood.host",
        "",
        "names, comma-separated",
        "names or addresses of all instances that share rate counters",
        |s, v| {
            s.counts.neighborhood.host = text(v);
            Ok(())
        },
    ),
    setting("neighborhood.address", "::", "address", "own address of the two ports below", |s, v| {
        s.counts.neighborhood.address = v.parse().map_err(|_| "an IP address is expected".to_owned())?;
        Ok(())
    }),
    setting("neighborhood.heartbeat.port", "4291", "UDP port", "heartbeats between instances", |s, v| {
        s.counts.neighborhood.heartbeat_port = number(v)?;
        Ok(())
    }),
    setting("policy.rate-limit.sync.port", "4290", "UDP port", "rate counters between instances", |s, v| {
        s.counts.neighborhood.counter_port = number(v)?;
        Ok(())
    }),
    SettingDef {
        secret: true,
        ..setting(
            "neighborhood.secret",
            "",
            "text",
            "what the instances have in common; without it nothing is shared by UDP",
            |s, v| {
                s.counts.neighborhood.secret = text(v).map(Into::into);
                Ok(())
            },
        )
    },
    setting("workers", "0", "threads", "worker threads; 0 = one a core (flag --workers)", |s, v| {
        s.workers.count = number(v)?;
        if s.workers.count > 1024 { Err("at most 1024".to_owned()) } else { Ok(()) }
    }),
    setting(
        "workers.pin",
        "auto",
        "auto, on or off",
        "keep each worker on its core; auto = when there are enough",
        |s, v| {
            s.workers.pin = match v {
                "auto" => Pin::Auto,
                "on" => Pin::On,
                "off" => Pin::Off,
                _ => return Err("auto, on or off is expected".to_owned()),
            };
            Ok(())
        },
    ),
    setting("datapath.mode", "auto", "auto, required or off", "kernel path (flag --datapath)", |s, v| {
        s.datapath.mode = word(v)?;
        Ok(())
    }),
    setting(
        "datapath.interface",
        "",
        "names, comma-separated",
        "interfaces; empty = those with the listen addresses (flag --interface)",
        |s, v| {
            s.datapath.interfaces = list(v);
            Ok(())
        },
    ),
    setting(
        "datapath.xdp",
        "auto",
        "auto, native, generic, tcx, attack or off",
        "how packets are seen",
        |s, v| {
            s.datapath.xdp = word(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.steering",
        "auto",
        "auto, cpu or hash",
        "how new connections are spread over the workers",
        |s, v| {
            s.datapath.steering = word(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.http.bindings",
        "",
        "ADDR:PORT[-PORT], comma-separated",
        "more addresses steered to the HTTP listener",
        |s, v| {
            s.datapath.http_bindings = bindings(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.https.bindings",
        "",
        "ADDR:PORT[-PORT], comma-separated",
        "more addresses steered to the HTTPS listener",
        |s, v| {
            s.datapath.https_bindings = bindings(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.deny.files",
        "",
        "paths, comma-separated",
        "files of prefixes, one a line, whose packets are dropped",
        |s, v| {
            s.datapath.shed.deny_files = prefix_files(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.allow.files",
        "",
        "paths, comma-separated",
        "files of prefixes whose packets always pass",
        |s, v| {
            s.datapath.shed.allow_files = prefix_files(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.management",
        "",
        "networks, comma-separated",
        "networks that no rule may deny; trusted proxies and SSH peers are added to them",
        |s, v| {
            let networks = list(v).iter().map(|text| word(text)).collect::<Result<_, _>>()?;
            s.datapath.shed.management = networks;
            Ok(())
        },
    ),
    setting(
        "datapath.malformed",
        "pass",
        "pass or drop",
        "TCP segments that no stack sends: port 0, contradictory flags",
        |s, v| {
            s.datapath.shed.drop_malformed = one_of(v, &["pass", "drop"])? == "drop";
            Ok(())
        },
    ),
    setting(
        "datapath.connections.rate",
        "0",
        "connections a second",
        "new connections of one source; 0 = no limit",
        |s, v| {
            s.datapath.shed.connections.rate = within(v, 0, 1_000_000)?;
            Ok(())
        },
    ),
    setting(
        "datapath.connections.burst",
        "100",
        "connections",
        "that one source may open at once",
        |s, v| {
            s.datapath.shed.connections.burst = within(v, 1, 32_768)?;
            Ok(())
        },
    ),
    setting(
        "datapath.connections.ipv6.bits",
        "64",
        "bits",
        "of an IPv6 address that make a source",
        |s, v| {
            s.datapath.shed.connections.v6_bits = number(v)?;
            within(v, 1, 64)?;
            Ok(())
        },
    ),
    setting(
        "datapath.cookies",
        "off",
        "on or off",
        "answer SYNs with cookies in XDP while a listener's queue overflows",
        |s, v| {
            s.datapath.cookies = one_of(v, &["on", "off"])? == "on";
            Ok(())
        },
    ),
    setting("datapath.cookies.max", "1000000", "cookies a second", "that are sent at most", |s, v| {
        s.datapath.cookies_max = within(v, 1, 100_000_000)?;
        Ok(())
    }),
    setting(
        "datapath.balance.addresses",
        "",
        "ADDR:PORT[/udp] = MEMBER[*WEIGHT] …, comma-separated",
        "virtual addresses whose packets go to the members, gateways of this site",
        |s, v| {
            let addresses = list(v).iter().map(|text| word(text)).collect::<Result<Vec<_>, _>>()?;
            gateway_datapath::check_addresses(&addresses).map_err(|error| error.to_string())?;
            s.datapath.balance.addresses = addresses;
            Ok(())
        },
    ),
    setting(
        "datapath.balance.accept",
        "",
        "addresses, comma-separated",
        "balancers whose packets in packets are unpacked here, on a member",
        |s, v| {
            let accept = list(v).iter().map(|text| word(text)).collect::<Result<Vec<_>, _>>()?;
            if accept.len() > 256 {
                return Err("at most 256 addresses are taken".to_owned());
            }
            s.datapath.balance.accept = accept;
            Ok(())
        },
    ),
    setting(
        "datapath.balance.flows.max",
        "262144",
        "connections",
        "that are remembered with their member",
        |s, v| {
            s.datapath.balance.flows_max = within(v, 1024, 4_194_304)?;
            Ok(())
        },
    ),
    setting(
        "datapath.balance.flows.rate",
        "125000",
        "connections a second",
        "that each CPU remembers at most; others go by the ring alone",
        |s, v| {
            s.datapath.balance.flows_rate = within(v, 1, 100_000_000)?;
            Ok(())
        },
    ),
    setting("datapath.balance.health.port", "9090", "port", "of the members' admin listeners", |s, v| {
        s.datapath.balance.health.port = within(v, 1, 65_535)? as u16;
        Ok(())
    }),
    setting(
        "datapath.balance.health.path",
        "/healthz/ready",
        "path",
        "that members are asked for; 200 is ready",
        |s, v| {
            if !v.starts_with('/') || v.bytes().any(|byte| !byte.is_ascii_graphic()) {
                return Err("a path that begins with / is expected, without blanks".to_owned());
            }
            v.clone_into(&mut s.datapath.balance.health.path);
            Ok(())
        },
    ),
    setting(
        "datapath.balance.health.interval",
        "1",
        "seconds",
        "between two questions, and for an answer",
        |s, v| {
            s.datapath.balance.health.interval = Duration::from_secs(within(v, 1, 3600)?);
            Ok(())
        },
    ),
    setting("datapath.balance.health.rise", "2", "answers", "in a row that bring a member back", |s, v| {
        s.datapath.balance.health.rise = within(v, 1, 100)?;
        Ok(())
    }),
    setting("datapath.balance.health.fall", "3", "answers", "in a row that take a member out", |s, v| {
        s.datapath.balance.health.fall = within(v, 1, 100)?;
        Ok(())
    }),
    setting(
        "datapath.policies",
        "off",
        "on or off",
        "apply literal ip-filter policies of the global scope in the kernel",
        |s, v| {
            s.datapath.policies = one_of(v, &["on", "off"])? == "on";
            Ok(())
        },
    ),
    setting(
        "datapath.feedback",
        "",
        "limits, keys, tokens, malformed; comma-separated",
        "keep off sources that keep being refused for this",
        |s, v| {
            s.datapath.feedback.misdeeds =
                list(v).iter().map(|word| misdeed(word)).collect::<Result<_, _>>()?;
            Ok(())
        },
    ),
    setting(
        "datapath.feedback.strikes",
        "100",
        "refusals",
        "of one kind within the window that make an offender",
        |s, v| {
            s.datapath.feedback.strikes = within(v, 1, 1_000_000)?;
            Ok(())
        },
    ),
    setting("datapath.feedback.window", "60", "seconds", "in which refusals are counted", |s, v| {
        s.datapath.feedback.window = Duration::from_secs(within(v, 1, 3600)?);
        Ok(())
    }),
    setting("datapath.feedback.seconds", "600", "seconds", "for which an offender is kept off", |s, v| {
        s.datapath.shed.feedback_for = Duration::from_secs(within(v, 1, 86_400)?);
        Ok(())
    }),
    setting("datapath.feedback.max", "1000", "sources", "that are kept off at a time", |s, v| {
        s.datapath.shed.feedback_max = within(v, 1, 100_000)? as usize;
        Ok(())
    }),
    setting(
        "datapath.prefixes.max",
        "1048576",
        "prefixes",
        "room of each list in the kernel, for each address family",
        |s, v| {
            s.datapath.shed.prefixes_max = within(v, 1, 1_048_576)?;
            Ok(())
        },
    ),
    setting(
        "datapath.statistics",
        "false",
        "true or false",
        "runs of the kernel programs and their time, by the kernel's statistics (CAP_SYS_ADMIN), which cost each run some 70 ns",
        |s, v| {
            s.datapath.statistics = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.log",
        "false",
        "true or false",
        "log records of the kernel programs, at debug",
        |s, v| {
            s.datapath.log = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "datapath.splice",
        "splice",
        "copy, splice or sockmap",
        "how bytes of L4 routes and WebSockets are moved; sockmap: of L4 routes, within the kernel",
        |s, v| {
            s.datapath.splice = word(v)?;
            Ok(())
        },
    ),
    setting("telemetry.logs.std", "text", "none, text or json", "log on standard output", |s, v| {
        s.logs.std = word(v)?;
        Ok(())
    }),
    setting(
        "telemetry.logs.std.level",
        "info",
        "all, debug, info, warn, error or fatal",
        "least level that is logged",
        |s, v| {
            s.logs.level = one_of(v, &["all", "debug", "info", "warn", "error", "fatal"])?;
            Ok(())
        },
    ),
    setting(
        "telemetry.logs.std.color",
        "true",
        "true or false",
        "colours in text logs on a terminal",
        |s, v| {
            s.logs.color = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.enabled",
        "false",
        "true or false",
        "telemetry to an OpenTelemetry collector",
        |s, v| {
            s.export.opentelemetry.enabled = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.collector.uri",
        "",
        "URL",
        "the collector, such as http://collector:4317",
        |s, v| {
            s.export.opentelemetry.collector = export::url(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.protocol",
        "auto",
        "auto, grpc or http/protobuf",
        "how it is spoken to; auto = HTTP at port 4318, else gRPC",
        |s, v| {
            s.export.opentelemetry.protocol = export::protocol(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.metrics.enabled",
        "true",
        "true or false",
        "metrics, every minute",
        |s, v| {
            s.export.opentelemetry.metrics = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.traces.enabled",
        "false",
        "true or false",
        "a span for each request and each call to a backend",
        |s, v| {
            s.export.opentelemetry.traces = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.traces.sampling",
        "100",
        "percent",
        "share of the requests that have spans; failures always have",
        |s, v| {
            s.export.opentelemetry.traces_sampling.percentage = export::percentage(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.logs.enabled",
        "false",
        "true or false",
        "a log record for each request",
        |s, v| {
            s.export.opentelemetry.logs = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.system-metrics.enabled",
        "false",
        "true or false",
        "metrics of the process, too",
        |s, v| {
            s.export.opentelemetry.system_metrics = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "observability.opentelemetry.histogram.buckets",
        "5,10,25,50,100,250,500,1000,2500,5000,10000",
        "milliseconds, comma-separated",
        "bounds of all duration histograms",
        |s, v| {
            s.export.opentelemetry.buckets = Buckets::parse(v).map_err(|error| error.to_string())?;
            Ok(())
        },
    ),
    setting(
        "telemetry.logs.local",
        "none",
        "none, auto, localsyslog, rfc5424, journal or json",
        "the log to a collector on this machine; auto = journald, else the local syslog",
        |s, v| {
            s.logs.local.form = word(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.logs.local.localsyslog.endpoint",
        "",
        "path",
        "path of the syslog socket; empty = /dev/log",
        |s, v| {
            s.logs.local.syslog.address = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.logs.local.localsyslog.facility",
        "",
        "0 to 23",
        "facility of syslog; empty = 1 (user)",
        |s, v| {
            s.logs.local.syslog.facility = if v.is_empty() { None } else { Some(number(v)?) };
            Ok(())
        },
    ),
    setting("telemetry.logs.local.rfc5424.endpoint", "", "HOST:PORT", "syslog server, by UDP", |s, v| {
        s.logs.local.rfc5424.address = text(v);
        Ok(())
    }),
    setting(
        "telemetry.logs.local.rfc5424.facility",
        "",
        "0 to 23",
        "facility of syslog; empty = 1 (user)",
        |s, v| {
            s.logs.local.rfc5424.facility = if v.is_empty() { None } else { Some(number(v)?) };
            Ok(())
        },
    ),
    setting(
        "telemetry.logs.local.journal.endpoint",
        "",
        "path",
        "socket of journald; empty = /run/systemd/journal/socket",
        |s, v| {
            s.logs.local.journal.address = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.logs.local.json.endpoint",
        "127.0.0.1:8888",
        "HOST:PORT or path",
        "where a datagram goes for each record",
        |s, v| {
            s.logs.local.json.address = text(v);
            Ok(())
        },
    ),
    setting("telemetry.metrics.local", "none", "none or statsd", "metrics of requests by StatsD", |s, v| {
        s.export.statsd.enabled = one_of(v, &["none", "statsd"])? == "statsd";
        Ok(())
    }),
    setting(
        "telemetry.metrics.local.statsd.endpoint",
        "",
        "HOST:PORT",
        "the StatsD server, by UDP",
        |s, v| {
            s.export.statsd.endpoint = export::host_port(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.metrics.local.statsd.sampling",
        "1",
        "0 to 1",
        "share of the requests that is counted",
        |s, v| {
            s.export.statsd.sampling = export::share(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.metrics.local.statsd.tag-format",
        "none",
        "none, librato, dogStatsD or influxDB",
        "how tags are written",
        |s, v| {
            s.export.statsd.tags = word(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.event-hubs.hub",
        "",
        "URL",
        "event hub for requests, https://NAMESPACE.servicebus.windows.net/HUB; empty = off",
        |s, v| {
            s.export.event_hubs.url = export::url(v)?;
            Ok(())
        },
    ),
    secret(
        "telemetry.event-hubs.connection-string",
        "text",
        "connection string of the event hub, with its EntityPath, in place of an identity",
        |s, v| {
            s.export.event_hubs.hub = export::event_hub(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.event-hubs.audience",
        "https://eventhubs.azure.net",
        "URL",
        "audience of the token",
        |s, v| {
            v.clone_into(&mut s.export.event_hubs.audience);
            Ok(())
        },
    ),
    setting(
        "telemetry.event-hubs.identity",
        "",
        "client id",
        "user-assigned identity to write as; empty = the gateway's",
        |s, v| {
            s.export.event_hubs.client_id = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.queue.bytes.max",
        "16777216",
        "bytes",
        "memory, for each exporter, of requests that are not yet encoded; as much again for what waits to be sent",
        |s, v| {
            s.export.limits.queue_bytes_max = number(v)?;
            s.export.limits.memory_bytes_max = s.export.limits.queue_bytes_max as u64;
            Ok(())
        },
    ),
    setting(
        "telemetry.buffer.folder",
        "",
        "path",
        "folder for telemetry that a sink does not take; empty = only memory",
        |s, v| {
            s.export.limits.folder = path(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.buffer.bytes.max",
        "1073741824",
        "bytes",
        "of that folder, for each exporter",
        |s, v| {
            s.export.limits.disk_bytes_max = number(v)?;
            Ok(())
        },
    ),
    secret(
        "telemetry.application-insights.connection-string",
        "text",
        "Application Insights component for all requests; empty = off",
        |s, v| {
            let read = (!v.is_empty()).then(|| ConnectionString::parse(v)).transpose();
            s.export.application_insights.connection = read.map_err(|error| error.to_string())?;
            Ok(())
        },
    ),
    setting(
        "telemetry.application-insights.identity",
        "off",
        "off, on or a client id",
        "show a token of the gateway's identity, or of this user-assigned one",
        |s, v| {
            s.export.application_insights.identity = export::identity(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.application-insights.sampling",
        "100",
        "percent",
        "share of the requests that is sent; failures are always",
        |s, v| {
            s.export.application_insights.sampling.percentage = export::percentage(v)?;
            Ok(())
        },
    ),
    setting(
        "logs.applicationinsights.endpoint",
        "",
        "URL",
        "ingestion endpoint, with its path; empty = the connection string's",
        |s, v| {
            s.export.application_insights.endpoint = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.logs.endpoint",
        "",
        "URL",
        "data collection endpoint for requests as rows of Log Analytics; empty = off",
        |s, v| {
            s.export.monitor_logs.endpoint = export::url(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.logs.rule",
        "",
        "id",
        "immutable id of the data collection rule (dcr-…)",
        |s, v| {
            s.export.monitor_logs.rule = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.logs.stream",
        "Custom-ApiManagementGatewayLogs_CL",
        "name",
        "stream of that rule",
        |s, v| {
            v.clone_into(&mut s.export.monitor_logs.stream);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.logs.audience",
        "https://monitor.azure.com",
        "URL",
        "audience of the token; another one in sovereign clouds",
        |s, v| {
            v.clone_into(&mut s.export.monitor_logs.audience);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.logs.identity",
        "",
        "client id",
        "user-assigned identity to write as; empty = the gateway's",
        |s, v| {
            s.export.monitor_logs.client_id = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.metrics.resource",
        "",
        "resource id",
        "Azure resource that custom metrics of each minute belong to; empty = off",
        |s, v| {
            s.export.monitor_metrics.resource = export::resource(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.metrics.region",
        "",
        "name",
        "region of that resource, without spaces, as westeurope",
        |s, v| {
            s.export.monitor_metrics.region = text(v);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.metrics.endpoint",
        "",
        "URL",
        "ingestion endpoint; empty = https://REGION.monitoring.azure.com",
        |s, v| {
            s.export.monitor_metrics.endpoint = export::url(v)?;
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.metrics.namespace",
        "API Management Gateway",
        "name",
        "namespace of the metrics",
        |s, v| {
            v.clone_into(&mut s.export.monitor_metrics.namespace);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.metrics.audience",
        "https://monitoring.azure.com/",
        "URL",
        "audience of the token, with its slash",
        |s, v| {
            v.clone_into(&mut s.export.monitor_metrics.audience);
            Ok(())
        },
    ),
    setting(
        "telemetry.azure-monitor.metrics.identity",
        "",
        "client id",
        "user-assigned identity to write as; empty = the gateway's",
        |s, v| {
            s.export.monitor_metrics.client_id = text(v);
            Ok(())
        },
    ),
    setting(
        "management.address",
        "127.0.0.1:8082",
        "ADDR:PORT",
        "management listener (flag --management)",
        |s, v| {
            s.management.address = listen(v)?;
            Ok(())
        },
    ),
    setting(
        "management.store",
        "gateway.db",
        "path",
        "SQLite file of the management plane, or postgres://… (flag --store)",
        |s, v| {
            v.clone_into(&mut s.management.store);
            Ok(())
        },
    ),
    setting(
        "management.store.key-file",
        "",
        "path",
        "file with the keys that the store is sealed with; by default beside the store, with .key behind its name",
        |s, v| {
            s.management.key_file = path(v);
            Ok(())
        },
    ),
    setting("management.store.key-command", "", "command", "prints those keys instead; run by sh", |s, v| {
        s.management.key_command = text(v);
        Ok(())
    }),
    SettingDef {
        secret: true,
        ..setting(
            "management.auth.static-token",
            "",
            "text",
            "bearer token of an administrator; on loopback listeners only",
            |s, v| {
                s.management.static_token = text(v).map(Into::into);
                Ok(())
            },
        )
    },
    setting(
        "management.auth.static-token.remote",
        "false",
        "true or false",
        "take the static token on other listeners as well",
        |s, v| {
            s.management.static_token_remote = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "management.auth.issuer",
        "",
        "URL",
        "another issuer of tokens, as its discovery document names it; their callers' roles: `gateway principal assign`",
        |s, v| {
            s.management.issuer = text(v);
            Ok(())
        },
    ),
    setting(
        "management.auth.audiences",
        "",
        "list",
        "audiences of that issuer's tokens that are meant for this plane, comma-separated",
        |s, v| {
            s.management.audiences = list(v);
            Ok(())
        },
    ),
    setting(
        "management.tls",
        "auto",
        "auto or on",
        "auto: plain HTTP on loopback addresses, TLS on all others; on: TLS everywhere",
        |s, v| {
            s.management.tls = one_of(v, &["auto", "on"])? == "on";
            Ok(())
        },
    ),
    setting(
        "management.tls.certificate",
        "",
        "path",
        "PEM file with the chain of the management listener; by default a self-signed one beside the store, with .crt \
         behind its name",
        |s, v| {
            s.management.certificate = path(v);
            Ok(())
        },
    ),
    setting("management.tls.key", "", "path", "PEM file with its key", |s, v| {
        s.management.key = path(v);
        Ok(())
    }),
    setting(
        "management.tls.names",
        "",
        "list",
        "more names and addresses of the self-signed certificate, comma-separated",
        |s, v| {
            s.management.names = list(v);
            Ok(())
        },
    ),
    setting(
        "management.subscription",
        "00000000-0000-0000-0000-000000000000",
        "GUID",
        "subscription of the service that a new store begins with",
        |s, v| {
            v.clone_into(&mut s.management.subscription);
            Ok(())
        },
    ),
    setting("management.resource-group", "rg1", "name", "its resource group", |s, v| {
        v.clone_into(&mut s.management.resource_group);
        Ok(())
    }),
    setting(
        "management.mirror",
        "",
        "URL",
        "service that this plane mirrors, read-only: an ARM endpoint and the id of the service (flag --mirror)",
        |s, v| {
            s.management.mirror_service = text(v).map(|text| Endpoint::parse(&text)).transpose()?;
            Ok(())
        },
    ),
    secret("management.mirror.token", "text", "bearer token for the mirrored service", |s, v| {
        s.management.mirror_token = text(v).map(Into::into);
        Ok(())
    }),
    setting(
        "management.mirror.interval",
        "60",
        "seconds",
        "from the end of a reading of the mirrored service to the next",
        |s, v| {
            s.management.mirror_interval = seconds(v)?.max(Duration::from_millis(100));
            Ok(())
        },
    ),
    setting(
        "management.key-vault.suffix",
        "vault.azure.net",
        "name",
        "what the names of key vaults end with; they are read with the identity of azure.…",
        |s, v| {
            v.to_ascii_lowercase().clone_into(&mut s.management.vault.suffix);
            Ok(())
        },
    ),
    setting(
        "management.key-vault.endpoint",
        "",
        "URL",
        "server that key vaults are read by, as URL/NAME.SUFFIX/secrets/…; by default each under its own name",
        |s, v| {
            s.management.vault.endpoint = text(v);
            Ok(())
        },
    ),
    setting("management.service", "apim1", "name", "its name", |s, v| {
        v.clone_into(&mut s.management.service);
        Ok(())
    }),
    setting("shutdown.delay", "5", "seconds", "from not ready to closing the listeners", |s, v| {
        s.shutdown.delay = seconds(v)?;
        Ok(())
    }),
    setting(
        "shutdown.timeout",
        "30",
        "seconds",
        "for requests in flight after the listeners are closed",
        |s, v| {
            s.shutdown.timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "expressions.strict",
        "true",
        "true or false",
        "refuse types and members in policy expressions that the service does not list",
        |s, v| {
            s.expressions.strict = boolean(v)?;
            Ok(())
        },
    ),
    setting(
        "expressions.steps",
        "1000000",
        "steps",
        "calls, loop rounds and units of native work of one evaluation",
        |s, v| {
            s.expressions.limits.steps = within(v, 100, 1_000_000_000)?;
            Ok(())
        },
    ),
    setting(
        "expressions.cpu",
        "100",
        "milliseconds",
        "time of the worker's CPU that one evaluation may take",
        |s, v| {
            s.expressions.limits.time = Duration::from_millis(within(v, 1, 60_000)?);
            Ok(())
        },
    ),
    setting(
        "expressions.memory",
        "16777216",
        "bytes",
        "strings, arrays and objects that one evaluation may make",
        |s, v| {
            s.expressions.limits.memory_bytes = within(v, 4096, 1 << 30)?;
            Ok(())
        },
    ),
    setting(
        "expressions.depth",
        "64",
        "calls",
        "calls of lambdas and local functions inside each other",
        |s, v| {
            s.expressions.limits.depth = within(v, 1, 256)?;
            Ok(())
        },
    ),
    setting("expressions.string", "4194304", "UTF-16 units", "longest string of an evaluation", |s, v| {
        s.expressions.limits.string_units = within(v, 64, 64 << 20)?;
        Ok(())
    }),
    setting("expressions.elements", "100000", "elements", "largest collection of an evaluation", |s, v| {
        s.expressions.limits.elements = within(v, 16, 10_000_000)?;
        Ok(())
    }),
    setting(
        "takeover.socket",
        "",
        "path",
        "socket where a new process takes over from this one (gateway run --takeover)",
        |s, v| {
            s.takeover.socket = (!v.is_empty()).then(|| v.into());
            Ok(())
        },
    ),
];

/// The table for `--help`.
pub fn help_text() -> String {
    let mut text = "Settings (--set NAME=VALUE, --settings FILE, environment):\n".to_owned();
    for def in SETTINGS {
        let default = if def.default.is_empty() { "none" } else { def.default };
        let _ = writeln!(text, "  {:<42} {} [{}; default {default}]", def.name, def.help, def.unit);
    }
    text
}

fn path(value: &str) -> Option<PathBuf> {
    (!value.is_empty()).then(|| value.into())
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn listen(value: &str) -> Result<ListenAddress, String> {
    if value == "off" {
        return Ok(ListenAddress::Off);
    }
    // A bare `:8080` means every address, as users of other servers write it.
    let full = if value.starts_with(':') { format!("[::]{value}") } else { value.to_owned() };
    SocketAddr::from_str(&full).map(ListenAddress::At).map_err(|_| "ADDR:PORT is expected, or off".to_owned())
}

fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| "a whole number is expected".to_owned())
}

fn within<T: FromStr + PartialOrd + std::fmt::Display>(value: &str, min: T, max: T) -> Result<T, String> {
    let number: T = number(value)?;
    if number < min || number > max { Err(format!("from {min} to {max} is expected")) } else { Ok(number) }
}

fn boolean(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("true or false is expected".to_owned()),
    }
}

/// A value that its own type reads.
fn word<T: FromStr<Err: std::fmt::Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| error.to_string())
}

fn networks(value: &str) -> Result<Vec<Network>, String> {
    let parse =
        |text: String| Network::parse(&text).ok_or_else(|| format!("{text:?} is no address or network"));
    list(value).into_iter().map(parse).collect()
}

fn misdeed(word: &str) -> Result<Misdeed, String> {
    let found = Misdeed::ALL.into_iter().find(|misdeed| misdeed.as_str() == word);
    found.ok_or_else(|| format!("{word:?} is none of limits, keys, tokens, malformed"))
}

fn prefix_files(value: &str) -> Result<Vec<PathBuf>, String> {
    let files: Vec<_> = list(value).into_iter().map(PathBuf::from).collect();
    match files.len() {
        0..=100 => Ok(files),
        _ => Err("at most 100 files".to_owned()),
    }
}

/// `192.0.2.1:80`, `[2001:db8::1]:9000-9100`.
fn bindings(value: &str) -> Result<Vec<Binding>, String> {
    list(value).iter().map(|text| binding(text)).collect()
}

fn binding(text: &str) -> Result<Binding, String> {
    let wrong = || format!("{text:?}: ADDR:PORT or ADDR:PORT-PORT is expected");
    let (start, end) = match text.rsplit_once('-') {
        Some((start, end)) => (start, Some(end.parse::<u16>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let first: SocketAddr = start.parse().map_err(|_| wrong())?;
    let last = end.unwrap_or(first.port());
    if first.port() == 0 || last < first.port() {
        return Err(wrong());
    }
    Ok(Binding { address: first.ip(), ports: first.port()..=last })
}

fn one_of(value: &str, values: &[&str]) -> Result<String, String> {
    if values.contains(&value) {
        Ok(value.to_owned())
    } else {
        Err(format!("one of {} is expected", values.join(", ")))
    }
}

/// Seconds, or `hh:mm:ss` as the original's settings write durations.
fn seconds(value: &str) -> Result<Duration, String> {
    let wrong = || "seconds or hh:mm:ss is expected".to_owned();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let parts: Vec<u64> =
        value.split(':').map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    match parts[..] {
        [h, m @ 0..60, s @ 0..60] => Ok(Duration::from_secs(h.saturating_mul(3600) + m * 60 + s)),
        _ => Err(wrong()),
    }
}

//! Events of the gateway's own life, each a change of state worth one line.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::event::{Fields, Listener, Severity, Value, camel_case};

/// Declares the events: name, members in the order of the record, severity (which may look at the members).
macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($member:ident: $type:ty),* } $severity:expr;)+) => {
        /// A change of state of this instance; the name is the record's `eventType`.
        #[derive(Clone, Copy, Debug)]
        pub enum Event<'a> { $($(#[$doc])* $name { $($member: $type),* },)+ }

        impl Event<'_> {
            /// Name in the member `eventType`.
            pub fn event_type(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)+ }
            }

            /// Info for what was asked for, warning for what is degraded, error for what an operator must mend.
            pub fn severity(&self) -> Severity {
                match *self { $(Self::$name { $($member),* } => { $(let _ = $member;)* $severity })+ }
            }
        }

        impl Fields for Event<'_> {
            fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
                match self {
                    $(Self::$name { $($member),* } => { $($member.show(&camel_case(stringify!($member)), visit);)* })+
                }
            }
        }
    };
}

events! {
    /// The process began.
    GatewayStarting { version: &'a str, workers: u64 } Severity::Info;
    /// All listeners accept and the first configuration is in force or found missing (design.md §6).
    GatewayListening { addresses: &'a [(Listener, SocketAddr)] } Severity::Info;
    /// The listener of L4 routes accepts; before `GatewayListening`.
    RouteListening { listener: &'a str, address: SocketAddr } Severity::Info;
    /// A connection of an L4 route has ended; `result` as in the metric `gateway_l4_connections_total`.
    ConnectionPassed {
        listener: &'a str, client_ip: IpAddr, server_name: &'a str, target: &'a str, result: &'a str,
        request_size: u64, response_size: u64, total_time: Duration
    } Severity::Info;
    /// Draining began; what still runs at the deadline is cut.
    GatewayStopping { requests_in_flight: u64, deadline_seconds: Duration } Severity::Info;
    /// Draining ended.
    GatewayStopped { connections_cut: u64 } warning_if(connections_cut > 0);
    /// A snapshot is in force; isolated APIs do not compile.
    ConfigurationLoaded { revision: &'a str, apis: u64, apis_isolated: u64, elapsed_seconds: Duration }
        warning_if(apis_isolated > 0);
    /// A change was refused as a whole; the snapshot in force stays.
    ConfigurationRejected { message: &'a str, revision: &'a str, diagnostics: u64 } Severity::Error;
    /// One resource took its API out: the last good version serves, or 503.
    ApiIsolated { message: &'a str, api_id: &'a str, resource: &'a str, serves_last_good: bool } Severity::Error;
    /// The configuration source, or an exporter, can or cannot be reached.
    LinkState { message: &'a str, link: &'a str, available: bool } warning_if(!available);
    /// How the kernel path runs on an interface: `native`, `generic`, `tcx` or `off`.
    DatapathState { message: &'a str, interface: &'a str, mode: &'a str } Severity::Info;
    /// Certificates for TLS were loaded or renewed.
    CertificatesLoaded { names: u64 } Severity::Info;
    /// Log records given up because the output was slower than the gateway.
    LogRecordsDropped { records: u64 } Severity::Warning;
}

fn warning_if(degraded: bool) -> Severity {
    if degraded { Severity::Warning } else { Severity::Info }
}

/// How a member shows in a record.
trait Show {
    fn show(&self, name: &str, visit: &mut dyn FnMut(&str, Value<'_>));
}

macro_rules! show {
    ($($type:ty: $value:ident => $shown:expr;)+) => {
        $(impl Show for $type {
            fn show(&self, name: &str, visit: &mut dyn FnMut(&str, Value<'_>)) {
                let $value = self;
                visit(name, $shown);
            }
        })+
    };
}

show! {
    &str: text => Value::Text(text);
    u64: number => Value::Unsigned(*number);
    bool: truth => Value::Bool(*truth);
    SocketAddr: address => Value::Display(address);
    IpAddr: address => Value::Display(address);
    Duration: time => Value::Number(time.as_secs_f64());
}

impl Show for &[(Listener, SocketAddr)] {
    /// Each address is a member of its own, by the listener's name.
    fn show(&self, _: &str, visit: &mut dyn FnMut(&str, Value<'_>)) {
        for (listener, address) in *self {
            visit(listener.as_str(), Value::Display(address));
        }
    }
}

//! The worker at the listeners' seam: calls in, events and counts out.

use std::future::Future;
use std::rc::Rc;
use std::time::Instant;

use gateway_policy::exchange::Protocol;
use gateway_telemetry::metrics::labels::{
    Anomaly, ConnectionProtocol, Shed, TlsOutcome, TunnelDirection, TunnelWay,
};
use gateway_telemetry::{Event, Listener};

use super::{Record, Worker};
use crate::abuse::Misdeed;
use crate::downstream::l4::Passed;
use crate::service::{Call, Client, Handled, Sent, Service};
use crate::tunnel::Moved;

impl Service for Worker {
    type Token = Record;

    fn call(self: &Rc<Self>, call: Call) -> impl Future<Output = Handled<Record>> {
        Rc::clone(self).answer(call)
    }

    fn finish(&self, token: Record, sent: Sent) {
        token.finish(sent);
        let upstream = &self.upstream;
        self.figures.settle(
            upstream.counters(),
            upstream.open_connections(),
            self.shared.telemetry.shard(self.index),
        );
    }

    fn anomaly(&self, client: Option<&Client>, reason: &'static str) {
        let shard = self.shared.telemetry.shard(self.index);
        match kind(reason) {
            Kind::Anomaly(anomaly) => {
                shard.protocol_anomaly(anomaly);
                let slow = matches!(anomaly, Anomaly::HeaderTimeout | Anomaly::BodyTimeout);
                if let (Some(abuse), Some(client), false) = (&self.shared.abuse, client, slow) {
                    abuse.strike(client.peer.ip(), Misdeed::Malformed, Instant::now());
                }
            }
            Kind::Shed(shed) => shard.request_shed(shed),
            Kind::Tls(outcome) => shard.tls_handshake(outcome),
            Kind::Panic => shard.panic_caught(),
        }
    }

    fn connection_opened(&self, client: &Client, protocol: Protocol) {
        let shard = self.shared.telemetry.shard(self.index);
        let listener = listener(&client.listener);
        shard.connection_opened(listener);
        shard.connection_moved(listener, ConnectionProtocol::Unknown, connection_protocol(protocol));
    }

    fn connection_closed(&self, client: &Client, protocol: Protocol) {
        let shard = self.shared.telemetry.shard(self.index);
        shard.connection_closed(listener(&client.listener), connection_protocol(protocol));
    }

    fn tunnelled(&self, up: Moved, down: Moved) {
        let shard = self.shared.telemetry.shard(self.index);
        for (direction, moved) in [(TunnelDirection::Up, up), (TunnelDirection::Down, down)] {
            shard.tunnel_bytes(direction, TunnelWay::Copy, moved.copied);
            shard.tunnel_bytes(direction, TunnelWay::Splice, moved.spliced);
            shard.tunnel_bytes(direction, TunnelWay::Sockmap, moved.redirected);
        }
    }

    fn passage_opened(&self, client: &Client) {
        let shard = self.shared.telemetry.shard(self.index);
        let listener = listener(&client.listener);
        shard.connection_opened(listener);
        shard.connection_moved(listener, ConnectionProtocol::Unknown, ConnectionProtocol::Tcp);
    }

    fn passage_closed(&self, passed: &Passed<'_>) {
        let shard = self.shared.telemetry.shard(self.index);
        shard.connection_closed(listener(&passed.client.listener), ConnectionProtocol::Tcp);
        shard.passage_ended(passed.end);
        self.tunnelled(passed.up, passed.down);
        self.shared.telemetry.event(&Event::ConnectionPassed {
            listener: &passed.client.listener,
            client_ip: passed.client.peer.ip().to_canonical(),
            server_name: passed.server_name.unwrap_or_default(),
            target: passed.target,
            result: passed.end.as_str(),
            request_size: passed.up.total(),
            response_size: passed.down.total(),
            total_time: passed.time,
        });
    }
}

fn listener(name: &str) -> Listener {
    match name {
        "https" => Listener::Https,
        name if name.starts_with(Listener::L4.as_str()) => Listener::L4,
        _ => Listener::Http,
    }
}

fn connection_protocol(protocol: Protocol) -> ConnectionProtocol {
    match protocol {
        Protocol::Http10 | Protocol::Http11 => ConnectionProtocol::Http1,
        Protocol::Http2 => ConnectionProtocol::Http2,
    }
}

enum Kind {
    Anomaly(Anomaly),
    Shed(Shed),
    Tls(TlsOutcome),
    Panic,
}

/// The counter of a reason that the listeners give.
fn kind(reason: &str) -> Kind {
    Kind::Anomaly(match reason {
        "panic" => return Kind::Panic,
        "tls-handshake" => return Kind::Tls(TlsOutcome::Failed),
        "tls-handshake-timeout" => return Kind::Tls(TlsOutcome::TimedOut),
        "connections" | "descriptors-exhausted" => return Kind::Shed(Shed::Connections),
        "draining" => return Kind::Shed(Shed::Draining),
        "method" | "method-not-allowed" => Anomaly::Method,
        "version" => Anomaly::Version,
        "target" | "target-above-root" | "too-many-parameters" => Anomaly::Target,
        "target-too-long" => Anomaly::UriTooLong,
        "host" => Anomaly::Host,
        "head-too-large" | "too-many-fields" => Anomaly::HeadersTooLarge,
        "field" | "nomination" | "line-ending" => Anomaly::Header,
        "content-length" | "transfer-encoding" | "length-and-encoding" | "unexpected-body" => {
            Anomaly::Framing
        }
        "expectation" => Anomaly::Expectation,
        "chunk" | "chunk-extension" => Anomaly::Chunk,
        "trailers" => Anomaly::Trailer,
        "head-timeout" => Anomaly::HeaderTimeout,
        "body-timeout" => Anomaly::BodyTimeout,
        "body-too-large" => Anomaly::BodyTooLarge,
        "misdirected" => Anomaly::Misdirected,
        "h2-flood" => Anomaly::Http2Flood,
        reason if reason.starts_with("h2") => Anomaly::Http2Protocol,
        _ => Anomaly::RequestLine,
    })
}

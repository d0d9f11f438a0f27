//! GraphQL subscriptions over WebSocket, for APIs that the gateway answers itself.
//!
//! ```text
//! client ◄──► relay ◄── pipe ──► session ◄── topics ◄── publish-event of a resolver
//! ```

mod dialect;
mod session;

use std::rc::Rc;
use std::sync::Arc;

use gateway_policy::exchange::Exchange;
use gateway_policy::fault::Fault;
use gateway_policy::graphql::{FieldContext, GraphQlApi};
use gateway_policy::message::Response;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::tunnel::Tunnel;
use crate::worker::Worker;
use dialect::Dialect;
use session::Session;

/// Bytes that wait between the session and the client's connection, either way.
const PIPE_BYTES: usize = 64 << 10;
/// Longest frame and message of a client (`reliability-security.md` §4.1).
const FRAME_BYTES_MAX: usize = 64 << 10;
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Answers the handshake (RFC 6455 §4.2.2) and begins the session, which ends with the client's connection.
pub fn accept(worker: Rc<Worker>, api: &Arc<GraphQlApi>, exchange: &mut Exchange) -> Result<(), Fault> {
    let headers = &exchange.request.headers;
    let key = headers.get("Sec-WebSocket-Key").filter(|key| key.len() == 24);
    let version = headers.get_str("Sec-WebSocket-Version").map(str::trim);
    let offered = headers.joined("Sec-WebSocket-Protocol").unwrap_or_default();
    let dialect = offered.split(',').find_map(|name| Dialect::named(name.trim()));
    let (Some(key), Some("13"), Some(dialect)) = (key, version, dialect) else {
        let text = "Subscriptions are served over WebSocket 13, as graphql-transport-ws or graphql-ws.";
        return Err(Fault::new(400, text, "forward-request", "WebSocketHandshake", text));
    };
    let mut response = Response::new(101);
    for (name, value) in [
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Accept", &*derive_accept_key(key)),
        ("Sec-WebSocket-Protocol", dialect.name()),
    ] {
        // Our own tokens, and a digest in base64.
        let _ = response.headers.append(name, value.as_bytes());
    }
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    exchange.tunnel = Some(Box::new(Tunnel(Box::new(near))));
    exchange.respond(response);
    let caller = exchange.for_field(FieldContext::default());
    let api = Arc::clone(api);
    tokio::task::spawn_local(async move {
        let config = WebSocketConfig::default()
            .max_frame_size(Some(FRAME_BYTES_MAX))
            .max_message_size(Some(MESSAGE_BYTES_MAX));
        let socket = WebSocketStream::from_raw_socket(far, Role::Server, Some(config)).await;
        Session::new(worker, caller, api, dialect, socket).run().await;
    });
    Ok(())
}

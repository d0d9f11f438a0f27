//! GraphQL subscriptions over WebSocket: answered by the gateway, or by the backend behind it.

use std::net::TcpStream;
use std::time::Duration;

use gateway_tests::{Backend, Config, Reply, Running, Script};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::graphql::{ask, folder_with, get, resolver};

const SCHEMA: &str = "type Query { here: String }
type Mutation { create(name: String): User silent: User }
type Subscription { onCreate: User onDelete: User live: User }
type User { id: ID name: String friends: [String] }
";

/// A client of subscriptions.
struct Socket(WebSocket<TcpStream>);

impl Socket {
    fn open(gateway: &Running, dialect: &str) -> Self {
        let stream = TcpStream::connect(gateway.http()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut request = format!("ws://{}/g", gateway.http()).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", dialect.parse().unwrap());
        let (socket, response) = client(request, stream).unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], dialect.split(',').next().unwrap());
        Self(socket)
    }

    /// The same, with the first words exchanged.
    fn begun(gateway: &Running, dialect: &str) -> Self {
        let mut socket = Self::open(gateway, dialect);
        socket.say(&json!({ "type": "connection_init", "payload": { "token": "x" } }));
        assert_eq!(socket.hear(), json!({ "type": "connection_ack" }));
        socket
    }

    fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    fn subscribe(&mut self, kind: &str, id: &str, query: &str) {
        self.say(&json!({ "type": kind, "id": id, "payload": { "query": query } }));
    }

    fn hear(&mut self) -> Value {
        match self.0.read().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Code and reason of the close frame.
    fn closed(&mut self) -> (u16, String) {
        match self.0.read().unwrap() {
            Message::Close(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

fn served() -> (Config, Backend, Running) {
    let source = Backend::start(|request| match request.target.as_str() {
        "/users?name=Ada" => Reply::ok(r#"{"id": 1, "name": "Ada"}"#),
        "/users?name=plain" => Reply::ok("plain"),
        "/friends?of=1" => Reply::ok(r#"["Bob"]"#),
        other => panic!("{other}"),
    });
    let config = folder_with(None, SCHEMA);
    let url = source.url();
    let create = format!(
        "{}<http-response><publish-event><targets><graphql-subscription id=\"onCreate\" /></targets></publish-event></http-response>",
        get(&format!("@($\"{url}/users?name={{context.GraphQL.Arguments[\"name\"]}}\")"))
    );
    resolver(&config, "Mutation/create", &create);
    let friends = get(&format!("@($\"{url}/friends?of={{context.GraphQL.Parent[\"id\"]}}\")"));
    resolver(&config, "User/friends", &friends);
    resolver(&config, "Subscription/live", &friends);
    let gateway = Running::start(config.path(), &[]);
    (config, source, gateway)
}

#[test]
fn event_of_a_resolver_reaches_all_who_have_subscribed() {
    let (_config, _source, gateway) = served();
    let dialects = [("graphql-transport-ws", "subscribe", "next"), ("graphql-ws", "start", "data")];
    let mut sockets = dialects.map(|(dialect, start, _)| {
        let mut socket = Socket::begun(&gateway, dialect);
        socket.subscribe(start, "a", "subscription { made: onCreate { name friends __typename } }");
        socket.subscribe(start, "b", "subscription { onDelete { name } }");
        // Its answer says that the others are in force.
        socket.subscribe(start, "c", "{ here }");
        let refused = socket.hear();
        assert_eq!((refused["id"].as_str(), refused["type"].as_str()), (Some("c"), Some("error")));
        socket
    });
    let answer = ask(&gateway, &json!({ "query": "mutation { create(name: \"Ada\") { id } }" }));
    assert_eq!(answer.text(), r#"{"data":{"create":{"id":1}}}"#);
    for (socket, (_, _, kind)) in sockets.iter_mut().zip(dialects) {
        let data = json!({ "made": { "name": "Ada", "friends": ["Bob"], "__typename": "User" } });
        assert_eq!(socket.hear(), json!({ "id": "a", "type": kind, "payload": { "data": data } }));
    }
    let [new, old] = &mut sockets;
    new.say(&json!({ "type": "complete", "id": "a" }));
    old.say(&json!({ "type": "stop", "id": "a" }));
    new.say(&json!({ "type": "ping" }));
    assert_eq!(new.hear(), json!({ "type": "pong" }));
    old.subscribe("start", "d", "nonsense");
    assert_eq!(old.hear()["type"], "error");
    ask(&gateway, &json!({ "query": "mutation { create(name: \"Ada\") { id } }" }));
    new.say(&json!({ "type": "ping", "payload": 5 }));
    assert_eq!(new.hear(), json!({ "type": "pong", "payload": 5 }), "no event comes any more");
    old.say(&json!({ "type": "connection_terminate" }));
    assert_eq!(old.closed().0, 1000);
}

#[test]
fn event_that_does_not_fit_the_schema_is_told_as_an_error() {
    let (_config, _source, gateway) = served();
    let mut socket = Socket::begun(&gateway, "graphql-transport-ws");
    socket.subscribe("subscribe", "a", "subscription { onCreate { name } }");
    socket.say(&json!({ "type": "ping" }));
    socket.hear();
    ask(&gateway, &json!({ "query": "mutation { create(name: \"plain\") { id } }" }));
    let told = socket.hear();
    assert_eq!(told["payload"]["data"], json!({ "onCreate": null }));
    assert!(
        told["payload"]["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("a string is no value of type User")
    );
}

#[test]
fn client_that_breaks_the_rules_is_sent_away() {
    let (_config, _source, gateway) = served();
    let new = "graphql-transport-ws";
    let subscription =
        json!({ "type": "subscribe", "id": "a", "payload": { "query": "subscription { onCreate { id } }" } });
    let mut early = Socket::open(&gateway, new);
    early.say(&subscription);
    assert_eq!(early.closed(), (4401, "Unauthorized".to_owned()));
    let mut twice = Socket::begun(&gateway, "graphql-transport-ws, graphql-ws");
    twice.say(&json!({ "type": "connection_init" }));
    assert_eq!(twice.closed().0, 4429);
    let mut same = Socket::begun(&gateway, new);
    same.say(&subscription);
    same.say(&subscription);
    assert_eq!(same.closed().0, 4409);
    for bad in
        [json!([1]), json!({ "type": "start", "id": "a", "payload": {} }), json!({ "type": "subscribe" })]
    {
        let mut socket = Socket::begun(&gateway, new);
        socket.say(&bad);
        assert_eq!(socket.closed().0, 4400, "{bad}");
    }
    let mut long = Socket::begun(&gateway, new);
    let _ = long.0.send(Message::text("x".repeat(100_000)));
    assert_eq!(long.closed().0, 1009);
    let mut many = Socket::begun(&gateway, new);
    for number in 0..=100 {
        many.subscribe("subscribe", &number.to_string(), "subscription { onCreate { id } }");
    }
    let refused = many.hear();
    assert_eq!((refused["id"].as_str(), refused["type"].as_str()), (Some("100"), Some("error")));
    for query in ["{ here }", "subscription { live { id } }", "subscription { missing }", "subscription"] {
        let mut socket = Socket::begun(&gateway, new);
        socket.subscribe("subscribe", "a", query);
        assert_eq!(socket.hear()["type"], "error", "{query}");
    }
}

#[test]
fn handshake_without_a_protocol_of_ours_is_refused() {
    let (_config, _source, gateway) = served();
    let fields = |protocol| {
        [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", protocol),
        ]
    };
    assert_eq!(gateway.client().request("GET", "/g", &fields("mqtt")).status, 400);
    let answer = gateway.client().request("GET", "/g", &fields("graphql-ws"));
    let accept = answer.header("Sec-WebSocket-Accept");
    assert_eq!((answer.status, accept), (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
}

#[test]
fn subscription_of_an_api_with_a_backend_is_passed_through() {
    let backend = Script::start(|client, _| {
        let request = client.through(b"\r\n\r\n").expect("a handshake");
        let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
        assert!(request.contains("sec-websocket-protocol: graphql-ws\r\n"), "{request}");
        client.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Protocol: graphql-ws\r\nSec-WebSocket-Accept: x\r\n\r\n",
        );
        while let Some(byte) = client.exactly(1) {
            client.send(&byte);
        }
    });
    let config = folder_with(Some(&backend.url()), SCHEMA);
    let gateway = Running::start(config.path(), &[]);
    let mut client = gateway.client();
    client.send(
        b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n",
    );
    assert_eq!(client.answer(false).expect("an answer").status, 101);
    client.send(b"whatever");
    assert_eq!(client.exactly(8).as_deref(), Some(&b"whatever"[..]), "bytes both ways");
}

//! Hostile input through a whole gateway: a test for each row of `reliability-security.md` §5.1–5.4, named by its id.

mod http1;
mod http2;
mod slow;
mod target;

use gateway_tests::{Answer, Api, Backend, Client, Config, Running};

/// A gateway in front of a strict backend, with one API at `/a` that takes everything.
struct Ground {
    gateway: Running,
    backend: Backend,
    _config: Config,
}

const EVERYTHING: &[&str] = &["GET /*", "HEAD /*", "POST /*", "PUT /*", "DELETE /*", "OPTIONS /*"];

impl Ground {
    fn new() -> Self {
        Self::with("", &[])
    }

    /// The same with an inbound section and settings.
    fn with(inbound: &str, settings: &[(&str, &str)]) -> Self {
        let (backend, config) = (Backend::fixed("ok"), Config::new());
        let url = backend.url();
        config.api(&Api { name: "a", path: "a", service_url: &url, operations: EVERYTHING, more: "" });
        config.policy("apis/a/policy.xml", inbound, "", "", "");
        Self { gateway: Running::start(config.path(), settings), backend, _config: config }
    }

    /// Sends bytes on a connection of its own and reads one answer.
    fn answer(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.gateway.client();
        client.send(bytes.as_ref());
        client.answer(false).unwrap_or_else(|| panic!("no answer to {}", shown(bytes.as_ref())))
    }

    fn anomalies(&self) -> f64 {
        self.gateway.settled("gateway_protocol_anomalies_total", &[])
    }

    /// "400+C": the status, nothing of the input in the body, the connection closed, no second answer.
    fn refuses(&self, bytes: &[u8], statuses: &[u16]) {
        let mut client = self.gateway.client();
        // The gateway may close while we still talk.
        let _ = client.try_send(bytes) && client.try_send(SECOND);
        let answer = client.answer(false).unwrap_or_else(|| panic!("no answer to {}", shown(bytes)));
        assert!(statuses.contains(&answer.status), "{} to {}", answer.status, shown(bytes));
        assert_eq!(answer.header("connection"), Some("close"), "{}", shown(bytes));
        let text = answer.text();
        let start = format!(r#"{{ "statusCode": {}, "message": ""#, answer.status);
        assert!(
            text.starts_with(&start) && TEXTS.iter().any(|own| text[start.len()..].starts_with(own)),
            "{text}"
        );
        assert!(client.is_closed(), "a second answer to {}", shown(bytes));
    }
}

/// All that a refusal says; nothing of the input is in it.
const TEXTS: &[&str] = &[
    "Bad Request\" }",
    "Method Not Allowed\" }",
    "HTTP Version Not Supported\" }",
    "URI Too Long\" }",
    "Request Header Fields Too Large\" }",
    "Expectation Failed\" }",
    "Not Implemented\" }",
    "Request body is malformed.\" }",
];

/// Behind every refused request: must never be answered.
const SECOND: &[u8] = b"GET /a/second HTTP/1.1\r\nHost: a\r\n\r\n";

/// Every row is refused with the status, counted once, and reaches no backend.
fn all_refused(status: u16, rows: impl IntoIterator<Item = Vec<u8>>) {
    any_refused(&[status], rows);
}

fn any_refused(statuses: &[u16], rows: impl IntoIterator<Item = Vec<u8>>) {
    let ground = Ground::new();
    let mut count = 0.0;
    for row in rows {
        ground.refuses(&row, statuses);
        count += 1.0;
    }
    assert_eq!(ground.anomalies(), count);
    let seen = ground.backend.seen();
    assert!(seen.is_empty(), "{seen:?}");
}

fn shown(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]))
}

/// A POST with these field lines.
fn fields(lines: &str) -> Vec<u8> {
    format!("POST /a/item HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n").into_bytes()
}

/// A request with this line.
fn line(line: &str) -> Vec<u8> {
    format!("{line}\r\nHost: a\r\n\r\n").into_bytes()
}

/// A GET of this target.
fn get(target: &str) -> Vec<u8> {
    line(&format!("GET {target} HTTP/1.1"))
}

/// A POST with this chunked body, framing included.
fn chunks(body: &str) -> Vec<u8> {
    format!("POST /a/item HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}").into_bytes()
}

/// What an accepted request looked like to the backend.
fn target_seen(target: &str) -> String {
    let ground = Ground::new();
    assert_eq!(ground.answer(get(target)).status, 200, "{target}");
    ground.backend.only().target
}

/// Reads pipelined answers.
fn answers(client: &mut Client, count: usize) -> Vec<Answer> {
    (0..count).map(|at| client.answer(false).unwrap_or_else(|| panic!("answer {at}"))).collect()
}

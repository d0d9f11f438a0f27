//! What the recording servers of this folder have in common, and the traffic they are told of.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use gateway_tests::{Api, Backend, Client, Config, Recorded, Reply, Running};

/// Status, field lines and body of a reply.
pub fn reply(status: u16, body: &str) -> Reply {
    Reply::with(status, &[], body)
}

/// The body as it was before `Content-Encoding`; `None` when it says gzip and is none.
pub fn body(request: &Recorded) -> Option<String> {
    let bytes = &request.body;
    match request.header("content-encoding") {
        None => String::from_utf8(bytes.clone()).ok(),
        Some("gzip") => {
            let mut text = String::new();
            GzDecoder::new(&bytes[..]).read_to_string(&mut text).ok()?;
            Some(text)
        }
        Some(_) => None,
    }
}

/// A token service of a virtual machine: the token is the audience in brackets.
pub fn identity() -> Backend {
    Backend::start(|request| {
        let query = request.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let resource = query.split('&').find_map(|pair| pair.strip_prefix("resource="));
        let (Some(resource), Some("true")) = (resource, request.header("metadata")) else {
            return reply(400, r#"{"error":"bad_request_102"}"#);
        };
        Reply::ok(&format!(
            r#"{{"access_token":"<{resource}>","expires_in":"3599","resource":"x","token_type":"Bearer"}}"#
        ))
    })
}

/// What [`identity`] gives for an audience, as a field value.
pub fn bearer(audience: &str) -> String {
    let encoded = audience.replace(':', "%3A").replace('/', "%2F");
    format!("Bearer <{encoded}>")
}

/// A gateway with one API, `shop`: `GET /ok` answers 200, `GET /fail` finds no backend, `GET /slow` takes two seconds,
/// `POST /echo/{id}` gives the body back.
pub struct World {
    pub config: Config,
    pub backend: Backend,
    pub gateway: Running,
}

impl World {
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::configured(|_| {}, settings)
    }

    /// The same with more in its folder.
    pub fn configured(more: impl FnOnce(&Config), settings: &[(&str, &str)]) -> Self {
        let backend = Backend::start(|request| {
            if request.target.contains("slow") {
                std::thread::sleep(Duration::from_secs(2));
            }
            if request.method == "POST" {
                let body = String::from_utf8_lossy(&request.body);
                return Reply::with(200, &[("Set-Cookie", "session=hidden"), ("X-Answer", "42")], &body);
            }
            Reply::ok("0123456789")
        });
        let config = Config::new();
        let url = backend.url();
        let operations = &["GET /ok", "GET /fail", "GET /slow", "POST /echo/{id}"];
        config.api(&Api { name: "shop", path: "shop", service_url: &url, operations, more: "" });
        let away = r#"<base /><set-backend-service base-url="http://127.0.0.1:9" />"#;
        config.policy("apis/shop/operations/operation-2/policy.xml", away, "", "", "");
        more(&config);
        let gateway = Running::start(config.path(), settings);
        Self { config, backend, gateway }
    }

    /// Sends `count` requests over four connections.
    pub fn load(&self, target: &str, count: usize) {
        let address = self.gateway.http();
        std::thread::scope(|scope| {
            for part in 0..4 {
                let share = count / 4 + usize::from(part < count % 4);
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    for number in 0..share {
                        client.request("GET", &format!("{target}?n={part}-{number}&sig=secret"), &[]);
                    }
                });
            }
        });
    }

    /// A request whose client leaves before it has an answer.
    pub fn abort(&self) {
        let mut stream = TcpStream::connect(self.gateway.http()).expect("a connection");
        write!(stream, "GET /shop/slow HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
        std::thread::sleep(Duration::from_millis(200));
    }

    /// Stops the gateway, which sends what waits.
    pub fn stop(self) {
        self.gateway.stop();
    }

    /// Waits until an exporter has sent so many items.
    pub fn wait_for(&self, exporter: &str, sent: u64) {
        let label = format!("exporter=\"{exporter}\"");
        // The exporters yield to everything else: where tests share few cores, this takes its time.
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let done = self.gateway.metric("gateway_export_items_total", &[&label, "result=\"sent\""]);
            if done >= sent as f64 {
                return;
            }
            assert!(Instant::now() < until, "{done} of {sent} items: {}", self.gateway.metrics());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Until an exporter has looked at everything that is meant for it; what it sums up may still be there.
    pub fn wait_drained(&self, exporter: &str) {
        let label = format!("exporter=\"{exporter}\"");
        let until = Instant::now() + Duration::from_secs(120);
        while self.gateway.metric("gateway_export_waiting_items", &[&label, "place=\"memory\""]) > 0.0 {
            assert!(Instant::now() < until, "{exporter}: {}", self.gateway.metrics());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

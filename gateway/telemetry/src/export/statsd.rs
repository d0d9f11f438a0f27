//! `StatsD` by UDP, in its four forms of tags (self-hosted-gateway.md §3.2). Nobody answers: what is sent counts as
//! received.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use tokio::net::UdpSocket;

use super::{Exporter, Gathered, LocalFuture, Outbound, Payload, Verdict};
use crate::event::RequestEvent;
use crate::json;
use crate::metrics::{category_text, status_text};
use crate::sink::Instance;

/// Of one datagram: what an Ethernet frame carries.
const DATAGRAM_BYTES_MAX: usize = 1400;
/// So many datagrams at once, then a pause: a burst is more than the socket of a busy server holds.
const BURST: usize = 8;
const PAUSE: Duration = Duration::from_millis(1);
/// Of one payload.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

/// Values of `telemetry.metrics.local.statsd.tag-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagFormat {
    #[default]
    None,
    Librato,
    DogStatsD,
    InfluxDb,
}

impl FromStr for TagFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "librato" | "ibrato" => Self::Librato, // old pages misspell it
            "dogstatsd" => Self::DogStatsD,
            "influxdb" => Self::InfluxDb,
            _ => return Err("none, librato, dogStatsD or influxDB is expected"),
        })
    }
}

/// Where to, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// HOST:PORT.
    pub endpoint: String,
    pub tags: TagFormat,
}

/// The exporter.
pub struct Statsd {
    settings: Settings,
    location: String,
    socket: RefCell<Option<Rc<UdpSocket>>>,
}

impl Statsd {
    pub fn new(settings: Settings, instance: &Instance) -> Self {
        Self { settings, location: instance.region.clone(), socket: RefCell::default() }
    }

    /// The lines of what was gathered: a counter for each set of tags, a timer for each time.
    fn lines(&self, gathered: &[Gathered], put: &mut dyn FnMut(&str)) {
        let tags: Vec<String> = gathered.iter().map(|item| item.with(|event| self.tags(event))).collect();
        let mut counts: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for (item, tags) in gathered.iter().zip(&tags) {
            *counts.entry((tags, item.sample_rate.to_bits())).or_default() += 1;
        }
        let mut line = String::new();
        for ((tags, rate), count) in counts {
            line.clear();
            let value = |out: &mut String| out.extend([itoa::Buffer::new().format(count), "|c"]);
            self.line(&mut line, "Requests", tags, value, f64::from_bits(rate));
            put(&line);
        }
        for (item, tags) in gathered.iter().zip(&tags) {
            let times = item.with(|event| {
                [
                    ("DurationInMS", Some(event.total_time)),
                    ("BackendDurationInMS", event.backend_time),
                    ("ClientDurationInMS", Some(event.client_time)),
                ]
            });
            for (name, time) in times.into_iter().filter_map(|(name, time)| Some((name, time?))) {
                line.clear();
                let value = |out: &mut String| {
                    json::millis(out, time);
                    out.push_str("|ms");
                };
                self.line(&mut line, name, tags, value, item.sample_rate);
                put(&line);
            }
        }
    }

    /// dogStatsD `name:1|c|#k:v,k:v`; librato `name#k=v,k=v:1|c`; influxDB `name,k=v,k=v:1|c`; sampling adds `|@0.5`.
    fn line(&self, out: &mut String, name: &str, tags: &str, value: impl FnOnce(&mut String), rate: f64) {
        out.push_str(name);
        match self.settings.tags {
            TagFormat::None | TagFormat::DogStatsD => {}
            TagFormat::Librato => out.extend(["#", tags]),
            TagFormat::InfluxDb => out.extend([",", tags]),
        }
        out.push(':');
        value(out);
        if rate < 100.0 {
            let _ = write!(out, "|@{}", rate / 100.0); // a `String` takes all
        }
        if self.settings.tags == TagFormat::DogStatsD {
            out.extend(["|#", tags]);
        }
    }

    fn tags(&self, event: &RequestEvent<'_>) -> String {
        let equals = match self.settings.tags {
            TagFormat::None => return String::new(),
            TagFormat::DogStatsD => ':',
            TagFormat::Librato | TagFormat::InfluxDb => '=',
        };
        let backend = event.backend().map_or(0, |call| call.response_code);
        let (code, backend_code) = (event.response_code.to_string(), backend.to_string());
        let tags = [
            ("ApiId", event.api_id.unwrap_or_default()),
            ("BackendResponseCode", &backend_code),
            ("BackendResponseCodeCategory", category_text(backend)),
            ("Cache", event.cache.as_str()),
            ("LastErrorReason", event.last_error.map_or("", |error| error.reason)),
            ("Location", &self.location),
            ("ResponseCode", &code),
            ("ResponseCodeCategory", category_text(event.response_code)),
            ("Status", status_text(event.response_code)),
        ];
        let mut out = String::with_capacity(256);
        for (name, value) in tags {
            if !out.is_empty() {
                out.push(',');
            }
            out.push_str(name);
            out.push(equals);
            // What would end a tag or a line.
            let safe = |c: char| if c.is_ascii_graphic() && !",:=|#@".contains(c) { c } else { '_' };
            out.extend(if value.is_empty() { "None" } else { value }.chars().map(safe));
        }
        out
    }

    async fn attempt(&self, payload: &Payload) -> Verdict {
        match self.write(payload).await {
            Ok(()) => Verdict::Sent,
            Err(error) => {
                // Looked up anew: the name may have moved.
                self.socket.borrow_mut().take();
                Verdict::Refused { why: format!("{}: {error}", self.settings.endpoint) }
            }
        }
    }

    async fn connect(&self) -> std::io::Result<Rc<UdpSocket>> {
        let target = tokio::net::lookup_host(&self.settings.endpoint).await?.next();
        let target = target.ok_or_else(|| std::io::Error::other("no address"))?;
        let own = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = Rc::new(UdpSocket::bind(own).await?);
        socket.connect(target).await?;
        *self.socket.borrow_mut() = Some(Rc::clone(&socket));
        Ok(socket)
    }

    async fn write(&self, payload: &Payload) -> std::io::Result<()> {
        let known = self.socket.borrow().clone();
        let socket = if let Some(socket) = known { socket } else { self.connect().await? };
        let text = String::from_utf8_lossy(&payload.body);
        let mut datagram = String::with_capacity(DATAGRAM_BYTES_MAX);
        let mut sent = 0;
        for line in text.lines() {
            if !datagram.is_empty() && datagram.len() + line.len() + 1 > DATAGRAM_BYTES_MAX {
                socket.send(datagram.as_bytes()).await?;
                datagram.clear();
                sent += 1;
                if sent % BURST == 0 {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if !datagram.is_empty() {
                datagram.push('\n');
            }
            datagram.push_str(line);
        }
        socket.send(datagram.as_bytes()).await.map(|_| ())
    }
}

impl Exporter for Statsd {
    fn encode(&self, gathered: &[Gathered], _: SystemTime, _: bool, payloads: &mut Vec<Payload>) -> u64 {
        let mut current = Payload::default();
        self.lines(gathered, &mut |line| {
            if current.body.len() + line.len() > PAYLOAD_BYTES_MAX {
                payloads.push(std::mem::take(&mut current));
            }
            current.items += 1;
            current.body.extend_from_slice(line.as_bytes());
            current.body.push(b'\n');
        });
        if current.items > 0 {
            payloads.push(current);
        }
        0
    }

    fn send<'a>(&'a self, payload: &'a Payload, _: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.attempt(payload))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{LoggerKind, Rules};
    use crate::export::Sampling;
    use crate::export::testing::request;

    fn lines(tags: TagFormat, sample_rate: f64) -> Vec<String> {
        let settings = Settings { endpoint: String::new(), tags };
        let instance = Instance { region: "at,tic".into(), ..Instance::default() };
        let rules = Arc::new(Rules::without_diagnostic(LoggerKind::AzureMonitor, Sampling::default()));
        let item = Gathered::of(&request(401), sample_rate, rules);
        let mut all = Vec::new();
        Statsd::new(settings, &instance).lines(&[item.clone(), item], &mut |line| all.push(line.to_owned()));
        all
    }

    #[test]
    fn each_form_of_tags_is_written() {
        assert_eq!(
            lines(TagFormat::None, 100.0),
            [
                "Requests:2|c",
                "DurationInMS:30|ms",
                "ClientDurationInMS:0|ms",
                "DurationInMS:30|ms",
                "ClientDurationInMS:0|ms"
            ]
        );
        let tags = |equals: &str| {
            format!(
                "ApiId{equals}shop,BackendResponseCode{equals}0,BackendResponseCodeCategory{equals}None,Cache{equals}none,\
                 LastErrorReason{equals}None,Location{equals}at_tic,ResponseCode{equals}401,ResponseCodeCategory{equals}4xx,\
                 Status{equals}Unauthorized"
            )
        };
        let first = |format, rate| lines(format, rate).remove(0);
        assert_eq!(first(TagFormat::DogStatsD, 50.0), format!("Requests:2|c|@0.5|#{}", tags(":")));
        assert_eq!(first(TagFormat::Librato, 100.0), format!("Requests#{}:2|c", tags("=")));
        assert_eq!(first(TagFormat::InfluxDb, 50.0), format!("Requests,{}:2|c|@0.5", tags("=")));
    }
}

//! The process log on stdout: settings, and the handle everyone writes through.

mod bridge;
mod local;
mod queue;
mod record;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

pub use self::bridge::InstallError;
pub use self::local::{Local, LocalForm};
use self::queue::Queue;
pub use self::queue::Stats;
use self::record::{Form, Record};
use crate::event::{Fields, GatewayLogs, RequestEvent, Severity};
use crate::lifecycle::Event;
use crate::sink::{Instance, Sink};

/// Bytes of finished lines that may wait for the output; as many again can be with the writer.
const QUEUE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Severity of a request's record.
const REQUESTS: Severity = Severity::Info;

/// Settings `telemetry.logs.std`, `….level`, `….color` (self-hosted-gateway.md §1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Default `text`.
    pub std: Std,
    /// Records below are not written; default info.
    pub level: Severity,
    /// Also records of libraries below warning (level `all`); default false.
    pub libraries: bool,
    /// ANSI colours in text; default true.
    pub color: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { std: Std::Text, level: Severity::Info, libraries: false, color: true }
    }
}

/// Form of the lines on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Std {
    None,
    Text,
    Json,
}

/// A setting's value that is not in its list.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{setting}: {value:?} is none of {accepted}")]
pub struct LogSettingError {
    pub setting: &'static str,
    pub value: String,
    pub accepted: &'static str,
}

impl FromStr for Std {
    type Err = LogSettingError;

    fn from_str(value: &str) -> Result<Self, LogSettingError> {
        match value {
            "none" => Ok(Self::None),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogSettingError {
                setting: "telemetry.logs.std",
                value: value.to_owned(),
                accepted: "none, text, json",
            }),
        }
    }
}

impl LogSettings {
    /// Takes a value of `telemetry.logs.std.level`: all, debug, info, warn, error, fatal.
    pub fn set_level(&mut self, value: &str) -> Result<(), LogSettingError> {
        (self.level, self.libraries) = match value {
            "all" => (Severity::Verbose, true),
            "debug" => (Severity::Verbose, false),
            "info" => (Severity::Info, false),
            "warn" => (Severity::Warning, false),
            "error" => (Severity::Error, false),
            "fatal" => (Severity::Fatal, false),
            _ => {
                return Err(LogSettingError {
                    setting: "telemetry.logs.std.level",
                    value: value.to_owned(),
                    accepted: "all, debug, info, warn, error, fatal",
                });
            }
        };
        Ok(())
    }
}

/// The log; clones write to the same output. Writing never waits for the output.
#[derive(Clone)]
pub struct Log {
    settings: LogSettings,
    outputs: Arc<[Output]>,
    instance: Arc<Instance>,
}

/// Where lines go, and in which form.
struct Output {
    form: Form,
    queue: Arc<Queue>,
}

impl Output {
    /// Starts the writer thread; each line is one call of `write`, as far as the output takes it whole.
    fn start(form: Form, stats: Arc<Stats>, output: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(QUEUE_BYTES_MAX, stats));
        let (writing, own) = (Arc::clone(&queue), form.clone());
        let dropped = move |records| {
            let event = Event::LogRecordsDropped { records };
            line(&own, event.severity(), event.event_type(), "gateway", &event)
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writing.run(output, dropped))?;
        Ok(Self { form, queue })
    }
}

fn line(form: &Form, severity: Severity, event_type: &str, source: &str, fields: &dyn Fields) -> String {
    Record { severity, time: SystemTime::now(), event_type, source, fields }.line(form)
}

impl Log {
    /// Starts the writer threads of stdout and of a local sink; `None` when there is neither.
    ///
    /// # Errors
    /// Stdout cannot be duplicated, the sink's address not be found, or a thread not started.
    pub fn of_process(
        settings: LogSettings,
        local: Option<&Local>,
        instance: Arc<Instance>,
        stats: &Arc<Stats>,
    ) -> io::Result<Option<Self>> {
        let mut outputs = Vec::new();
        if settings.std != Std::None {
            // Own descriptor: std's stdout has a buffer that could cut a line in two writes.
            let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            outputs.push(Output::start(Form::of(settings), Arc::clone(stats), output)?);
        }
        if let Some(local) = local {
            outputs.push(Output::start(local.line_form(), Arc::clone(stats), local.open()?)?);
        }
        let log = Self { settings, outputs: outputs.into(), instance };
        Ok(Some(log).filter(|log| !log.outputs.is_empty()))
    }

    /// Starts the writer thread on any output.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        settings: LogSettings,
        instance: Arc<Instance>,
        stats: Arc<Stats>,
        output: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let output = Output::start(Form::of(settings), stats, output)?;
        Ok(Self { settings, outputs: Arc::new([output]), instance })
    }

    /// Whether a record of this severity would be written.
    pub fn writes(&self, severity: Severity) -> bool {
        severity >= self.settings.level
    }

    /// Writes one record. `source`: the component it comes from.
    pub fn write(&self, severity: Severity, event_type: &str, source: &str, fields: &dyn Fields) {
        if self.writes(severity) {
            for output in self.outputs.iter() {
                output.queue.push(line(&output.form, severity, event_type, source, fields));
            }
        }
    }

    /// Ends the writer once it has written what waits, for at most `patience`; later records are dropped.
    pub fn close(&self, patience: Duration) {
        for output in self.outputs.iter() {
            output.queue.close(patience);
        }
    }
}

impl Sink for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn reads_requests(&self) -> bool {
        self.writes(REQUESTS)
    }

    fn request(&self, _worker: usize, event: &RequestEvent<'_>) {
        let record = GatewayLogs { event, region: &self.instance.region, rules: None };
        self.write(REQUESTS, "GatewayLogs", "gateway", &record);
    }

    fn event(&self, event: &Event<'_>) {
        self.write(event.severity(), event.event_type(), "gateway", event);
    }

    fn close(&self, patience: Duration) {
        Self::close(self, patience);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::event::{
        Cache, Call, CallKind, LastError, Listener, Protocol, TlsVersion, TraceRecord, Url, Value,
    };
    use crate::metrics::labels::BackendId;

    const JSON: LogSettings =
        LogSettings { std: Std::Json, level: Severity::Info, libraries: false, color: false };
    const TEXT: LogSettings = LogSettings { std: Std::Text, ..JSON };

    /// Keeps each write apart.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<String>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(settings: LogSettings, act: impl FnOnce(&Log)) -> Vec<String> {
        let writes = Writes::default();
        let instance = Arc::new(Instance { region: "attic".to_owned(), ..Instance::default() });
        let log = Log::start(settings, instance, Arc::default(), writes.clone()).unwrap();
        act(&log);
        log.close(Duration::from_secs(10));
        writes.0.lock().unwrap().clone()
    }

    fn line(settings: LogSettings, fields: &dyn Fields) -> String {
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_764_766_650_533_000_100);
        Record { severity: Severity::Info, time, event_type: "GatewayLogs", source: "gateway", fields }
            .line(&Form::of(settings))
    }

    fn request() -> RequestEvent<'static> {
        let url = Url { scheme: "https", authority: "api.test", target: "/a/b?x=1&mine=sesame" };
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_766_650);
        RequestEvent::new([192, 0, 2, 7].into(), time, "GET", url)
    }

    const CALL: Call<'_> = Call {
        kind: CallKind::Forward,
        label: BackendId::OTHER,
        backend_id: Some("store"),
        application: None,
        is_open: false,
        method: "POST",
        url: "http://u:p@store.test:81/b?code=sesame",
        response_code: 502,
        protocol: Some(Protocol::Http11),
        span: [0; 8],
        started: Duration::ZERO,
        elapsed: Duration::ZERO,
    };

    fn full_request() -> RequestEvent<'static> {
        const ERROR: LastError<'_> = LastError {
            elapsed: Duration::from_millis(9),
            source: "forward-request",
            path: r"forward-request\backend",
            reason: "BackendConnectionFailure",
            message: "line one\nline \"two\"\x1b[31m",
            section: "backend",
            scope: "api",
        };
        RequestEvent {
            total_time: Duration::from_micros(12_900),
            client_time: Duration::from_millis(1),
            backend_time: Some(Duration::from_millis(10)),
            cache_time: Some(Duration::from_millis(2)),
            correlation_id: Uuid::from_u128(0x1234),
            key_parameter: "mine",
            response_code: 500,
            request_size: 3,
            response_size: 4,
            cache: Cache::Miss,
            api_id: Some("echo"),
            api_revision: Some("2"),
            operation_id: Some("get"),
            product_id: Some("gold"),
            user_id: Some("1"),
            subscription_id: Some("s1"),
            client_tls: Some(TlsVersion::Tls13),
            calls: &[CALL, Call { kind: CallKind::Send, url: "http://other.test/", ..CALL }],
            last_error: Some(ERROR),
            errors: &[ERROR],
            traces: &[TraceRecord {
                elapsed: Duration::ZERO,
                source: "mine",
                severity: Severity::Verbose,
                message: "m",
                metadata: &[("token", "sesame")],
            }],
            ..request()
        }
    }

    #[test]
    fn request_record_in_json_has_the_members_of_the_original_in_order() {
        let error = r#"{"elapsed":9,"source":"forward-request","path":"forward-request\\backend","reason":"BackendConnectionFailure","message":"line one\nline \"two\"\u001b[31m","section":"backend","scope":"api"}"#;
        let expected = [
            r#"{"level":"Info","timestamp":"2025-12-03T12:57:30.5330001Z","eventType":"GatewayLogs","isRequestSuccess":false"#,
            r#""totalTime":12,"category":"GatewayLogs","callerIpAddress":"192.0.2.7""#,
            r#""timeGenerated":"2025-12-03T12:57:30.0000000Z","region":"attic""#,
            r#""correlationId":"00000000-0000-0000-0000-000000001234","method":"GET""#,
            r#""url":"https://api.test/a/b?x=1&mine=***","responseCode":500,"responseSize":4,"cache":"miss""#,
            r#""backendTime":10,"apiId":"echo","operationId":"get","productId":"gold","userId":"1""#,
            r#""apimSubscriptionId":"s1","clientProtocol":"HTTP/1.1","backendId":"store","cacheTime":2"#,
            r#""apiRevision":"2","clientTlsVersion":"1.3","backendMethod":"POST""#,
            r#""backendUrl":"http://***@store.test:81/b?code=***","backendResponseCode":502"#,
            r#""backendProtocol":"HTTP/1.1","requestSize":3,"clientTime":1"#,
            &format!(r#""lastError":{error},"errors":[{error}]"#),
            r#""traceRecords":[{"elapsed":0,"source":"mine","severity":"Verbose","message":"m","metadata.token":"***"}]"#,
            r#""source":"gateway"}"#,
        ];
        let record = GatewayLogs { event: &full_request(), region: "attic", rules: None };
        let shown = line(JSON, &record);
        assert_eq!(shown, expected.join(",") + "\n");
        assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok());
    }

    #[test]
    fn request_record_without_backend_or_error_omits_their_members() {
        let record = GatewayLogs { event: &request(), region: "", rules: None };
        let expected = "[Info] 2025-12-03T12:57:30.533Z [GatewayLogs], isRequestSuccess: false, totalTime: 0, \
            category: GatewayLogs, callerIpAddress: 192.0.2.7, timeGenerated: 2025-12-03T12:57:30.0000000Z, \
            correlationId: 00000000-0000-0000-0000-000000000000, method: GET, \
            url: https://api.test/a/b?x=1&mine=sesame, responseCode: 0, responseSize: 0, cache: none, \
            clientProtocol: HTTP/1.1, requestSize: 0, clientTime: 0, source: gateway\n";
        assert_eq!(line(TEXT, &record), expected);
    }

    #[test]
    fn lifecycle_event_of_each_form_shows() {
        let addresses = [
            (Listener::Http, "127.0.0.1:8080".parse().unwrap()),
            (Listener::Admin, "[::1]:9".parse().unwrap()),
        ];
        let table: [(Event<'_>, &str); 3] = [
            (
                Event::GatewayListening { addresses: &addresses },
                r#""http":"127.0.0.1:8080","admin":"[::1]:9","#,
            ),
            (
                Event::ConfigurationLoaded {
                    revision: "r",
                    apis: 2,
                    apis_isolated: 1,
                    elapsed_seconds: Duration::from_millis(1500),
                },
                r#""revision":"r","apis":2,"apisIsolated":1,"elapsedSeconds":1.5,"#,
            ),
            (
                Event::ApiIsolated { message: "m", api_id: "a", resource: "r", serves_last_good: true },
                r#""message":"m","apiId":"a","resource":"r","servesLastGood":true,"#,
            ),
        ];
        for (event, expected) in table {
            assert!(line(JSON, &event).contains(expected), "{}", line(JSON, &event));
        }
        let color = LogSettings { color: true, level: Severity::Error, ..TEXT };
        let lines = written(color, |log| {
            Sink::event(log, &Event::GatewayStopped { connections_cut: 1 });
            Sink::event(
                log,
                &Event::ConfigurationRejected { message: "no\r\nway", revision: "r", diagnostics: 3 },
            );
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("\x1b[31m[Error]\x1b[0m 20"), "{lines:?}");
        let end =
            "Z [ConfigurationRejected], message: no\\r\\nway, revision: r, diagnostics: 3, source: gateway\n";
        assert!(lines[0].ends_with(end), "{lines:?}");
    }

    #[test]
    fn records_of_tracing_and_log_take_the_same_form() {
        let cause = io::Error::other(io::Error::new(io::ErrorKind::NotFound, "no\nfile"));
        let lines = written(JSON, |log| {
            tracing::subscriber::with_default(log.clone(), || {
                let address = "127.0.0.1:1";
                tracing::info!(event_type = "GatewayListening", http = %address, "up");
                let error = &cause as &dyn std::error::Error;
                tracing::error!(target: "hyper", exception = error, level = 3, token = "sesame", request_uri = "/?sig=sesame");
                tracing::info!(target: "hyper", "not heard");
                tracing::debug!("not heard");
                let _span = tracing::error_span!("not heard").entered();
            });
            let record = log::Record::builder()
                .args(format_args!("by log"))
                .target("gateway_x")
                .level(log::Level::Warn)
                .build();
            log::Log::log(log, &record);
        });
        let ends = [
            r#""eventType":"GatewayListening","message":"up","http":"127.0.0.1:1","source":"gateway_telemetry::log::tests"}"#,
            r#""eventType":"Message","exception":"no\nfile","level_":3,"token":"***","requestUri":"/?sig=***","source":"hyper"}"#,
            r#""eventType":"Message","message":"by log","source":"gateway_x"}"#,
        ];
        assert_eq!(lines.len(), ends.len(), "{lines:?}");
        for (line, end) in lines.iter().zip(ends) {
            assert!(line.trim_end().ends_with(end), "{line}");
        }
    }

    #[test]
    fn settings_are_read_from_their_lists() {
        let mut settings = LogSettings::default();
        for (value, level, libraries) in [
            ("all", Severity::Verbose, true),
            ("debug", Severity::Verbose, false),
            ("warn", Severity::Warning, false),
            ("fatal", Severity::Fatal, false),
        ] {
            settings.set_level(value).unwrap();
            assert_eq!((settings.level, settings.libraries), (level, libraries));
        }
        assert_eq!("json".parse(), Ok(Std::Json));
        let error = settings.set_level("loud").unwrap_err().to_string();
        assert!(error.starts_with("telemetry.logs.std.level: \"loud\" is none of all, "), "{error}");
        assert!("yaml".parse::<Std>().is_err() && settings.level == Severity::Fatal);
    }

    /// One field of any name and value.
    struct Any<'a>(&'a str, &'a str);

    impl Fields for Any<'_> {
        fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
            visit(self.0, Value::Text(self.1));
        }
    }

    proptest! {
        #[test]
        fn any_value_stays_on_its_line_and_in_its_bound(name in "[a-z]{1,9}_", value in "(?s).{0,40}", times in 1_usize..3000) {
            let value = value.repeat(times);
            let (json, text) = (line(JSON, &Any(&name, &value)), line(TEXT, &Any(&name, &value)));
            for shown in [&json, &text] {
                let body = shown.strip_suffix('\n').unwrap();
                prop_assert!(!body.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{body:?}");
                prop_assert!(body.len() < 6 * crate::json::VALUE_BYTES_MAX + 300);
            }
            let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
            let back = parsed[&name].as_str().unwrap();
            if value.len() > crate::json::VALUE_BYTES_MAX {
                let cut = back.strip_suffix('…').unwrap();
                prop_assert!(value.starts_with(cut) && cut.len() > crate::json::VALUE_BYTES_MAX - 4);
            } else {
                prop_assert_eq!(back, value);
            }
        }
    }
}

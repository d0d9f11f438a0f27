//! Log records to this machine's collectors, one datagram each: syslog (RFC 3164, RFC 5424), journald, JSON by UDP
//! (self-hosted-gateway.md §1.7, §3.3).

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use super::record::Form;
use crate::event::Severity;
use crate::rfc3339::Rfc3339;

const APP_NAME: &str = "gateway";
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";
const SYSLOG_SOCKET: &str = "/dev/log";
const JSON_TARGET: &str = "127.0.0.1:8888";
/// RFC 5424 §6.2.1: the highest facility.
const FACILITY_MAX: u8 = 23;
const FACILITY_DEFAULT: u8 = 1;

/// Values of `telemetry.logs.local`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalForm {
    #[default]
    None,
    /// journald where its socket is, else the local syslog where its socket is, else nothing.
    Auto,
    LocalSyslog,
    Rfc5424,
    Journal,
    Json,
}

impl FromStr for LocalForm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "none" => Self::None,
            "auto" => Self::Auto,
            "localsyslog" => Self::LocalSyslog,
            "rfc5424" => Self::Rfc5424,
            "journal" => Self::Journal,
            "json" => Self::Json,
            _ => return Err("none, auto, localsyslog, rfc5424, journal or json is expected"),
        })
    }
}

/// A local sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    header: Header,
    target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Path(PathBuf),
    Address(String),
}

/// What stands before the JSON of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    None,
    /// `<PRI>Mmm dd hh:mm:ss gateway[pid]: `
    Rfc3164 {
        facility: u8,
    },
    /// `<PRI>1 TIME HOST gateway PID EVENTTYPE - `
    Rfc5424 {
        facility: u8,
        host: String,
    },
    /// Fields of journald's native protocol; the record is `MESSAGE`.
    Journal,
}

impl Local {
    /// `endpoint`: path of a socket, or HOST:PORT; `None` = the form's default. `facility`: of syslog, default 1 (user).
    ///
    /// # Errors
    /// What is wrong with the endpoint or the facility.
    pub fn new(
        form: LocalForm,
        endpoint: Option<&str>,
        facility: Option<u8>,
    ) -> Result<Option<Self>, String> {
        let facility = facility.unwrap_or(FACILITY_DEFAULT);
        if facility > FACILITY_MAX {
            return Err(format!("{facility} is no facility: 0 to {FACILITY_MAX}"));
        }
        let form = match form {
            LocalForm::Auto if Path::new(JOURNAL_SOCKET).exists() => LocalForm::Journal,
            LocalForm::Auto if Path::new(SYSLOG_SOCKET).exists() => LocalForm::LocalSyslog,
            LocalForm::Auto => LocalForm::None,
            form => form,
        };
        let (header, default) = match form {
            LocalForm::None | LocalForm::Auto => return Ok(None),
            LocalForm::LocalSyslog => (Header::Rfc3164 { facility }, SYSLOG_SOCKET),
            LocalForm::Rfc5424 => (Header::Rfc5424 { facility, host: host_name() }, ""),
            LocalForm::Journal => (Header::Journal, JOURNAL_SOCKET),
            LocalForm::Json => (Header::None, JSON_TARGET),
        };
        let endpoint = endpoint.unwrap_or(default);
        let endpoint = endpoint.strip_prefix("udp://").unwrap_or(endpoint);
        let target = match endpoint {
            "" => return Err("the endpoint is missing".to_owned()),
            path if path.starts_with('/') => Target::Path(path.into()),
            address if address.contains(':') => Target::Address(address.to_owned()),
            other => return Err(format!("{other:?} is neither a path nor HOST:PORT")),
        };
        Ok(Some(Self { header, target }))
    }

    pub(super) fn line_form(&self) -> Form {
        Form::Local(self.header.clone())
    }

    /// A socket of our own; the sink need not be there yet.
    pub(super) fn open(&self) -> io::Result<Datagrams> {
        let socket = match &self.target {
            Target::Path(path) => Socket::Unix(UnixDatagram::unbound()?, path.clone()),
            Target::Address(name) => {
                let found = name.to_socket_addrs()?.next();
                let address = found.ok_or_else(|| io::Error::other(format!("{name} has no address")))?;
                let own: SocketAddr =
                    if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
                Socket::Udp(UdpSocket::bind(own)?, address)
            }
        };
        // The first line of a journal's record is its own; elsewhere the datagram ends the record.
        Ok(Datagrams { socket, keeps_line_feed: self.header == Header::Journal })
    }
}

/// Each write is a datagram.
pub(super) struct Datagrams {
    socket: Socket,
    keeps_line_feed: bool,
}

enum Socket {
    Unix(UnixDatagram, PathBuf),
    Udp(UdpSocket, SocketAddr),
}

impl Write for Datagrams {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let whole = bytes.len();
        let bytes = if self.keeps_line_feed { bytes } else { bytes.strip_suffix(b"\n").unwrap_or(bytes) };
        match &self.socket {
            Socket::Unix(socket, path) => socket.send_to(bytes, path)?,
            Socket::Udp(socket, address) => socket.send_to(bytes, address)?,
        };
        Ok(whole)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Header {
    pub fn write(&self, out: &mut String, severity: Severity, time: SystemTime, event_type: &str) {
        let level = match severity {
            Severity::Verbose => 7,
            Severity::Info => 6,
            Severity::Warning => 4,
            Severity::Error => 3,
            Severity::Fatal => 2,
        };
        let pid = std::process::id();
        // Writing to a `String` does not fail.
        let _ = match self {
            Self::None => Ok(()),
            Self::Rfc3164 { facility } => {
                write!(out, "<{}>{} {APP_NAME}[{pid}]: ", facility * 8 + level, Bsd(time))
            }
            Self::Rfc5424 { facility, host } => {
                let id: String = event_type.chars().filter(char::is_ascii_graphic).take(32).collect();
                let id = if id.is_empty() { "-" } else { &id };
                let time = Rfc3339 { time, digits: 6 };
                write!(out, "<{}>1 {time} {host} {APP_NAME} {pid} {id} - ", facility * 8 + level)
            }
            Self::Journal => {
                write!(out, "PRIORITY={level}\nSYSLOG_IDENTIFIER={APP_NAME}\nMESSAGE=")
            }
        };
    }
}

/// `Mmm dd hh:mm:ss` in UTC (RFC 3164 §4.1.2).
struct Bsd(SystemTime);

impl std::fmt::Display for Bsd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let text = Rfc3339 { time: self.0, digits: 0 }.to_string();
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
        let day = part(8, 10).trim_start_matches('0');
        write!(f, "{} {day:>2} {}", month.unwrap_or(&"Jan"), part(11, 19))
    }
}

fn host_name() -> String {
    let name = nix::sys::utsname::uname().ok();
    let name = name.as_ref().and_then(|name| name.nodename().to_str()).unwrap_or_default();
    let name: String = name.chars().filter(char::is_ascii_graphic).take(255).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::{Log, LogSettings, Std};
    use super::*;
    use crate::lifecycle::Event;
    use crate::sink::{Instance, Sink};

    fn told(local: &Local) {
        let settings = LogSettings { std: Std::None, ..LogSettings::default() };
        let log = Log::of_process(settings, Some(local), Arc::new(Instance::default()), &Arc::default());
        let log = log.unwrap().unwrap();
        Sink::event(&log, &Event::CertificatesLoaded { names: 3 });
        log.close(Duration::from_secs(5));
    }

    #[test]
    fn heads_are_those_of_the_protocols() {
        let time = UNIX_EPOCH + Duration::from_secs(1_764_766_650);
        let head = |header: Header| {
            let mut out = String::new();
            header.write(&mut out, Severity::Warning, time, "Some Thing");
            out.replace(&std::process::id().to_string(), "PID")
        };
        assert_eq!(head(Header::Rfc3164 { facility: 7 }), "<60>Dec  3 12:57:30 gateway[PID]: ");
        assert_eq!(
            head(Header::Rfc5424 { facility: 16, host: "h".into() }),
            "<132>1 2025-12-03T12:57:30.000000Z h gateway PID SomeThing - "
        );
        assert_eq!(head(Header::Journal), "PRIORITY=4\nSYSLOG_IDENTIFIER=gateway\nMESSAGE=");
        assert_eq!(head(Header::None), "");
    }

    #[test]
    fn each_record_is_a_datagram() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let unix = UnixDatagram::bind(&path).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap().to_string();
        let mut buffer = [0; 4096];
        for (form, begin) in [
            (LocalForm::LocalSyslog, "<14>"),
            (LocalForm::Journal, "PRIORITY=6\n"),
            (LocalForm::Json, "{\"level\":\"Info\""),
        ] {
            told(&Local::new(form, path.to_str(), None).unwrap().unwrap());
            let length = unix.recv(&mut buffer).unwrap();
            let text = str::from_utf8(&buffer[..length]).unwrap();
            assert!(text.starts_with(begin) && text.contains("\"names\":3"), "{text}");
            assert_eq!(text.ends_with('\n'), form == LocalForm::Journal);
        }
        for (form, begin) in [(LocalForm::Rfc5424, "<14>1 "), (LocalForm::Json, "{\"level\"")] {
            told(&Local::new(form, Some(&address), None).unwrap().unwrap());
            let length = udp.recv(&mut buffer).unwrap();
            assert!(str::from_utf8(&buffer[..length]).unwrap().starts_with(begin));
        }
    }

    #[test]
    fn endpoint_and_facility_faults_are_named() {
        for (endpoint, facility, fault) in [
            (None, None, "the endpoint is missing"),
            (Some("nowhere"), None, "\"nowhere\" is neither a path nor HOST:PORT"),
            (Some("h:1"), Some(24), "24 is no facility: 0 to 23"),
        ] {
            assert_eq!(Local::new(LocalForm::Rfc5424, endpoint, facility).unwrap_err(), fault);
        }
        assert_eq!(Local::new(LocalForm::None, None, None), Ok(None));
    }
}

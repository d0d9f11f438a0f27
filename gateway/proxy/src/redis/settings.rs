//! Connection strings in the form of StackExchange.Redis (`self-hosted-gateway.md` §7.3):
//! `host:port[,host:port…],password=…,ssl=True,…`.

use std::time::Duration;

use thiserror::Error;

/// Where a Redis server is, and how to speak with it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Hosts and ports, tried in this order.
    pub endpoints: Vec<(String, u16)>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub ssl: bool,
    /// Name in the server's certificate; `None` = the endpoint's.
    pub ssl_host: Option<String>,
    /// `connectTimeout`, default 5 s.
    pub connect_timeout: Duration,
    pub database: i64,
    /// `channelPrefix`, in front of channel names.
    pub channel_prefix: String,
}

/// A connection string that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    #[error("it names no server: HOST:PORT is expected in front")]
    NoEndpoint,
    #[error("{0:?} is no HOST or HOST:PORT")]
    Endpoint(String),
    #[error("the value of {0} is not valid: {1}")]
    Value(String, &'static str),
    #[error("{0} is not supported")]
    Unsupported(String),
    #[error("{0:?} is no key of a Redis connection string")]
    Unknown(String),
}

impl std::fmt::Debug for RedisSettings {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisSettings")
            .field("endpoints", &self.endpoints)
            .field("ssl", &self.ssl)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Keys that change nothing here: they tune the client library of the original.
const IGNORED: &[&str] = &[
    "abortconnect",
    "allowadmin",
    "asynctimeout",
    "checkcertificaterevocation",
    "configcheckseconds",
    "configchannel",
    "connectretry",
    "defaultversion",
    "highintegrity",
    "keepalive",
    "name",
    "preserveasyncorder",
    "protocol",
    "resolvedns",
    "responsetimeout",
    "setclientlibrary",
    "sslprotocols",
    "synctimeout",
    "tiebreaker",
    "version",
    "writebuffer",
];

impl RedisSettings {
    /// Reads a connection string; keys have no case, values may hold `=`.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let mut settings = Self {
            endpoints: Vec::new(),
            user: None,
            password: None,
            ssl: false,
            ssl_host: None,
            connect_timeout: Duration::from_secs(5),
            database: 0,
            channel_prefix: String::new(),
        };
        let mut endpoints = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None => endpoints.push(part),
                Some((key, value)) => settings.set(key.trim(), value.trim())?,
            }
        }
        let default_port = if settings.ssl { 6380 } else { 6379 };
        settings.endpoints =
            endpoints.into_iter().map(|text| endpoint(text, default_port)).collect::<Result<_, _>>()?;
        if settings.endpoints.is_empty() { Err(SettingsError::NoEndpoint) } else { Ok(settings) }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), SettingsError> {
        let wrong = |reason| SettingsError::Value(key.to_owned(), reason);
        match key.to_ascii_lowercase().as_str() {
            "user" => self.user = Some(value.to_owned()),
            "password" => self.password = Some(value.to_owned()),
            "ssl" => {
                self.ssl =
                    value.to_ascii_lowercase().parse().map_err(|_| wrong("true or false is expected"))?;
            }
            "sslhost" => self.ssl_host = Some(value.to_owned()),
            "connecttimeout" => {
                let milliseconds = value.parse().map_err(|_| wrong("milliseconds are expected"))?;
                self.connect_timeout = Duration::from_millis(milliseconds);
            }
            "defaultdatabase" => {
                let database = value.parse::<u32>().map_err(|_| wrong("a number from 0 is expected"))?;
                self.database = i64::from(database);
            }
            "channelprefix" => value.clone_into(&mut self.channel_prefix),
            "servicename" | "proxy" | "tunnel" => return Err(SettingsError::Unsupported(key.to_owned())),
            known if IGNORED.contains(&known) => {}
            _ => return Err(SettingsError::Unknown(key.to_owned())),
        }
        Ok(())
    }
}

fn endpoint(text: &str, default_port: u16) -> Result<(String, u16), SettingsError> {
    let wrong = || SettingsError::Endpoint(text.to_owned());
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address without a port has colons of its own.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| wrong())?)
        }
        _ => (text, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(char::is_whitespace) {
        Err(wrong())
    } else {
        Ok((host.to_owned(), port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_azure_connection_string() {
        let text = "contoso.redis.cache.windows.net:6380,password=a=b==,ssl=True,abortConnect=False,connectTimeout=1500,defaultDatabase=3,user=u";
        let settings = RedisSettings::parse(text).unwrap();
        assert_eq!(settings.endpoints, [("contoso.redis.cache.windows.net".to_owned(), 6380)]);
        assert_eq!(settings.password.as_deref(), Some("a=b=="));
        assert_eq!((settings.user.as_deref(), settings.ssl, settings.database), (Some("u"), true, 3));
        assert_eq!(settings.connect_timeout, Duration::from_millis(1500));
        assert!(!format!("{settings:?}").contains("a=b"), "the password is not shown");
    }

    #[test]
    fn parse_endpoints_and_default_ports() {
        let ports = |text: &str| RedisSettings::parse(text).map(|settings| settings.endpoints);
        let endpoint = |host: &str, port| (host.to_owned(), port);
        assert_eq!(ports("a,b:7"), Ok(vec![endpoint("a", 6379), endpoint("b", 7)]));
        assert_eq!(ports("ssl=true,a"), Ok(vec![endpoint("a", 6380)]));
        assert_eq!(
            ports("[::1]:7,::1,[::2]"),
            Ok(vec![endpoint("::1", 7), endpoint("::1", 6379), endpoint("::2", 6379)])
        );
    }

    #[test]
    fn parse_mistakes_name_the_part() {
        for (text, part) in [
            ("", "HOST:PORT"),
            ("password=x", "HOST:PORT"),
            ("a:port", "a:port"),
            ("a,ssl=maybe", "ssl"),
            ("a,serviceName=x", "serviceName"),
            ("a,colour=red", "colour"),
            ("a,defaultDatabase=-1", "defaultDatabase"),
        ] {
            let error = RedisSettings::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

//! One connection to a Redis server, which comes back by itself.
//!
//! ```text
//! away ──► connecting ──► ready ──► away (lost, or silent for too long; the pause doubles up to its limit)
//! ```

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

use super::RedisSettings;
use crate::upstream::TlsClient;

/// Longest wait for an answer of the server, the connection included (C-07).
pub const ANSWER_MAX: Duration = Duration::from_millis(50);
/// Answers missed in a row after which the server counts as away.
const SILENCES_MAX: u32 = 3;
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A worker's connection. To be used inside a `LocalSet` of that worker.
pub struct Link {
    settings: Arc<RedisSettings>,
    tls: Arc<TlsClient>,
    state: RefCell<State>,
    /// Someone waits for the connection.
    settled: Notify,
}

struct State {
    phase: Phase,
    /// Failures since the last answer.
    failures: u32,
    silences: u32,
}

enum Phase {
    /// Not before then.
    Away(Instant),
    Connecting,
    Ready(MultiplexedConnection),
}

impl Link {
    pub fn new(settings: Arc<RedisSettings>, tls: Arc<TlsClient>) -> Rc<Self> {
        let state = State { phase: Phase::Away(Instant::now()), failures: 0, silences: 0 };
        Rc::new(Self { settings, tls, state: RefCell::new(state), settled: Notify::new() })
    }

    pub fn settings(&self) -> &Arc<RedisSettings> {
        &self.settings
    }

    /// Sends one command, or several in a pipeline, as `send` does; `None` when there is no answer in time.
    pub async fn ask<T, F>(
        self: &Rc<Self>,
        at_most: Duration,
        send: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let asked = async {
            let connection = self.connection().await?;
            Some(send(connection).await)
        };
        match tokio::time::timeout(at_most, asked).await {
            Ok(None) => None,
            Ok(Some(Ok(answer))) => {
                let state = &mut *self.state.borrow_mut();
                (state.failures, state.silences) = (0, 0);
                Some(answer)
            }
            Ok(Some(Err(error))) => {
                if error.is_unrecoverable_error() || error.is_io_error() {
                    self.lose(&error);
                } else {
                    tracing::warn!(event_type = "RedisRefused", %error, "the Redis server refused a command");
                }
                None
            }
            Err(_) => {
                self.miss();
                None
            }
        }
    }

    /// The connection, made when it is time to; `None` while the server is away.
    async fn connection(self: &Rc<Self>) -> Option<MultiplexedConnection> {
        loop {
            let settled = self.settled.notified();
            {
                let mut state = self.state.borrow_mut();
                match &state.phase {
                    Phase::Ready(connection) => return Some(connection.clone()),
                    Phase::Away(until) if Instant::now() < *until => return None,
                    Phase::Away(_) => {
                        state.phase = Phase::Connecting;
                        // A task of its own: the caller that gives up waiting does not stop it.
                        tokio::task::spawn_local(Rc::clone(self).connect());
                    }
                    Phase::Connecting => {}
                }
            }
            settled.await;
        }
    }

    async fn connect(self: Rc<Self>) {
        let opened = tokio::time::timeout(self.settings.connect_timeout, self.open()).await;
        match opened.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into())) {
            Ok(connection) => {
                tracing::info!(event_type = "RedisConnected", "connected to the Redis server");
                let mut state = self.state.borrow_mut();
                (state.phase, state.silences) = (Phase::Ready(connection), 0);
            }
            Err(error) => self.lose(&error),
        }
        self.settled.notify_waiters();
    }

    async fn open(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut last = None;
        for (host, port) in &self.settings.endpoints {
            match self.open_endpoint(host, *port).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::NotFound).into()))
    }

    async fn open_endpoint(&self, host: &str, port: u16) -> Result<MultiplexedConnection, RedisError> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let settings = &*self.settings;
        let mut info = RedisConnectionInfo::default().set_db(settings.database).set_skip_set_lib_name();
        if let Some(user) = &settings.user {
            info = info.set_username(user);
        }
        if let Some(password) = &settings.password {
            info = info.set_password(password);
        }
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        if !settings.ssl {
            let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await?;
            tokio::task::spawn_local(driver);
            return Ok(connection);
        }
        let name = settings.ssl_host.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let tls = self.tls.without_protocols().map_err(io::Error::other)?;
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await?;
        tokio::task::spawn_local(driver);
        Ok(connection)
    }

    /// The connection is gone, or could not be made.
    fn lose(&self, error: &RedisError) {
        let mut state = self.state.borrow_mut();
        if matches!(state.phase, Phase::Away(_)) {
            return;
        }
        let pause = state.away();
        tracing::warn!(event_type = "RedisLost", %error, pause_ms = pause.as_millis() as u64, "no connection to the Redis server");
    }

    /// No answer in time.
    fn miss(&self) {
        let mut state = self.state.borrow_mut();
        state.silences += 1;
        if state.silences >= SILENCES_MAX && matches!(state.phase, Phase::Ready(_)) {
            let pause = state.away();
            tracing::warn!(
                event_type = "RedisSilent",
                pause_ms = pause.as_millis() as u64,
                "the Redis server does not answer"
            );
        }
    }
}

impl State {
    /// Waits before the next try; how long.
    fn away(&mut self) -> Duration {
        let pause = PAUSE_MIN.saturating_mul(1 << self.failures.min(16)).min(PAUSE_MAX);
        (self.failures, self.silences) = (self.failures + 1, 0);
        self.phase = Phase::Away(Instant::now() + pause);
        pause
    }
}

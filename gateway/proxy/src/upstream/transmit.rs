//! One request to one place, whatever the protocol: the connection, the exchange, and the one repetition that a
//! stale connection is worth.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gateway_policy::backend::{BackendTls, ForwardProxy};
use gateway_policy::exchange::Protocol;
use gateway_policy::message::{Body, Scheme};
use gateway_policy::ports::HttpVersion;

use super::Upstream;
use super::failure::UpstreamError;
use super::http1::{self, Outcome, Rules, Upload};
use super::http2;
use super::pool::{Connection, Grant, Permit, Pool};
use super::request::Outgoing;
use super::target::TargetRef;

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    pub tls: &'a BackendTls,
    pub proxy: Option<&'a Arc<ForwardProxy>>,
    pub version: HttpVersion,
    /// The address is checked against the rules of X-09.
    pub guarded: bool,
    /// Gather response chunks up to 8 KiB.
    pub gather: bool,
    /// The client expects `100 Continue`, and so do we for so long.
    pub continue_timeout: Option<Duration>,
    /// Where to note the version that is spoken.
    pub spoken: &'a Cell<Option<Protocol>>,
}

impl Upstream {
    /// Sends the request and waits for the response head. A buffered body stays in `body`, to be sent again.
    pub(super) async fn transmit(
        &self,
        outgoing: &Outgoing<'_>,
        body: &mut Body,
        manner: Manner<'_>,
    ) -> Result<Outcome, UpstreamError> {
        let pool = |version| self.pool_of(outgoing, manner, version);
        let clear = outgoing.to.scheme == Scheme::Http;
        match manner.version {
            HttpVersion::Http2 if outgoing.upgrade.is_none() => {
                Box::pin(self.over_http2(&pool(HttpVersion::Http2), outgoing, body, manner)).await
            }
            HttpVersion::Http2OrHttp1 if !clear && outgoing.upgrade.is_none() => {
                Box::pin(self.over_either(&pool(HttpVersion::Http2OrHttp1), outgoing, body, manner)).await
            }
            // A WebSocket begins as HTTP/1.1; without TLS nobody can offer HTTP/2.
            _ => self.over_http1(&pool(HttpVersion::Http1), outgoing, body, manner).await,
        }
    }

    async fn over_http1(
        &self,
        pool: &Rc<Pool>,
        outgoing: &Outgoing<'_>,
        body: &mut Body,
        manner: Manner<'_>,
    ) -> Result<Outcome, UpstreamError> {
        manner.spoken.set(Some(Protocol::Http11));
        let (connection, reused) = match pool.checkout(&self.counters).await {
            Grant::Reused(connection) => {
                self.counters.reused.increment();
                (connection, true)
            }
            Grant::Open(permit) => (self.open(pool, permit).await?, false),
        };
        let failure = match self.on_connection(connection, outgoing, body, manner).await {
            Ok(outcome) => return Ok(outcome),
            Err(failure) => failure,
        };
        let stale = reused && !failure.answered && failure.error.is_stale_connection();
        // U-05: what was sent may have been processed, so only what may happen twice is sent twice.
        let repeatable = !matches!(body, Body::Consumed | Body::Stream(_))
            && (outgoing.method.is_idempotent() || !failure.written);
        if !(stale && repeatable) {
            return Err(failure.error);
        }
        self.counters.retried.increment();
        let connection = self.open(pool, pool.new_permit()).await?;
        let again = Box::pin(self.on_connection(connection, outgoing, body, manner));
        again.await.map_err(|failure| failure.error)
    }

    async fn open(&self, pool: &Rc<Pool>, permit: Permit) -> Result<Connection, UpstreamError> {
        // Boxed, as everything rare is: a request that finds a connection should not carry its state.
        let io = Box::pin(self.dialer.connect(&pool.target)).await?;
        Ok(Connection::new(io, permit))
    }

    async fn on_connection(
        &self,
        connection: Connection,
        outgoing: &Outgoing<'_>,
        body: &mut Body,
        manner: Manner<'_>,
    ) -> Result<Outcome, http1::Failure> {
        let body = body.take_or_share();
        let expects = manner.continue_timeout.filter(|_| matches!(body, Body::Stream(_)));
        let mut head = self.take_buffer();
        outgoing.write_head(&mut head, Upload::framing(&body), expects.is_some());
        let rules = Rules {
            method: outgoing.method,
            limits: &self.limits,
            upgrade: outgoing.upgrade,
            gather: manner.gather,
            continue_timeout: expects,
        };
        http1::exchange(connection, Upload::new(head, body), rules, |buffer| self.keep_buffer(buffer)).await
    }

    /// HTTP/2 where ALPN chooses it, else HTTP/1.1.
    async fn over_either(
        &self,
        pool: &Rc<Pool>,
        outgoing: &Outgoing<'_>,
        body: &mut Body,
        manner: Manner<'_>,
    ) -> Result<Outcome, UpstreamError> {
        if !pool.speaks_http1() && pool.http2.sender().is_none() {
            let connecting = pool.http2.connecting().await;
            if !pool.speaks_http1() && pool.http2.sender().is_none() {
                let io = self.dialer.connect(&pool.target).await?;
                if io.chose_http2() {
                    pool.http2.adopt(io).await?;
                } else {
                    pool.note_http1();
                    // The connection is as good as any other that was offered HTTP/1.1 alone.
                    Connection::new(io, self.http1_pool(outgoing, manner).new_permit()).recycle();
                }
            }
            drop(connecting);
        }
        if pool.speaks_http1() {
            return self.over_http1(&self.http1_pool(outgoing, manner), outgoing, body, manner).await;
        }
        self.over_http2(pool, outgoing, body, manner).await
    }

    fn http1_pool(&self, outgoing: &Outgoing<'_>, manner: Manner<'_>) -> Rc<Pool> {
        self.pool_of(outgoing, manner, HttpVersion::Http1)
    }

    fn pool_of(&self, outgoing: &Outgoing<'_>, manner: Manner<'_>, version: HttpVersion) -> Rc<Pool> {
        let target = TargetRef::new(outgoing.to, manner.tls, version, manner.guarded);
        self.pools.pool(TargetRef { proxy: manner.proxy, ..target })
    }

    async fn over_http2(
        &self,
        pool: &Rc<Pool>,
        outgoing: &Outgoing<'_>,
        body: &mut Body,
        manner: Manner<'_>,
    ) -> Result<Outcome, UpstreamError> {
        manner.spoken.set(Some(Protocol::Http2));
        let sender = self.http2_sender(pool).await?;
        let failure = match http2::exchange(sender, outgoing, body.take_or_share()).await {
            Ok(response) => return Ok(Outcome::Response(response)),
            Err(failure) => failure,
        };
        if let Some(unsent) = failure.unsent {
            *body = unsent;
        }
        if !failure.refused || matches!(body, Body::Consumed) {
            return Err(failure.error);
        }
        // The connection closed or went away before the backend looked at the request (RFC 9113 §8.7).
        self.counters.retried.increment();
        pool.http2.forget();
        let sender = self.http2_sender(pool).await?;
        let again = http2::exchange(sender, outgoing, body.take_or_share()).await;
        again.map(Outcome::Response).map_err(|failure| failure.error)
    }

    async fn http2_sender(&self, pool: &Rc<Pool>) -> Result<http2::Sender, UpstreamError> {
        if let Some(sender) = pool.http2.sender() {
            self.counters.reused.increment();
            return Ok(sender);
        }
        let _connecting = pool.http2.connecting().await;
        if let Some(sender) = pool.http2.sender() {
            self.counters.reused.increment();
            return Ok(sender);
        }
        let io = self.dialer.connect(&pool.target).await?;
        if pool.target.is_tls() && !io.chose_http2() {
            return Err(UpstreamError::NoHttp2);
        }
        pool.http2.adopt(io).await
    }
}

//! One round with the plane.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Request, Response, Transport, View};
use crate::protocol::{
    Chunk, Document, Documents, EXPANDED_BYTES_MAX, GatewaySecret, Heartbeat, MANIFEST_TYPE, Manifest,
    ProtocolError, Report, Reported, Tag, name_of, unpack,
};

/// Chunks of one manifest at most: a plane makes far fewer.
const CHUNKS_MAX: usize = 100_000;

/// Chunks asked for at a time.
const FETCHES_MAX: usize = 8;

/// A chunk's name and its documents.
type Fetched = (String, Vec<Arc<Document>>);

/// What a round gave.
#[derive(Clone, Debug)]
pub enum Round {
    /// The view in hand is the plane's.
    Unchanged,
    Changed(View),
}

/// Why a round gave nothing. The view in hand stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    #[error("the management plane cannot be reached: {0}")]
    Unreachable(String),
    #[error("the management plane refuses the token of this gateway: {0}")]
    Refused(String),
    #[error("the management plane is busy")]
    Busy(Option<Duration>),
    #[error("the management plane answered {0}")]
    Status(u16),
    #[error("what answers is no management plane: its content type is {0:?}")]
    NotAPlane(String),
    #[error("the configuration of the management plane cannot be used: {0}")]
    Unusable(#[from] ProtocolError),
    #[error("the management plane offers {offered}, which is older than {held}")]
    Older { offered: String, held: String },
}

/// A gateway's end of the protocol.
pub struct Client<T> {
    transport: T,
    /// Of the gateway, encoded for a path.
    name: String,
    gateway: String,
    secret: GatewaySecret,
    view: Option<View>,
    /// Documents of the chunks of the last whole manifest, by name.
    chunks: Vec<Fetched>,
}

impl<T: Transport> Client<T> {
    /// `view` is what was kept from another life.
    pub fn new(transport: T, gateway: &str, secret: GatewaySecret, view: Option<View>) -> Self {
        Self {
            transport,
            name: utf8_percent_encode(gateway, NON_ALPHANUMERIC).to_string(),
            gateway: gateway.to_owned(),
            secret,
            view,
            chunks: Vec::new(),
        }
    }

    /// Asks for what is new. The plane may hold the request for `wait` until something is.
    pub async fn round(&mut self, wait: Duration) -> Result<Round, RoundError> {
        let held = self.view.as_ref().map(|view| view.tag);
        match self.ask(held, wait, true).await? {
            None => Ok(Round::Unchanged),
            Some((manifest, tag)) => match self.assemble(&manifest, tag, held).await {
                // A difference that does not lead there: all of it, then.
                Err(RoundError::Unusable(ProtocolError::Hash)) if manifest.base.is_some() => {
                    match self.ask(held, Duration::ZERO, false).await? {
                        Some((manifest, tag)) => self.assemble(&manifest, tag, None).await,
                        None => Ok(Round::Unchanged),
                    }
                }
                round => round,
            },
        }
    }

    /// Tells the plane how this instance is.
    pub async fn heartbeat(transport: &T, gateway: &str, heartbeat: &Heartbeat) -> Result<(), RoundError> {
        let body = serde_json::to_string(heartbeat).unwrap_or_default();
        Self::tell(transport, gateway, "heartbeat", &body).await.map(|_| ())
    }

    /// Tells the plane what was used.
    pub async fn report(transport: &T, gateway: &str, report: &Report) -> Result<Reported, RoundError> {
        let body = serde_json::to_string(report).unwrap_or_default();
        let response = Self::tell(transport, gateway, "report", &body).await?;
        let malformed = |_| ProtocolError::Malformed("the answer to a report").into();
        serde_json::from_slice(&response.body).map_err(malformed)
    }

    /// Gives the plane the trace of a request.
    pub async fn trace(transport: &T, gateway: &str, id: &str, trace: &str) -> Result<(), RoundError> {
        let what = format!("traces/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
        Self::tell(transport, gateway, &what, trace).await.map(|_| ())
    }

    async fn tell(transport: &T, gateway: &str, what: &str, body: &str) -> Result<Response, RoundError> {
        let target = format!("/gateways/{}/{what}", utf8_percent_encode(gateway, NON_ALPHANUMERIC));
        let request = Request {
            method: "POST",
            target: &target,
            if_none_match: None,
            body: Some(body),
            patience: Duration::ZERO,
        };
        let response = transport.send(request).await.map_err(RoundError::Unreachable)?;
        check(&response)?;
        Ok(response)
    }

    async fn get(
        &self,
        target: &str,
        etag: Option<&str>,
        patience: Duration,
    ) -> Result<Response, RoundError> {
        let request = Request { method: "GET", target, if_none_match: etag, body: None, patience };
        self.transport.send(request).await.map_err(RoundError::Unreachable)
    }

    /// The manifest of what is newer than what is held; `None` when nothing is.
    async fn ask(
        &self,
        held: Option<Tag>,
        wait: Duration,
        takes_difference: bool,
    ) -> Result<Option<(Manifest, Tag)>, RoundError> {
        let since = held.filter(|_| takes_difference).map(|tag| format!("&since={}", tag.revision));
        let target = format!(
            "/gateways/{}/configuration?wait={}{}",
            self.name,
            wait.as_secs(),
            since.unwrap_or_default()
        );
        let etag = held.map(|tag| tag.to_string());
        let response = self.get(&target, etag.as_deref(), wait).await?;
        if response.status == 304 && held.is_some() {
            return Ok(None);
        }
        check(&response)?;
        if response.content_type != MANIFEST_TYPE {
            return Err(RoundError::NotAPlane(response.content_type));
        }
        let signed = String::from_utf8(response.body).map_err(|_| ProtocolError::Malformed("a manifest"))?;
        let (manifest, tag) = Manifest::read(&signed, &self.secret, &self.gateway)?;
        if held == Some(tag) {
            return Ok(None);
        }
        match held {
            Some(held) if held.is_newer_than(&tag) => {
                Err(RoundError::Older { offered: tag.to_string(), held: held.to_string() })
            }
            _ => Ok(Some((manifest, tag))),
        }
    }

    async fn assemble(
        &mut self,
        manifest: &Manifest,
        tag: Tag,
        held: Option<Tag>,
    ) -> Result<Round, RoundError> {
        let mut documents = Documents::default();
        if let Some(base) = &manifest.base {
            let base = base.parse::<Tag>().ok();
            match &self.view {
                Some(view) if base.is_some() && base == held => documents = (*view.documents).clone(),
                _ => return Err(ProtocolError::Hash.into()),
            }
        }
        for path in &manifest.removed {
            documents.remove(path);
        }
        let chunks = self.chunks(manifest).await?;
        for document in chunks.iter().flat_map(|(_, documents)| documents) {
            documents.put(Arc::clone(document));
        }
        if documents.hash() != tag.hash {
            return Err(ProtocolError::Hash.into());
        }
        if manifest.base.is_none() {
            self.chunks = chunks;
        }
        let view = View { tag, documents: Arc::new(documents) };
        self.view = Some(view.clone());
        Ok(Round::Changed(view))
    }

    async fn chunks(&self, manifest: &Manifest) -> Result<Vec<Fetched>, RoundError> {
        if manifest.chunks.len() > CHUNKS_MAX {
            return Err(ProtocolError::Large("the manifest", CHUNKS_MAX as u64).into());
        }
        let mut budget = EXPANDED_BYTES_MAX;
        let mut fetched =
            stream::iter(&manifest.chunks).map(|chunk| self.documents_of(chunk)).buffered(FETCHES_MAX);
        let mut chunks = Vec::with_capacity(manifest.chunks.len());
        while let Some(fetched) = fetched.next().await {
            let (name, documents) = fetched?;
            let length = |document: &Arc<Document>| (document.path.len() + document.text.len()) as u64;
            let bytes: u64 = documents.iter().map(length).sum();
            budget = budget
                .checked_sub(bytes)
                .ok_or(ProtocolError::Large("the configuration", EXPANDED_BYTES_MAX))?;
            chunks.push((name, documents));
        }
        Ok(chunks)
    }

    async fn documents_of(&self, chunk: &Chunk) -> Result<Fetched, RoundError> {
        if let Some(known) = self.chunks.iter().find(|(name, _)| *name == chunk.sha256) {
            return Ok(known.clone());
        }
        let bytes = if let Some(data) = &chunk.data {
            STANDARD.decode(data).map_err(|_| ProtocolError::Malformed("a chunk"))?
        } else {
            let target = format!("/chunks/{}", chunk.sha256);
            let response = self.get(&target, None, Duration::ZERO).await?;
            check(&response)?;
            response.body
        };
        if name_of(&bytes) != chunk.sha256 {
            return Err(ProtocolError::Hash.into());
        }
        let packed = if chunk.sealed { self.secret.open("chunk", &bytes)? } else { bytes };
        Ok((chunk.sha256.clone(), unpack(&packed, EXPANDED_BYTES_MAX)?))
    }
}

fn check(response: &Response) -> Result<(), RoundError> {
    match response.status {
        200..=299 => Ok(()),
        401 | 403 => {
            // The message of the plane's error, where it is one.
            let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let message = body.pointer("/error/message").and_then(|message| message.as_str());
            Err(RoundError::Refused(message.map_or_else(|| response.status.to_string(), str::to_owned)))
        }
        429 | 503 => Err(RoundError::Busy(response.retry_after)),
        status => Err(RoundError::Status(status)),
    }
}

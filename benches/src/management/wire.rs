//! A connection to the plane: HTTP/1.1, one request at a time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use gateway_sync::plane::{Request, Response, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends a request as it is, and reads the answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let asked = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let head = loop {
            if let Some(end) = memchr::memmem::find(&self.read, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let text = String::from_utf8_lossy(&self.read[..head]).into_owned();
        let field = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(':'));
            fields
                .find(|(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no answer of HTTP: {text}")))?;
        let has_body = !matches!(status, 204 | 304);
        let length =
            field("content-length").and_then(|length| length.parse::<usize>().ok()).filter(|_| has_body);
        while self.read.len() < head + length.unwrap_or(0) {
            self.more().await?;
        }
        let body = self.read[head..].to_vec();
        let content_type = field("content-type").unwrap_or_default();
        Ok(Answer { status, etag: field("etag"), content_type, body })
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The bytes of a request.
pub fn request(method: &str, target: &str, authorization: &str, etag: Option<&str>, body: &str) -> Vec<u8> {
    let etag = etag.map_or_else(String::new, |etag| format!("If-None-Match: {etag}\r\n"));
    format!(
        "{method} {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: {authorization}\r\n{etag}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The way of a gateway to the plane.
pub struct Way {
    connection: Mutex<Connection>,
    token: String,
}

impl Way {
    pub fn new(connection: Connection, token: String) -> Self {
        Self { connection: Mutex::new(connection), token }
    }
}

impl Transport for Way {
    async fn send(&self, sent: Request<'_>) -> Result<Response, String> {
        let bytes =
            request(sent.method, sent.target, &self.token, sent.if_none_match, sent.body.unwrap_or_default());
        let answer = self.connection.lock().await.ask(&bytes).await.map_err(|error| error.to_string())?;
        Ok(Response {
            status: answer.status,
            content_type: answer.content_type,
            retry_after: None,
            body: answer.body,
        })
    }
}

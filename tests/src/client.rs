//! A client that sends what it is told, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer, taken apart.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    /// Content with chunked coding removed.
    pub body: Vec<u8>,
}

impl Answer {
    /// The only value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let all: Vec<_> = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).collect();
        assert!(all.len() < 2, "{name} came {} times", all.len());
        all.first().map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("a connection"))
    }

    /// The same over a connection that is there already.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(45))).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("bytes sent");
    }

    /// Sends a request without a body and reads the answer.
    pub fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.request_with(method, target, headers, b"")
    }

    /// Sends a request and reads the answer. A body gets its Content-Length.
    pub fn request_with(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("Host: gateway.example\r\n");
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.send(format!("{head}\r\n").as_bytes());
        self.send(body);
        self.answer(method == "HEAD").expect("an answer")
    }

    /// Reads one answer; `None` when the connection ends first.
    pub fn answer(&mut self, to_head: bool) -> Option<Answer> {
        let mut answer = self.head()?;
        let bodiless = answer.status < 200 || answer.status == 204 || answer.status == 304;
        if !to_head && !bodiless {
            answer.body = self.body(&answer)?;
        }
        Some(answer)
    }

    /// Reads the head of an answer, its body still to come; `None` when the connection ends first.
    pub fn head(&mut self) -> Option<Answer> {
        let end = self.until(|buffer| find(buffer, b"\r\n\r\n"))?;
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let mut status = lines.next()?.splitn(3, ' ');
        assert!(status.next()?.starts_with("HTTP/1."));
        let code = status.next()?.parse().expect("a status");
        let reason = status.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| line.split_once(": ").expect("a field"))
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        Some(Answer { status: code, reason, headers: headers.collect(), body: Vec::new() })
    }

    /// Reads so many bytes; `None` when the connection ends first.
    pub fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        self.until(|buffer| (buffer.len() >= count).then_some(count))?;
        Some(self.buffer.drain(..count).collect())
    }

    /// Reads until these bytes have come, and takes all up to their end; `None` when the connection ends first.
    pub fn through(&mut self, what: &[u8]) -> Option<Vec<u8>> {
        let at = self.until(|buffer| find(buffer, what))?;
        Some(self.buffer.drain(..at + what.len()).collect())
    }

    /// What comes until the connection ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let _ = self.until(|_| None);
        std::mem::take(&mut self.buffer)
    }

    /// Another handle of the same connection, to send while this one reads.
    pub fn twin(&self) -> Self {
        Self::over(self.stream.try_clone().expect("a handle"))
    }

    /// Sends as far as the peer lets us; whether all was taken.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    fn body(&mut self, answer: &Answer) -> Option<Vec<u8>> {
        if answer.header("transfer-encoding") == Some("chunked") {
            return self.chunks();
        }
        match answer.header("content-length") {
            Some(length) => {
                let length = length.parse::<usize>().expect("a length");
                self.until(|buffer| (buffer.len() >= length).then_some(length))?;
                Some(self.buffer.drain(..length).collect())
            }
            None => {
                let _ = self.until(|_| None);
                Some(std::mem::take(&mut self.buffer))
            }
        }
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.until(|buffer| find(buffer, b"\r\n"))?;
            let size = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            let size = usize::from_str_radix(&size, 16).expect("a chunk size");
            self.until(|buffer| (buffer.len() >= end + 2 + size + 2).then_some(0))?;
            body.extend_from_slice(&self.buffer[end + 2..end + 2 + size]);
            self.buffer.drain(..end + 2 + size + 2);
            if size == 0 {
                return Some(body);
            }
        }
    }

    /// Reads until `done` says where; `None` at the end of the connection.
    fn until(&mut self, done: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        loop {
            if let Some(at) = done(&self.buffer) {
                return Some(at);
            }
            let mut piece = [0; 16 << 10];
            match self.stream.read(&mut piece) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.buffer.extend_from_slice(&piece[..count]),
            }
        }
    }

    /// Whether the peer has ended the connection and sent nothing more.
    pub fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && self.until(|buffer| (!buffer.is_empty()).then_some(0)).is_none()
    }
}

fn find(buffer: &[u8], what: &[u8]) -> Option<usize> {
    buffer.windows(what.len()).position(|window| window == what)
}

/// Sends bytes on a connection of its own and reads whatever comes until it ends.
pub fn send_raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut client = Client::connect(address);
    // The gateway may answer and close before it has read everything.
    let _ = client.stream.write_all(bytes);
    let _ = client.stream.shutdown(std::net::Shutdown::Write);
    let _ = client.until(|_| None);
    client.buffer
}

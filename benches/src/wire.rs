//! A client of blocking reads and writes, and where a response ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

/// One keep-alive connection.
pub struct Wire {
    stream: Box<dyn Duplex>,
    read: Vec<u8>,
}

impl Wire {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: Box::new(tcp(address)?), read: Vec::new() })
    }

    pub fn connect_tls(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        let name = rustls::pki_types::ServerName::try_from("localhost").map_err(io::Error::other)?;
        let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Ok(Self { stream: Box::new(StreamOwned::new(connection, tcp(address)?)), read: Vec::new() })
    }

    /// One request and its response, which must be a 200.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)?;
        self.read.clear();
        let mut buffer = [0; 4096];
        loop {
            let count = self.stream.read(&mut buffer)?;
            self.read.extend_from_slice(buffer.get(..count).unwrap_or_default());
            match end_of_response(&self.read)? {
                Some(_) => return Ok(()),
                None if count == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        }
    }

    /// Memory of the client's side is not what is measured.
    pub fn release(&mut self) {
        self.read = Vec::new();
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Length of the response at the start of `read`, once it is complete. Only 200 with `Content-Length` will do.
pub fn end_of_response(read: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = memchr::memmem::find(read, b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&read[..head]).map_err(io::Error::other)?;
    if !text.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(format!("unexpected answer: {text}")));
    }
    let is_length =
        |line: &&str| line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case("content-length:"));
    let length = text.split("\r\n").find(is_length).and_then(|line| line[15..].trim().parse::<usize>().ok());
    let end = head + 4 + length.ok_or_else(|| io::Error::other(format!("no length: {text}")))?;
    Ok((read.len() >= end).then_some(end))
}

//! The admin listener of the running gateway.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Debug, clap::Args)]
pub struct Place {
    /// Admin listener of the running gateway
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A million prefixes take a while.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

impl Place {
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        self.ask("GET", path, b"")
    }

    pub fn post<T: DeserializeOwned>(&self, path: &str, request: &impl Serialize) -> Result<T, String> {
        let body = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        self.ask("POST", path, &body)
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, path: &str, body: &[u8]) -> Result<T, String> {
        let admin = self.admin;
        let text = exchange(admin, method, path, body)
            .map_err(|error| format!("no gateway answers at {admin} (see --admin): {error}"))?;
        let stranger = |what: &str| {
            format!("what answers at {admin} is no gateway's admin listener (see --admin): {what}")
        };
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| stranger("it speaks no HTTP"))?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        match status {
            "200" => serde_json::from_str(body).map_err(|error| stranger(&error.to_string())),
            "404" => Err(stranger(&format!("it has no {path}"))),
            _ => Err(body.trim().to_owned()),
        }
    }
}

fn exchange(admin: SocketAddr, method: &str, path: &str, body: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&admin, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

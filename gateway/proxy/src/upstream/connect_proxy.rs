//! A TLS connection through a proxy: CONNECT (RFC 9110 §9.3.6).

use std::io;

use gateway_policy::backend::ForwardProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::target::Target;

/// Longest answer head of a proxy that is read.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// Asks the proxy to relay to the target. The connect time-out of the dialer bounds it.
pub async fn tunnel(mut stream: TcpStream, target: &Target, proxy: &ForwardProxy) -> io::Result<TcpStream> {
    let authority = target.authority();
    let mut head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(authorization) = &proxy.authorization {
        head += &format!("Proxy-Authorization: {authorization}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).await?;
    let answer = read_head(&mut stream).await?;
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    response
        .parse(&answer)
        .map_err(|error| io::Error::other(format!("the proxy's answer is malformed: {error}")))?;
    match response.code {
        Some(200..=299) => Ok(stream),
        Some(407) => {
            let asked =
                response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("Proxy-Authenticate"));
            let asked: Vec<_> = asked.map(|field| String::from_utf8_lossy(field.value)).collect();
            let text = format!(
                "the proxy refuses the credentials or asks for a scheme other than Basic, which alone is supported \
                 (407; it offers: {})",
                asked.join(", ")
            );
            Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
        }
        code => {
            let text = format!("the proxy does not connect to {authority} ({})", code.unwrap_or_default());
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, text))
        }
    }
}

/// Byte by byte: what follows the head belongs to the tunnel, and a head comes once a connection.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            return Err(io::Error::other("the proxy's answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

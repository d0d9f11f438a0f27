//! Asks the members of virtual addresses whether they are ready, by the readiness endpoint that every gateway has.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gateway_datapath::{Answer, Datapath, HealthSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Asks each member for as long as the runtime lives, one task a member; to be called on a `LocalSet`.
pub fn ask_all(datapath: &Arc<Datapath>, settings: &HealthSettings) {
    for member in datapath.members() {
        tokio::task::spawn_local(ask_always(Arc::clone(datapath), member, settings.clone()));
    }
}

async fn ask_always(datapath: Arc<Datapath>, member: IpAddr, settings: HealthSettings) {
    let mut timer = interval(settings.interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        let at = SocketAddr::new(member, settings.port);
        datapath.hear(member, ask(at, &settings.path, settings.interval).await);
    }
}

/// One question, on a connection of its own: a member that lets nobody in any more is not ready.
async fn ask(member: SocketAddr, path: &str, patience: Duration) -> Answer {
    match timeout(patience, status(member, path)).await {
        Ok(Ok(200)) => Answer::Ready,
        Ok(Ok(_)) => Answer::Unready,
        Ok(Err(_)) | Err(_) => Answer::Silent,
    }
}

/// The status of the answer; the rest of it is not read.
async fn status(member: SocketAddr, path: &str) -> io::Result<u16> {
    /// `HTTP/1.1 200` (RFC 9112 §4).
    const BEGINNING: usize = 12;
    let mut stream = TcpStream::connect(member).await?;
    let question = format!("GET {path} HTTP/1.1\r\nHost: {member}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await?;
    let mut line = [0; BEGINNING];
    stream.read_exact(&mut line).await?;
    let text = std::str::from_utf8(&line).map_err(|_| io::ErrorKind::InvalidData)?;
    let status = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "));
    status.and_then(|status| status.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// What is made of a server that says this.
    async fn answer(says: &'static [u8]) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 1024];
            let length = stream.read(&mut question).unwrap();
            stream.write_all(says).unwrap();
            String::from_utf8(question[..length].to_vec()).unwrap()
        });
        let answer = ask(at, "/healthz/ready", Duration::from_secs(10)).await;
        let question = server.join().unwrap();
        assert!(question.starts_with("GET /healthz/ready HTTP/1.1\r\nHost: 127.0.0.1:"), "{question}");
        answer
    }

    #[tokio::test]
    async fn ask_tells_ready_from_unready_and_silent() {
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\n\r\n").await, Answer::Ready);
        assert_eq!(answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").await, Answer::Unready);
        assert_eq!(answer(b"").await, Answer::Silent);
        assert_eq!(answer(b"SSH-2.0-OpenSSH_9.2").await, Answer::Silent);
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ask(closed, "/", Duration::from_secs(10)).await, Answer::Silent);
    }
}

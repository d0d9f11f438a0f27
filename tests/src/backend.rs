//! A strict HTTP/1.1 backend that keeps what it saw.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Number of the connection it came by, from 0.
    pub connection: usize,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Recorded {
    /// Values of a field, one entry a line.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect()
    }

    /// The only value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} came {} times", all.len());
        all.first().copied()
    }
}

/// What to answer: bytes as they are, and whether the connection stays.
#[derive(Clone, Debug)]
pub struct Reply {
    pub bytes: Vec<u8>,
    pub close: bool,
}

impl Reply {
    /// 200 with a body and its length.
    pub fn ok(body: &str) -> Self {
        Self::with(200, &[], body)
    }

    /// A status, more fields, and a body with its length.
    pub fn with(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self { bytes: format!("{head}\r\n{body}").into_bytes(), close: false }
    }

    /// These bytes, then the end of the connection.
    pub fn raw(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), close: true }
    }
}

/// The backend; its thread ends with the process.
pub struct Backend {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Recorded>>>,
}

impl Backend {
    /// Answers every request with 200 and `body`.
    pub fn fixed(body: &'static str) -> Self {
        Self::start(move |_| Reply::ok(body))
    }

    /// Answers as `reply` says.
    pub fn start(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, reply) = (Arc::clone(&seen), Arc::new(reply));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (kept, reply) = (Arc::clone(&kept), Arc::clone(&reply));
                std::thread::spawn(move || serve(stream, connection, &kept, &*reply));
            }
        });
        Self { address, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that has arrived so far.
    pub fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The only request that has arrived.
    pub fn only(&self) -> Recorded {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.into_iter().next().expect("one")
    }
}

fn serve(
    stream: TcpStream,
    connection: usize,
    seen: &Mutex<Vec<Recorded>>,
    reply: &dyn Fn(&Recorded) -> Reply,
) {
    let Ok(mut output) = stream.try_clone() else { return };
    let mut input = BufReader::new(stream);
    while let Some(mut request) = read_request(&mut input) {
        request.connection = connection;
        let mut reply = reply(&request);
        if request.method == "HEAD" {
            let end = reply.bytes.windows(4).position(|window| window == b"\r\n\r\n");
            reply.bytes.truncate(end.map_or(reply.bytes.len(), |at| at + 4));
        }
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        if output.write_all(&reply.bytes).is_err() || reply.close {
            return;
        }
    }
}

fn read_request(input: &mut BufReader<TcpStream>) -> Option<Recorded> {
    let line = read_line(input)?;
    let mut parts = line.split(' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    assert_eq!(version, "HTTP/1.1", "the gateway speaks HTTP/1.1 to backends");
    let mut request = Recorded { method: method.into(), target: target.into(), ..Recorded::default() };
    loop {
        let line = read_line(input)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").expect("a strict field line");
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(request.all("host").len(), 1, "exactly one Host");
    let length = request.header("content-length").map(|value| value.parse::<usize>().expect("a length"));
    match (length, request.header("transfer-encoding")) {
        (Some(_), Some(_)) => panic!("both Content-Length and Transfer-Encoding reached the backend"),
        (Some(length), None) => {
            request.body = vec![0; length];
            input.read_exact(&mut request.body).ok()?;
        }
        (None, Some("chunked")) => request.body = read_chunks(input)?,
        (None, Some(other)) => panic!("transfer-encoding {other}"),
        (None, None) => {}
    }
    Some(request)
}

fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).ok().filter(|count| *count > 0)?;
    assert!(line.ends_with(b"\r\n"), "a bare line feed reached the backend");
    line.truncate(line.len() - 2);
    Some(String::from_utf8_lossy(&line).into_owned())
}

fn read_chunks(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&read_line(input)?, 16).expect("a plain chunk size");
        let at = body.len();
        body.resize(at + size, 0);
        input.read_exact(&mut body[at..]).ok()?;
        assert_eq!(read_line(input)?, "", "a chunk ends with CRLF");
        if size == 0 {
            return Some(body);
        }
    }
}

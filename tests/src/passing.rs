//! What goes through an L4 route, seen from both of its ends: every byte, the ends, a reset, a reader that is slow.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

/// A connection that hangs fails its test after this.
const PATIENCE: Duration = Duration::from_secs(45);
/// More than what sockets and pipes of both hops can hold (`tcp_rmem`, `tcp_wmem`: 6 and 4 MiB), less than what a relay
/// without bounds would take.
const HELD_BYTES_MAX: usize = 64 << 20;

/// A client of a route, and the target's end of its connection.
pub struct Ends {
    pub client: TcpStream,
    pub target: TcpStream,
}

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Client,
    Target,
}

impl End {
    pub const BOTH: [Self; 2] = [Self::Client, Self::Target];
}

/// A connection through `route` to the target that listens there.
pub fn connect(route: SocketAddr, target: &TcpListener) -> Ends {
    let client = TcpStream::connect(route).expect("a connection to the route");
    let (target, _) = target.accept().expect("a connection to the target");
    let ends = Ends { client, target };
    for stream in [&ends.client, &ends.target] {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
    }
    ends
}

/// Numbers that look random, the same for the same seed.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }

    /// From single bytes to a quarter of a MiB.
    fn chunks(&mut self) -> Vec<Vec<u8>> {
        let count = 4 + self.below(12);
        let size = |numbers: &mut Self| match numbers.below(4) {
            0 => 1 + numbers.below(8),
            1 => 64 + numbers.below(1_500),
            2 => 16_000 + numbers.below(2_000),
            _ => 60_000 + numbers.below(200_000),
        };
        (0..count)
            .map(|_| size(self) as usize)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|size| self.bytes(size))
            .collect()
    }
}

impl Ends {
    fn by(&self, first: End) -> (&TcpStream, &TcpStream) {
        match first {
            End::Client => (&self.client, &self.target),
            End::Target => (&self.target, &self.client),
        }
    }

    /// Both ends send in random pieces; `first` closes its side, and the other goes on sending after it has seen that.
    pub fn keep_every_byte(&self, first: End, seed: u64) {
        let mut numbers = Numbers::new(seed);
        let (early, late, last_words) = (&numbers.chunks(), &numbers.chunks(), &numbers.chunks());
        let pause = numbers.below(3);
        let (one, other) = self.by(first);
        let (closed, sees) = channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                send(one, early, pause);
                one.shutdown(Shutdown::Write).expect("a half-close");
            });
            scope.spawn(move || {
                send(other, late, pause);
                sees.recv().expect("the end is seen");
                send(other, last_words, pause);
                other.shutdown(Shutdown::Write).expect("a half-close");
            });
            scope.spawn(move || {
                same(&read_to_end(other), &early.concat(), "to the end that stays open");
                closed.send(()).expect("somebody waits");
            });
            let all = [late.concat(), last_words.concat()].concat();
            same(&read_to_end(one), &all, "to the end that has closed its side");
        });
    }

    /// One end resets the connection, and so it ends for the other.
    pub fn carry_a_reset(self, from: End) {
        self.say_hello();
        let (from, mut other) = match from {
            End::Client => (self.client, self.target),
            End::Target => (self.target, self.client),
        };
        reset(from);
        let error = other.read(&mut [0; 16]).expect_err("no clean end");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    /// A few bytes each way.
    pub fn say_hello(&self) {
        for (mut from, mut to) in [(&self.client, &self.target), (&self.target, &self.client)] {
            from.write_all(b"hello").expect("bytes sent");
            let mut arrived = [0; 5];
            to.read_exact(&mut arrived).expect("bytes arrive");
            assert_eq!(&arrived, b"hello");
        }
    }

    /// An end that does not read stops the other, which is not taken more from than buffers hold; nothing of it is lost.
    pub fn hold_a_sender_back(self, reader: End) {
        self.say_hello();
        let (mut sender, reader) = match reader {
            End::Client => (self.target, self.client),
            End::Target => (self.client, self.target),
        };
        sender.set_nonblocking(true).expect("non-blocking");
        let piece = Numbers::new(5).bytes(1 << 16);
        let (mut sent, mut last) = (0, Instant::now());
        // Held back for a while: it is stuck.
        while last.elapsed() < Duration::from_secs(1) {
            match sender.write(&piece[sent % piece.len()..]) {
                Ok(count) => (sent, last) = (sent + count, Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(10))
                }
                Err(error) => panic!("{error}"),
            }
            assert!(sent < HELD_BYTES_MAX, "{sent} bytes taken for a reader that reads none");
        }
        sender.shutdown(Shutdown::Write).expect("a half-close");
        let arrived = read_to_end(&reader);
        assert_eq!(arrived.len(), sent);
        assert!(
            arrived.chunks(piece.len()).all(|part| part == &piece[..part.len()]),
            "other bytes than were sent"
        );
    }
}

fn send(mut stream: &TcpStream, chunks: &[Vec<u8>], pause: u64) {
    for (number, chunk) in chunks.iter().enumerate() {
        stream.write_all(chunk).expect("bytes sent");
        if number % 3 == 0 {
            thread::sleep(Duration::from_millis(pause));
        }
    }
}

pub fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("bytes and a clean end");
    bytes
}

/// Closes such that the peer gets a reset.
pub fn reset(stream: TcpStream) {
    let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(&stream, sockopt::Linger, &linger).expect("an option");
}

fn same(arrived: &[u8], sent: &[u8], which: &str) {
    assert_eq!(arrived.len(), sent.len(), "bytes {which}");
    let differs = arrived.iter().zip(sent).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first byte that differs {which}");
}

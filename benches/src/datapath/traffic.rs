//! Plain TCP traffic: a target, and clients that chat with it or pour into it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Of one measurement.
const TIME: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);
const MESSAGE_BYTES: usize = 64;
const CHATTY_CONNECTIONS: usize = 8;
const BULK_BYTES: usize = 256 << 10;

/// What is sent.
#[derive(Clone, Copy)]
pub enum Shape {
    Chatty,
    Bulk,
}

impl Shape {
    pub const ALL: [Self; 2] = [Self::Chatty, Self::Bulk];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chatty => "64-byte round trips on 8 connections",
            Self::Bulk => "MiB on one connection",
        }
    }
}

/// Answers round trips, and takes what comes behind a first byte of zero.
pub struct Target {
    taken: &'static AtomicU64,
}

impl Target {
    /// Listens in the network namespace of this thread, for as long as the program lives.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let taken: &'static AtomicU64 = Box::leak(Box::default());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || serve(stream, taken));
            }
        });
        Ok(Self { taken })
    }

    /// How many round trips or MiB went to `address`, and in what time.
    pub fn measure(&self, shape: Shape, address: SocketAddr) -> io::Result<(f64, Duration)> {
        match shape {
            Shape::Chatty => chat(address),
            Shape::Bulk => self.pour(address),
        }
    }

    fn pour(&self, address: SocketAddr) -> io::Result<(f64, Duration)> {
        let mut stream = connect(address)?;
        let bytes = vec![0; BULK_BYTES];
        // It is bulk already when it is measured.
        let warm = Instant::now();
        while warm.elapsed() < TIME / 10 {
            stream.write_all(&bytes)?;
        }
        let (begin, before) = (Instant::now(), self.taken.load(Ordering::Relaxed));
        while begin.elapsed() < TIME {
            stream.write_all(&bytes)?;
        }
        let taken = self.taken.load(Ordering::Relaxed) - before;
        Ok((taken as f64 / f64::from(1 << 20), begin.elapsed()))
    }
}

fn serve(mut stream: TcpStream, taken: &AtomicU64) {
    let mut bytes = vec![0; BULK_BYTES];
    let _ = stream.set_nodelay(true);
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        if bytes[0] == 0 {
            taken.fetch_add(count as u64, Ordering::Relaxed);
        } else if stream.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

fn chat(address: SocketAddr) -> io::Result<(f64, Duration)> {
    let (count, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut streams = Vec::new();
    for _ in 0..CHATTY_CONNECTIONS {
        streams.push(connect(address)?);
    }
    let begin = Instant::now();
    thread::scope(|scope| {
        for stream in &mut streams {
            let (count, done) = (&count, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) && round_trip(stream).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(TIME);
        done.store(true, Ordering::Relaxed);
    });
    Ok((count.load(Ordering::Relaxed) as f64, begin.elapsed()))
}

fn round_trip(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&[1; MESSAGE_BYTES])?;
    stream.read_exact(&mut [0; MESSAGE_BYTES])
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Until something comes back.
pub fn wait(address: SocketAddr) -> io::Result<()> {
    let begin = Instant::now();
    loop {
        match connect(address).and_then(|mut stream| round_trip(&mut stream)) {
            Ok(()) => return Ok(()),
            Err(error) if begin.elapsed() > PATIENCE => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

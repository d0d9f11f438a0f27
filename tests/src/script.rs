//! A backend that does on its connections what the test says, byte by byte.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::client::Client;

/// The backend; its threads end with the process.
pub struct Script {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Script {
    /// Runs `play` on each connection, with the connection's number from 0.
    pub fn start(play: impl Fn(&mut Client, usize) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", play)
    }

    /// The same on an address of choice.
    pub fn at(address: &str, play: impl Fn(&mut Client, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, play) = (Arc::clone(&connections), Arc::new(play));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let play = Arc::clone(&play);
                std::thread::spawn(move || play(&mut Client::over(stream), number));
            }
        });
        Self { address, connections }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have come.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

//! Whether the kernel's way from socket to socket can be trusted here: a tunnel over this host's own addresses, with bytes
//! that came before the sockets were tied, much of them afterwards, and an end that has to come last.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::sockmap::{Tunnel, tie};
use crate::tunnel::{Shortcut, Side};

const EARLY: &[u8] = b"sent before the sockets were tied";
const TURN: &[u8] = b"go";
const BULK_BYTES: usize = 1 << 20;
const WITHIN: Duration = Duration::from_secs(5);

/// Sends bytes both ways through a tunnel for each address family that this host has. Error: one line, what went wrong.
/// Not to be called on a runtime.
pub fn self_test(shortcut: &dyn Shortcut) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let mut tested = false;
    for address in ["127.0.0.1:0", "[::1]:0"] {
        if std::net::TcpListener::bind(address).is_err() {
            continue;
        }
        let outcome = runtime.block_on(async { timeout(WITHIN, tunnel(shortcut, address)).await });
        let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        outcome.map_err(|error| format!("self-test over {address}: {error}"))?;
        tested = true;
    }
    if tested { Ok(()) } else { Err("self-test: this host has no loopback address".to_owned()) }
}

async fn tunnel(shortcut: &dyn Shortcut, address: &str) -> io::Result<()> {
    let (mut client, near) = pair(address).await?;
    let (far, mut backend) = pair(address).await?;
    client.write_all(EARLY).await?;
    let tied = tie(shortcut, &near, &far)?.ok_or_else(|| io::Error::other("the sockets cannot be tied"))?;
    let mut tunnel = Tunnel::new(near, far)?;
    let (up, down) = (noise(1), noise(2));
    let client = async {
        expect(&mut client, TURN).await?;
        both_ways(&mut client, &up, &down).await
    };
    let backend = async {
        expect(&mut backend, EARLY).await?;
        backend.write_all(TURN).await?;
        both_ways(&mut backend, &down, &up).await
    };
    tokio::try_join!(tunnel.run(&*tied), client, backend)?;
    let redirected = (tied.redirected(Side::Client)?, tied.redirected(Side::Backend)?);
    if redirected.0 == 0 || redirected.1 == 0 {
        return Err(io::Error::other("the kernel did not take over"));
    }
    Ok(())
}

async fn pair(address: &str) -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(address).await?;
    let connecting = TcpStream::connect(listener.local_addr()?);
    let (near, accepted) = tokio::try_join!(connecting, listener.accept())?;
    Ok((near, accepted.0))
}

async fn expect(stream: &mut TcpStream, expected: &[u8]) -> io::Result<()> {
    let mut arrived = vec![0; expected.len()];
    stream.read_exact(&mut arrived).await?;
    same(&arrived, expected)
}

/// Sends and ends, while the other side does the same.
async fn both_ways(stream: &mut TcpStream, sent: &[u8], expected: &[u8]) -> io::Result<()> {
    let (mut read, mut write) = stream.split();
    let mut arrived = Vec::with_capacity(expected.len());
    let sending = async {
        write.write_all(sent).await?;
        write.shutdown().await
    };
    tokio::try_join!(sending, read.read_to_end(&mut arrived))?;
    same(&arrived, expected)
}

fn same(arrived: &[u8], expected: &[u8]) -> io::Result<()> {
    if arrived == expected { Ok(()) } else { Err(io::Error::other("other bytes arrived than were sent")) }
}

fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..BULK_BYTES).map(|_| next()).collect()
}

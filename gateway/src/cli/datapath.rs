//! `gateway datapath status|top|detach`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use gateway_datapath::{Counters, Status, detach_all, render_detached, render_status, render_top};

use super::{EXIT_FAILED, EXIT_UNAVAILABLE, fail};

#[derive(Debug, clap::Args)]
pub struct Datapath {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// What is loaded and attached, and what is not and why
    Status(Place),
    /// Live counters, once a second
    Top {
        #[command(flatten)]
        place: Place,
        /// Stop after this many readings; 0 = never
        #[arg(long, default_value_t = 0)]
        count: u64,
    },
    /// Remove all of our programs from the kernel
    Detach,
}

#[derive(Debug, clap::Args)]
struct Place {
    /// Admin listener of the running gateway
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
}

#[derive(serde::Deserialize)]
struct Reading {
    status: Status,
    counters: Counters,
}

impl Datapath {
    pub fn execute(self) -> ExitCode {
        let result = match self.action {
            Action::Status(place) => {
                read(place.admin).map(|reading| print!("{}", render_status(&reading.status)))
            }
            Action::Top { place, count } => top(place.admin, count),
            Action::Detach => return detach(),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(EXIT_UNAVAILABLE, error),
        }
    }
}

fn detach() -> ExitCode {
    match detach_all() {
        Ok(result) => {
            print!("{}", render_detached(&result));
            ExitCode::SUCCESS
        }
        Err(error) => fail(EXIT_FAILED, format!("programs cannot be detached: {error}")),
    }
}

fn top(admin: SocketAddr, count: u64) -> Result<(), String> {
    const PERIOD: Duration = Duration::from_secs(1);
    let mut before = read(admin)?.counters;
    let mut shown = 0;
    loop {
        std::thread::sleep(PERIOD);
        let now = read(admin)?.counters;
        let written = writeln!(io::stdout(), "{}", render_top(&before, &now, PERIOD));
        shown += 1;
        if written.is_err() || shown == count {
            return Ok(());
        }
        before = now;
    }
}

/// `GET /datapath` of a running gateway.
fn read(admin: SocketAddr) -> Result<Reading, String> {
    let unreachable = |error: io::Error| format!("no gateway answers at {admin} (see --admin): {error}");
    let mut stream = TcpStream::connect_timeout(&admin, Duration::from_secs(5)).map_err(unreachable)?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(unreachable)?;
    write!(stream, "GET /datapath HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n")
        .map_err(unreachable)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(unreachable)?;
    let (_, body) = text.split_once("\r\n\r\n").ok_or("the answer is no HTTP")?;
    serde_json::from_str(body).map_err(|error| format!("the answer of {admin} cannot be read: {error}"))
}

//! The proxies that are compared.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::setup::{Place, Setup};
use crate::{exporting, gateway, haproxy, nginx};
use gateway_benches::scratch::{Cores, Process, free_port};
use gateway_benches::wire::Wire;
use gateway_benches::workload::{Policies, Workload};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Peer {
    Gateway,
    Nginx,
    Haproxy,
    /// The gateway with every exporter on.
    Exporting,
}

/// A proxy that answers; ended when dropped.
#[derive(Debug)]
pub struct Running {
    pub peer: Peer,
    pub place: Place,
    pub process: Process,
    /// From the start of the process to its first answer.
    pub first_answer: Duration,
}

impl Peer {
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Nginx, Self::Haproxy];

    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Exporting => "exporting",
        }
    }

    /// Starts it and waits for its first answer.
    pub fn start(self, setup: &Setup<'_>) -> anyhow::Result<Running> {
        let dir = setup.dir.join(self.name()).join(format!("{:?}", setup.policies));
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        let place = Place { http: free_port()?, admin: free_port()?, https: free_port()?, dir };
        let arguments = match self {
            Self::Gateway => gateway::configure(setup, &place),
            Self::Exporting => exporting::configure(setup, &place),
            Self::Nginx => nginx::configure(setup, &place),
            Self::Haproxy => haproxy::configure(setup, &place),
        }?;
        let is_ours = matches!(self, Self::Gateway | Self::Exporting);
        let program = if is_ours { setup.gateway } else { Path::new(self.name()) };
        let begin = Instant::now();
        let process = Process::start(Cores::Proxy, program, arguments, &place.dir.join("log"))?;
        let mut running = Running { peer: self, place, process, first_answer: Duration::ZERO };
        let request =
            if setup.policies == Policies::Some { Workload::W4 } else { Workload::W1 }.requests().remove(0);
        running.wait(&request).with_context(|| format!("{} does not answer", self.name()))?;
        running.first_answer = begin.elapsed();
        Ok(running)
    }
}

impl Running {
    pub fn address(&self, is_tls: bool) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, if is_tls { self.place.https } else { self.place.http }).into()
    }

    fn wait(&mut self, request: &[u8]) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            self.process.check()?;
            let answered = Wire::connect(self.address(false)).and_then(|mut wire| wire.ask(request));
            match answered {
                Ok(()) => return Ok(()),
                Err(error) if begin.elapsed() > Duration::from_secs(10) => bail!(error),
                Err(_) => std::thread::sleep(Duration::from_micros(500)),
            }
        }
    }
}

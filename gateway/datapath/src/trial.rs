//! The programs in the kernel but attached nowhere: for tests and measurements by `BPF_PROG_TEST_RUN`.

use std::io;

use gateway_common::balance::flows::flow_buckets;
use gateway_common::map::{Config, FLOWS_MAX, Member, RING_SLOTS, Vip};
use gateway_common::numbers::PROTOCOL_TCP;
use gateway_common::packet::Address;

use crate::bindings::{Plan, numbered};
use crate::counters::{self, Counters};
use crate::kernel::{self, Run};
use crate::listeners;
use crate::load::{self, LoadOptions, Loaded, name};
use crate::random::random;
use crate::settings::{DatapathSettings, ListenerSpec};

/// Loaded programs with filled maps.
pub struct Trial {
    loaded: Loaded,
    names: Vec<String>,
}

/// Verdict and time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The program's return value, such as 2 for `XDP_PASS`.
    pub verdict: u32,
    /// Nanoseconds for one packet, on average over the repetitions.
    pub nanoseconds: u32,
}

/// A connection that somebody opens, as `sk_lookup` sees it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub local: std::net::SocketAddr,
    pub remote: std::net::SocketAddr,
}

impl Trial {
    /// Error: one line, as in a status.
    pub fn load(listeners: &[ListenerSpec<'_>]) -> Result<Self, String> {
        let mut names = Vec::new();
        let prepared =
            listeners::prepare(&numbered(&mut names, listeners), &[]).map_err(|error| error.to_string())?;
        let mut programs = name::ALL.to_vec();
        programs.push(name::EMPTY);
        let loaded = load::load(&programs, &LoadOptions::new(&DatapathSettings::default()))?;
        if let Some(line) = loaded.refused.first() {
            return Err(line.clone());
        }
        prepared.fill(&Plan::default(), &loaded.maps).map_err(|error| error.to_string())?;
        let config = listeners::config(prepared.workers, false);
        loaded.maps.config.update(&0_u32, &config).map_err(|error| error.to_string())?;
        Ok(Self { loaded, names })
    }

    /// The program of XDP with a virtual address whose packets all go to one member; `listener` stands for it. Error: as
    /// above.
    pub fn balancing(listener: &ListenerSpec<'_>) -> Result<Self, String> {
        let listeners = std::slice::from_ref(listener);
        let prepared = listeners::prepare(&[], &numbered(&mut Vec::new(), listeners))
            .map_err(|error| error.to_string())?;
        let mut options = LoadOptions::new(&DatapathSettings::default());
        (options.balance, options.rings, options.flows_max) = (true, 1, FLOWS_MAX);
        let loaded = load::load(&[name::TRIAL, name::TRIAL_FLOOR], &options)?;
        if let Some(line) = loaded.refused.first() {
            return Err(line.clone());
        }
        let maps = &loaded.maps;
        let vip = Vip {
            protocol: u32::from(PROTOCOL_TCP),
            flows_a_second: u64::MAX,
            secret: random(),
            mask: flow_buckets(FLOWS_MAX) - 1,
            address: listener.bindings.first().map_or(Address::default(), |one| one.address.into()),
            ..Vip::default()
        };
        // A test run's packets come in by the loopback interface.
        let member = Member {
            address: Address::v4(u32::from_ne_bytes([10, 0, 0, 11])),
            source: Address::v4(u32::from_ne_bytes([10, 0, 0, 2])),
            interface: 1,
            room: 1500,
            flags: Member::KEEPS,
            ..Member::default()
        };
        let ring: Vec<(u32, u32)> = (0..RING_SLOTS).map(|slot| (slot, 1)).collect();
        let mut config = listeners::config(1, false);
        config.flags |= Config::BALANCE;
        let filled = prepared.fill(&Plan::default(), maps).map_err(io::Error::other).and_then(|()| {
            maps.vips.update(&1_u32, &vip)?;
            maps.members.update(&1_u32, &member)?;
            maps.ring.update_all(&ring)?;
            maps.config.update(&0_u32, &config)
        });
        filled.map_err(|error| error.to_string())?;
        Ok(Self { loaded, names: vec![listener.name.clone()] })
    }

    /// Names of the programs, with the instructions that the verifier walked.
    pub fn programs(&self) -> Vec<(&'static str, Option<u32>)> {
        self.loaded.programs.iter().map(|one| (one.name, one.verified_instructions)).collect()
    }

    /// Runs an XDP or TC program over a frame.
    pub fn run(&self, program: &str, frame: &[u8], repeat: u32) -> io::Result<Outcome> {
        self.test_run(program, frame, &[], repeat)
    }

    /// Runs the `sk_lookup` program for a connection. Verdict: 1 for `SK_PASS`.
    pub fn look_up(&self, arrival: Arrival, repeat: u32) -> io::Result<Outcome> {
        self.test_run(name::LOOKUP, &[], &lookup_context(arrival), repeat)
    }

    /// What the programs have counted.
    pub fn counters(&self) -> io::Result<Counters> {
        counters::read(&self.loaded.maps, &self.names, 1)
    }

    fn test_run(&self, program: &str, frame: &[u8], context: &[u8], repeat: u32) -> io::Result<Outcome> {
        let program = self.loaded.program(program).ok_or(io::ErrorKind::NotFound)?;
        let Run { verdict, nanoseconds } = kernel::test_run(program, frame, context, repeat)?;
        Ok(Outcome { verdict, nanoseconds })
    }
}

/// `struct bpf_sk_lookup` of the kernel's header: cookie, family, protocol, remote address and port, local
/// address and port; what follows has to be 0.
fn lookup_context(arrival: Arrival) -> [u8; 72] {
    use std::net::{IpAddr, SocketAddr};
    const IPPROTO_TCP: u32 = 6;
    let mut context = [0; 72];
    let mut put = |at: usize, bytes: &[u8]| context[at..at + bytes.len()].copy_from_slice(bytes);
    let family = if arrival.local.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    put(8, &(family as u32).to_ne_bytes());
    put(12, &IPPROTO_TCP.to_ne_bytes());
    let mut put_address = |address: SocketAddr, v4: usize, v6: usize| match address.ip() {
        IpAddr::V4(ip) => put(v4, &ip.octets()),
        IpAddr::V6(ip) => put(v6, &ip.octets()),
    };
    put_address(arrival.remote, 16, 20);
    put_address(arrival.local, 40, 44);
    put(36, &arrival.remote.port().to_be_bytes());
    put(60, &u32::from(arrival.local.port()).to_ne_bytes());
    context
}

//! Floods for measurements: frames that the kernel itself makes, two million a second.

use std::io;

use gateway_common::flood::{NETWORKS, network};

use crate::kernel;
use crate::load::{self, LoadOptions, Loaded, name};
use crate::settings::DatapathSettings;
use crate::shed::Prefix;

/// The generator, loaded.
pub struct Flood(Loaded);

impl Flood {
    /// Error: one line, as in a status.
    pub fn load() -> Result<Self, String> {
        let loaded = load::load(&[name::FLOOD], &LoadOptions::new(&DatapathSettings::default()))?;
        match loaded.refused.first() {
            Some(line) => Err(line.clone()),
            None => Ok(Self(loaded)),
        }
    }

    /// Sends `count` copies of an IPv4 frame out of an interface of the caller's network namespace, each from an
    /// address of one of [`networks`].
    pub fn send(&self, frame: &[u8], interface: u32, count: u32) -> io::Result<()> {
        let program = self.0.program(name::FLOOD).ok_or(io::ErrorKind::NotFound)?;
        kernel::live_frames(program, frame, interface, count)
    }
}

/// Where the flood comes from.
pub fn networks() -> impl Iterator<Item = Prefix> {
    (0..NETWORKS).map(|number| Prefix::around(std::net::Ipv4Addr::from(network(number)).into(), 24))
}

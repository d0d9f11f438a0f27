//! Floods for measurements: frames that the kernel itself makes, two million a second, and an end that drops them.

use std::io;

use gateway_common::flood::{FloodFrame, NETWORKS, network};

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
    /// address of one of [`networks`]. Of the length of a [`FloodFrame`].
    pub fn send(&self, frame: &[u8], interface: u32, count: u32) -> io::Result<()> {
        let program = self.0.program(name::FLOOD).ok_or(io::ErrorKind::NotFound)?;
        let mut template = FloodFrame::default();
        let (words, rest) = frame.as_chunks::<4>();
        if words.len() != template.len() || !rest.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a frame of another length"));
        }
        template.iter_mut().zip(words).for_each(|(to, word)| *to = u32::from_ne_bytes(*word));
        self.0.maps.flood_frame.update(&0_u32, &template)?;
        kernel::live_frames(program, frame, interface, count)
    }
}

/// XDP that looks at nothing, on an interface, for as long as this lives.
pub struct Sink {
    _link: kernel::Link,
}

impl Sink {
    /// Drops all that arrives. In the driver, on an interface of the caller's network namespace. Error: one line, as in a
    /// status.
    pub fn start(interface: u32) -> Result<Self, String> {
        Self::with(name::DROP, interface)
    }

    /// Sends all that arrives back, in the same way.
    pub fn returning(interface: u32) -> Result<Self, String> {
        Self::with(name::RETURN, interface)
    }

    fn with(program: &'static str, interface: u32) -> Result<Self, String> {
        let loaded = load::load(&[program], &LoadOptions::new(&DatapathSettings::default()))?;
        let program = loaded.program(program).ok_or_else(|| loaded.refused.join(", "))?;
        let link = kernel::Link::create(program, kernel::AttachPoint::XdpNative(interface));
        Ok(Self { _link: link.map_err(|error| error.to_string())? })
    }
}

/// Where the flood comes from.
pub fn networks() -> impl Iterator<Item = Prefix> {
    (0..NETWORKS).map(|number| Prefix::around(std::net::Ipv4Addr::from(network(number)).into(), 24))
}

//! From a running gateway to the next, without a connection refused: `gateway run --takeover`.
//!
//! ```text
//! new ──► old   connects to the socket `takeover.socket`
//! new ◄── old   what there is: listeners, XDP attachments, known flows, lists, then their descriptors
//!               (new: binds nothing, compiles its configuration, attaches, accepts)
//! new ──► old   ready
//! new ◄── old   yours; the old one drains and ends
//! ```
//!
//! Both hold the same sockets, so that none is ever closed while somebody waits in its queue. Whatever goes wrong before
//! the last word ends the new process, and the old one goes on.

mod desk;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_datapath::{Handed, HandedClaims, HandedFlows, HandedLink, Ingress, receive_descriptors};
use gateway_proxy::downstream::Bound;
use serde::{Deserialize, Serialize};

pub use desk::{Desk, Kept};

/// Changes with whatever an older gateway would not understand.
const PROTOCOL: u32 = 4;
const READY: u8 = b'R';
const YOURS: u8 = b'Y';
/// Of what the old process says.
const MANIFEST_MAX: usize = 1 << 20;
/// The old process answers at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("no gateway hands over at {} (setting takeover.socket)", path.display())]
    Nobody {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the running gateway speaks version {0} of the hand-over, this one version {PROTOCOL}: restart instead"
    )]
    Protocol(u32),
    #[error("the running gateway's offer cannot be read")]
    Offer(#[source] io::Error),
    #[error("listener {name}: {offered} is running, {wanted} is asked for: restart instead")]
    Different { name: String, offered: String, wanted: String },
    #[error("{0}")]
    Unfit(&'static str),
    #[error("the running gateway did not let go")]
    Kept(#[source] io::Error),
    #[error("takeover.socket {}: another gateway is there", .0.display())]
    Taken(PathBuf),
    #[error("takeover.socket {}", path.display())]
    Socket {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What the old process has; descriptors follow in the same order.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    protocol: u32,
    #[serde(default)]
    listeners: Vec<ListenerPart>,
    #[serde(default)]
    links: Vec<LinkPart>,
    /// Maps follow ([`HandedFlows::MAPS`]).
    #[serde(default)]
    flows: bool,
    /// A file of prefixes follows.
    #[serde(default)]
    claims: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct ListenerPart {
    name: String,
    address: SocketAddr,
    sockets: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct LinkPart {
    interface: u32,
    mode: Ingress,
}

/// What the running gateway hands over.
#[derive(Debug)]
pub struct Offer {
    stream: UnixStream,
    listeners: Vec<Bound>,
    /// Of its kernel path.
    pub handed: Handed,
}

impl Offer {
    /// Asks the gateway whose socket that is.
    pub fn ask(path: &Path) -> Result<Self, HandoverError> {
        let nobody = |source| HandoverError::Nobody { path: path.to_owned(), source };
        let mut stream = UnixStream::connect(path).map_err(nobody)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(HandoverError::Offer)?;
        let manifest = read_manifest(&mut stream).map_err(HandoverError::Offer)?;
        if manifest.protocol != PROTOCOL {
            return Err(HandoverError::Protocol(manifest.protocol));
        }
        let sockets = manifest.listeners.iter().map(|one| one.sockets);
        let maps = if manifest.flows { HandedFlows::MAPS } else { 0 };
        let others = manifest.links.len() + maps + usize::from(manifest.claims);
        let count = sockets.fold(others, usize::saturating_add);
        let mut descriptors = receive_descriptors(&stream, count).map_err(HandoverError::Offer)?.into_iter();
        let listeners = manifest.listeners.into_iter().map(|one| Bound {
            name: one.name,
            address: one.address,
            sockets: descriptors.by_ref().take(one.sockets).map(TcpListener::from).collect(),
        });
        let listeners = listeners.collect();
        let links = manifest.links.into_iter().zip(descriptors.by_ref());
        let links = links.map(|(one, descriptor): (LinkPart, OwnedFd)| {
            HandedLink::new(one.interface, one.mode, descriptor)
        });
        let links = links.collect();
        let maps: Vec<OwnedFd> = descriptors.by_ref().take(maps).collect();
        let flows = maps.try_into().ok().map(HandedFlows::new);
        let claims = descriptors.next().map(HandedClaims::new);
        Ok(Self { stream, listeners, handed: Handed { links, flows, claims } })
    }

    /// The sockets of a listener, if they are as asked for; `None` if the running gateway has no such listener. Port 0
    /// is whatever port it has.
    pub fn take(
        &mut self,
        name: &str,
        address: SocketAddr,
        sockets: usize,
    ) -> Result<Option<Bound>, HandoverError> {
        let Some(place) = self.listeners.iter().position(|one| one.name == name) else { return Ok(None) };
        let bound = self.listeners.swap_remove(place);
        let same_address =
            bound.address == address || (address.port() == 0 && bound.address.ip() == address.ip());
        if same_address && bound.sockets.len() == sockets {
            return Ok(Some(bound));
        }
        let describe = |address: SocketAddr, sockets: usize| format!("{address} with {sockets} workers");
        Err(HandoverError::Different {
            name: bound.name,
            offered: describe(bound.address, bound.sockets.len()),
            wanted: describe(address, sockets),
        })
    }

    /// Refuses what nobody has taken: closing it would cut who waits there.
    pub fn check_taken(&self) -> Result<(), HandoverError> {
        let Some(left) = self.listeners.first() else { return Ok(()) };
        Err(HandoverError::Different {
            name: left.name.clone(),
            offered: left.address.to_string(),
            wanted: "off".to_owned(),
        })
    }

    /// Says that this process serves; from then on the other one drains.
    pub fn finish(mut self) -> Result<(), HandoverError> {
        let mut answer = [0];
        let asked = self.stream.write_all(&[READY]).and_then(|()| self.stream.read_exact(&mut answer));
        match asked {
            Ok(()) if answer == [YOURS] => Ok(()),
            Ok(()) => Err(HandoverError::Kept(io::ErrorKind::InvalidData.into())),
            Err(error) => Err(HandoverError::Kept(error)),
        }
    }
}

fn read_manifest(stream: &mut UnixStream) -> io::Result<Manifest> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MANIFEST_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn write_manifest(stream: &mut UnixStream, manifest: &Manifest) -> io::Result<()> {
    let text = serde_json::to_vec(manifest)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&text)
}

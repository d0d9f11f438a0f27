//! The running gateway's end: a socket where its successor asks.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_datapath::{Datapath, HandedClaims, HandedFlows, HandedLink, send_descriptors};
use gateway_proxy::downstream::Bound;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::{HandoverError, LinkPart, ListenerPart, Manifest, PROTOCOL, READY, YOURS, write_manifest};
use crate::standing::{Standing, lock, specs};

/// For the successor to compile its configuration and attach.
const STARTS_WITHIN: Duration = Duration::from_mins(2);

/// What is handed over: copies of everything, so that it stays open in either process.
pub struct Kept {
    /// As they are when it comes to that.
    pub traffic: Standing,
    pub admin: Option<Bound>,
    pub cpus: Vec<Option<usize>>,
    pub datapath: Arc<Datapath>,
}

/// The socket. Its file goes when it is dropped, unless a successor has put its own there.
pub struct Desk {
    path: PathBuf,
    /// Until [`Desk::publish`].
    draft: PathBuf,
    listener: Option<StdListener>,
    published: bool,
    handed: watch::Sender<bool>,
}

impl Desk {
    /// Opens the socket under another name. With `alone`, refuses the place of a gateway that runs.
    pub fn bind(path: &Path, alone: bool) -> Result<Self, HandoverError> {
        if alone && StdStream::connect(path).is_ok() {
            return Err(HandoverError::Taken(path.to_owned()));
        }
        let failed = |source| HandoverError::Socket { path: path.to_owned(), source };
        let draft = path.with_extension(std::process::id().to_string());
        let opened = StdListener::bind(&draft).and_then(|listener| {
            std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = Some(opened.map_err(failed)?);
        let handed = watch::Sender::new(false);
        Ok(Self { path: path.to_owned(), draft, listener, published: false, handed })
    }

    /// Turns true when the successor serves.
    pub fn handed_over(&self) -> watch::Receiver<bool> {
        self.handed.subscribe()
    }

    /// Takes the place that successors ask at.
    pub fn publish(&mut self) -> Result<(), HandoverError> {
        let failed = |source| HandoverError::Socket { path: self.path.clone(), source };
        std::fs::rename(&self.draft, &self.path).map_err(failed)?;
        self.published = true;
        Ok(())
    }

    /// Serves successors, one after the other, until one has taken over or the gateway drains.
    pub async fn serve(mut self, kept: Kept, mut draining: watch::Receiver<bool>) {
        let Some(Ok(listener)) = self.listener.take().map(UnixListener::from_std) else { return };
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = draining.wait_for(|draining| *draining) => return,
            };
            let outcome = match accepted {
                Ok((stream, _)) => hand_over(stream, &kept).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => {
                    tracing::info!(event_type = "HandedOver", "another process has taken over");
                    self.handed.send_replace(true);
                    return;
                }
                Err(error) => {
                    tracing::warn!(event_type = "HandoverFailed", %error, "the other process did not take over");
                    kept.datapath.reclaim(&specs(&lock(&kept.traffic), &kept.cpus));
                }
            }
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.draft);
        } else if !*self.handed.borrow() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn hand_over(stream: UnixStream, kept: &Kept) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let own = nix::unistd::geteuid().as_raw();
    if peer != own && peer != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut stream = stream.into_std()?;
    // A few kilobytes, which the socket's buffer takes.
    stream.set_nonblocking(false)?;
    offer(&mut stream, kept)?;
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    let word = tokio::time::timeout(STARTS_WITHIN, stream.read_u8()).await??;
    if word != READY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    stream.write_all(&[YOURS]).await
}

fn offer(stream: &mut StdStream, kept: &Kept) -> io::Result<()> {
    let handed = kept.datapath.hand_over()?;
    let traffic = lock(&kept.traffic);
    let bound: Vec<&Bound> = traffic.iter().map(|one| &one.bound).chain(&kept.admin).collect();
    let listeners = bound.iter().map(|one| ListenerPart {
        name: one.name.clone(),
        address: one.address,
        sockets: one.sockets.len(),
    });
    let parts = handed.links.iter().map(|one| LinkPart { interface: one.interface, mode: one.mode });
    let manifest = Manifest {
        protocol: PROTOCOL,
        listeners: listeners.collect(),
        links: parts.collect(),
        flows: handed.flows.is_some(),
        claims: handed.claims.is_some(),
    };
    write_manifest(stream, &manifest)?;
    let sockets = bound.iter().flat_map(|one| &one.sockets).map(AsFd::as_fd);
    let links = handed.links.iter().map(HandedLink::descriptor);
    let flows = handed.flows.iter().flat_map(HandedFlows::descriptors);
    let claims = handed.claims.iter().map(HandedClaims::descriptor);
    let descriptors: Vec<_> = sockets.chain(links).chain(flows).chain(claims).collect();
    send_descriptors(stream, &descriptors)
}

//! From one process to the next: an interface has room for one XDP program, so that its link changes hands, and with
//! it the program, in one step. Everything else may be there twice for a while.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Datapath, Inner};
use crate::balance::HandedFlows;
use crate::kernel::Link;
use crate::listeners;
use crate::load::name;
use crate::settings::{Ingress, ListenerSpec};

/// An XDP attachment on its way to another process.
#[derive(Debug)]
pub struct HandedLink {
    /// Index of the interface.
    pub interface: u32,
    /// Native or generic.
    pub mode: Ingress,
    pub(crate) link: Link,
}

impl HandedLink {
    /// As it came from the other process. What is no link is refused when it is used.
    pub fn new(interface: u32, mode: Ingress, descriptor: OwnedFd) -> Self {
        Self { interface, mode, link: Link::from(descriptor) }
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

impl Datapath {
    /// The XDP attachments, for another process to put its own program there; they last as long as one of the two
    /// holds them.
    pub fn links(&self) -> io::Result<Vec<HandedLink>> {
        let Inner::On(active) = &self.0 else { return Ok(Vec::new()) };
        let changing = active.changing();
        let mut links = Vec::new();
        for attachment in &changing.attachments {
            for (_, link) in attachment.links.iter().filter(|(program, _)| *program == name::INGRESS) {
                let (interface, mode) = (attachment.interface.index, attachment.ingress);
                links.push(HandedLink { interface, mode, link: link.try_clone()? });
            }
        }
        Ok(links)
    }

    /// The flows that are remembered, for another process to remember; `None` where nothing is balanced.
    pub fn flows(&self) -> io::Result<Option<HandedFlows>> {
        let Inner::On(active) = &self.0 else { return Ok(None) };
        if active.balance().is_none() {
            return Ok(None);
        }
        HandedFlows::of(&active.loaded.maps).map(Some)
    }

    /// Puts our own programs back where another process has put its, which then did not start. `listeners` are those
    /// of the start.
    pub fn reclaim(&self, listeners: &[ListenerSpec<'_>]) {
        let Inner::On(active) = &self.0 else { return };
        if let Some(program) = active.loaded.program(name::INGRESS) {
            for attachment in &active.changing().attachments {
                for (_, link) in attachment.links.iter().filter(|(name, _)| *name == program.name) {
                    if let Err(error) = link.update(program) {
                        let interface = attachment.interface.name.as_str();
                        tracing::warn!(interface, %error, "XDP program not put back");
                    }
                }
            }
        }
        if let Some(program) = active.loaded.program(name::REUSEPORT)
            && let Ok(prepared) = listeners::prepare(listeners, &[])
            && prepared.has_groups()
        {
            let (_, refused) = prepared.attach_reuseport(program, &active.loaded.maps);
            for reason in refused {
                tracing::warn!(reason, "listeners' program not put back");
            }
        }
    }
}

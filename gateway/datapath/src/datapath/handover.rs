//! From one process to the next: an interface has room for one XDP program, so that its link changes hands, and with
//! it the program, in one step. What was learnt and said since the start is copied. Everything else may be there twice
//! for a while.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Datapath, Inner};
use crate::balance::{Balance, HandedFlows};
use crate::bindings::numbered;
use crate::kernel::Link;
use crate::listeners;
use crate::load::{Maps, name};
use crate::settings::{Ingress, ListenerSpec};
use crate::shed::{HandedClaims, Shed};

/// What one process gives to the next.
#[derive(Debug, Default)]
pub struct Handed {
    /// XDP attachments; they last as long as one of the two processes holds them.
    pub links: Vec<HandedLink>,
    /// Flows that are remembered; `None` where nothing is balanced.
    pub flows: Option<HandedFlows>,
    /// Prefixes that commands and refusals have put into the lists; `None` where the path is off.
    pub claims: Option<HandedClaims>,
}

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
    /// For another process, to put its own program into the attachments and to go on with the rest. Until
    /// [`Datapath::reclaim`] lists are changed there, and no more here.
    pub fn hand_over(&self) -> io::Result<Handed> {
        let Inner::On(active) = &self.0 else { return Ok(Handed::default()) };
        let claims = Some(active.shed().hand_over()?);
        let mut changing = active.changing();
        let mut links = Vec::new();
        for attachment in &mut changing.attachments {
            // Its packets will be seen, but not by us.
            attachment.probation = None;
            for (_, link) in attachment.links.iter().filter(|(program, _)| *program == name::INGRESS) {
                let (interface, mode) = (attachment.interface.index, attachment.ingress);
                links.push(HandedLink { interface, mode, link: link.try_clone()? });
            }
        }
        let balances = active.balance().is_some();
        let flows = balances.then(|| HandedFlows::of(&active.loaded.maps)).transpose()?;
        Ok(Handed { links, flows, claims })
    }

    /// Puts our own programs back where another process has put its, which then did not start. `listeners` are those
    /// that there are.
    pub fn reclaim(&self, listeners: &[ListenerSpec<'_>]) {
        let Inner::On(active) = &self.0 else { return };
        active.shed().reclaim();
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
        let mut names = active.changing().names.clone();
        if let Some(program) = active.loaded.program(name::REUSEPORT)
            && let Ok(prepared) = listeners::prepare(&numbered(&mut names, listeners), &[])
            && prepared.has_groups()
        {
            let (_, refused) = prepared.attach_reuseport(program, &active.loaded.maps);
            for reason in refused {
                tracing::warn!(reason, "listeners' program not put back");
            }
        }
    }
}

/// Claims what the process before has claimed.
pub(super) fn adopt_claims(shed: &mut Shed, handed: &Handed, refused: &mut Vec<String>) {
    let Some(claims) = &handed.claims else { return };
    match shed.adopt(claims) {
        Ok(prefixes) => tracing::info!(prefixes, "datapath prefixes taken over"),
        Err(error) => refused.push(format!("lists of the gateway that ran before: {error}")),
    }
}

/// Remembers the flows that the process before has remembered.
pub(super) fn adopt_flows(
    balance: Option<&Balance>,
    handed: &Handed,
    maps: &Maps,
    refused: &mut Vec<String>,
) {
    let Some((balance, flows)) = balance.zip(handed.flows.as_ref()) else { return };
    match balance.adopt(flows, maps) {
        Ok(flows) => tracing::info!(flows, "balance: flows taken over"),
        Err(error) => refused.push(format!("flows of the gateway that ran before: {error}")),
    }
}

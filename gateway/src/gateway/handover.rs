//! The two ends of a hand-over as the start sees them: what the gateway that runs offers, and what this one will.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_datapath::{Datapath, Handed};
use gateway_proxy::downstream::Bound;
use gateway_proxy::worker::Shared;
use tokio::sync::watch as signal;

use super::StartError;
use crate::handover::{Desk, HandoverError, Kept, Offer};
use crate::settings::Settings;
use crate::standing::Standing;

/// For the first configuration, which a plane may have to send.
const CONFIGURED_WITHIN: Duration = Duration::from_mins(1);

/// Both are `None` unless the settings ask for them.
#[derive(Default)]
pub struct Handover {
    pub offer: Option<Offer>,
    desk: Option<Desk>,
    nothing: Handed,
}

impl Handover {
    /// Asks the gateway that runs, if this one is to take over, and opens the socket for its own successor.
    pub fn open(settings: &Settings) -> Result<Self, StartError> {
        let Some(socket) = &settings.takeover.socket else { return Ok(Self::default()) };
        let asked = settings.takeover.asked;
        let offer = if asked { Some(Offer::ask(socket)?) } else { None };
        let desk = Some(Desk::bind(socket, !asked)?);
        Ok(Self { offer, desk, ..Self::default() })
    }

    /// Refuses what would leave somebody without an answer.
    pub fn check(&self, settings: &Settings) -> Result<(), StartError> {
        let Some(offer) = &self.offer else { return Ok(()) };
        offer.check_taken()?;
        if settings.counts.neighborhood.host.is_some() {
            // Its ports belong to one process.
            return Err(HandoverError::Unfit("neighborhood.host is set: restart instead").into());
        }
        Ok(())
    }

    /// The gateway that runs has a configuration: without one of our own it goes on.
    pub fn wait_for_configuration(&self, settings: &Settings, shared: &Shared) -> Result<(), StartError> {
        // A folder has been read by now.
        let within = if settings.config.plane(&settings.identity).is_some() {
            CONFIGURED_WITHIN
        } else {
            Duration::ZERO
        };
        let start = Instant::now();
        while self.offer.is_some() && shared.snapshot.load().is_none() {
            if start.elapsed() > within {
                return Err(HandoverError::Unfit("no configuration has come into force").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What the kernel path of the gateway that runs has; nothing where nobody is taken over.
    pub fn handed(&self) -> &Handed {
        self.offer.as_ref().map_or(&self.nothing, |offer| &offer.handed)
    }

    /// Copies of everything for a successor.
    pub fn keep(
        &self,
        standing: &Standing,
        admin: Option<&Bound>,
        cpus: &[Option<usize>],
        datapath: &Arc<Datapath>,
    ) -> Result<Option<Kept>, StartError> {
        if self.desk.is_none() {
            return Ok(None);
        }
        let failed = |source| StartError::Io { what: "a listening socket cannot be held twice", source };
        let admin = admin.map(Bound::try_clone).transpose().map_err(failed)?;
        Ok(Some(Kept {
            traffic: Arc::clone(standing),
            admin,
            cpus: cpus.to_vec(),
            datapath: Arc::clone(datapath),
        }))
    }

    /// Turns true when a successor serves; never without the setting.
    pub fn handed_over(&self) -> signal::Receiver<bool> {
        self.desk.as_ref().map_or_else(|| signal::channel(false).1, Desk::handed_over)
    }

    /// Tells the gateway that ran that it may go, and takes its place for the next one that asks.
    pub fn finish(mut self) -> Result<Option<Desk>, StartError> {
        if let Some(offer) = self.offer {
            offer.finish()?;
        }
        if let Some(desk) = &mut self.desk {
            desk.publish()?;
        }
        Ok(self.desk)
    }
}

//! What there is to tell about a running datapath.

use gateway_common::map::Config;

use super::{Active, NO_INTERFACE, by_number};
use crate::attach::Attachment;
use crate::balance::Balance;
use crate::cookies;
use crate::load::name;
use crate::settings::Ingress;
use crate::splice;
use crate::status::{InterfaceStatus, ProgramStatus, State, Status};

impl Active {
    pub(super) fn log(&self) {
        let attachments = &self.changing().attachments;
        for attachment in attachments {
            log_attachment(attachment);
        }
        if attachments.is_empty() {
            tracing::info!(reason = NO_INTERFACE, "datapath counts no packets");
        }
        for line in &self.refused {
            tracing::warn!(reason = line, "datapath feature not in use");
        }
    }

    pub(super) fn status(&self) -> Status {
        let shed = self.shed().status();
        let changing = self.changing();
        let interfaces = changing.attachments.iter().map(interface_status).collect();
        let links: Vec<_> =
            changing.attachments.iter().flat_map(|one| &one.links).chain(&changing.links).collect();
        let places = |program| {
            let of_program = links.iter().filter(move |(owner, _)| *owner == program);
            of_program.filter_map(|(_, link)| link.attached()).map(|one| one.describe())
        };
        let sockmap = self.loaded.sockmap.iter().flatten().map(|sockmap| &sockmap.program);
        let programs = self.loaded.programs.iter().chain(sockmap).map(|program| {
            let mut attached: Vec<String> = places(program.name).collect();
            match (program.name, caller(program.name)) {
                (name::REUSEPORT, _) => {
                    attached
                        .extend(changing.groups.iter().map(|group| format!("reuseport group of {group}")));
                }
                (splice::PROGRAM, _) => attached.push("sockets of L4 routes".to_owned()),
                (_, Some(caller)) if places(caller).next().is_some() => {
                    attached.push(format!("called by {caller}"));
                }
                _ => {}
            }
            ProgramStatus {
                name: program.name.to_owned(),
                id: program.id,
                tag: format!("{:016x}", program.tag),
                verified_instructions: program.verified_instructions,
                attached,
                runs: self.statistics.of(program),
            }
        });
        let flooded = by_number(&changing.names)
            .filter(|(number, _)| cookies::is_flooded(&self.loaded.maps, *number).unwrap_or(false));
        let flooded = flooded.map(|(_, name)| name.to_owned()).collect();
        let none = changing.attachments.is_empty().then(|| NO_INTERFACE.to_owned());
        Status {
            state: State::On,
            reason: None,
            tier: self.tier,
            enabled: self.loaded.maps.config.get(&0_u32).is_ok_and(|config| config.has(Config::ENABLED)),
            interfaces,
            listeners: changing.listeners.clone(),
            programs: programs.collect(),
            steering: (!changing.groups.is_empty()).then_some(changing.spread.steering()),
            shed,
            balance: self.balance().as_ref().map(Balance::status).unwrap_or_default(),
            flooded,
            refused: self.refused.iter().cloned().chain(none).collect(),
        }
    }
}

/// The program that calls this one, which is attached nowhere itself.
fn caller(program: &str) -> Option<&'static str> {
    match program {
        name::COOKIES | name::TELL => Some(name::INGRESS),
        name::TELL_TC => Some(name::INGRESS_TC),
        _ => None,
    }
}

pub(super) fn log_attachment(attachment: &Attachment) {
    let interface = attachment.interface.name.as_str();
    let refused = attachment.refused.join("; ");
    if attachment.ingress == Ingress::Off && !attachment.refused.is_empty() {
        tracing::warn!(interface, refused, "datapath interface not counted");
    } else {
        tracing::info!(interface, mode = %attachment.ingress, refused, "datapath interface");
    }
}

fn interface_status(attachment: &Attachment) -> InterfaceStatus {
    let arriving = attachment.sees_arriving();
    InterfaceStatus {
        name: attachment.interface.name.clone(),
        index: attachment.interface.index,
        ingress: if arriving { attachment.ingress } else { Ingress::Off },
        on_trial: arriving && attachment.probation.as_ref().is_some_and(|one| one.takes_back),
        egress: attachment.sees_leaving(),
        refused: attachment.refused.clone(),
        findings: attachment.past.findings.clone(),
    }
}

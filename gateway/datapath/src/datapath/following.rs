//! What changes after the start: interfaces that come and go, and listeners.

use super::report::log_attachment;
use super::{Active, attach_beside, attach_groups, balance, chain, interface, listener_status, listeners};
use crate::attach::Attachment;
use crate::bindings::numbered;
use crate::load::name;
use crate::settings::ListenerSpec;

impl Active {
    /// Attaches to interfaces that have appeared, and forgets those that are gone.
    pub(super) fn refresh(&self) {
        let Ok(all) = interface::all() else { return };
        let mut changing = self.changing();
        let (chosen, _) = interface::choose(&all, self.settings.interfaces.as_deref(), &changing.bindings);
        changing.attachments.retain_mut(|attachment| {
            let now = all.iter().find(|one| one.index == attachment.interface.index);
            if let Some(now) = now {
                attachment.interface = now.clone();
            } else {
                tracing::warn!(interface = attachment.interface.name, "datapath interface gone");
            }
            now.is_some()
        });
        let wish = self.wish(&changing);
        for interface in chosen {
            if changing.attachments.iter().any(|one| one.interface.index == interface.index) {
                continue;
            }
            let attachment = Attachment::new(interface, wish, &self.loaded, &[]);
            log_attachment(&attachment);
            changing.attachments.push(attachment);
        }
    }

    /// The maps hold these listeners from now on; see [`super::Datapath::follow_listeners`].
    pub(super) fn follow_listeners(&self, specs: &[ListenerSpec<'_>]) -> Result<(), String> {
        let vips = balance::specs(&self.settings.balance);
        let mut changing = self.changing();
        let mut names = changing.names.clone();
        let (numbers, vip_numbers) = (numbered(&mut names, specs), numbered(&mut names, &vips));
        let prepared = listeners::prepare(&numbers, &vip_numbers).map_err(|error| chain(&error))?;
        if prepared.plan == changing.plan {
            return Ok(());
        }
        let steers = changing.links.iter().any(|(program, _)| *program == name::LOOKUP);
        if prepared.plan.steers() && !steers {
            match attach_beside(name::LOOKUP, &self.loaded)? {
                Some(link) => changing.links.push((name::LOOKUP, link)),
                None => {
                    return Err(format!("program {} is not loaded: nothing can be steered", name::LOOKUP));
                }
            }
        }
        prepared.fill(&changing.plan, &self.loaded.maps).map_err(|error| chain(&error))?;
        let mut refused = Vec::new();
        changing.groups = attach_groups(&prepared, &self.loaded, &mut refused);
        for reason in refused {
            tracing::warn!(reason, "connections are not spread by the datapath");
        }
        changing.names = names;
        changing.bindings = specs.iter().flat_map(|spec| spec.bindings.clone()).collect();
        changing.listeners = specs.iter().chain(&vips).map(listener_status).collect();
        changing.plan = prepared.plan;
        drop(changing);
        self.configure(|config| config.generation += 1).map_err(|error| format!("map CONFIG: {error}"))
    }
}

//! Attachments are confirmed, or taken back by themselves (`reference/ebpf-datapath.md` §9, §10 rule 4).

use std::mem;

use super::Active;
use super::report::log_attachment;
use crate::attach::{Attachment, Wish};
use crate::counters;
use crate::probation::Verdict;
use crate::settings::Ingress;

impl Active {
    /// Looks after what has been attached. Where the gateway has chosen a mode that does not do, the next one takes its place.
    pub(super) fn confirm_attachments(&self) {
        let mut changing = self.changing();
        if changing.attachments.iter().all(|one| one.probation.is_none()) {
            return;
        }
        let wish = self.wish(&changing);
        let slots = changing.names.len() as u32 + 1;
        let attachments = mem::take(&mut changing.attachments);
        let confirmed = attachments.into_iter().map(|one| self.confirm(one, wish, slots));
        changing.attachments = confirmed.collect();
    }

    fn confirm(&self, mut attachment: Attachment, wish: Wish, slots: u32) -> Attachment {
        let Some(mut probation) = attachment.probation.take() else { return attachment };
        // What somebody else has detached stays detached.
        if !attachment.sees_arriving() {
            return attachment;
        }
        match probation.look(|| counters::read_arrived(&self.loaded.maps, slots).ok().flatten()) {
            Verdict::Passed => {}
            Verdict::Waits => attachment.probation = Some(probation),
            Verdict::Failed(why) if probation.takes_back => {
                attachment = self.take_back(attachment, &why, wish);
            }
            Verdict::Failed(why) => {
                let (name, mode) = (&attachment.interface.name, attachment.ingress.in_words());
                let found = format!(
                    "interface {name}: after {mode} was attached {why}; it stays, as the setting names it"
                );
                tracing::warn!(found, "datapath interface");
                attachment.past.findings.push(found);
            }
        }
        attachment
    }

    fn take_back(&self, mut attachment: Attachment, why: &str, wish: Wish) -> Attachment {
        let mode = attachment.ingress;
        attachment.past.taken_back.push(mode);
        let mut next = attachment.again(wish, &self.loaded);
        let instead =
            if next.ingress == Ingress::Off { "nothing".to_owned() } else { next.ingress.to_string() };
        let name = &next.interface.name;
        let found = format!("interface {name}: {} was taken back: {why}; {instead} instead", mode.in_words());
        tracing::warn!(found, "datapath interface");
        log_attachment(&next);
        next.past.findings.push(found);
        next
    }
}

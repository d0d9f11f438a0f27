//! Native XDP for as long as an attack lasts, where the setting allows it: on virtual interfaces it costs bulk traffic more
//! than half of its speed, and saves more than that only while most packets are dropped.

use std::io;
use std::mem;

use super::report::log_attachment;
use super::{Active, Changing};
use crate::attach::Wish;
use crate::settings::Ingress;

/// Packets dropped between two looks, one a second, that make an attack.
const ATTACK: u64 = 10_000;
/// Looks with fewer that end it.
const CALM: u32 = 60;

/// What has been dropped.
#[derive(Debug, Default)]
pub struct Alarm {
    dropped: u64,
    calm: u32,
    is_on: bool,
}

impl Alarm {
    /// Whether there is an attack, if that has changed.
    fn hear(&mut self, dropped: u64) -> Option<bool> {
        let many = dropped.saturating_sub(self.dropped) >= ATTACK;
        self.dropped = dropped;
        self.calm = if many { 0 } else { self.calm.saturating_add(1) };
        let is_on = many || (self.is_on && self.calm < CALM);
        let changed = is_on != self.is_on;
        self.is_on = is_on;
        changed.then_some(is_on)
    }
}

impl Active {
    /// How arriving packets are to be seen now.
    pub(super) fn wish(&self, changing: &Changing) -> Wish {
        Wish { setting: self.settings.xdp, under_attack: changing.alarm.is_on }
    }

    /// Puts the other program on all interfaces when an attack begins or ends; for some milliseconds there is none.
    pub(super) fn meet_attack(&self) -> io::Result<()> {
        if self.settings.xdp != Ingress::Attack {
            return Ok(());
        }
        let dropped = self.read_drops()?.iter().map(|(packets, _)| packets).sum();
        let mut changing = self.changing();
        let Some(is_on) = changing.alarm.hear(dropped) else { return Ok(()) };
        tracing::warn!(is_on, "datapath: much is dropped, or no longer; interfaces change their mode");
        let wish = self.wish(&changing);
        for attachment in mem::take(&mut changing.attachments) {
            let attachment = attachment.again(wish, &self.loaded);
            log_attachment(&attachment);
            changing.attachments.push(attachment);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hear_an_attack_begins_at_once_and_ends_after_a_while() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.hear(9_999), None);
        assert_eq!(alarm.hear(19_999), Some(true));
        assert_eq!(alarm.hear(40_000), None);
        let ends: Vec<_> = (0..CALM).map(|_| alarm.hear(40_000)).collect();
        assert_eq!(ends.iter().flatten().count(), 1);
        assert_eq!(ends.last(), Some(&Some(false)));
    }
}

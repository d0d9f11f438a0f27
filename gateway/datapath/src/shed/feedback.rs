//! Sources that kept being refused by policies, and are kept off for a while.

use std::net::IpAddr;
use std::time::Instant;

use super::table::Life;
use super::{List, Prefix, Shed};

/// Reason of their rules.
pub(super) const FEEDBACK: &str = "feedback";

impl Shed {
    /// Keeps an address off for a while, for a reason of few words; false if it is protected, or if there are as
    /// many already as the settings allow.
    pub fn keep_off(&mut self, address: IpAddr, why: &str) -> bool {
        let Some(until) = Instant::now().checked_add(self.settings.feedback_for) else { return false };
        let kept = self.keep_off_until(Prefix::host(address), why, until);
        if kept {
            tracing::warn!(%address, why, seconds = self.settings.feedback_for.as_secs(), "datapath keeps a source off");
        }
        kept
    }

    /// The same until then, without a word in the log.
    pub(super) fn keep_off_until(&mut self, prefix: Prefix, why: &str, until: Instant) -> bool {
        let kept: usize = self.rules.with_reason(FEEDBACK).iter().map(|rule| self.deny.count(*rule)).sum();
        let may = kept < self.settings.feedback_max && self.protected.refusal(prefix).is_none();
        let rule = if may { self.rules.named(List::Deny, FEEDBACK, why) } else { None };
        let Some(rule) = rule else { return false };
        self.deny.claim(prefix, rule, Some(Life::until(until)));
        true
    }
}

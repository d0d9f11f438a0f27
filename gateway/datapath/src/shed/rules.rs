//! Numbers and names of what drops or lets pass.

use gateway_common::map::RULES_MAX;
use gateway_common::shed::{RULE_FIRST_LIST, RULE_LIMIT, RULE_MALFORMED};

use super::List;

/// `gateway datapath deny` and `allow`.
pub const COMMAND: u32 = RULE_FIRST_LIST;
/// Networks that nothing may deny.
pub const PROTECTED: u32 = RULE_FIRST_LIST + 1;
/// Those that follow belong to files, in the settings' order.
const FIRST_FILE: u32 = RULE_FIRST_LIST + 2;
/// Lists that can be counted apart.
pub const FILES_MAX: usize = (RULES_MAX - FIRST_FILE) as usize;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub number: u32,
    /// Label of the metric: few words for ever.
    pub reason: &'static str,
    pub name: String,
    /// `None` for rules without prefixes.
    pub list: Option<List>,
}

/// All rules that there are, by number.
#[derive(Clone, Debug)]
pub struct Rules(Vec<Rule>);

impl Rules {
    pub fn new() -> Self {
        let rule = |number, reason, name: &str, list| Rule { number, reason, name: name.to_owned(), list };
        Self(vec![
            rule(RULE_MALFORMED, "malformed", "malformed", None),
            rule(RULE_LIMIT, "rate", "connections", None),
            rule(COMMAND, "deny", "command", Some(List::Deny)),
            rule(COMMAND, "allow", "command", Some(List::Allow)),
            rule(PROTECTED, "allow", "protected", Some(List::Allow)),
        ])
    }

    /// The number of a file's rule; `None` when there are too many.
    pub fn add_file(&mut self, list: List, name: String) -> Option<u32> {
        let last = self.0.iter().map(|rule| rule.number).max().unwrap_or(0);
        let number = FIRST_FILE.max(last + 1);
        let reason = list.word();
        (number < RULES_MAX).then(|| self.0.push(Rule { number, reason, name, list: Some(list) }))?;
        Some(number)
    }

    pub fn all(&self) -> &[Rule] {
        &self.0
    }

    /// The rule that drops under this number.
    pub fn dropping(&self, number: u32) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.number == number && rule.list != Some(List::Allow))
    }
}

//! Numbers and names of what drops or lets pass.

use gateway_common::map::RULES_MAX;
use gateway_common::shed::{RULE_FIRST_LIST, RULE_LIMIT, RULE_MALFORMED};

use super::List;

/// `gateway datapath deny` and `allow`.
pub const COMMAND: u32 = RULE_FIRST_LIST;
/// Networks that nothing may deny.
pub const PROTECTED: u32 = RULE_FIRST_LIST + 1;
/// Those that follow are given as they are asked for: files, policies, feedback.
const FIRST_NAMED: u32 = RULE_FIRST_LIST + 2;

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

    /// The number of the rule of that name, which is new if there is none; `None` when there are too many.
    pub fn named(&mut self, list: List, reason: &'static str, name: &str) -> Option<u32> {
        let is_it = |rule: &&Rule| rule.list == Some(list) && rule.reason == reason && rule.name == name;
        if let Some(rule) = self.0.iter().find(is_it) {
            return Some(rule.number);
        }
        let last = self.0.iter().map(|rule| rule.number).max().unwrap_or(0);
        let number = FIRST_NAMED.max(last + 1);
        let rule = Rule { number, reason, name: name.to_owned(), list: Some(list) };
        (number < RULES_MAX).then(|| self.0.push(rule))?;
        Some(number)
    }

    /// Numbers of the rules with that reason.
    pub fn with_reason(&self, reason: &str) -> Vec<u32> {
        self.0.iter().filter(|rule| rule.reason == reason).map(|rule| rule.number).collect()
    }

    /// One more than the highest number.
    pub fn end(&self) -> u32 {
        self.0.iter().map(|rule| rule.number + 1).max().unwrap_or(0)
    }

    pub fn all(&self) -> &[Rule] {
        &self.0
    }

    /// The name of the list's rule of that number.
    pub fn name(&self, list: List, number: u32) -> &str {
        let rule = self.0.iter().find(|rule| rule.number == number && rule.list == Some(list));
        rule.map_or("", |rule| &rule.name)
    }

    /// The rule that drops under this number.
    pub fn dropping(&self, number: u32) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.number == number && rule.list != Some(List::Allow))
    }
}

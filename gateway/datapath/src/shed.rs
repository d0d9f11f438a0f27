//! Whose packets are dropped in the kernel: by command, by files of prefixes, because they are malformed.
//!
//! Order of safety: what is protected is never denied; what a command denies is on trial until it is confirmed;
//! rules hold only while this process says every second that it lives; and a full trie drops nothing more.

mod complaints;
mod denied;
mod events;
mod feedback;
mod file;
mod handed;
mod hints;
mod prefix;
mod protect;
mod range;
mod rules;
mod table;
mod tries;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gateway_common::map::{Config, Limit};
use serde::{Deserialize, Serialize};

use crate::counters::DropCount;
use crate::kernel::Map;
use crate::load::Loaded;
use crate::random::random;
use crate::settings::ShedSettings;
use complaints::Complaints;
use denied::{Denied, InKernel};
use events::Events;
use file::Watched;
use handed::ELSEWHERE;
use hints::Hints;
use protect::Protected;
use rules::{COMMAND, PROTECTED, Rules};
use table::{Confirmed, Life, Table};
use tries::KernelTrie;

pub use tries::clock_ns;

pub use handed::HandedClaims;

pub use file::{FileError, parse as parse_prefixes, read as read_prefixes};
pub use prefix::{Prefix, PrefixError};

/// Rules hold for this long after the last sign of life.
const ALIVE_FOR: Duration = Duration::from_secs(5);
/// Files are looked at that often.
const FILES_EVERY: Duration = Duration::from_secs(5);
/// Prefixes of each list that are compared with the kernel's, a second.
const AUDITED: usize = 64;
/// Reason of the rules that policies make.
const POLICY: &str = "policy";
/// Claims that one reading shows.
const SHOWN_MAX: usize = 10_000;

/// Two lists of prefixes of source addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// Their packets are dropped.
    Deny,
    /// Their packets pass, whatever else is said about them.
    Allow,
}

impl List {
    pub fn word(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

/// A change that an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShedRequest {
    pub action: Action,
    pub list: List,
    pub prefixes: Vec<Prefix>,
    /// How long it holds; for ever without.
    #[serde(default)]
    pub seconds: Option<u64>,
    /// Rolled back after this time unless confirmed before; without it, or if it would end by then anyway, the change
    /// needs no confirmation.
    #[serde(default)]
    pub trial_seconds: Option<u64>,
    /// Where the operator is logged in from: never denied.
    #[serde(default)]
    pub operator: Option<IpAddr>,
}

/// What to do with the prefixes of a [`ShedRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Add,
    Remove,
}

/// What became of a [`ShedRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShedAnswer {
    /// Prefixes changed as asked.
    pub changed: usize,
    /// One line for each that was not.
    pub refused: Vec<String>,
    /// Prefixes of that list that the kernel has no room for; they drop nothing.
    pub waiting: usize,
    /// Prefixes of the request that are on trial now.
    #[serde(default)]
    pub on_trial: usize,
}

/// The state of shedding, for `GET /datapath`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShedStatus {
    pub rules: Vec<RuleStatus>,
    /// Networks that nothing may deny, with the reason.
    pub protected: Vec<String>,
    /// Prefixes that the kernel has no room for; they drop nothing.
    pub waiting: usize,
    /// Prefixes that somebody had changed in the kernel, and that were put right.
    #[serde(default)]
    pub drift: u64,
    /// What is refused, one line each: of a file until it is read again, of policies until they change.
    pub refused: Vec<String>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStatus {
    pub rule: String,
    pub reason: String,
    /// Prefixes that it claims.
    pub prefixes: usize,
}

/// One prefix that a rule claims, for `gateway datapath list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub list: List,
    pub prefix: Prefix,
    pub rule: String,
    /// Until it ends; for ever without.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<u64>,
    /// Gone at that time unless confirmed before.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub on_trial: bool,
}

/// Callers that a policy refuses by their address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// Its place in the policy; the rule's name.
    pub name: String,
    /// Only those in the ranges are let through; else they are the ones refused.
    pub allows: bool,
    /// Both ends included, of one family.
    pub ranges: Vec<(IpAddr, IpAddr)>,
}

/// All tables of one datapath.
pub struct Shed {
    settings: ShedSettings,
    allow: Table<KernelTrie>,
    deny: Table<KernelTrie>,
    rules: Rules,
    files: Vec<(Watched, List, u32)>,
    files_due: Instant,
    protected: Protected,
    complaints: Complaints,
    events: Option<Events>,
    alive: Map<u64>,
    drift: u64,
    /// Another process is about to take the lists over.
    handed: bool,
}

impl Shed {
    /// Fills the tries; to be called before anything is attached, in the gateway's network namespace.
    pub fn start(settings: &ShedSettings, loaded: &mut Loaded) -> io::Result<Self> {
        let maps = &loaded.maps;
        let mut rules = Rules::new();
        let mut files = Vec::new();
        for (list, paths) in [(List::Allow, &settings.allow_files), (List::Deny, &settings.deny_files)] {
            for path in paths {
                let number = rules.named(list, list.word(), &path.display().to_string());
                let number = number.ok_or_else(|| io::Error::other("too many files of prefixes"))?;
                files.push((Watched::new(PathBuf::from(path)), list, number));
            }
        }
        let hints = Hints::new(maps.hints4.try_clone()?);
        let kernel =
            InKernel { buckets: maps.deny4_buckets.try_clone()?, mask: maps.deny4_mask.try_clone()? };
        let denied = Denied::new(kernel, settings.prefixes_max)?;
        let mut this = Self {
            settings: settings.clone(),
            allow: Table::new(KernelTrie::allow(
                maps.allow4.try_clone()?,
                maps.allow6.try_clone()?,
                hints.clone(),
            )),
            deny: Table::new(KernelTrie::deny(
                maps.deny4.try_clone()?,
                denied,
                maps.deny6.try_clone()?,
                hints,
            )),
            rules,
            files,
            files_due: Instant::now(),
            protected: Protected::default(),
            complaints: Complaints::default(),
            events: loaded.events.take().map(Events::new),
            alive: maps.alive.try_clone()?,
            drift: 0,
            handed: false,
        };
        for network in &settings.management {
            this.protect(*network, "setting datapath.management");
        }
        for network in &settings.trusted {
            this.protect(*network, "setting net.server.trusted-proxies");
        }
        for peer in protect::ssh_peers() {
            this.protect(Prefix::host(peer), "SSH connection to this host");
        }
        this.read_files(Instant::now());
        this.say_alive()?;
        Ok(this)
    }

    /// Flags of `CONFIG` that the rules need.
    pub fn flags(&self) -> u32 {
        let malformed = if self.settings.drop_malformed { Config::DROP_MALFORMED } else { 0 };
        let limit = if self.settings.connections.rate > 0 { Config::LIMIT } else { 0 };
        let wanted = malformed | limit;
        if wanted != 0 || !self.deny.is_empty() { Config::SHED | wanted } else { 0 }
    }

    /// The limit of new connections as the programs take it.
    pub fn limit(&self) -> Limit {
        let setting = self.settings.connections;
        let v6_bits = u32::from(setting.v6_bits.clamp(1, 64));
        let v6_mask = (u64::MAX << (64 - v6_bits)).to_be();
        Limit::new(setting.rate, setting.burst, v6_mask, random())
    }

    /// The sign of life, and everything that time brings. Meant for a timer of a second.
    pub fn tick(&mut self) -> io::Result<()> {
        let now = Instant::now();
        for (list, ended) in [(List::Deny, self.deny.tick(now)), (List::Allow, self.allow.tick(now))] {
            for (prefix, number) in ended {
                let rule = self.rules.name(list, number);
                tracing::info!(list = list.word(), %prefix, rule, "datapath prefix ended");
            }
        }
        let drift = (self.deny.audit(AUDITED) + self.allow.audit(AUDITED)) as u64;
        if drift > 0 {
            tracing::warn!(
                prefixes = drift,
                "datapath prefixes were changed from outside, and are put right"
            );
        }
        self.drift += drift;
        if now >= self.files_due {
            self.read_files(now);
        }
        if let Some(events) = &mut self.events {
            events.log(&self.rules);
        }
        self.say_alive()
    }

    pub fn change(&mut self, request: &ShedRequest) -> ShedAnswer {
        if let Some(operator) = request.operator.map(Prefix::host)
            && !operator.address().is_loopback()
        {
            self.protect(operator, "the operator's own address");
        }
        let mut answer = ShedAnswer::default();
        let now = Instant::now();
        for prefix in &request.prefixes {
            match self.change_one(request, *prefix, now) {
                Ok(()) => answer.changed += 1,
                Err(line) => answer.refused.push(line),
            }
        }
        let table = self.table(request.list);
        answer.waiting = table.waiting();
        answer.on_trial =
            request.prefixes.iter().filter(|prefix| table.is_on_trial(**prefix, COMMAND)).count();
        let (action, list) = (request.action, request.list.word());
        let (changed, refused) = (answer.changed, answer.refused.len());
        tracing::info!(?action, list, changed, refused, "datapath prefixes changed by command");
        answer
    }

    fn change_one(&mut self, request: &ShedRequest, prefix: Prefix, now: Instant) -> Result<(), String> {
        if self.handed {
            return Err(ELSEWHERE.to_owned());
        }
        if request.action == Action::Remove {
            let was = self.table(request.list).release(prefix, COMMAND);
            let line = || format!("{prefix} was not added to the {} list by command", request.list.word());
            return was.then_some(()).ok_or_else(line);
        }
        if request.list == List::Deny
            && let Some(refusal) = self.protected.refusal(prefix)
        {
            return Err(refusal);
        }
        let end = |seconds| now.checked_add(Duration::from_secs(seconds));
        let until = request.seconds.and_then(end);
        let trial = request.trial_seconds.and_then(end).filter(|end| until.is_none_or(|until| *end < until));
        let life = match trial {
            Some(end) => Some(Life { until: end, trial: Some(Confirmed { until }) }),
            None => until.map(Life::until),
        };
        self.table(request.list).claim(prefix, COMMAND, life);
        Ok(())
    }

    /// Makes these the policies that are applied here. What would deny a protected network is left to the policy.
    pub fn follow_policies(&mut self, policies: &[PolicyRule]) {
        self.complaints.settle(POLICY);
        let mut wanted = Vec::new();
        for policy in policies {
            let Some(number) = self.rules.named(List::Deny, POLICY, &policy.name) else {
                let line = format!("{}: too many rules to count: left to the policy", policy.name);
                self.complaints.add(POLICY, line);
                continue;
            };
            wanted.push((number, self.denied_by(policy)));
        }
        let none = BTreeSet::new();
        for number in self.rules.with_reason(POLICY) {
            let prefixes = wanted.iter().find(|(wanted, _)| *wanted == number).map_or(&none, |(_, set)| set);
            self.deny.replace(number, prefixes);
        }
    }

    fn denied_by(&mut self, policy: &PolicyRule) -> BTreeSet<Prefix> {
        if policy.allows {
            let mut spared = policy.ranges.clone();
            spared.extend(self.protected.prefixes().into_iter().map(range::of_prefix));
            return range::outside(&spared).into_iter().collect();
        }
        let mut prefixes: BTreeSet<_> = policy.ranges.iter().copied().flat_map(range::prefixes).collect();
        let refusals: Vec<_> = prefixes.iter().filter_map(|prefix| self.protected.refusal(*prefix)).collect();
        prefixes.retain(|prefix| self.protected.refusal(*prefix).is_none());
        for refusal in refusals {
            self.complaints.add(POLICY, format!("{}: {refusal}", policy.name));
        }
        prefixes
    }

    /// Keeps what is on trial; how many prefixes that were. Error: one line, while another process takes over.
    pub fn confirm(&mut self) -> Result<usize, String> {
        if self.handed {
            return Err(ELSEWHERE.to_owned());
        }
        Ok(self.deny.confirm() + self.allow.confirm())
    }

    pub fn status(&self) -> ShedStatus {
        let status = |rule: &rules::Rule| RuleStatus {
            rule: rule.name.clone(),
            reason: rule.reason.to_owned(),
            prefixes: rule.list.map_or(0, |list| self.table_of(list).count(rule.number)),
        };
        ShedStatus {
            rules: self.rules.all().iter().map(status).collect(),
            protected: self.protected.lines(),
            drift: self.drift,
            waiting: self.deny.waiting() + self.allow.waiting(),
            refused: self.complaints.lines(),
        }
    }

    /// What the rules claim, the deny list first; at most 10,000, and how many more there are.
    pub fn claims(&self) -> (Vec<Claim>, usize) {
        let now = Instant::now();
        let mut shown = Vec::new();
        let mut more = 0;
        for (list, table) in [(List::Deny, &self.deny), (List::Allow, &self.allow)] {
            for (prefix, number, life) in table.claims() {
                if shown.len() == SHOWN_MAX {
                    more += 1;
                    continue;
                }
                let rule = self.rules.name(list, number).to_owned();
                let seconds = life.map(|life| life.until.saturating_duration_since(now).as_secs());
                let on_trial = life.is_some_and(|life| life.trial.is_some());
                shown.push(Claim { list, prefix, rule, seconds, on_trial });
            }
        }
        (shown, more)
    }

    /// One more than the highest number of a rule.
    pub fn rules_end(&self) -> u32 {
        self.rules.end()
    }

    /// Names the figures of `DROPS`, which `of_rule` gives by interface.
    pub fn drops<'a>(&self, of_rule: impl Fn(u32) -> BTreeMap<&'a str, (u64, u64)>) -> Vec<DropCount> {
        let figures = self.rules.all().iter().filter(|rule| rule.list != Some(List::Allow));
        let named = figures.flat_map(|rule| {
            of_rule(rule.number).into_iter().map(|(interface, (packets, bytes))| DropCount {
                reason: rule.reason.to_owned(),
                rule: rule.name.clone(),
                interface: interface.to_owned(),
                packets,
                bytes,
            })
        });
        named.collect()
    }

    fn protect(&mut self, network: Prefix, why: &str) {
        if self.protected.add(network, why) {
            self.allow.replace(PROTECTED, &self.protected.prefixes());
        }
    }

    fn read_files(&mut self, now: Instant) {
        self.files_due = now + FILES_EVERY;
        for (file, list, number) in &mut self.files {
            let Some(read) = file.changed() else { continue };
            let path = file.path.display().to_string();
            self.complaints.settle(&path);
            let mut prefixes = match read {
                Ok(prefixes) => prefixes,
                Err(error) => {
                    self.complaints.add(&path, format!("{error}: the list stays as it was"));
                    continue;
                }
            };
            if *list == List::Deny {
                prefixes.retain(|prefix| {
                    let refusal = self.protected.refusal(*prefix);
                    if let Some(line) = &refusal {
                        self.complaints.add(&path, format!("{path}: {line}"));
                    }
                    refusal.is_none()
                });
            }
            let table = if *list == List::Deny { &mut self.deny } else { &mut self.allow };
            table.replace(*number, &prefixes);
            tracing::info!(
                file = path,
                list = list.word(),
                prefixes = prefixes.len(),
                "datapath prefixes read"
            );
        }
    }

    fn say_alive(&self) -> io::Result<()> {
        self.alive.update(&0_u32, &(clock_ns() + ALIVE_FOR.as_nanos() as u64))
    }

    fn table(&mut self, list: List) -> &mut Table<KernelTrie> {
        match list {
            List::Deny => &mut self.deny,
            List::Allow => &mut self.allow,
        }
    }

    fn table_of(&self, list: List) -> &Table<KernelTrie> {
        match list {
            List::Deny => &self.deny,
            List::Allow => &self.allow,
        }
    }
}

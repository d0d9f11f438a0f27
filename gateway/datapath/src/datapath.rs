//! The running datapath.

mod attack;
mod confirm;
mod dropped;
mod first;
mod following;
mod handover;
mod report;
mod spread;
mod statistics;
mod tied;

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use aya_log::EbpfLogger;
use gateway_common::map::Config;

use crate::attach::{Attachment, Wish};
use crate::balance::{self, Answer, Balance, BalanceSettings};
use crate::bindings::{Plan, number, numbered};
use crate::capability::{Need, explain};
use crate::cgroup;
use crate::cookies::Floods;
use crate::counters::{self, Counters};
use crate::interface;
use crate::kernel::{AttachPoint, Link};
use crate::listeners::{self, Prepared};
use crate::load::{self, LoadOptions, Loaded, name};
use crate::logging::ToTracing;
use crate::settings::{Binding, DatapathSettings, Ingress, ListenerSpec, Mode};
use crate::shed::{Claim, PolicyRule, Shed, ShedAnswer, ShedRequest};
use crate::status::{ListenerStatus, Status};
use crate::steering::by_cpu;
use crate::tier::Tier;

/// Loopback is never chosen, so that a gateway for this host alone has nothing to count on.
const NO_INTERFACE: &str = "no interface carries a listen address";

use attack::Alarm;
use dropped::Dropped;
pub use handover::{Handed, HandedLink};
use spread::Spread;
use statistics::Statistics;

/// The datapath was required, and does not work. Exit code 69.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("datapath required, but {reason}")]
pub struct StartError {
    /// One line: features with the missing capability and the errno.
    pub reason: String,
}

/// Programs in the kernel, or the reason why there are none. Dropping it detaches everything.
pub struct Datapath(Inner);

enum Inner {
    Off(String),
    On(Box<Active>),
}

struct Active {
    settings: DatapathSettings,
    tier: Tier,
    statistics: Statistics,
    workers: u32,
    refused: Vec<String>,
    loaded: Loaded,
    /// Locked before the other.
    shed: Mutex<Shed>,
    balance: Mutex<Option<Balance>>,
    /// What else changes after the start.
    changing: Mutex<Changing>,
}

struct Changing {
    /// By number, those that are gone included.
    names: Vec<String>,
    /// Those that there are.
    listeners: Vec<ListenerStatus>,
    bindings: Vec<Binding>,
    /// As it stands in the maps.
    plan: Plan,
    spread: Spread,
    /// Listener groups that the reuseport program sits on.
    groups: Vec<String>,
    /// `sk_lookup` and `sock_ops`.
    links: Vec<(&'static str, Link)>,
    attachments: Vec<Attachment>,
    logger: Option<EbpfLogger<ToTracing>>,
    floods: Floods,
    alarm: Alarm,
    dropped: Dropped,
}

impl Datapath {
    /// Loads, fills the maps, attaches. With [`Mode::Auto`] nothing is an error: what does not work is off, with
    /// its reason in [`Datapath::status`]. Call it in the network namespace of the sockets; it blocks for some
    /// tens of milliseconds.
    pub fn start(settings: &DatapathSettings, listeners: &[ListenerSpec<'_>]) -> Result<Self, StartError> {
        Self::take_over(settings, listeners, &Handed::default())
    }

    /// The same where another process serves, and has `handed` over what it has: our programs take the place of its,
    /// without a packet in between that neither sees, the flows that it remembers stay with their members, and lists have
    /// what was put into them by command.
    pub fn take_over(
        settings: &DatapathSettings,
        listeners: &[ListenerSpec<'_>],
        handed: &Handed,
    ) -> Result<Self, StartError> {
        if settings.mode == Mode::Off {
            return Ok(Self(Inner::Off("switched off by setting".to_owned())));
        }
        let started = Active::start(settings, listeners, handed).and_then(|active| match active.lacks() {
            Some(lack) if settings.mode == Mode::Required => Err(lack),
            _ => Ok(active),
        });
        match started {
            Ok(active) => {
                active.log();
                Ok(Self(Inner::On(Box::new(active))))
            }
            Err(reason) if settings.mode == Mode::Required => Err(StartError { reason }),
            Err(reason) => {
                tracing::warn!(reason, "datapath off");
                Ok(Self(Inner::Off(reason)))
            }
        }
    }

    /// Goes on with these listeners, which may have other bindings than before, be new, or be gone; figures of those that
    /// stay go on. Error: one line, and nothing has changed.
    pub fn follow_listeners(&self, listeners: &[ListenerSpec<'_>]) -> Result<(), String> {
        let Inner::On(active) = &self.0 else { return Ok(()) };
        active.follow_listeners(listeners)?;
        active.refresh();
        Ok(())
    }

    /// Only these workers get new connections from now on, by their numbers; if it is none of them, all do. What waits in
    /// a worker's queue stays there.
    pub fn spread_over(&self, takes: &[bool]) -> io::Result<()> {
        let Inner::On(active) = &self.0 else { return Ok(()) };
        active.spread_over(takes)
    }

    /// What is loaded and attached right now.
    pub fn status(&self) -> Status {
        match &self.0 {
            Inner::Off(reason) => Status::off(reason),
            Inner::On(active) => active.status(),
        }
    }

    /// All figures; empty when off. Meant for a timer of a second; hands the programs' log records on, too.
    pub fn counters(&self) -> Counters {
        let Inner::On(active) = &self.0 else { return Counters::default() };
        active.counters().unwrap_or_else(|error| {
            tracing::warn!(%error, "datapath counters not read");
            Counters::default()
        })
    }

    /// Attaches to interfaces that have appeared and forgets those that are gone. What somebody detached
    /// stays detached. Cheap when nothing changed; meant for a timer of some seconds.
    pub fn refresh(&self) {
        if let Inner::On(active) = &self.0 {
            active.refresh();
        }
    }

    /// The sign of life, without which the programs drop nothing after five seconds, and everything that time
    /// brings: ends of prefixes, changed files, log records of what was dropped. Meant for a timer of a second.
    pub fn tick(&self) {
        if let Inner::On(active) = &self.0
            && let Err(error) = active.tick()
        {
            tracing::warn!(%error, "datapath rules not kept up; they pass everything within seconds");
        }
    }

    /// Adds or removes prefixes. Error: one line, when the path is off.
    pub fn change(&self, request: &ShedRequest) -> Result<ShedAnswer, String> {
        let active = self.active()?;
        let answer = active.shed().change(request);
        active.follow_rules().map_err(|error| error.to_string())?;
        Ok(answer)
    }

    /// Makes these the address filters of policies that are applied here; those from before end.
    pub fn follow_policies(&self, policies: &[PolicyRule]) {
        if let Inner::On(active) = &self.0 {
            active.shed().follow_policies(policies);
            active.follow_rules_or_warn();
        }
    }

    /// Keeps sources off for a while, each for a reason of few words; how many of them, as some may be protected, and
    /// the settings allow only so many.
    pub fn keep_off<'a>(&self, sources: impl IntoIterator<Item = (IpAddr, &'a str)>) -> usize {
        let Inner::On(active) = &self.0 else { return 0 };
        let kept = sources.into_iter().filter(|(address, why)| active.shed().keep_off(*address, why)).count();
        if kept > 0 {
            active.follow_rules_or_warn();
        }
        kept
    }

    /// Keeps what is on trial; how many prefixes that were. Error: one line, when the path is off or about to be taken over.
    pub fn confirm(&self) -> Result<usize, String> {
        self.active()?.shed().confirm()
    }

    /// What the rules claim, at most 10,000 prefixes, and how many more there are.
    pub fn claims(&self) -> Result<(Vec<Claim>, usize), String> {
        Ok(self.active()?.shed().claims())
    }

    /// Members of virtual addresses, to be asked whether they are ready.
    pub fn members(&self) -> Vec<IpAddr> {
        let Inner::On(active) = &self.0 else { return Vec::new() };
        active.balance().as_ref().map(Balance::members).unwrap_or_default()
    }

    /// What a member has answered.
    pub fn hear(&self, member: IpAddr, answer: Answer) {
        if let Inner::On(active) = &self.0
            && let Some(balance) = active.balance().as_mut()
            && let Err(error) = balance.hear(member, answer)
        {
            tracing::warn!(%member, %error, "balance: the ring does not follow");
        }
    }

    fn active(&self) -> Result<&Active, String> {
        match &self.0 {
            Inner::On(active) => Ok(active),
            Inner::Off(reason) => Err(format!("the datapath is off: {reason}")),
        }
    }

    /// The kill switch: with `false` every program passes at once, and counts nothing.
    pub fn set_enabled(&self, enabled: bool) -> io::Result<()> {
        let Inner::On(active) = &self.0 else { return Ok(()) };
        active.set_enabled(enabled)
    }
}

impl Active {
    fn start(
        settings: &DatapathSettings,
        specs: &[ListenerSpec<'_>],
        handed: &Handed,
    ) -> Result<Self, String> {
        let mut loaded = load::load(&name::ALL, &LoadOptions::new(settings))?;
        let settings = as_loaded(settings, &loaded);
        let vips = balance::specs(&settings.balance);
        let mut names = Vec::new();
        let (numbers, vip_numbers) = (numbered(&mut names, specs), numbered(&mut names, &vips));
        let prepared = listeners::prepare(&numbers, &vip_numbers).map_err(|error| chain(&error))?;
        prepared.fill(&Plan::default(), &loaded.maps).map_err(|error| chain(&error))?;
        let bindings: Vec<Binding> = specs.iter().flat_map(|spec| spec.bindings.clone()).collect();
        let all = interface::all().map_err(|error| format!("interfaces: {error}"))?;
        let (chosen, mut refused) = interface::choose(&all, settings.interfaces.as_deref(), &bindings);
        refused.append(&mut loaded.refused);

        // Switched on before anything is attached: the maps are complete.
        let by_cpu = by_cpu(settings.steering, prepared.cpus().is_some(), prepared.workers, &chosen);
        let mut shed = Shed::start(&settings.shed, &mut loaded).map_err(|error| format!("rules: {error}"))?;
        handover::adopt_claims(&mut shed, handed, &mut refused);
        let balance = Balance::start(&settings.balance, specs.len(), &loaded.maps, handed.flows.as_ref())
            .map_err(|error| format!("balancing: {error}"))?;
        let config =
            first::config(&settings, listeners::config(prepared.workers, by_cpu), &shed, balance.is_some());
        loaded.maps.config.update(&0_u32, &config).map_err(|error| format!("map CONFIG: {error}"))?;

        let spread = Spread::start(settings.steering, by_cpu, &prepared, &loaded.maps)
            .map_err(|error| format!("maps of workers: {error}"))?;
        let groups = attach_groups(&prepared, &loaded, &mut refused);
        let mut links = Vec::new();
        let wanted = [(name::LOOKUP, prepared.plan.steers()), (name::SOCK_OPS, true)];
        for (program, _) in wanted.iter().filter(|(_, wanted)| *wanted) {
            match attach_beside(program, &loaded) {
                Ok(Some(link)) => links.push((*program, link)),
                Ok(None) => {}
                Err(line) => refused.push(line),
            }
        }
        let attach = |one| Attachment::new(one, Wish::calm(settings.xdp), &loaded, &handed.links);
        // Twice: those that begin before our programs stand are known to the other ones only.
        handover::adopt_flows(balance.as_ref(), handed, &loaded.maps, &mut refused);
        let attachments = chosen.into_iter().map(attach).collect();
        handover::adopt_flows(balance.as_ref(), handed, &loaded.maps, &mut refused);
        let logger = loaded.logger.take();
        Ok(Self {
            statistics: Statistics::start(settings.statistics, &mut refused),
            settings,
            tier: Tier::probe(),
            workers: prepared.workers,
            refused,
            loaded,
            shed: Mutex::new(shed),
            balance: Mutex::new(balance),
            changing: Mutex::new(Changing {
                names,
                listeners: specs.iter().chain(&vips).map(listener_status).collect(),
                bindings,
                spread,
                plan: prepared.plan,
                groups,
                links,
                attachments,
                logger,
                floods: Floods::default(),
                alarm: Alarm::default(),
                dropped: Dropped::default(),
            }),
        })
    }

    /// What a required datapath lacks. `sock_ops` only observes, so that it is not missed.
    fn lacks(&self) -> Option<String> {
        let changing = self.changing();
        let mut lines: Vec<&str> = Vec::new();
        if changing.attachments.is_empty() {
            lines.push(NO_INTERFACE);
        }
        if self.settings.xdp != Ingress::Off {
            // Leaving packets need TCX (Linux 6.6): figures without them are still figures.
            let failed = changing.attachments.iter().filter(|one| one.ingress == Ingress::Off);
            lines.extend(failed.flat_map(|one| &one.refused).map(String::as_str));
        }
        let observed_only = |line: &&str| !line.starts_with("sock_ops") && !line.contains(name::SOCK_OPS);
        lines.extend(self.refused.iter().map(String::as_str).filter(observed_only));
        (!lines.is_empty()).then(|| lines.join("; "))
    }

    fn counters(&self) -> io::Result<Counters> {
        let names = {
            let mut changing = self.changing();
            if let Some(logger) = &mut changing.logger {
                logger.flush();
            }
            changing.names.clone()
        };
        let mut counters = counters::read(&self.loaded.maps, &names, self.workers)?;
        let counted = self.balance().as_ref().map(Balance::counted).unwrap_or_default();
        counters.balance = counters::read_balance(&self.loaded.maps, counted)?;
        counters.drops = self.drops()?;
        Ok(counters)
    }

    fn tick(&self) -> io::Result<()> {
        self.judge_spread()?;
        self.meet_attack()?;
        self.confirm_attachments();
        self.shed().tick()?;
        if let Some(balance) = self.balance().as_mut() {
            balance.tick()?;
        }
        if self.loaded.cookies {
            let Changing { floods, names, .. } = &mut *self.changing();
            floods.follow(&self.loaded.maps, by_number(names))?;
        }
        self.follow_rules()
    }

    fn follow_rules_or_warn(&self) {
        if let Err(error) = self.follow_rules() {
            tracing::warn!(%error, "datapath rules not switched");
        }
    }

    /// The programs ask for rules only while there are some.
    fn follow_rules(&self) -> io::Result<()> {
        let wanted = self.shed().flags();
        self.configure(|config| config.flags = config.flags & !Config::RULES | wanted)
    }

    fn set_enabled(&self, enabled: bool) -> io::Result<()> {
        self.configure(|config| {
            config.flags = config.flags & !Config::ENABLED | if enabled { Config::ENABLED } else { 0 };
        })
    }

    /// Changes `CONFIG` as it stands in the kernel, where others may have switched it off.
    fn configure(&self, change: impl FnOnce(&mut Config)) -> io::Result<()> {
        let _only_one = self.changing();
        let old = self.loaded.maps.config.get(&0_u32)?;
        let mut config = old;
        change(&mut config);
        if config == old {
            return Ok(());
        }
        config.generation += 1;
        self.loaded.maps.config.update(&0_u32, &config)
    }

    fn shed(&self) -> std::sync::MutexGuard<'_, Shed> {
        // Each holder leaves it whole between two statements.
        self.shed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn balance(&self) -> std::sync::MutexGuard<'_, Option<Balance>> {
        // As above.
        self.balance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, Changing> {
        // Each holder leaves it whole between two statements.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        // The reuseport program has no link: it stays with its sockets, switched off.
        let _ = self.set_enabled(false);
    }
}

/// Without what the programs cannot do: balance, answer SYNs.
fn as_loaded(settings: &DatapathSettings, loaded: &Loaded) -> DatapathSettings {
    let balance = if loaded.balance { settings.balance.clone() } else { BalanceSettings::default() };
    DatapathSettings { balance, cookies: settings.cookies.filter(|_| loaded.cookies), ..settings.clone() }
}

/// `sk_lookup` on our network namespace, `sock_ops` on our control group; `None` if the program was refused.
fn attach_beside(program: &'static str, loaded: &Loaded) -> Result<Option<Link>, String> {
    let Some(loaded) = loaded.program(program) else { return Ok(None) };
    let failed = |feature: &str, error: &io::Error| explain(feature, Need::Attach, error);
    let (feature, path) = if program == name::LOOKUP {
        ("sk_lookup on the network namespace".to_owned(), "/proc/thread-self/ns/net".into())
    } else {
        let path = cgroup::own().map_err(|reason| format!("sock_ops: {reason}"))?;
        (format!("sock_ops on control group {}", path.display()), path)
    };
    let target = File::open(path).map_err(|error| failed(&feature, &error))?;
    let point = if program == name::LOOKUP {
        AttachPoint::SkLookup(target.as_fd())
    } else {
        AttachPoint::SockOps(target.as_fd())
    };
    Link::create(loaded, point).map(Some).map_err(|error| failed(&feature, &error))
}

/// Puts the reuseport program on the groups of all listeners with several workers; which those are.
fn attach_groups(prepared: &Prepared<'_>, loaded: &Loaded, refused: &mut Vec<String>) -> Vec<String> {
    let Some(program) = loaded.program(name::REUSEPORT).filter(|_| prepared.has_groups()) else {
        return Vec::new();
    };
    let (attached, mut lines) = prepared.attach_reuseport(program, &loaded.maps);
    refused.append(&mut lines);
    attached
}

/// Listeners with their numbers in the maps.
fn by_number(names: &[String]) -> impl Iterator<Item = (u16, &str)> {
    names.iter().enumerate().map(|(place, name)| (number(place), name.as_str()))
}

fn listener_status(spec: &ListenerSpec<'_>) -> ListenerStatus {
    ListenerStatus {
        name: spec.name.clone(),
        bindings: spec.bindings.iter().map(ToString::to_string).collect(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

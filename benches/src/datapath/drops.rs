//! What dropping a packet costs the receiving side, beside the kernel's own filters.
//!
//! Each contender has a pair of namespaces of its own. The flood enters the gateway's end as frames of a driver do;
//! a kernel thread of the interface's own (threaded NAPI) receives them, and its CPU time, divided by the packets that
//! the contender says it has dropped, is the figure.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use gateway_benches::measure::median;
use gateway_datapath::flood::{Flood, Sink, networks};
use gateway_datapath::{
    Binding, ConnectionLimit, Datapath, DatapathSettings, Ingress, ListenerSpec, ShedSettings,
};
use gateway_tests::namespaces::{CLIENT_INTERFACE, GATEWAY_INTERFACE, GATEWAY_V4, Namespace, World};
use serde::Serialize;

use crate::flooded::{self, PORT, inside};

/// Packets of one flood. Those that find the receiving queue full are nobody's merit, and do not count.
const PACKETS: u32 = 1_000_000;
/// Packets at once, so that the sign of life is given in between.
const BURST: u32 = 50_000;

const SYN_RULE: &str = "SYN answered in a flood";
/// The least that there is to a dropped packet, and to an answered one.
const DROPS_AT_ONCE: &str = "XDP that drops at once";
const ANSWERS_AT_ONCE: &str = "XDP that answers at once";

/// Nanoseconds of CPU a dropped packet.
#[derive(Debug, Serialize)]
pub struct DropCost {
    pub rule: &'static str,
    pub contender: &'static str,
    /// One for each round.
    pub rounds: Vec<f64>,
    pub median: f64,
}

struct Contender {
    rule: &'static str,
    name: &'static str,
    world: World,
    filter: Filter,
    /// Kernel threads that receive.
    threads: Vec<u32>,
}

enum Filter {
    Ours(Box<Datapath>, &'static str),
    /// A listener whose queue overflows: XDP answers, or the kernel alone.
    Cookies {
        xdp: Option<Box<Datapath>>,
        /// Of the answers: nobody is there.
        _sink: Sink,
        _listener: TcpListener,
    },
    Nft,
    Ipset,
    /// What receiving alone costs, or receiving and sending.
    Floor {
        /// Of the interface's figures.
        counted: &'static str,
        _ends: Vec<Sink>,
    },
}

impl Filter {
    /// The sign of life, without which programs of ours do nothing.
    fn tick(&self) {
        match self {
            Self::Ours(datapath, _) => datapath.tick(),
            Self::Cookies { xdp, .. } => xdp.iter().for_each(|datapath| datapath.tick()),
            Self::Nft | Self::Ipset | Self::Floor { .. } => {}
        }
    }
}

/// Measures all contenders, one flood each in turn.
pub fn run(rounds: usize) -> anyhow::Result<Vec<DropCost>> {
    let flood = Flood::load().map_err(anyhow::Error::msg)?;
    let contenders = contenders()?;
    let mut costs: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            costs.push(contender.measure(&flood)?);
        }
    }
    let rows = contenders.iter().zip(costs).map(|(contender, rounds)| {
        let median = median(rounds.iter().copied());
        DropCost { rule: contender.rule, contender: contender.name, rounds, median }
    });
    Ok(rows.collect())
}

/// The rows as a table.
pub fn print(rows: &[DropCost]) {
    println!(
        "| rule | filter | CPU ns a packet | against the gateway's | and net of XDP that does it at once |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for cost in rows {
        // Native XDP stands first for each rule.
        let ours = rows.iter().find(|one| one.rule == cost.rule).map_or(cost.median, |one| one.median);
        let floor = if cost.rule == SYN_RULE { ANSWERS_AT_ONCE } else { DROPS_AT_ONCE };
        let floor = rows.iter().find(|one| one.contender == floor).map_or(0.0, |one| one.median);
        let net = (cost.median - floor) / (ours - floor);
        println!(
            "| {} | {} | {:.0} | {:.1} | {net:.1} |",
            cost.rule,
            cost.contender,
            cost.median,
            cost.median / ours
        );
    }
}

fn contenders() -> anyhow::Result<Vec<Contender>> {
    let list = tempfile::NamedTempFile::new()?;
    let prefixes: Vec<String> = networks().map(|network| network.to_string()).collect();
    fs::write(list.path(), prefixes.join("\n"))?;
    let deny = ShedSettings { deny_files: vec![list.path().to_owned()], ..ShedSettings::default() };
    let connections = ConnectionLimit { rate: 1, burst: 1, v6_bits: 64 };
    let limit = ShedSettings { connections, ..ShedSettings::default() };
    let set =
        format!("set denied {{ type ipv4_addr; flags interval; elements = {{ {} }}; }}", prefixes.join(", "));
    let table = |family: &str, hook: &str, parts: &str, rule: &str| {
        format!(
            "table {family} bench {{\n{parts}\ncounter dropped {{ }}\n\
             chain drops {{\ntype filter {hook};\n{rule}\n}}\n}}\n"
        )
    };
    let early = format!("hook ingress device {GATEWAY_INTERFACE} priority 0");
    let late = "hook prerouting priority raw".to_owned();
    let in_set = "ip saddr @denied counter name dropped drop";
    let sources = "set sources { type ipv4_addr; size 65536; flags dynamic; timeout 60s; }";
    let over = "add @sources { ip saddr limit rate over 1/second burst 1 packets } counter name dropped drop";
    let list_rule = "deny list of 10,000 prefixes";
    let limit_rule = "new connections of each source";
    let mut all = vec![
        Contender::ours(list_rule, "gateway, native XDP", Ingress::Native, deny.clone(), "")?,
        Contender::ours(list_rule, "gateway, TCX", Ingress::Tcx, deny, "")?,
    ];
    if available("nft") {
        all.push(Contender::nft(list_rule, "nftables, ingress", &table("netdev", &early, &set, in_set))?);
        all.push(Contender::nft(list_rule, "nftables, prerouting", &table("inet", &late, &set, in_set))?);
    }
    all.push(Contender::new(list_rule, DROPS_AT_ONCE, |world| {
        let ends = vec![world.gateway.run(|| sink(GATEWAY_INTERFACE))?];
        Ok(Filter::Floor { counted: "xdp_drops:", _ends: ends })
    })?);
    if available("ipset") && available("iptables") {
        all.push(Contender::ipset(list_rule, &prefixes)?);
    }
    all.push(Contender::ours(
        limit_rule,
        "gateway, native XDP",
        Ingress::Native,
        limit.clone(),
        "connections",
    )?);
    all.push(Contender::ours(limit_rule, "gateway, TCX", Ingress::Tcx, limit, "connections")?);
    if available("nft") {
        all.push(Contender::nft(limit_rule, "nftables, ingress", &table("netdev", &early, sources, over))?);
    }
    all.push(Contender::cookies("gateway, native XDP", true)?);
    all.push(Contender::new(SYN_RULE, ANSWERS_AT_ONCE, |world| {
        let end = world.gateway.run(|| {
            let interface = nix::net::if_::if_nametoindex(GATEWAY_INTERFACE)?;
            Sink::returning(interface).map_err(anyhow::Error::msg)
        })?;
        let ends = vec![end, world.client.run(|| sink(CLIENT_INTERFACE))?];
        Ok(Filter::Floor { counted: "xdp_tx:", _ends: ends })
    })?);
    all.push(Contender::cookies("the kernel's own cookies", false)?);
    Ok(all)
}

fn available(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("NOTE: {program} is not installed: no row for it");
    }
    there
}

impl Contender {
    fn ours(
        rule: &'static str,
        name: &'static str,
        xdp: Ingress,
        shed: ShedSettings,
        counted: &'static str,
    ) -> anyhow::Result<Self> {
        let binding = Binding { address: std::net::Ipv4Addr::UNSPECIFIED.into(), ports: PORT..=PORT };
        let listener = ListenerSpec { name: "http".to_owned(), bindings: vec![binding], workers: Vec::new() };
        let start = |world: &World| {
            let settings = DatapathSettings { xdp, shed, ..DatapathSettings::default() };
            Ok(Filter::Ours(Box::new(world.start(&settings, &[listener])), counted))
        };
        Self::new(rule, name, start)
    }

    fn nft(rule: &'static str, name: &'static str, table: &str) -> anyhow::Result<Self> {
        Self::new(rule, name, |world| {
            inside(&world.gateway, &["nft", "-f", "-"], table)?;
            Ok(Filter::Nft)
        })
    }

    fn ipset(rule: &'static str, prefixes: &[String]) -> anyhow::Result<Self> {
        Self::new(rule, "iptables with ipset, raw", |world| {
            let lines = prefixes.join("\nadd denied ");
            inside(
                &world.gateway,
                &["ipset", "restore"],
                &format!("create denied hash:net\nadd denied {lines}\n"),
            )?;
            let rule = "iptables -t raw -A PREROUTING -m set --match-set denied src -j DROP";
            inside(&world.gateway, &rule.split(' ').collect::<Vec<_>>(), "")?;
            Ok(Filter::Ipset)
        })
    }

    fn cookies(name: &'static str, in_xdp: bool) -> anyhow::Result<Self> {
        Self::new(SYN_RULE, name, |world| {
            let sink = world.client.run(|| sink(CLIENT_INTERFACE))?;
            let listener = world.gateway.run(|| TcpListener::bind((GATEWAY_V4, PORT)))?;
            let bindings = vec![Binding { address: GATEWAY_V4.parse()?, ports: PORT..=PORT }];
            let spec = ListenerSpec { name: "http".to_owned(), bindings, workers: Vec::new() };
            let settings = DatapathSettings {
                xdp: Ingress::Native,
                cookies: Some(u32::MAX),
                ..DatapathSettings::default()
            };
            let datapath = in_xdp.then(|| Box::new(world.start(&settings, &[spec])));
            Ok(Filter::Cookies { xdp: datapath, _sink: sink, _listener: listener })
        })
    }

    fn new(
        rule: &'static str,
        name: &'static str,
        install: impl FnOnce(&World) -> anyhow::Result<Filter>,
    ) -> anyhow::Result<Self> {
        let world = flooded::world()?;
        let before = receiving_threads()?;
        receive_in_threads(&world.gateway, GATEWAY_INTERFACE)?;
        let filter = install(&world).with_context(|| format!("{name} cannot be installed"))?;
        let threads = receiving_threads()?.into_iter().filter(|thread| !before.contains(thread)).collect();
        Ok(Self { rule, name, world, filter, threads })
    }

    fn measure(&self, flood: &Flood) -> anyhow::Result<f64> {
        let answered = matches!(self.filter, Filter::Cookies { .. });
        let frame = flooded::frame(self.rule.starts_with("new"), self.rule == SYN_RULE);
        if answered {
            // The queue has emptied itself since the last round. What fills it is no cookie's cost.
            self.world.client.run(|| {
                let interface = nix::net::if_::if_nametoindex(CLIENT_INTERFACE)?;
                flood.send(&frame, interface, BURST).context("the flood cannot be sent")
            })?;
        }
        let (dropped, time) = (self.dropped()?, self.cpu_time()?);
        self.world.client.run(|| {
            let interface = nix::net::if_::if_nametoindex(CLIENT_INTERFACE)?;
            for _ in 0..PACKETS / BURST {
                self.filter.tick();
                flood.send(&frame, interface, BURST).context("the flood cannot be sent")?;
            }
            anyhow::Ok(())
        })?;
        std::thread::sleep(Duration::from_millis(200));
        let dropped = self.dropped()? - dropped;
        ensure!(
            dropped > u64::from(PACKETS) / 100,
            "{}: only {dropped} of {PACKETS} packets dropped",
            self.name
        );
        Ok((self.cpu_time()? - time) as f64 / dropped as f64)
    }

    fn dropped(&self) -> anyhow::Result<u64> {
        match &self.filter {
            Filter::Ours(datapath, rule) => {
                let drops = datapath.counters().drops;
                let counted = drops.iter().filter(|one| rule.is_empty() || one.rule == *rule);
                Ok(counted.map(|one| one.packets).sum())
            }
            Filter::Cookies { xdp: Some(datapath), .. } => {
                let counters = datapath.counters();
                Ok(counters.listener("http").map_or(0, |one| one.cookies.sent))
            }
            Filter::Cookies { xdp: None, .. } => self.world.gateway.run(kernel_cookies),
            Filter::Nft => {
                number_behind(&inside(&self.world.gateway, &["nft", "list", "counters"], "")?, "packets")
            }
            Filter::Floor { counted, .. } => {
                let figures = inside(&self.world.gateway, &["ethtool", "-S", GATEWAY_INTERFACE], "")?;
                let drops =
                    figures.lines().filter(|line| line.contains("rx_queue") && line.contains(counted));
                Ok(drops.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
            }
            Filter::Ipset => {
                let rules = inside(&self.world.gateway, &["iptables-save", "-c", "-t", "raw"], "")?;
                let line = rules.lines().find(|line| line.contains("--match-set")).unwrap_or_default();
                let count = line.trim_start_matches('[').split(':').next().unwrap_or_default();
                Ok(count.parse()?)
            }
        }
    }

    /// Nanoseconds on the CPU, by the scheduler.
    fn cpu_time(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for thread in &self.threads {
            let text = fs::read_to_string(format!("/proc/{thread}/schedstat"))?;
            sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(sum)
    }
}

fn sink(interface: &str) -> anyhow::Result<Sink> {
    Sink::start(nix::net::if_::if_nametoindex(interface)?).map_err(anyhow::Error::msg)
}

fn number_behind(text: &str, word: &str) -> anyhow::Result<u64> {
    let mut words = text.split_whitespace().skip_while(|one| *one != word).skip(1);
    Ok(words.next().with_context(|| format!("no `{word}` in {text}"))?.parse()?)
}

/// SYNs that the kernel has answered with cookies in this network namespace.
fn kernel_cookies() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/net/netstat")?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (lines.next().context("names")?, lines.next().context("values")?);
    let place = names.split(' ').position(|name| name == "SyncookiesSent").context("a figure")?;
    Ok(values.split(' ').nth(place).context("a value")?.parse()?)
}

/// Gives an interface kernel threads of its own. /sys shows the namespace that it was mounted in.
fn receive_in_threads(namespace: &Namespace, interface: &str) -> anyhow::Result<()> {
    use nix::mount::{MsFlags, mount};
    let place = tempfile::tempdir()?;
    namespace.run(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS)?;
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        mount(Some("sysfs"), place.path(), Some("sysfs"), MsFlags::empty(), none)?;
        fs::write(place.path().join("class/net").join(interface).join("threaded"), "1")?;
        anyhow::Ok(())
    })
}

fn receiving_threads() -> anyhow::Result<Vec<u32>> {
    let start = format!("napi/{GATEWAY_INTERFACE}-");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        if fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.starts_with(&start)) {
            found.push(id);
        }
    }
    Ok(found)
}

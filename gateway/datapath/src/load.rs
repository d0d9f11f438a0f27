//! From the embedded object to loaded programs and open maps. aya does the parsing, the relocation and the
//! loading; attaching is ours (`kernel::link`).

mod parts;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use aya::maps::{Map as AyaMap, MapData, MapError, RingBuf};
use aya::programs::{Program, ProgramError, ProgramFd};
use aya::{Ebpf, EbpfError, EbpfLoader};
use aya_log::EbpfLogger;
use gateway_common::balance::flows::flow_buckets;
use gateway_common::flood::FloodFrame;
use gateway_common::map::{
    BalanceCounters, Config, ConnectionCounters, CookieCounters, CookieState, FRAGMENTS_MAX, FlowBucket,
    Member, PacketCounters, PortEntry, PrefixBucket, PrefixEntry, RING_SLOTS, SKETCH_LINES, TcpFlagCounters,
    TimeHistogram, Vip, prefix_buckets,
};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use crate::capability::{Need, explain};
use crate::kernel::Map;
use crate::logging::ToTracing;
use crate::settings::DatapathSettings;
use crate::splice::{self, Sockmap, SockmapError};
use parts::{Fitting, Lacks, Part, fitting};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gateway-ebpf.o"));

/// Names of the programs, as the kernel lists them.
pub mod name {
    pub const INGRESS: &str = "gw_ingress";
    pub const INGRESS_TC: &str = "gw_ingress_tc";
    pub const EGRESS_TC: &str = "gw_egress_tc";
    pub const LOOKUP: &str = "gw_lookup";
    pub const REUSEPORT: &str = "gw_reuseport";
    pub const SOCK_OPS: &str = "gw_sockops";
    /// Called by the first.
    pub const COOKIES: &str = "gw_cookies";
    /// Called by the first two.
    pub const TELL: &str = "gw_tell";
    pub const TELL_TC: &str = "gw_tell_tc";
    /// For measuring only, as those that follow.
    pub const EMPTY: &str = "gw_empty";
    pub const FLOOD: &str = "gw_flood";
    pub const DROP: &str = "gw_drop";
    pub const RETURN: &str = "gw_return";
    pub const TRIAL: &str = "gw_trial";
    pub const TRIAL_FLOOR: &str = "gw_trial_floor";

    pub const ALL: [&str; 6] = [INGRESS, INGRESS_TC, EGRESS_TC, LOOKUP, REUSEPORT, SOCK_OPS];
}

/// A program in the kernel.
#[derive(Debug)]
pub struct LoadedProgram {
    pub name: &'static str,
    pub id: u32,
    /// Hash of the instructions.
    pub tag: u64,
    /// Instructions that the verifier walked; `None` before Linux 5.16.
    pub verified_instructions: Option<u32>,
    pub fd: ProgramFd,
}

impl AsFd for LoadedProgram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// All maps that user space touches.
#[derive(Debug)]
pub struct Maps {
    pub config: Map<Config>,
    pub alive: Map<u64>,
    pub allow4: Map<PrefixEntry>,
    pub allow6: Map<PrefixEntry>,
    pub deny4: Map<PrefixEntry>,
    pub deny4_buckets: Map<PrefixBucket>,
    pub deny4_mask: Map<u32>,
    pub deny6: Map<PrefixEntry>,
    pub hints4: Map<u64>,
    pub drops: Map<PacketCounters>,
    pub ports: Map<PortEntry>,
    pub bind: Map<PortEntry>,
    pub counters: Map<PacketCounters>,
    pub tcp_flags: Map<TcpFlagCounters>,
    pub connections: Map<ConnectionCounters>,
    pub rtt: Map<TimeHistogram>,
    pub durations: Map<TimeHistogram>,
    pub cookie_state: Map<CookieState>,
    pub cookie_counts: Map<CookieCounters>,
    pub chosen: Map<u64>,
    /// Values: file descriptors.
    pub listeners: Map<u32>,
    pub workers: Map<u32>,
    pub worker_of_cpu: Map<u32>,
    pub active: Map<u32>,
    pub vips: Map<Vip>,
    pub ring: Map<u32>,
    pub members: Map<Member>,
    pub flows: Map<FlowBucket>,
    pub balance_counts: Map<BalanceCounters>,
    pub member_counts: Map<PacketCounters>,
    pub balancers: Map<u32>,
    /// Values: file descriptors. The kernel empties the three when nobody has them open.
    pub cookies: Map<u32>,
    pub tell: Map<u32>,
    pub tell_tc: Map<u32>,
    pub flood_frame: Map<FloodFrame>,
}

/// What the object became.
pub struct Loaded {
    pub programs: Vec<LoadedProgram>,
    /// One line for each program that the kernel refused.
    pub refused: Vec<String>,
    pub maps: Maps,
    pub logger: Option<EbpfLogger<ToTracing>>,
    /// The programs can answer SYNs with cookies.
    pub cookies: bool,
    /// The programs can balance and unpack.
    pub balance: bool,
    /// Tied sockets; `None` where they are not asked for, or the reason.
    pub sockmap: Option<Result<Arc<Sockmap>, String>>,
    /// What was dropped; `None` once somebody has taken it, or if it cannot be mapped.
    pub events: Option<RingBuf<MapData>>,
}

impl Loaded {
    pub fn program(&self, name: &str) -> Option<&LoadedProgram> {
        self.programs.iter().find(|program| program.name == name)
    }
}

/// How the object is loaded.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a part of the object that is built in or not")]
pub struct LoadOptions {
    /// Log records of the programs.
    pub log: bool,
    /// The part that answers SYNs with cookies.
    pub cookies: bool,
    /// The part that ties sockets.
    pub sockmap: bool,
    /// Entries of each list of prefixes.
    pub prefixes_max: u32,
    /// Entries of the sketch that limits new connections.
    pub sketch_max: u32,
    /// The part that balances and unpacks.
    pub balance: bool,
    /// Virtual addresses, each of which has a ring.
    pub rings: u32,
    /// Connections that are remembered.
    pub flows_max: u32,
}

impl LoadOptions {
    /// Room for what the settings ask for.
    pub fn new(settings: &DatapathSettings) -> Self {
        let shed = &settings.shed;
        let sketch_max = if shed.connections.rate > 0 { SKETCH_LINES } else { 1 };
        let balance = &settings.balance;
        let rings = balance.addresses.len() as u32;
        Self {
            log: settings.log,
            cookies: settings.cookies.is_some(),
            sockmap: settings.sockmap,
            prefixes_max: shed.prefixes_max,
            sketch_max,
            balance: rings > 0 || !balance.accept.is_empty(),
            rings,
            flows_max: if rings > 0 { balance.flows_max } else { 1 },
        }
    }

    fn parts(&self) -> Vec<Part> {
        let parts =
            [(Part::Cookies, self.cookies), (Part::Balance, self.balance), (Part::Sockmap, self.sockmap)];
        parts.into_iter().filter(|(_, asked)| *asked).map(|(part, _)| part).collect()
    }

    fn without(&self, parts: &[Part]) -> Self {
        let mut this = *self;
        for part in parts {
            match part {
                Part::Cookies => this.cookies = false,
                Part::Balance => (this.balance, this.rings, this.flows_max) = (false, 0, 1),
                Part::Sockmap => this.sockmap = false,
            }
        }
        this
    }
}

/// Loads all of `names`; a program that the kernel refuses does not keep the others out, nor does a part of them (SYN
/// cookies, balancing, tied sockets) keep the rest out. Error: one line.
pub fn load(names: &[&'static str], options: &LoadOptions) -> Result<Loaded, String> {
    let Fitting { mut loaded, without, reason } =
        fitting(&options.parts(), |without| load_as(names, &options.without(without)))?;
    for part in without {
        let line = format!("{}: {reason}", part.feature());
        // Who wants to tie sockets is told when asking for it.
        if part == Part::Sockmap {
            loaded.sockmap = Some(Err(line));
        } else {
            loaded.refused.push(line);
        }
    }
    Ok(loaded)
}

impl Lacks for Loaded {
    /// The programs that the parts are in.
    fn lacks(&self) -> Vec<&str> {
        let with_parts = [name::INGRESS, name::INGRESS_TC, name::COOKIES];
        let of_those =
            |line: &&str| with_parts.iter().any(|name| line.starts_with(&format!("program {name}:")));
        self.refused.iter().map(String::as_str).filter(of_those).collect()
    }
}

fn load_as(names: &[&'static str], options: &LoadOptions) -> Result<Loaded, String> {
    if OBJECT.is_empty() {
        return Err("built without eBPF".to_owned());
    }
    // Before Linux 5.11 maps count as locked memory; where this is denied, they may still fit.
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
    // The programs compare with this; 0 lets the verifier cut the logging out.
    let level: u8 = if options.log { u8::MAX } else { 0 };
    let mut loader = EbpfLoader::new();
    for trie in ["ALLOW4", "ALLOW6", "DENY4", "DENY6"] {
        loader.map_max_entries(trie, options.prefixes_max);
    }
    loader.map_max_entries("DENY4_BUCKETS", prefix_buckets(options.prefixes_max));
    loader.map_max_entries("SKETCH", options.sketch_max);
    // At least one entry each: there is no map without.
    loader.map_max_entries("RING", (options.rings * RING_SLOTS).max(1));
    loader.map_max_entries("FLOWS", if options.rings > 0 { flow_buckets(options.flows_max) } else { 1 });
    loader.map_max_entries("FRAGMENTS", if options.rings > 0 { FRAGMENTS_MAX } else { 1 });
    for (map, least) in splice::MAPS.iter().filter(|_| !options.sockmap) {
        loader.map_max_entries(map, *least);
    }
    let (cookies, balance) = (u8::from(options.cookies), u8::from(options.balance));
    loader.override_global("BALANCE_BUILT", &balance, true);
    loader.override_global("COOKIES_BUILT", &cookies, true);
    let object = loader.override_global(aya_log::LEVEL, &level, true).load(OBJECT);
    let mut object = object.map_err(|error| refused_object(&error))?;
    let logger = if options.log { EbpfLogger::init_with_logger(&mut object, ToTracing).ok() } else { None };
    let mut programs = Vec::new();
    let mut refused = Vec::new();
    for name in names {
        match load_program(&mut object, name) {
            Ok(program) => programs.push(program),
            Err(error) => refused.push(refused_program(name, &error)),
        }
    }
    let maps = open_maps(&mut object).map_err(|error| format!("map of the programs: {error}"))?;
    let called = [
        (options.cookies, name::COOKIES, &maps.cookies),
        (options.rings > 0, name::TELL, &maps.tell),
        (options.rings > 0, name::TELL_TC, &maps.tell_tc),
    ];
    for (_, name, map) in called.into_iter().filter(|(asked, ..)| *asked) {
        match load_called(&mut object, name, map) {
            Ok(program) => programs.push(program),
            Err(line) => refused.push(line),
        }
    }
    let sockmap = options.sockmap.then(|| Sockmap::load(&mut object).map(Arc::new));
    let sockmap = sockmap.map(|loaded| loaded.map_err(|error| refused_sockmap(&error)));
    let events = object.take_map("EVENTS").and_then(|map| RingBuf::try_from(map).ok());
    let LoadOptions { cookies, balance, .. } = *options;
    Ok(Loaded { programs, refused, maps, logger, cookies, balance, sockmap, events })
}

fn load_program(object: &mut Ebpf, name: &'static str) -> Result<LoadedProgram, ProgramError> {
    let program = object.program_mut(name).ok_or(ProgramError::NotLoaded)?;
    match program {
        Program::Xdp(program) => program.load()?,
        Program::SchedClassifier(program) => program.load()?,
        Program::SkLookup(program) => program.load()?,
        Program::SkReuseport(program) => program.load()?,
        Program::SockOps(program) => program.load()?,
        _ => return Err(ProgramError::UnexpectedProgramType),
    }
    let fd = program.fd()?.try_clone()?;
    let info = program.info()?;
    let verified_instructions = info.verified_instruction_count();
    Ok(LoadedProgram { name, id: info.id(), tag: info.tag(), verified_instructions, fd })
}

/// A program that others call by a map. Without it they do what is left to do themselves.
fn load_called(object: &mut Ebpf, name: &'static str, map: &Map<u32>) -> Result<LoadedProgram, String> {
    let program = load_program(object, name).map_err(|error| refused_program(name, &error))?;
    let descriptor = program.as_fd().as_raw_fd() as u32;
    map.update(&0_u32, &descriptor).map_err(|error| format!("program {name}: {error}"))?;
    Ok(program)
}

fn open_maps(object: &mut Ebpf) -> Result<Maps, MapError> {
    Ok(Maps {
        config: open(object, "CONFIG")?,
        alive: open(object, "ALIVE")?,
        allow4: open(object, "ALLOW4")?,
        allow6: open(object, "ALLOW6")?,
        deny4: open(object, "DENY4")?,
        deny4_buckets: open(object, "DENY4_BUCKETS")?,
        deny4_mask: open(object, "DENY4_MASK")?,
        deny6: open(object, "DENY6")?,
        hints4: open(object, "HINTS4")?,
        drops: open(object, "DROPS")?,
        ports: open(object, "PORTS")?,
        bind: open(object, "BIND")?,
        counters: open(object, "COUNTERS")?,
        tcp_flags: open(object, "TCP_FLAGS")?,
        connections: open(object, "CONNECTIONS")?,
        rtt: open(object, "RTT")?,
        durations: open(object, "DURATIONS")?,
        cookie_state: open(object, "COOKIE_STATE")?,
        cookie_counts: open(object, "COOKIE_COUNTS")?,
        chosen: open(object, "CHOSEN")?,
        listeners: open(object, "LISTENERS")?,
        workers: open(object, "WORKERS")?,
        worker_of_cpu: open(object, "WORKER_OF_CPU")?,
        active: open(object, "ACTIVE")?,
        vips: open(object, "VIPS")?,
        ring: open(object, "RING")?,
        members: open(object, "MEMBERS")?,
        flows: open(object, "FLOWS")?,
        balance_counts: open(object, "BALANCE_COUNTS")?,
        member_counts: open(object, "MEMBER_COUNTS")?,
        balancers: open(object, "BALANCERS")?,
        cookies: open(object, "COOKIES")?,
        tell: open(object, "TELL")?,
        tell_tc: open(object, "TELL_TC")?,
        flood_frame: open(object, "FLOOD_FRAME")?,
    })
}

/// Opens a map and checks that its values are as long as ours: the object is built separately.
pub fn open<V: Copy>(object: &mut Ebpf, name: &str) -> Result<Map<V>, MapError> {
    let map = object.map(name).ok_or(MapError::ElementNotFound)?;
    let data = data_of(map).ok_or(MapError::ElementNotFound)?;
    let size = data.info()?.value_size() as usize;
    if size != size_of::<V>() {
        return Err(MapError::InvalidValueSize { size, expected: size_of::<V>() });
    }
    let fd: OwnedFd = data.fd().as_fd().try_clone_to_owned()?;
    Ok(Map::new(fd))
}

fn data_of(map: &AyaMap) -> Option<&MapData> {
    match map {
        AyaMap::Array(data)
        | AyaMap::PerCpuArray(data)
        | AyaMap::HashMap(data)
        | AyaMap::LruHashMap(data)
        | AyaMap::LpmTrie(data)
        | AyaMap::ProgramArray(data)
        | AyaMap::SockMap(data)
        | AyaMap::SockHash(data) => Some(data),
        _ => None,
    }
}

fn refused_object(error: &EbpfError) -> String {
    match error {
        EbpfError::MapError(MapError::CreateError { name, io_error }) => {
            explain(&format!("eBPF map {name}"), Need::Load, io_error)
        }
        other => format!("eBPF object: {}", chain(other)),
    }
}

fn refused_program(name: &str, error: &ProgramError) -> String {
    match error {
        ProgramError::LoadError { io_error, verifier_log } => {
            let line = explain(&format!("program {name}"), Need::Load, io_error);
            match tail(&verifier_log.to_string()) {
                // The verifier's words would only hide the capability.
                tail if tail.is_empty() || line.contains(": needs CAP_") => line,
                tail => format!("{line}; verifier: {tail}"),
            }
        }
        other => format!("program {name}: {}", chain(other)),
    }
}

fn refused_sockmap(error: &SockmapError) -> String {
    match error {
        SockmapError::Program(error) => refused_program("gw_splice", error),
        SockmapError::Map(error) => format!("tied sockets: {}", chain(error)),
        SockmapError::Io(error) => format!("tied sockets: {error}"),
    }
}

/// The verifier says what is wrong last, before its statistics.
fn tail(log: &str) -> String {
    const LINES: usize = 3;
    let statistics = ["processed ", "verification time", "stack depth"];
    let said = log.lines().filter(|line| !statistics.iter().any(|start| line.starts_with(start)));
    let lines: Vec<_> = said.map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::tail;

    /// E-03.
    #[test]
    fn tail_long_log_keeps_the_last_words_before_the_statistics() {
        let log = "0: r1 = 0\n1: r2 = 0\n2: r0 = *(u8 *)(r1 +0)\nR1 invalid mem access 'scalar'\n\
                   verification time 12 usec\nstack depth 0\nprocessed 3 insns (limit 1000000)\n";
        assert_eq!(tail(log), "1: r2 = 0 | 2: r0 = *(u8 *)(r1 +0) | R1 invalid mem access 'scalar'");
        assert_eq!(tail(""), "");
    }
}

//! The kernel path of the gateway: loads the eBPF programs, attaches them, reads their counters.
//!
//! An accelerator, never a condition: without it every request is served just the same. Programs are attached
//! through links that nothing pins, so that they end with the process, however it ends. Programs of others are
//! left alone. The start takes `CAP_BPF`, `CAP_NET_ADMIN` and `CAP_PERFMON` (without the last the verifier forbids
//! the programs' pointer arithmetic). Source: `reference/ebpf-datapath.md`.
//!
//! [`Datapath::start`] → [`Datapath::counters`] once a second, [`Datapath::refresh`] now and then → drop.

mod attach;
mod balance;
pub mod bench;
mod bindings;
mod capability;
mod cgroup;
mod cookies;
mod counters;
mod datapath;
mod descriptors;
mod detach;
pub mod flood;
mod interface;
mod kernel;
mod listeners;
mod load;
mod logging;
mod next_hops;
pub mod privileges;
mod probation;
mod random;
mod render;
mod settings;
mod shed;
mod splice;
mod status;
mod steering;
mod switch;
mod tier;
pub mod trial;

pub use balance::{
    Answer, BalanceSettings, HandedFlows, HealthSettings, MemberState, MemberStatus, Transport,
    VirtualAddress, VirtualAddressError, VirtualAddressStatus, WeightedMember, check_addresses,
};
pub use counters::{
    BalanceCount, ConnectionCounts, CookieCounts, Counters, DropCount, Durations, ListenerCounters,
    MemberCount, PacketCount, RoundTrips, SegmentCounts, rtt_upper_bound,
};
pub use datapath::{Datapath, Handed, HandedLink, StartError};
pub use descriptors::{receive_descriptors, send_descriptors};
pub use detach::{Detached, Placement, detach_all, detach_programs, placements};
pub use render::{prefix_count, render_change, render_claims, render_detached, render_status, render_top};
pub use settings::{
    Binding, ConnectionLimit, DatapathSettings, Ingress, ListenerSpec, Mode, ShedSettings, Steering,
    UnknownWord, Worker,
};
pub use shed::{
    Action, Claim, FileError, HandedClaims, List, PolicyRule, Prefix, PrefixError, RuleStatus, ShedAnswer,
    ShedRequest, ShedStatus, parse_prefixes, read_prefixes,
};
pub use splice::{Sockmap, Tied, TiedEnd};
pub use status::{InterfaceStatus, ListenerStatus, ProgramStatus, Runs, State, Status};
pub use steering::preferred_cpus;
pub use switch::{Switched, switch_all};
pub use tier::Tier;

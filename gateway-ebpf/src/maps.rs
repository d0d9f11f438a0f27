//! All maps; their keys and values are in `gateway_common::map`.

use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::btf_maps::SkStorage;
use aya_ebpf::macros::{btf_map, map};
use aya_ebpf::maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, ProgramArray, RingBuf, SockMap};
use gateway_common::flood::FloodFrame;
use gateway_common::map::{
    BALANCERS_MAX, BINDINGS_MAX, BalanceCounters, BindKey, COUNTERS_MAX, CPUS_MAX, Config,
    ConnectionCounters, CookieCounters, CookieState, DROPS_MAX, EVENTS_BYTES, FLOWS_MAX, FRAGMENTS_MAX,
    FlowBucket, FragmentKey, GROUPS_MAX, HINTS_MAX, Handshake, LISTENERS_MAX, MEMBER_COUNTS_MAX, MEMBERS_MAX,
    Member, PORTS_MAX, PREFIX_BUCKETS_MAX, PREFIXES_MAX, PacketCounters, Pieces, PortEntry, PrefixBucket,
    PrefixEntry, RING_SLOTS, SKETCH_LINES, Sampling, SketchLine, TCP_FLAGS_MAX, TcpFlagCounters,
    TimeHistogram, TooLong, Vip, WORKERS_MAX,
};
use gateway_common::packet::Address;

/// Read first by every program.
#[map]
pub static CONFIG: Array<Config> = Array::with_max_entries(1, 0);

/// 0 → `CLOCK_MONOTONIC` until which the gateway's user space counts as alive.
#[map]
pub static ALIVE: Array<u64> = Array::with_max_entries(1, 0);

/// Port → whose it is. One load tells that a packet is not for us.
#[map]
pub static PORTS: Array<PortEntry> = Array::with_max_entries(PORTS_MAX, 0);

/// Port and address → whose it is, for the ports that `PORTS` marks.
#[map]
pub static BIND: LpmTrie<BindKey, PortEntry> = LpmTrie::with_max_entries(BINDINGS_MAX, 0);

/// Sources whose packets pass unasked. Keys: the address as it lies in the packet.
#[map]
pub static ALLOW4: LpmTrie<u32, PrefixEntry> = LpmTrie::with_max_entries(PREFIXES_MAX, 0);
#[map]
pub static ALLOW6: LpmTrie<[u32; 4], PrefixEntry> = LpmTrie::with_max_entries(PREFIXES_MAX, 0);

/// Sources whose packets for a listener are dropped.
#[map]
pub static DENY4: LpmTrie<u32, PrefixEntry> = LpmTrie::with_max_entries(PREFIXES_MAX, 0);
/// `prefixes::buckets` → the same once more.
#[map]
pub static DENY4_BUCKETS: Array<PrefixBucket> = Array::with_max_entries(PREFIX_BUCKETS_MAX, 0);
/// 0 → one less than the buckets that are in use.
#[map]
pub static DENY4_MASK: Array<u32> = Array::with_max_entries(1, 0);
#[map]
pub static DENY6: LpmTrie<[u32; 4], PrefixEntry> = LpmTrie::with_max_entries(PREFIXES_MAX, 0);

/// `prefixes::slot` → what there is around these IPv4 addresses in the lists above.
#[map]
pub static HINTS4: Array<u64> = Array::with_max_entries(HINTS_MAX, 0);

/// `limit::place` → the times up to which the sources of each cell have used their new connections. The flag lets the
/// values begin where a page does, else each would lie in two lines of the processor's cache: they begin behind the map's own
/// fields.
#[map]
pub static SKETCH: Array<SketchLine> = Array::with_max_entries(SKETCH_LINES, BPF_F_MMAPABLE);

/// `drop_index` → packets and bytes that a rule dropped.
#[map]
pub static DROPS: PerCpuArray<PacketCounters> = PerCpuArray::with_max_entries(DROPS_MAX, 0);

/// When a dropped packet is reported again.
#[map]
pub static SAMPLING: PerCpuArray<Sampling> = PerCpuArray::with_max_entries(1, 0);

/// `DropEvent`s.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(EVENTS_BYTES, 0);

/// `counter_index` → packets and bytes.
#[map]
pub static COUNTERS: PerCpuArray<PacketCounters> = PerCpuArray::with_max_entries(COUNTERS_MAX, 0);

/// `tcp_flags_index` → segments by flag.
#[map]
pub static TCP_FLAGS: PerCpuArray<TcpFlagCounters> = PerCpuArray::with_max_entries(TCP_FLAGS_MAX, 0);

/// Listener → its connections.
#[map]
pub static CONNECTIONS: PerCpuArray<ConnectionCounters> = PerCpuArray::with_max_entries(LISTENERS_MAX, 0);

/// Listener → its round trips.
#[map]
pub static RTT: PerCpuArray<TimeHistogram> = PerCpuArray::with_max_entries(LISTENERS_MAX, 0);

/// Listener → how long its connections lasted.
#[map]
pub static DURATIONS: PerCpuArray<TimeHistogram> = PerCpuArray::with_max_entries(LISTENERS_MAX, 0);

/// Connection → `CLOCK_MONOTONIC` of its begin.
#[btf_map]
pub static BEGUN: SkStorage<u64> = SkStorage::new();

/// `group_index` → whether the queue of that listener overflows.
#[map]
pub static COOKIE_STATE: Array<CookieState> = Array::with_max_entries(GROUPS_MAX, 0);

/// `group_index` → cookies sent for that listener.
#[map]
pub static COOKIE_COUNTS: PerCpuArray<CookieCounters> = PerCpuArray::with_max_entries(GROUPS_MAX, 0);

/// 0 → the packet that the program behind the next map is called for.
#[map]
pub static HANDSHAKE: PerCpuArray<Handshake> = PerCpuArray::with_max_entries(1, 0);
/// 0 → the program that answers SYNs of a flood.
#[map]
pub static COOKIES: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// Worker → times it was chosen by `gw_reuseport`.
#[map]
pub static CHOSEN: PerCpuArray<u64> = PerCpuArray::with_max_entries(WORKERS_MAX, 0);

/// `group_index` → a listening socket of that listener; its `SO_REUSEPORT` group does the rest.
#[map]
pub static LISTENERS: SockMap = SockMap::with_max_entries(GROUPS_MAX, 0);

/// `worker_index` → that worker's listening socket. A SOCKMAP like the other, because a socket that is in one
/// cannot be in a REUSEPORT_SOCKARRAY; choosing from it needs Linux 5.8.
#[map]
pub static WORKERS: SockMap = SockMap::with_max_entries(GROUPS_MAX * WORKERS_MAX, 0);

/// Place → the worker that has it, for as many as `Config::workers`: those that take new connections by hash.
#[map]
pub static ACTIVE: Array<u32> = Array::with_max_entries(WORKERS_MAX, 0);

/// CPU → 1 + the worker pinned there; 0 = none that takes new connections.
#[map]
pub static WORKER_OF_CPU: Array<u32> = Array::with_max_entries(CPUS_MAX, 0);

/// Listener → its members, if it is a virtual address.
#[map]
pub static VIPS: Array<Vip> = Array::with_max_entries(LISTENERS_MAX, 0);

/// `Vip::ring` and what follows → a member. There are as many rings as the settings have virtual addresses.
#[map]
pub static RING: Array<u32> = Array::with_max_entries(RING_SLOTS, 0);

/// Member → where it is. 0 is none. What can be mapped begins with a page, and so each member with a line of the cache.
#[map]
pub static MEMBERS: Array<Member> = Array::with_max_entries(MEMBERS_MAX, BPF_F_MMAPABLE);

/// `flows::name` → the flows that share this bucket, with their members.
#[map]
pub static FLOWS: Array<FlowBucket> = Array::with_max_entries(FLOWS_MAX, BPF_F_MMAPABLE);

/// Datagram in pieces → where the first one went.
#[map]
pub static FRAGMENTS: LruHashMap<FragmentKey, Pieces> = LruHashMap::with_max_entries(FRAGMENTS_MAX, 0);

/// 0 → the datagram whose first piece is on its way.
#[map]
pub static FIRST_PIECE: PerCpuArray<FragmentKey> = PerCpuArray::with_max_entries(1, 0);

/// Listener that stands for a virtual address → its packets by what was decided about them.
#[map]
pub static BALANCE_COUNTS: PerCpuArray<BalanceCounters> = PerCpuArray::with_max_entries(LISTENERS_MAX, 0);

/// `member_index` → packets and bytes given to that member.
#[map]
pub static MEMBER_COUNTS: PerCpuArray<PacketCounters> = PerCpuArray::with_max_entries(MEMBER_COUNTS_MAX, 0);

/// 0 → the packet that the programs behind the next two maps are called for.
#[map]
pub static TOO_LONG: PerCpuArray<TooLong> = PerCpuArray::with_max_entries(1, 0);
/// 0 → the program that tells the sender of a packet that it is too long.
#[map]
pub static TELL: ProgramArray = ProgramArray::with_max_entries(1, 0);
#[map]
pub static TELL_TC: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// Balancers whose packets in packets are unpacked; the values mean nothing.
#[map]
pub static BALANCERS: HashMap<Address, u32> = HashMap::with_max_entries(BALANCERS_MAX, 0);

/// The settings, if the programs are switched on.
#[inline(always)]
pub fn enabled() -> Option<&'static Config> {
    CONFIG.get(0).filter(|config| config.has(Config::ENABLED))
}

/// For measuring only: what a flood is made of.
#[map]
pub static FLOOD_FRAME: Array<FloodFrame> = Array::with_max_entries(1, 0);

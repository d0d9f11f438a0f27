//! Two network namespaces joined by a veth pair: a client at one end, the gateway at the other.
//!
//! The namespaces have no names; they and the pair vanish with the last descriptor.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use gateway_datapath::{Counters, Datapath, DatapathSettings, Ingress, ListenerSpec, Mode, Tier};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike, sendto, socket};

pub const CLIENT_V4: &str = "192.0.2.1";
pub const GATEWAY_V4: &str = "192.0.2.2";
pub const CLIENT_V6: &str = "2001:db8::1";
pub const GATEWAY_V6: &str = "2001:db8::2";
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const GATEWAY_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The interface at the client's end, and at the gateway's.
pub const CLIENT_INTERFACE: &str = "cl0";
pub const GATEWAY_INTERFACE: &str = "gw0";

/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(10);

/// A network namespace that lives as long as this.
pub struct Namespace(File);

impl Namespace {
    /// One that iproute2 has made under a name.
    pub fn named(name: &str) -> Self {
        Self(File::open(format!("/run/netns/{name}")).expect("a namespace of that name"))
    }

    /// A new one, without a name.
    #[allow(clippy::new_without_default, reason = "it makes something in the kernel, and may fail")]
    pub fn new() -> Self {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace");
            File::open("/proc/thread-self/ns/net").expect("the namespace's file")
        });
        Self(made.join().expect("the thread that made the namespace"))
    }

    /// Runs `work` on a thread inside.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(&self.0, CloneFlags::CLONE_NEWNET).expect("entering the namespace");
            work()
        };
        thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs `ip` with these words inside.
    pub fn ip(&self, words: &str) -> String {
        self.call("ip", words)
    }

    /// Runs a program with these words inside.
    pub fn call(&self, program: &str, words: &str) -> String {
        self.run(|| {
            let output = Command::new(program).args(words.split(' ')).output().expect("the program");
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {words}: {complaint}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        })
    }

    /// A path to it that other processes can open.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.0.as_raw_fd())
    }
}

/// Client and gateway.
pub struct World {
    pub client: Namespace,
    pub gateway: Namespace,
}

impl World {
    /// The two ends, up, with addresses and each other's hardware address; `None` with a line where this
    /// machine cannot make them.
    pub fn new() -> Option<Self> {
        Self::unless(lack())
    }

    /// The same for tests of a mode, which this kernel may not have.
    pub fn attaching(mode: Ingress) -> Option<Self> {
        Self::unless(lack().or_else(|| lack_of(mode)))
    }

    /// The same for tests that load no kernel program.
    pub fn plain() -> Option<Self> {
        Self::unless(lack_of_namespaces())
    }

    fn unless(lack: Option<&str>) -> Option<Self> {
        if let Some(lack) = lack {
            eprintln!("SKIPPED: {lack}");
            return None;
        }
        let world = Self { client: Namespace::new(), gateway: Namespace::new() };
        for namespace in [&world.client, &world.gateway] {
            namespace.run(quiet);
            namespace.ip("link set lo up");
        }
        world.pair(GATEWAY_INTERFACE, CLIENT_INTERFACE);
        world.address(&world.gateway, GATEWAY_INTERFACE, [GATEWAY_V4, GATEWAY_V6]);
        world.address(&world.client, CLIENT_INTERFACE, [CLIENT_V4, CLIENT_V6]);
        world.meet(&world.gateway, GATEWAY_INTERFACE, [CLIENT_V4, CLIENT_V6], CLIENT_MAC);
        world.meet(&world.client, CLIENT_INTERFACE, [GATEWAY_V4, GATEWAY_V6], GATEWAY_MAC);
        Some(world)
    }

    /// A veth pair between the two, down.
    pub fn pair(&self, gateway: &str, client: &str) {
        self.gateway.ip(&format!(
            "link add {gateway} numrxqueues 2 numtxqueues 2 address {} type veth \
             peer name {client} numrxqueues 2 numtxqueues 2 address {} netns {}",
            mac(GATEWAY_MAC),
            mac(CLIENT_MAC),
            self.client.path(),
        ));
    }

    /// Sets addresses, and the interface up.
    pub fn address(&self, namespace: &Namespace, interface: &str, [v4, v6]: [&str; 2]) {
        namespace.ip(&format!("link set {interface} up"));
        namespace.ip(&format!("address add {v4}/24 dev {interface}"));
        namespace.ip(&format!("address add {v6}/64 dev {interface} nodad"));
    }

    /// Makes the neighbours' hardware address known, so that nobody asks for it.
    pub fn meet(&self, namespace: &Namespace, interface: &str, addresses: [&str; 2], hardware: [u8; 6]) {
        for address in addresses {
            namespace.ip(&format!("neighbour replace {address} lladdr {} dev {interface}", mac(hardware)));
        }
    }

    /// Starts the datapath at the gateway's end, where nothing else is said in [`usual_mode`].
    pub fn start(&self, settings: &DatapathSettings, listeners: &[ListenerSpec<'_>]) -> Datapath {
        let mut required = DatapathSettings { mode: Mode::Required, ..settings.clone() };
        if required.xdp == Ingress::Auto {
            required.xdp = usual_mode();
        }
        self.gateway.run(|| Datapath::start(&required, listeners)).expect("a datapath")
    }

    /// The TCP segments that the client has sent. Its interface counts more: the multicast reports of IPv6, whenever they
    /// come.
    pub fn sent_by_client(&self) -> u64 {
        let text =
            self.client.run(|| fs::read_to_string("/proc/thread-self/net/snmp").expect("TCP's figures"));
        let mut lines =
            text.lines().filter_map(|line| line.strip_prefix("Tcp: ")).map(|line| line.split(' '));
        let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
        // `OutSegs` leaves out what was sent again.
        let sent = |&(name, _): &(&str, &str)| ["OutSegs", "RetransSegs"].contains(&name);
        names.zip(values).filter(sent).map(|(_, value)| value.parse::<u64>().expect("a number")).sum()
    }

    /// Sends frames as they are from the client's end.
    pub fn send(&self, frames: &[Vec<u8>]) {
        self.client.run(|| {
            let to = link_address(CLIENT_INTERFACE);
            let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)
                .expect("a packet socket");
            for frame in frames {
                let sent = sendto(socket.as_raw_fd(), frame, &to, MsgFlags::empty()).expect("sending");
                assert_eq!(sent, frame.len());
            }
        });
    }
}

/// Reads counters until `done` says so, for a while; the last reading.
pub fn counters_when(datapath: &Datapath, done: impl Fn(&Counters) -> bool) -> Counters {
    let start = Instant::now();
    loop {
        let counters = datapath.counters();
        if done(&counters) || start.elapsed() > PATIENCE {
            return counters;
        }
        thread::yield_now();
    }
}

/// True once `condition` is, within a while.
pub fn eventually(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        thread::yield_now();
    }
    true
}

fn link_address(interface: &str) -> LinkAddr {
    let addresses = nix::ifaddrs::getifaddrs().expect("interfaces");
    let of_interface = addresses.filter(|one| one.interface_name == interface);
    let mut links = of_interface.filter_map(|one| one.address?.as_link_addr().copied());
    let link = links.next().expect("the interface's link address");
    assert_eq!(link.family(), Some(AddressFamily::Packet));
    link
}

/// No packets but the test's own.
fn quiet() {
    for (file, value) in [("addr_gen_mode", "1"), ("router_solicitations", "0"), ("accept_dad", "0")] {
        let path = format!("/proc/sys/net/ipv6/conf/default/{file}");
        fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

fn mac(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}

/// What this machine lacks for these tests.
pub fn lack() -> Option<&'static str> {
    if let Some(lack) = lack_of_namespaces() {
        return Some(lack);
    }
    let settings = DatapathSettings { interfaces: Some(Vec::new()), ..DatapathSettings::default() };
    let datapath = Datapath::start(&settings, &[]).ok()?;
    match datapath.status().reason.as_deref() {
        Some("built without eBPF") => Some("built without eBPF"),
        _ => None,
    }
}

/// TCX came with Linux 6.6.
fn lack_of(mode: Ingress) -> Option<&'static str> {
    let needs = matches!(mode, Ingress::Tcx | Ingress::Attack);
    (needs && Tier::probe() < Tier::T4).then_some("no TCX in this kernel")
}

/// What sees the packets of a veth on this kernel: what the gateway chooses by itself, or generic XDP where that is nothing.
pub fn usual_mode() -> Ingress {
    if lack_of(Ingress::Tcx).is_none() { Ingress::Auto } else { Ingress::Generic }
}

/// Those of the modes that this kernel has.
pub fn modes(wanted: &[Ingress]) -> Vec<Ingress> {
    let (there, missing): (Vec<_>, Vec<_>) = wanted.iter().partition(|mode| lack_of(**mode).is_none());
    for mode in missing {
        eprintln!("SKIPPED: {mode} is nothing that this kernel has");
    }
    there
}

fn lack_of_namespaces() -> Option<&'static str> {
    if !nix::unistd::geteuid().is_root() {
        return Some("not root");
    }
    Command::new("ip").arg("-V").output().is_err().then_some("no iproute2")
}

//! From the caller's listeners to filled maps.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use gateway_common::map::{CPUS_MAX, Config, Limit, WORKERS_MAX, group_index, worker_index};
use nix::sys::socket::{SockaddrStorage, getsockname, getsockopt, sockopt};

use crate::bindings::{self, BindingError, Bound, Listener, Plan};
use crate::capability::{Need, explain};
use crate::load::{LoadedProgram, Maps};
use crate::settings::ListenerSpec;

/// A listener with its number in the maps.
pub type Numbered<'a> = (u16, &'a ListenerSpec<'a>);

/// Why a listener cannot be served by the programs.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    #[error(transparent)]
    Binding(#[from] BindingError),
    #[error("listener {listener}: {count} workers, at most {WORKERS_MAX} are told apart")]
    TooManyWorkers { listener: String, count: usize },
    #[error("listener {listener}: socket {socket} is not a bound TCP socket")]
    Socket {
        listener: String,
        socket: i32,
        #[source]
        error: io::Error,
    },
    #[error("cannot write map {map}")]
    Map {
        map: &'static str,
        #[source]
        error: io::Error,
    },
}

/// A listener with what the kernel says about its sockets.
struct Inspected<'a> {
    number: u16,
    spec: &'a ListenerSpec<'a>,
    /// By worker.
    workers: Vec<Vec<(BorrowedFd<'a>, Bound)>>,
}

impl Inspected<'_> {
    /// The worker's first socket that can take the family's connections.
    fn socket(&self, worker: usize, v6: bool) -> Option<BorrowedFd<'_>> {
        let sockets = self.workers.get(worker)?;
        sockets.iter().find(|(_, bound)| bound.takes(v6)).map(|(socket, _)| *socket)
    }

    /// The first worker's socket that can take the family's connections.
    fn taker(&self, v6: bool) -> Option<BorrowedFd<'_>> {
        (0..self.workers.len()).find_map(|worker| self.socket(worker, v6))
    }
}

/// All listeners, inspected and planned.
pub struct Prepared<'a> {
    listeners: Vec<Inspected<'a>>,
    pub plan: Plan,
    /// The most workers that a listener has.
    pub workers: u32,
}

/// Asks the kernel about each socket and plans the maps. `vips` stand for virtual addresses.
pub fn prepare<'a>(specs: &[Numbered<'a>], vips: &[Numbered<'a>]) -> Result<Prepared<'a>, ListenerError> {
    let listeners = specs.iter().copied().map(inspect).collect::<Result<Vec<_>, _>>()?;
    let for_plan: Vec<_> = listeners
        .iter()
        .map(|one| Listener {
            number: one.number,
            name: &one.spec.name,
            bindings: &one.spec.bindings,
            sockets: one.workers.iter().flatten().map(|(_, bound)| *bound).collect(),
            balanced: false,
        })
        .chain(vips.iter().map(|(number, one)| Listener {
            number: *number,
            name: &one.name,
            bindings: &one.bindings,
            sockets: Vec::new(),
            balanced: true,
        }))
        .collect();
    let plan = bindings::plan(&for_plan)?;
    let workers = listeners.iter().map(|one| one.workers.len()).max().unwrap_or(0) as u32;
    Ok(Prepared { listeners, plan, workers })
}

fn inspect<'a>((number, spec): Numbered<'a>) -> Result<Inspected<'a>, ListenerError> {
    if spec.workers.len() > WORKERS_MAX as usize {
        let count = spec.workers.len();
        return Err(ListenerError::TooManyWorkers { listener: spec.name.clone(), count });
    }
    let of_socket = |socket: &BorrowedFd<'a>| match bound(*socket) {
        Ok(bound) => Ok((*socket, bound)),
        Err(error) => {
            let socket = socket.as_raw_fd();
            Err(ListenerError::Socket { listener: spec.name.clone(), socket, error })
        }
    };
    let of_worker = |sockets: &Vec<BorrowedFd<'a>>| sockets.iter().map(of_socket).collect();
    let workers = spec.workers.iter().map(|worker| of_worker(&worker.sockets)).collect::<Result<_, _>>()?;
    Ok(Inspected { number, spec, workers })
}

fn bound(socket: BorrowedFd<'_>) -> io::Result<Bound> {
    let name: SockaddrStorage = getsockname(socket.as_raw_fd())?;
    if let Some(v4) = name.as_sockaddr_in() {
        return Ok(Bound { address: IpAddr::V4(v4.ip()), port: v4.port(), one_family: true });
    }
    let v6 = name.as_sockaddr_in6().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?;
    // A socket on one IPv6 address takes no IPv4, whatever the option says.
    let one_family = !v6.ip().is_unspecified() || getsockopt(&socket, sockopt::Ipv6V6Only)?;
    Ok(Bound { address: IpAddr::V6(v6.ip()), port: v6.port(), one_family })
}

impl Prepared<'_> {
    /// CPU of each worker, if all have one that the maps can hold.
    pub fn cpus(&self) -> Option<Vec<u32>> {
        let longest = self.listeners.iter().max_by_key(|one| one.workers.len())?;
        let cpus: Option<Vec<_>> = longest.spec.workers.iter().map(|worker| worker.cpu).collect();
        cpus.filter(|cpus| cpus.iter().all(|cpu| *cpu < CPUS_MAX))
    }

    /// Writes everything but `CONFIG`, which comes last; `before` is what the maps hold.
    pub fn fill(&self, before: &Plan, maps: &Maps) -> Result<(), ListenerError> {
        self.fill_sockets(maps)?;
        bindings::exchange(before, &self.plan, maps).map_err(|(map, error)| ListenerError::Map { map, error })
    }

    fn fill_sockets(&self, maps: &Maps) -> Result<(), ListenerError> {
        let failed = |map| move |error| ListenerError::Map { map, error };
        // Only where it is needed: a SOCKMAP changes what a socket's children go through.
        let steered = if self.plan.steers() { self.listeners.as_slice() } else { &[] };
        for listener in steered {
            for v6 in [false, true] {
                let Some(socket) = listener.taker(v6) else { continue };
                let group = group_index(listener.number, v6);
                let descriptor = socket.as_raw_fd() as u32;
                maps.listeners.update(&group, &descriptor).map_err(failed("LISTENERS"))?;
            }
        }
        Ok(())
    }

    /// Registers each worker's sockets and puts `program` on their `SO_REUSEPORT` groups; one line for each
    /// listener where that fails. Listeners with one worker need none.
    pub fn attach_reuseport(&self, program: &LoadedProgram, maps: &Maps) -> (Vec<String>, Vec<String>) {
        let mut attached = Vec::new();
        let mut refused = Vec::new();
        for listener in self.listeners.iter().filter(|one| one.workers.len() > 1) {
            for v6 in [false, true] {
                let name = format!("{} ({})", listener.spec.name, if v6 { "IPv6" } else { "IPv4" });
                match attach_group(listener, group_index(listener.number, v6), v6, program, maps) {
                    Ok(true) => attached.push(name),
                    Ok(false) => {}
                    Err(error) => {
                        let feature = format!("sk_reuseport on {name}");
                        refused.push(explain(&feature, Need::Attach, &error));
                    }
                }
            }
        }
        (attached, refused)
    }

    /// True when some listener has several workers.
    pub fn has_groups(&self) -> bool {
        self.workers > 1
    }
}

/// False when no worker takes the family.
fn attach_group(
    listener: &Inspected<'_>,
    group: u32,
    v6: bool,
    program: &LoadedProgram,
    maps: &Maps,
) -> io::Result<bool> {
    let mut first = None;
    for worker in 0..listener.workers.len() {
        let Some(socket) = listener.socket(worker, v6) else { continue };
        let descriptor = socket.as_raw_fd() as u32;
        maps.workers.update(&worker_index(group, worker as u32), &descriptor)?;
        first = first.or(Some(socket));
    }
    let Some(socket) = first else { return Ok(false) };
    let program = program.as_fd().as_raw_fd();
    // SAFETY: the option takes an int, which the pointer and the length are.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_EBPF,
            std::ptr::from_ref(&program).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(true) }
}

/// The value of `CONFIG` that switches the programs on.
pub fn config(workers: u32, by_cpu: bool) -> Config {
    let by_cpu = if by_cpu { Config::STEER_BY_CPU } else { 0 };
    Config {
        generation: 1,
        netns_cookie: netns_cookie().unwrap_or(0),
        flags: Config::ENABLED | by_cpu,
        workers: workers.max(1),
        limit: Limit::default(),
        cookies_max: 0,
    }
}

/// `SO_NETNS_COOKIE` of a new socket (Linux 5.14).
fn netns_cookie() -> io::Result<u64> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    const SO_NETNS_COOKIE: libc::c_int = 71;
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut cookie = 0_u64;
    let mut length = size_of::<u64>() as libc::socklen_t;
    // SAFETY: the option is a u64, which the pointer and the length are.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_NETNS_COOKIE,
            std::ptr::from_mut(&mut cookie).cast(),
            &raw mut length,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(cookie) }
}

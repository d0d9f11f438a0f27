//! Whether new connections go to the worker on the CPU that they come in on.

use std::net::SocketAddr;

use crate::interface::{self, Interface};
use crate::kernel;
use crate::settings::{Binding, Steering};

/// The CPU that each worker's socket at an address asks the kernel for (`SO_INCOMING_CPU` of socket(7)), for as long as no
/// program of ours chooses: `cpus` of the workers, or none for all of them. `named`: the interfaces of the setting.
pub fn preferred_cpus(
    setting: Steering,
    address: SocketAddr,
    named: Option<&[String]>,
    cpus: &[Option<usize>],
) -> Vec<Option<usize>> {
    let binding = Binding { address: address.ip(), ports: address.port()..=address.port() };
    // Without a list of interfaces nothing is known of their queues.
    let all = interface::all().unwrap_or_default();
    let (interfaces, _) = interface::choose(&all, named, &[binding]);
    let pinned = cpus.iter().all(Option::is_some);
    if by_cpu(setting, pinned, cpus.len() as u32, &interfaces) {
        cpus.to_vec()
    } else {
        vec![None; cpus.len()]
    }
}

/// `pinned`: each worker has a CPU.
pub fn by_cpu(setting: Steering, pinned: bool, workers: u32, interfaces: &[Interface]) -> bool {
    match setting {
        Steering::Hash => false,
        Steering::Cpu => pinned,
        // With fewer queues than workers some CPUs would never see a connection.
        Steering::Auto => {
            let queues = interfaces.iter().map(|one| kernel::receive_queues(&one.name).unwrap_or(1)).min();
            pinned && queues.is_some_and(|queues| queues >= workers)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferred_cpus_are_none_unless_each_has_a_queue_or_the_setting_says_so() {
        let local = "127.0.0.1:80".parse().unwrap();
        let two = [Some(0), Some(1)];
        let table = [
            (Steering::Cpu, &two[..], &two[..]),
            (Steering::Cpu, &[Some(0), None], &[None, None]),
            // Loopback has no queues.
            (Steering::Auto, &two, &[None, None]),
            (Steering::Hash, &two, &[None, None]),
        ];
        for (setting, cpus, expected) in table {
            assert_eq!(preferred_cpus(setting, local, None, cpus), expected, "{setting:?} {cpus:?}");
        }
    }
}

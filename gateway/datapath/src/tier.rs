//! What this kernel offers, in five steps (ebpf-datapath.md §3). Features are probed, versions are not compared.

use aya::programs::ProgramType;
use aya::sys::{BpfHelper, is_helper_supported, is_program_supported};
use serde::{Deserialize, Serialize};

use crate::kernel;

/// Each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Nothing that can be used.
    #[default]
    T0,
    /// `sk_lookup`, and with it links of XDP (Linux 5.9).
    T1,
    /// Timers, and requests that move between listeners (5.15).
    T2,
    /// SYN cookies without a socket, packets of several buffers (6.0).
    T3,
    /// TCX (6.6).
    T4,
}

impl Tier {
    /// Of the kernel that runs. Takes the capabilities that loading takes; without them `T0`.
    pub fn probe() -> Self {
        let steps: [(Self, fn() -> bool); 4] = [
            (Self::T1, || is_program_supported(ProgramType::SkLookup).unwrap_or(false)),
            (Self::T2, || has_helper(BpfHelper::BPF_FUNC_timer_init)),
            (Self::T3, || has_helper(BpfHelper::BPF_FUNC_tcp_raw_gen_syncookie_ipv4)),
            (Self::T4, kernel::has_tcx),
        ];
        steps
            .into_iter()
            .take_while(|(_, is_there)| is_there())
            .map(|(tier, _)| tier)
            .last()
            .unwrap_or_default()
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::T0 => "T0",
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::T3 => "T3",
            Self::T4 => "T4",
        }
    }
}

fn has_helper(helper: BpfHelper) -> bool {
    is_helper_supported(ProgramType::Xdp, helper).unwrap_or(false)
}

//! From the start of the process to the first answer, with 100 APIs.

use crate::peer::Peer;
use crate::setup::Setup;
use gateway_benches::measure::median;
use gateway_benches::workload::Policies;

/// Milliseconds, the median of `count` starts.
pub fn first_answer(peer: Peer, setup: &Setup<'_>, count: usize) -> anyhow::Result<f64> {
    let setup = Setup { policies: Policies::HundredApis, ..*setup };
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(peer.start(&setup)?.first_answer.as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

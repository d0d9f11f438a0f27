//! Which worker gets new connections: by CPU as long as that is fair, and only workers that take some.

use std::io;

use gateway_common::map::Config;

use super::Active;
use crate::listeners::Prepared;
use crate::load::Maps;
use crate::settings::Steering;

/// Connections between two looks at how they were spread.
const JUDGED: u64 = 1000;
/// One worker's part of them, in hundredths, that shows that a single queue takes all.
const UNFAIR: u64 = 90;

/// How connections are spread, and over whom.
#[derive(Debug)]
pub struct Spread {
    /// Never [`Steering::Auto`].
    steering: Steering,
    /// It may change by itself.
    free: bool,
    /// CPUs of the workers, where all have one.
    cpus: Vec<u32>,
    workers: usize,
    /// What each worker had got at the last look.
    judged: Vec<u64>,
}

impl Spread {
    /// Everybody takes connections.
    pub fn start(setting: Steering, by_cpu: bool, prepared: &Prepared<'_>, maps: &Maps) -> io::Result<Self> {
        let this = Self {
            steering: if by_cpu { Steering::Cpu } else { Steering::Hash },
            free: setting == Steering::Auto,
            cpus: prepared.cpus().unwrap_or_default(),
            workers: prepared.workers as usize,
            judged: Vec::new(),
        };
        this.write(&vec![true; this.workers], maps)?;
        Ok(this)
    }

    pub fn steering(&self) -> Steering {
        self.steering
    }

    /// How many workers take connections.
    fn write(&self, takes: &[bool], maps: &Maps) -> io::Result<u32> {
        let takes = |worker: usize| takes.get(worker).copied().unwrap_or(true);
        let some = (0..self.workers).any(takes);
        let active = (0..self.workers).filter(|worker| !some || takes(*worker));
        let active: Vec<_> = (0..).zip(active.map(|worker| worker as u32)).collect();
        maps.active.update_all(&active)?;
        for (worker, cpu) in self.cpus.iter().enumerate() {
            let taker = if takes(worker) || !some { worker as u32 + 1 } else { 0 };
            maps.worker_of_cpu.update(cpu, &taker)?;
        }
        Ok(active.len() as u32)
    }

    /// True if one worker has got nearly all connections since the last look; false as well while there are too few to
    /// tell.
    fn is_unfair(&mut self, chosen: &[u64]) -> bool {
        let before = |worker: usize| self.judged.get(worker).copied().unwrap_or(0);
        let new: Vec<u64> = chosen.iter().enumerate().map(|(worker, count)| count - before(worker)).collect();
        let all: u64 = new.iter().sum();
        if new.len() < 2 || all < JUDGED {
            return false;
        }
        self.judged = chosen.to_vec();
        new.iter().any(|count| count * 100 >= all * UNFAIR)
    }
}

impl Active {
    pub(super) fn spread_over(&self, takes: &[bool]) -> io::Result<()> {
        let count = self.changing().spread.write(takes, &self.loaded.maps)?;
        self.configure(|config| config.workers = count.max(1))
    }

    /// Where the setting leaves it to us, gives up spreading by CPU when one receive queue gets everything.
    pub(super) fn judge_spread(&self) -> io::Result<()> {
        {
            let spread = &mut self.changing().spread;
            if !spread.free || spread.steering != Steering::Cpu {
                return Ok(());
            }
            let chosen = self.loaded.maps.chosen.totals(self.workers.max(1))?;
            if !spread.is_unfair(&chosen) {
                return Ok(());
            }
            spread.steering = Steering::Hash;
        }
        tracing::warn!("datapath: one receive queue gets nearly all connections; workers are chosen by hash");
        self.configure(|config| config.flags &= !Config::STEER_BY_CPU)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_unfair_needs_enough_connections_and_one_that_gets_nearly_all() {
        let mut spread =
            Spread { steering: Steering::Cpu, free: true, cpus: vec![0, 1], workers: 2, judged: Vec::new() };
        for (chosen, expected) in [
            ([990, 0], false),
            ([1000, 500], false),
            // Since then.
            ([1900, 600], true),
            ([2000, 600], false),
            ([2000, 1700], true),
        ] {
            assert_eq!(spread.is_unfair(&chosen), expected, "{chosen:?}");
        }
        assert!(!spread.is_unfair(&[9000]), "one worker has all by right");
    }
}

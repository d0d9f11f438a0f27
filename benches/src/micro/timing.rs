//! How a part is measured: the fastest of several batches, since everything that disturbs only makes it slower.

use std::time::{Duration, Instant};

use serde::Serialize;

const BATCHES: usize = 15;
const BATCH: Duration = Duration::from_millis(10);

/// Of one run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub nanoseconds: f64,
    pub allocations: f64,
}

/// One line of the table.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub cost: Cost,
}

/// Takes a name and what to measure under it.
pub type Measure<'a> = dyn FnMut(&str, &mut dyn FnMut()) + 'a;

impl Cost {
    pub fn of(work: &mut dyn FnMut()) -> Self {
        let mut runs = 1_u32;
        while time(work, runs) < BATCH && runs < 1 << 30 {
            runs *= 2;
        }
        let fastest = (0..BATCHES).map(|_| time(work, runs)).min().unwrap_or_default();
        let counted = allocation_counter::measure(|| (0..64).for_each(|_| work()));
        Self {
            nanoseconds: fastest.as_secs_f64() * 1e9 / f64::from(runs),
            allocations: counted.count_total as f64 / 64.0,
        }
    }
}

fn time(work: &mut dyn FnMut(), runs: u32) -> Duration {
    let begin = Instant::now();
    for _ in 0..runs {
        work();
    }
    begin.elapsed()
}

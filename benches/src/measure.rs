//! What the kernel says about processes.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// `USER_HZ` is 100 on every architecture we run on; the sum of both times is exact, only its unit is coarse.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time so far.
pub fn cpu_time(pids: &[u32]) -> Duration {
    let ticks = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name of the command may hold anything; behind its bracket fields are counted from the third.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        fields.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum::<u64>()
    };
    Duration::from_millis(pids.iter().map(ticks).sum::<u64>() * 1000 / TICKS_PER_SECOND)
}

/// Time that all processors have been busy so far, interrupts included (proc(5)).
pub fn busy_time() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let fields: Vec<u64> = fields.filter_map(|text| text.parse().ok()).collect();
    // User, nice, system; not idle and waiting; interrupts, hard and soft.
    let ticks: u64 = [0, 1, 2, 5, 6].iter().filter_map(|at| fields.get(*at)).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Processor time of one thread so far, by its folder `/proc/PID/task/TID`; exact while it sleeps.
pub fn thread_time(folder: &Path) -> io::Result<Duration> {
    let text = fs::read_to_string(folder.join("schedstat"))?;
    let ran = text.split_whitespace().next().and_then(|text| text.parse().ok());
    ran.map(Duration::from_nanos).ok_or_else(|| io::Error::other(text))
}

/// Resident bytes, each page counted once: shared ones by their share.
pub fn memory(pids: &[u32]) -> u64 {
    let share = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    pids.iter().map(share).sum::<u64>() * 1024
}

/// The median; 0 of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

//! What connections cost while nothing happens.

use crate::harness::Worker;

/// Resident bytes of this process.
pub fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn idle_connection_costs_at_most_12_kib() {
    const CONNECTIONS: usize = 1_000;
    let worker = Worker::start();
    let open = |count: usize| -> Vec<_> {
        let mut wires: Vec<_> = (0..count).map(|_| worker.connect()).collect();
        for wire in &mut wires {
            // Ordinary traffic has passed: large and small, in and out.
            assert_eq!(wire.get("/status/200").status, 200);
            let post =
                format!("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n{}", "x".repeat(8000));
            assert_eq!(wire.send(post).answer().status, 200);
            assert_eq!(wire.get("/pieces").status, 200);
            wire.until("0\r\n\r\n");
        }
        wires
    };
    let warm = open(100);
    let before = resident();
    let wires = open(CONNECTIONS);
    let each = resident().saturating_sub(before) / CONNECTIONS;
    assert!(each <= 12 << 10, "{each} bytes a connection");
    drop((warm, wires));
}

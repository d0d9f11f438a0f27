//! Memory of connections that wait for their next request.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::peer::Running;
use gateway_benches::measure::memory;
use gateway_benches::wire::Wire;

/// Resident bytes that each of `count` idle keep-alive connections adds; every one has been answered once.
pub fn bytes_per_connection(
    running: &Running,
    tls: Option<&Arc<ClientConfig>>,
    request: &[u8],
    count: usize,
) -> anyhow::Result<f64> {
    let before = memory(&running.process.pids());
    let mut wires = Vec::with_capacity(count);
    for _ in 0..count {
        let address = running.address(tls.is_some());
        let mut wire = match tls {
            None => Wire::connect(address)?,
            Some(config) => Wire::connect_tls(address, Arc::clone(config))?,
        };
        wire.ask(request)?;
        wire.release();
        wires.push(wire);
    }
    std::thread::sleep(Duration::from_millis(500));
    let after = memory(&running.process.pids());
    Ok(after.saturating_sub(before) as f64 / count as f64)
}

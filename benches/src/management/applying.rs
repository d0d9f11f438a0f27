//! A gateway that serves while its configuration changes: what its slowest requests take.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use gateway_benches::scratch::{Process, free_port};
use gateway_benches::wire::Wire;

use crate::service::{SERVICE, SHARED, TOKEN, policy};
use crate::wire::{Connection, request};

/// Between two requests.
const PACE: Duration = Duration::from_millis(1);
/// Between two changes.
const CHANGE_EVERY: Duration = Duration::from_millis(500);

/// Microseconds of a request.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Applying {
    pub changes: u32,
    pub median: f64,
    pub quiet_p999: f64,
    pub quiet_slowest: f64,
    pub p999: f64,
    pub slowest: f64,
}

/// Starts a gateway at the plane; measures quiet and changing times of equal length.
pub fn run(
    gateway: &Path,
    plane: SocketAddr,
    token: &str,
    log: &Path,
    changes: u32,
) -> anyhow::Result<Applying> {
    let http = free_port()?;
    let arguments = [
        "run".to_owned(),
        "--http".to_owned(),
        format!("127.0.0.1:{http}"),
        "--https=off".to_owned(),
        "--admin=127.0.0.1:0".to_owned(),
        "--datapath=off".to_owned(),
        "--workers=1".to_owned(),
        "--set=net.server.http.keep-alive.requests.max=1000000".to_owned(),
        format!("--set=config.service.endpoint=http://{plane}"),
        format!("--set=config.service.auth={token}"),
    ];
    let mut process = Process::proxy(gateway, arguments, log)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, http));
    let request = format!("GET /{SHARED}/items/1 HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes();
    let begin = Instant::now();
    let mut wire = loop {
        process.check()?;
        match Wire::connect(address).and_then(|mut wire| wire.ask(&request).map(|()| wire)) {
            Ok(wire) => break wire,
            Err(error) if begin.elapsed() > Duration::from_secs(20) => bail!(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let length = CHANGE_EVERY * changes;
    let quiet = ask(&mut wire, &request, length)?;
    let changing = std::thread::spawn(move || change(plane, changes));
    let busy = ask(&mut wire, &request, length)?;
    changing.join().map_err(|_| anyhow::anyhow!("the changes ended early"))??;
    let at = |took: &[f64], share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Ok(Applying {
        changes,
        median: at(&quiet, 0.5),
        quiet_p999: at(&quiet, 0.999),
        quiet_slowest: at(&quiet, 1.0),
        p999: at(&busy, 0.999),
        slowest: at(&busy, 1.0),
    })
}

/// How long requests take, in order of size.
fn ask(wire: &mut Wire, request: &[u8], length: Duration) -> anyhow::Result<Vec<f64>> {
    let begin = Instant::now();
    let (mut took, mut next) = (Vec::new(), begin);
    while begin.elapsed() < length {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += PACE;
        let asked = Instant::now();
        wire.ask(request)?;
        took.push(asked.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    Ok(took)
}

fn change(plane: SocketAddr, changes: u32) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut arm = Connection::open(plane).await?;
        let target = format!("{SERVICE}/apis/{SHARED}/policies/policy?api-version=2022-08-01");
        for number in 0..changes {
            let body = serde_json::json!({"properties": policy(&format!("change {number}"))}).to_string();
            let answer = arm.ask(&request("PUT", &target, &format!("Bearer {TOKEN}"), None, &body)).await?;
            anyhow::ensure!(answer.status == 200, "PUT of a policy: {}", answer.status);
            tokio::time::sleep(CHANGE_EVERY).await;
        }
        Ok(())
    })
}

//! A gateway that serves while its configuration changes: what its slowest requests take.
//!
//! On a machine that others share, a request is now and then held up by what has nothing to do with us. So the slowest of
//! all says little; the slowest within a moment behind each change, the median of all changes, says what a change does,
//! beside the same of moments in which nothing changes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use gateway_benches::measure::median;
use gateway_benches::scratch::{Process, free_port};
use gateway_benches::wire::Wire;

use crate::service::{SERVICE, SHARED, TOKEN, policy};
use crate::wire::{Connection, request};

/// Between two requests.
const PACE: Duration = Duration::from_millis(1);
/// Between two changes.
const CHANGE_EVERY: Duration = Duration::from_millis(500);
/// A change is with the gateway, and applied, within this time of its answer.
const MOMENT: Duration = Duration::from_millis(250);

/// Microseconds of a request.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Applying {
    pub changes: u32,
    pub median: f64,
    pub quiet: Slow,
    pub changing: Slow,
}

/// Microseconds of the slow ones.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Slow {
    /// The slowest of a moment, the median of all moments.
    pub of_moments: f64,
    pub p999: f64,
    pub slowest: f64,
}

impl Slow {
    fn of(asked: &[Asked], moments: &[Instant]) -> Self {
        let slowest = |from: &Instant| {
            let within = asked.iter().filter(|one| one.at >= *from && one.at < *from + MOMENT);
            within.map(|one| one.took).fold(0.0, f64::max)
        };
        Self {
            of_moments: median(moments.iter().map(slowest)),
            p999: share(asked, 0.999),
            slowest: share(asked, 1.0),
        }
    }
}

/// A request, and how many microseconds it took.
struct Asked {
    at: Instant,
    took: f64,
}

/// What so large a share of the requests does not exceed.
fn share(asked: &[Asked], share: f64) -> f64 {
    let mut took: Vec<f64> = asked.iter().map(|one| one.took).collect();
    took.sort_by(f64::total_cmp);
    took.get(((took.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or_default()
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
        "--set=workers.pin=on".to_owned(),
        "--set=net.server.http.keep-alive.requests.max=1000000".to_owned(),
        format!("--set=config.service.endpoint=http://{plane}"),
        format!("--set=config.service.auth={token}"),
    ];
    // Its worker has core 0; what compiles is where there is room, as on a machine of more cores.
    let mut process = Process::anywhere(gateway, arguments, log)?;
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
    let begin = Instant::now();
    let quiet = ask(&mut wire, &request, length)?;
    let moments: Vec<Instant> = (0..changes).map(|number| begin + CHANGE_EVERY * number).collect();
    let changing = std::thread::spawn(move || change(plane, changes));
    let busy = ask(&mut wire, &request, length)?;
    let changed = changing.join().map_err(|_| anyhow::anyhow!("the changes ended early"))??;
    Ok(Applying {
        changes,
        median: share(&quiet, 0.5),
        quiet: Slow::of(&quiet, &moments),
        changing: Slow::of(&busy, &changed),
    })
}

/// Asks at an even pace.
fn ask(wire: &mut Wire, request: &[u8], length: Duration) -> anyhow::Result<Vec<Asked>> {
    let begin = Instant::now();
    let (mut asked, mut next) = (Vec::new(), begin);
    while begin.elapsed() < length {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += PACE;
        let at = Instant::now();
        wire.ask(request)?;
        asked.push(Asked { at, took: at.elapsed().as_secs_f64() * 1e6 });
    }
    Ok(asked)
}

/// Changes the policy so often; when each change was answered.
fn change(plane: SocketAddr, changes: u32) -> anyhow::Result<Vec<Instant>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut arm = Connection::open(plane).await?;
        let target = format!("{SERVICE}/apis/{SHARED}/policies/policy?api-version=2022-08-01");
        let mut changed = Vec::new();
        for number in 0..changes {
            let body = serde_json::json!({"properties": policy(&format!("change {number}"))}).to_string();
            let answer = arm.ask(&request("PUT", &target, &format!("Bearer {TOKEN}"), None, &body)).await?;
            anyhow::ensure!(answer.status == 200, "PUT of a policy: {}", answer.status);
            changed.push(Instant::now());
            tokio::time::sleep(CHANGE_EVERY).await;
        }
        Ok(changed)
    })
}

//! `cargo xtask bench management`: one management plane, many gateways, a large service.
//!
//! The plane is a process on core 0, whatever asks it is on core 1; while a gateway is measured, it has core 0.

mod applying;
mod polling;
mod service;
mod wire;
mod writing;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use gateway_benches::measure::{median, memory};
use gateway_benches::scratch::{self, Cores, Process, free_port};

use service::{Seeded, Size, TOKEN};

/// Measures polls, changes, writes and views of a management plane.
#[derive(Parser)]
struct Arguments {
    /// Gateways that poll
    #[arg(long, default_value_t = 1_000)]
    gateways: usize,
    /// APIs of the service; each gateway has 100 of them
    #[arg(long, default_value_t = 10_000)]
    apis: usize,
    /// Subscriptions of the service
    #[arg(long, default_value_t = 100_000)]
    subscriptions: usize,
    /// Polls of each gateway
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// 100 gateways, 1,000 APIs, 10,000 subscriptions, 5 rounds
    #[arg(long)]
    short: bool,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The gateway's binary
    #[arg(long, env = "GATEWAY_BINARY", default_value = "target/release/gateway")]
    gateway: PathBuf,
}

#[derive(serde::Serialize)]
struct Outcome {
    size: Size,
    documents: usize,
    /// From the start of the process to its first answer, seconds.
    start_seconds: f64,
    /// Of the plane with nobody asking, and with all gateways, MiB.
    memory: [f64; 2],
    polling: polling::Polling,
    writes: Vec<writing::Calls>,
    reads: Vec<writing::Calls>,
    cold_milliseconds: f64,
    view_documents: usize,
    applying: applying::Applying,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.short {
        (arguments.gateways, arguments.apis, arguments.subscriptions, arguments.rounds) =
            (100, 1_000, 10_000, 5);
    }
    scratch::prepare()?;
    let outcome = measure(&arguments)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        print(&outcome);
    }
    Ok(())
}

fn measure(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let &Arguments { gateways, apis, subscriptions, .. } = arguments;
    let size = Size { gateways, apis, subscriptions };
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seeded = runtime.block_on(service::seed(folder.path(), size))?;
    let plane = Plane::start(Cores::Proxy, arguments, &seeded, folder.path())?;
    let idle = plane.memory();
    let rounds = if arguments.short { 5 } else { 20 };
    let some = &seeded.tokens[..seeded.tokens.len().min(10)];
    let (cold, view_documents) = runtime.block_on(writing::cold(plane.address, some))?;
    let pids = plane.process.pids();
    let polling = runtime.block_on(polling::run(plane.address, &pids, &seeded.tokens, arguments.rounds))?;
    let with_gateways = plane.memory();
    let writes = runtime.block_on(writing::writes(plane.address, rounds))?;
    let reads = runtime.block_on(writing::reads(plane.address, rounds))?;
    let start_seconds = plane.start.as_secs_f64();
    drop(plane);
    let plane = Plane::start(Cores::Load, arguments, &seeded, folder.path())?;
    let log = folder.path().join("gateway.log");
    let changes = if arguments.short { 6 } else { 20 };
    let applying = applying::run(&arguments.gateway, plane.address, &seeded.tokens[0], &log, changes)?;
    Ok(Outcome {
        size,
        documents: seeded.documents,
        start_seconds,
        memory: [idle, with_gateways],
        polling,
        writes,
        reads,
        cold_milliseconds: median(cold),
        view_documents,
        applying,
    })
}

/// A plane that answers.
struct Plane {
    process: Process,
    address: SocketAddr,
    start: Duration,
}

impl Plane {
    fn start(cores: Cores, arguments: &Arguments, seeded: &Seeded, folder: &Path) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let words = vec![
            "manage".to_owned(),
            format!("--management={address}"),
            format!("--store={}", seeded.store.display()),
            format!("--set=management.auth.static-token={TOKEN}"),
        ];
        let begin = Instant::now();
        let mut process = Process::start(cores, &arguments.gateway, words, &folder.join("plane.log"))?;
        // It accepts before it has read its store, and answers when it has.
        while std::net::TcpStream::connect(address).is_err() {
            process.check()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asking = async {
            let mut connection = wire::Connection::open(address).await?;
            connection.ask(&wire::request("GET", "/metadata/endpoints", "Bearer none", None, "")).await
        };
        runtime.block_on(asking)?;
        Ok(Self { process, address, start: begin.elapsed() })
    }

    fn memory(&self) -> f64 {
        memory(&self.process.pids()) as f64 / f64::from(1 << 20)
    }
}

fn print(outcome: &Outcome) {
    let Outcome { size, polling, applying, memory: [idle, with_gateways], .. } = outcome;
    println!(
        "{} APIs, {} subscriptions, {} gateways with {} APIs each; {} documents; the plane has one core\n",
        size.apis,
        size.subscriptions,
        size.gateways,
        service::APIS_A_GATEWAY,
        outcome.documents
    );
    println!("| | measured | aim |\n| --- | --- | --- |");
    let row = |name: &str, value: String, aim: &str| println!("| {name} | {value} | {aim} |");
    row("a poll without news: CPU µs of the plane", format!("{:.0}", polling.cpu_microseconds), "60");
    let latency = format!("{:.2} / {:.2}", polling.p50_milliseconds, polling.p99_milliseconds);
    row(&format!("{} polls a second: p50 / p99, ms", size.gateways), latency, "– / 50");
    let half = size.gateways / 2;
    row(&format!("a policy is with {half} gateways, s"), format!("{:.2}", polling.change_seconds), "2");
    for calls in &outcome.writes {
        let name = format!("{}: median / longest, ms", calls.name);
        row(&name, format!("{:.1} / {:.1}", calls.median, calls.longest), "20");
    }
    for calls in &outcome.reads {
        let name = format!("{}: median / longest, ms", calls.name);
        row(&name, format!("{:.1} / {:.1}", calls.median, calls.longest), "–");
    }
    let name = format!("the first view of a gateway, {} documents, ms", outcome.view_documents);
    row(&name, format!("{:.0}", outcome.cold_milliseconds), "300");
    row(
        "first manifest of each gateway: CPU ms of the plane",
        format!("{:.1}", polling.first_milliseconds),
        "–",
    );
    row(
        "memory of the plane, nobody asking / with all gateways, MiB",
        format!("{idle:.0} / {with_gateways:.0}"),
        "–",
    );
    row("start of the plane, s", format!("{:.1}", outcome.start_seconds), "–");
    let [took, worker] = [applying.took, applying.worker];
    let medians = format!("{:.0} / {:.0}", took.median, worker.median);
    row("a gateway's request, median µs / of them its worker's processor time", medians, "–");
    let slow = |name: &str, of: applying::Slow, aim: &str| {
        let name = format!("{name}, to the median: behind {} changes / without one", applying.changes);
        row(&name, format!("{:.1} / {:.1}", of.changing, of.quiet), aim);
    };
    slow("processor time of the slowest request of a moment", worker, "2 / –");
    slow("time of the slowest request of a moment", took, "–");
}

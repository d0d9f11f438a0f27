//! A whole request over loopback sockets, one at a time: mostly the kernel's time and the wake-ups of three threads.
//! What tells something are the allocations of the worker.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::Context;
use arc_swap::ArcSwapOption;
use gateway_benches::wire::Wire;
use gateway_benches::workload::Workload;
use gateway_policy::ports::BufferBudget;
use gateway_proxy::debug::Debug;
use gateway_proxy::downstream::{ListenerSettings, Server, Settings, bind};
use gateway_proxy::ports::client_trust::ClientAuthorities;
use gateway_proxy::ports::concurrency::AtWork;
use gateway_proxy::ports::identity::{IdentitySettings, IdentityTokens};
use gateway_proxy::ports::issuers::IssuerCache;
use gateway_proxy::ports::topics::Topics;
use gateway_proxy::upstream::{Roots, Upstream, UpstreamSettings, UpstreamShared};
use gateway_proxy::worker::{InFlight, Shared, Worker};
use gateway_telemetry::Telemetry;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::prepared::{registry, snapshot};
use crate::timing::{Cost, Row};

const WARM_UP: usize = 200;
const REQUESTS: usize = 2_000;

/// Of W1 and of W4.
pub fn rows() -> anyhow::Result<Vec<Row>> {
    let workloads = [Workload::W1, Workload::W4];
    let row = |workload: Workload| {
        Ok(Row { name: format!("whole request of {}", workload.title()), cost: cost(workload)? })
    };
    workloads.into_iter().map(row).collect()
}

fn cost(workload: Workload) -> anyhow::Result<Cost> {
    let backend = backend()?;
    let listeners = ListenerSettings::new("http", (Ipv4Addr::LOCALHOST, 0).into());
    let bound = bind(&listeners, &[None])?;
    let (tell, told) = unbounded_channel();
    let address = bound.address;
    let client = thread::spawn(move || ask(address, &workload.requests(), &tell));
    let socket = bound.sockets.into_iter().next().context("no socket")?;
    let shared = shared(backend, workload)?;
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let (mut told, server) = runtime.block_on(async {
        let upstream = Upstream::new(UpstreamSettings::default(), &UpstreamShared::new(Roots::none()));
        let server = Server::new(Worker::new(0, shared, upstream), Settings::default());
        server.listen("http", socket, None, None)?;
        let mut told = told;
        told.recv().await;
        anyhow::Ok((told, server))
    })?;
    let begin = Instant::now();
    let counted = allocation_counter::measure(|| runtime.block_on(next(&mut told)));
    let elapsed = begin.elapsed();
    drop(server);
    client.join().map_err(|_| anyhow::anyhow!("the client panicked"))??;
    Ok(Cost {
        nanoseconds: elapsed.as_secs_f64() * 1e9 / REQUESTS as f64,
        allocations: counted.count_total as f64 / REQUESTS as f64,
    })
}

async fn next(told: &mut UnboundedReceiver<()>) {
    told.recv().await;
}

fn shared(backend: u16, workload: Workload) -> anyhow::Result<Arc<Shared>> {
    let registry = registry();
    let snapshot = snapshot(backend, workload.policies(), &registry)?;
    Ok(Arc::new(Shared {
        snapshot: ArcSwapOption::from_pointee(snapshot),
        telemetry: Arc::new(Telemetry::new(registry, Vec::new())),
        counters: Arc::default(),
        quotas: Arc::default(),
        at_work: AtWork::default(),
        caches: Arc::default(),
        issuers: IssuerCache::default(),
        identity: IdentityTokens::new(IdentitySettings::default()),
        client_authorities: ClientAuthorities::default(),
        budget: BufferBudget::default(),
        abuse: None,
        debug: Debug::new(),
        topics: Topics::default(),
        dapr_port: 3500,
        forwarded_proto: false,
        in_flight: [InFlight::default()].into(),
    }))
}

/// Asks on one connection; tells when it is warm, and when it is done.
fn ask(address: SocketAddr, requests: &[Vec<u8>], tell: &UnboundedSender<()>) -> anyhow::Result<()> {
    let mut wire = Wire::connect(address)?;
    for count in [WARM_UP, REQUESTS] {
        for turn in 0..count {
            wire.ask(&requests[turn % requests.len()])?;
        }
        tell.send(())?;
    }
    Ok(())
}

/// Answers every read with 1 KiB; its port.
fn backend() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n{}", "x".repeat(1024));
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|read| read > 0)
                    && stream.write_all(answer.as_bytes()).is_ok()
                {}
            });
        }
    });
    Ok(port)
}

//! What the exporters cost: the gateway with all of them at 100 % sampling beside the gateway with none.
//!
//! Both take turns. At full load the core is not enough for all, so that traffic comes first and what does not fit is
//! dropped and counted; at a fixed rate there is room for all, and the CPU of a request tells what its telemetry costs.
//! The sinks are the backend's nginx, which takes everything.

use std::fmt::Write;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use gateway_benches::workload::Workload;

use crate::peer::{Peer, Running};
use crate::setup::Site;
use crate::{Arguments, pace, run};
use gateway_benches::measure::{cpu_time, median, memory};

const PEERS: [Peer; 2] = [Peer::Gateway, Peer::Exporting];

/// Figures of one peer, one of each round.
#[derive(Default)]
struct Figures {
    requests_per_second: Vec<f64>,
    cpu_at_full_load: Vec<f64>,
    cpu_at_fixed_rate: Vec<f64>,
    memory: u64,
}

/// The table.
pub fn run(arguments: &Arguments) -> anyhow::Result<String> {
    let site = Site::make(arguments)?;
    let setup = site.setup();
    let running = [PEERS[0].start(&setup)?, PEERS[1].start(&setup)?];
    let mut figures = [Figures::default(), Figures::default()];
    let at_rate = before_and_after(&running[1], || {
        for _ in 0..arguments.rounds {
            for (running, figures) in running.iter().zip(&mut figures) {
                figures.cpu_at_fixed_rate.push(at_fixed_rate(running, arguments)?);
            }
        }
        Ok(())
    })?;
    let at_full_load = before_and_after(&running[1], || {
        for round in 0..arguments.rounds {
            for (running, figures) in running.iter().zip(&mut figures) {
                let turn = run::turn(running, Workload::W1, round, arguments.seconds, &setup)?;
                eprintln!("round {round} {}: {:.0}/s", running.peer.name(), turn.requests_per_second);
                figures.requests_per_second.push(turn.requests_per_second);
                figures.cpu_at_full_load.push(turn.cpu_microseconds);
            }
        }
        Ok(())
    })?;
    for (running, figures) in running.iter().zip(&mut figures) {
        figures.memory = memory(&running.process.pids());
    }
    Ok(table(arguments, &figures, [at_rate, at_full_load]))
}

/// CPU microseconds a request, what is encoded and sent afterwards included.
fn at_fixed_rate(running: &Running, arguments: &Arguments) -> anyhow::Result<f64> {
    let pids = running.process.pids();
    let before = cpu_time(&pids);
    let length = Duration::from_secs_f64(arguments.seconds);
    let requests = Workload::W1.requests();
    let latencies = pace::run(running.address(false), None, &requests, arguments.rate.max(1), length)?;
    // What has been gathered goes out within a second.
    std::thread::sleep(Duration::from_millis(1500));
    Ok(cpu_time(&pids).saturating_sub(before).as_secs_f64() * 1e6 / latencies.count() as f64)
}

/// Items that became of the requests of `act`: sent, and dropped because the queue was full.
fn before_and_after(
    running: &Running,
    act: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<(f64, f64)> {
    let before = items(running)?;
    act()?;
    std::thread::sleep(Duration::from_secs(2));
    let after = items(running)?;
    Ok((after.0 - before.0, after.1 - before.1))
}

fn items(running: &Running) -> anyhow::Result<(f64, f64)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, running.place.admin))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    // One item a request, so that the two can be added.
    let of = |result: &str| -> f64 {
        let name = "gateway_export_items_total{exporter=\"azure-monitor-logs\"";
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(result));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    Ok((of("result=\"sent\""), of("result=\"queue-full\"")))
}

fn table(arguments: &Arguments, figures: &[Figures; 2], items: [(f64, f64); 2]) -> String {
    let mut text = format!(
        "Median of {} rounds of {} s, in brackets the median of the rounds' ratios; one core for everything.\n\n\
         | figure | no exporter | every exporter |\n| --- | --- | --- |\n",
        arguments.rounds, arguments.seconds
    );
    let mut row = |name: &str, of: &dyn Fn(&Figures) -> &Vec<f64>, digits: usize| {
        let [none, all] = [of(&figures[0]), of(&figures[1])];
        let ratio = median(all.iter().zip(none).map(|(all, none)| all / none));
        let (none, all) = (median(none.iter().copied()), median(all.iter().copied()));
        let _ = writeln!(text, "| {name} | {none:.digits$} | {all:.digits$} ({ratio:.2}) |");
    };
    row("requests/s at full load", &|figures| &figures.requests_per_second, 0);
    row("CPU µs a request at full load", &|figures| &figures.cpu_at_full_load, 1);
    let name = format!("CPU µs a request at {}/s", arguments.rate);
    row(&name, &|figures| &figures.cpu_at_fixed_rate, 1);
    let mib = |figures: &Figures| figures.memory as f64 / 1_048_576.0;
    let _ = writeln!(text, "| memory at the end, MiB | {:.1} | {:.1} |", mib(&figures[0]), mib(&figures[1]));
    let share = |(sent, dropped): (f64, f64)| 100.0 * sent / (sent + dropped).max(1.0);
    let _ = writeln!(
        text,
        "| requests exported at {}/s, at full load | – | {:.0} %, {:.0} % |",
        arguments.rate,
        share(items[0]),
        share(items[1])
    );
    text
}

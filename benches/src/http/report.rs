//! The figures as Markdown.

use std::fmt::Write;

use clap::ValueEnum as _;

use crate::peer::Peer;
use crate::run::{Outcome, ProcessFigures, Turn};
use gateway_benches::measure::median;
use gateway_benches::workload::Workload;

/// All tables.
pub fn markdown(outcome: &Outcome) -> String {
    let peers: Vec<Peer> = outcome.processes.iter().map(|figures| figures.peer).collect();
    let mut text = format!(
        "Median of {} rounds of {} s, in brackets the median of the rounds' ratios to nginx; one proxy on one core.\n\n",
        outcome.rounds, outcome.seconds
    );
    text.push_str(&header("figure", &peers));
    for &workload in Workload::value_variants() {
        row(&mut text, &peers, &format!("{}: CPU µs a request", workload.title()), |peer| {
            figure(outcome, workload, peer, |turn| turn.cpu_microseconds, 1)
        });
    }
    for &workload in Workload::value_variants() {
        row(&mut text, &peers, &format!("{}: requests/s", workload.title()), |peer| {
            figure(outcome, workload, peer, |turn| turn.requests_per_second, 0)
        });
    }
    for &workload in Workload::value_variants() {
        row(
            &mut text,
            &peers,
            &format!("{}: p50 / p99 at {}/s, µs", workload.title(), outcome.rate),
            |peer| {
                let found =
                    outcome.latencies.iter().find(|one| one.workload == workload && one.peer == peer)?;
                Some(format!("{:.0} / {:.0}", found.p50, found.p99))
            },
        );
    }
    processes(&mut text, &peers, outcome);
    text
}

fn processes(text: &mut String, peers: &[Peer], outcome: &Outcome) {
    let of = |peer: Peer| outcome.processes.iter().find(|figures| figures.peer == peer);
    let mut add = |name: &str, show: &dyn Fn(&ProcessFigures) -> Option<String>| {
        row(text, peers, name, |peer| of(peer).and_then(show));
    };
    let kib = |at: usize| {
        move |figures: &ProcessFigures| Some(format!("{:.1}", figures.idle_connection?[at] / 1024.0))
    };
    add("idle memory with 100 APIs, MiB", &|figures| {
        Some(format!("{:.1}", figures.idle_memory as f64 / 1_048_576.0))
    });
    add(&format!("KiB an idle connection, of {}", outcome.idle_connections), &kib(0));
    add("the same with TLS", &kib(1));
    add("ms from start to first answer, 100 APIs", &|figures| Some(format!("{:.0}", figures.first_answer?)));
    add("W1: system calls a request", &|figures| Some(format!("{:.1}", figures.system_calls?)));
}

fn header(first: &str, peers: &[Peer]) -> String {
    let names: Vec<&str> = peers.iter().map(|peer| peer.name()).collect();
    format!("| {first} | {} |\n| ---{} |\n", names.join(" | "), " | ---".repeat(peers.len()))
}

fn row(text: &mut String, peers: &[Peer], name: &str, show: impl Fn(Peer) -> Option<String>) {
    let cells: Vec<Option<String>> = peers.iter().map(|peer| show(*peer)).collect();
    if cells.iter().any(Option::is_some) {
        let cells: Vec<String> =
            cells.into_iter().map(|cell| cell.unwrap_or_else(|| "–".to_owned())).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
}

/// The median over the rounds, and that of its ratios to nginx in the same round.
fn figure(
    outcome: &Outcome,
    workload: Workload,
    peer: Peer,
    value: impl Fn(&Turn) -> f64,
    digits: usize,
) -> Option<String> {
    let of = |peer: Peer| {
        let turns = outcome.turns.iter().filter(move |turn| turn.workload == workload && turn.peer == peer);
        turns.map(&value).collect::<Vec<f64>>()
    };
    let (own, nginx) = (of(peer), of(Peer::Nginx));
    if own.is_empty() {
        return None;
    }
    let middle = median(own.iter().copied());
    if nginx.is_empty() {
        return Some(format!("{middle:.digits$}"));
    }
    let ratio = median(own.iter().zip(&nginx).map(|(own, nginx)| own / nginx));
    Some(format!("{middle:.digits$} ({ratio:.2})"))
}

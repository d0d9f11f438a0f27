//! Many gateways on one plane: what their polls cost, and how soon a change is with them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use gateway_benches::measure::cpu_time;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::service::{SERVICE, SHARED, TOKEN, gateway, policy};
use crate::wire::{Connection, request};

/// Every gateway asks once in this time: ten times as often as they do.
const EVERY: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Polling {
    /// CPU of the plane, µs an answer.
    pub cpu_microseconds: f64,
    pub p50_milliseconds: f64,
    pub p99_milliseconds: f64,
    /// CPU of the plane for the first answer of all gateways, ms each.
    pub first_milliseconds: f64,
    /// From the policy's PUT until half of the gateways have its change, seconds.
    pub change_seconds: f64,
}

struct Simulated {
    connection: Connection,
    token: String,
    name: String,
    tag: String,
}

impl Simulated {
    /// Connects, and takes the view.
    async fn start(plane: SocketAddr, number: usize, token: String) -> anyhow::Result<Self> {
        let connection = Connection::open(plane).await?;
        let mut this = Self { connection, token, name: gateway(number), tag: String::new() };
        ensure!(this.poll(0, None).await? == 200, "{}: the first answer is no 200", this.name);
        Ok(this)
    }

    async fn poll(&mut self, wait: u64, held: Option<&str>) -> anyhow::Result<u16> {
        let target = format!("/gateways/{}/configuration?wait={wait}&since=1", self.name);
        let answer = self.connection.ask(&request("GET", &target, &self.token, held, "")).await?;
        self.tag = answer.etag.with_context(|| format!("{}: {} without a tag", self.name, answer.status))?;
        Ok(answer.status)
    }

    /// Polls at its own moments until the end; how long each answer took.
    async fn polls(mut self, offset: Duration, rounds: u32) -> anyhow::Result<(Self, Vec<Duration>)> {
        let begin = Instant::now() + offset;
        let mut took = Vec::new();
        for round in 0..rounds {
            let at = begin + EVERY * round;
            sleep_until(at).await;
            let asked = Instant::now();
            let tag = self.tag.clone();
            ensure!(self.poll(0, Some(&tag)).await? == 304, "{}: it changed", self.name);
            took.push(asked.elapsed());
        }
        Ok((self, took))
    }
}

/// Runs all of it.
pub async fn run(plane: SocketAddr, pids: &[u32], tokens: &[String], rounds: u32) -> anyhow::Result<Polling> {
    let before = cpu_time(pids);
    let mut gateways = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        gateways.push(Simulated::start(plane, number, token.clone()).await?);
    }
    let count = gateways.len();
    let first = cpu_time(pids).saturating_sub(before).as_secs_f64() * 1e3 / count as f64;
    let before = cpu_time(pids);
    let mut polling = JoinSet::new();
    for (number, gateway) in gateways.into_iter().enumerate() {
        let offset = EVERY.mul_f64(number as f64 / count as f64);
        polling.spawn(gateway.polls(offset, rounds));
    }
    let (mut gateways, mut took) = (Vec::new(), Vec::new());
    while let Some(done) = polling.join_next().await {
        let (gateway, of_it) = done??;
        gateways.push(gateway);
        took.extend(of_it);
    }
    let cpu = cpu_time(pids).saturating_sub(before).as_secs_f64() * 1e6 / took.len() as f64;
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let (p50, p99) = (at(0.5), at(0.99));
    Ok(Polling {
        cpu_microseconds: cpu,
        p50_milliseconds: p50,
        p99_milliseconds: p99,
        first_milliseconds: first,
        change_seconds: change(plane, gateways).await?.as_secs_f64(),
    })
}

/// All gateways are held; a policy of half of them changes.
async fn change(plane: SocketAddr, gateways: Vec<Simulated>) -> anyhow::Result<Duration> {
    let half = gateways.len() / 2;
    let asked = Arc::new(Barrier::new(gateways.len() + 1));
    let mut held = JoinSet::new();
    for mut gateway in gateways {
        let asked = Arc::clone(&asked);
        held.spawn(async move {
            asked.wait().await;
            let tag = gateway.tag.clone();
            let status = gateway.poll(10, Some(&tag)).await?;
            anyhow::Ok((status, Instant::now()))
        });
    }
    asked.wait().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut arm = Connection::open(plane).await?;
    let target = format!("{SERVICE}/apis/{SHARED}/policies/policy?api-version=2022-08-01");
    let body = serde_json::json!({"properties": policy("second")}).to_string();
    let put = Instant::now();
    let answer = arm.ask(&request("PUT", &target, &format!("Bearer {TOKEN}"), None, &body)).await?;
    ensure!(matches!(answer.status, 200 | 201), "PUT of a policy: {}", answer.status);
    let (mut last, mut changed) = (put, 0);
    while let Some(done) = held.join_next().await {
        let (status, at) = done??;
        if status == 200 {
            changed += 1;
            last = last.max(at);
        }
    }
    ensure!(changed == half, "{changed} gateways were told of a change that concerns {half}");
    Ok(last - put)
}

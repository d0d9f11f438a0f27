//! What the kernel programs cost clients that do no wrong: the same traffic without them and with them.
//!
//! Client and target are at the two ends of a veth pair, each on a core of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use gateway_benches::measure::median;
use gateway_benches::scratch::{LOAD_CORE, PROXY_CORE, on_core};
use gateway_datapath::{Binding, Datapath, DatapathSettings, Ingress, ListenerSpec};
use gateway_tests::namespaces::{GATEWAY_V4, World};
use serde::Serialize;

use crate::traffic::{Shape, Target, wait};

const PORT: u16 = 8080;

/// How much went through.
#[derive(Debug, Serialize)]
pub struct Cost {
    pub shape: &'static str,
    pub programs: &'static str,
    /// Round trips or MiB a second, one for each round.
    pub rounds: Vec<f64>,
    pub median: f64,
    /// Median of the ratios to the traffic without programs just before and behind.
    pub of_none: f64,
}

struct Contender {
    name: &'static str,
    world: World,
    datapath: Option<Datapath>,
    target: Target,
}

impl Contender {
    fn start(name: &'static str, ingress: Option<Ingress>) -> anyhow::Result<Self> {
        let world = World::new().context("namespaces cannot be made here")?;
        let bindings = vec![Binding { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ports: PORT..=PORT }];
        let listener = ListenerSpec { name: "http".to_owned(), bindings, workers: Vec::new() };
        let datapath = ingress.map(|xdp| {
            let settings = DatapathSettings { xdp, ..DatapathSettings::default() };
            world.start(&settings, &[listener])
        });
        let target = world.gateway.run(|| {
            on_core(PROXY_CORE)?;
            anyhow::Ok(Target::start(address())?)
        })?;
        Ok(Self { name, world, datapath, target })
    }

    fn measure(&self, shape: Shape) -> anyhow::Result<f64> {
        // A sign of life, without which the programs do nothing.
        if let Some(datapath) = &self.datapath {
            datapath.tick();
        }
        self.world.client.run(|| {
            on_core(LOAD_CORE)?;
            wait(address())?;
            let (count, time) = self.target.measure(shape, address())?;
            Ok(count / time.as_secs_f64())
        })
    }
}

fn address() -> SocketAddr {
    (GATEWAY_V4.parse::<IpAddr>().expect("an address"), PORT).into()
}

/// Measures all contenders, each between two measurements without programs.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Cost>> {
    let contenders = [
        Contender::start("none", None)?,
        Contender::start("as chosen by itself (TCX on veth)", Some(Ingress::Auto))?,
        Contender::start("native XDP", Some(Ingress::Native))?,
    ];
    let mut rows = Vec::new();
    for shape in Shape::ALL {
        let mut figures: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
        let mut of_none = figures.clone();
        for _ in 0..rounds {
            for (at, contender) in contenders.iter().enumerate().skip(1) {
                // A, B, B, A: what changes with time is no merit of either.
                let mut pair = [0.0; 2];
                for (which, one) in [(0, &contenders[0]), (1, contender), (1, contender), (0, &contenders[0])]
                {
                    pair[which] += one.measure(shape)? / 2.0;
                }
                figures[0].push(pair[0]);
                figures[at].push(pair[1]);
                of_none[at].push(pair[1] / pair[0]);
            }
        }
        of_none[0].push(1.0);
        for ((contender, rounds), ratios) in contenders.iter().zip(figures).zip(of_none) {
            rows.push(Cost {
                shape: shape.name(),
                programs: contender.name,
                median: median(rounds.iter().copied()),
                of_none: median(ratios),
                rounds,
            });
        }
    }
    Ok(rows)
}

/// The rows as a table.
pub fn print(rows: &[Cost]) {
    println!("| traffic of clients | programs | a second | of that without |");
    println!("| --- | --- | --- | --- |");
    for row in rows {
        println!("| {} | {} | {:.0} | {:.2} |", row.shape, row.programs, row.median, row.of_none);
    }
}

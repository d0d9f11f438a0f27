//! `cargo xtask bench datapath`: what the kernel path costs and brings, beside the kernel's own means and HAProxy.

mod accepting;
mod cost;
mod drops;
mod flooded;
mod goodput;
mod pass;
mod programs;
mod serving;
mod steering;
mod survival;
mod traffic;

use clap::{Parser, ValueEnum};
use serde_json::Value;

/// Measures the kernel path; needs root.
#[derive(Parser)]
struct Arguments {
    /// Runs of each program over each packet, per round
    #[arg(long, default_value_t = 1_000_000)]
    repeat: u32,
    /// Turns of each contender, interleaved
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::value_variants().to_vec())]
    part: Vec<Part>,
    /// JSON instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// A packet in each program, beside one that does nothing
    Programs,
    /// A packet that is dropped, beside the kernel's own filters
    Drops,
    /// Who gets a connection in a flood of SYNs
    Survival,
    /// What is left for clients when others are abusive
    Goodput,
    /// What clients that do no wrong notice of it
    Cost,
    /// New connections by the worker on their CPU
    Steering,
    /// L4 routes, beside HAProxy in TCP mode
    Pass,
}

impl Part {
    /// Prints its table, or gives its figures.
    fn run(self, arguments: &Arguments) -> anyhow::Result<Value> {
        let rounds = arguments.rounds;
        match self {
            Self::Programs => arguments.show(&programs::run(arguments.repeat)?, programs::print),
            Self::Drops => arguments.show(&drops::run(rounds)?, drops::print),
            Self::Survival => arguments.show(&survival::run(rounds)?, survival::print),
            Self::Goodput => arguments.show(&goodput::run(rounds)?, goodput::print),
            Self::Cost => arguments.show(&cost::run(rounds)?, cost::print),
            Self::Steering => arguments.show(&steering::run(rounds)?, steering::print),
            Self::Pass => arguments.show(&pass::run(rounds)?, pass::print),
        }
    }
}

impl Arguments {
    fn show<T: serde::Serialize>(&self, rows: &[T], print: fn(&[T])) -> anyhow::Result<Value> {
        if !self.json {
            print(rows);
            println!();
        }
        Ok(serde_json::to_value(rows)?)
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut figures = serde_json::Map::new();
    for part in &arguments.part {
        let name = part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        figures.insert(name, part.run(&arguments)?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    }
    Ok(())
}

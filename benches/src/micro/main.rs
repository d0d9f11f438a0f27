//! `cargo xtask bench micro`: what the parts of a request cost, one by one, and how often they allocate.

mod expressions;
mod heads;
mod keys;
mod pipelines;
mod policies;
mod prepared;
mod request;
mod routes;
mod timing;

use clap::Parser;

use prepared::Prepared;
use timing::{Cost, Row};

/// Nanoseconds and allocations of the parts of a request.
#[derive(Parser)]
struct Arguments {
    /// Measure only rows whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let prepared = Prepared::new()?;
    let mut rows = Vec::new();
    let mut measure = |name: &str, work: &mut dyn FnMut()| {
        if name.contains(&arguments.only) {
            rows.push(Row { name: name.to_owned(), cost: Cost::of(work) });
        }
    };
    heads::rows(&mut measure)?;
    routes::rows(&prepared, &mut measure)?;
    keys::rows(&mut measure);
    pipelines::rows(&prepared, &mut measure)?;
    expressions::rows(&prepared, &mut measure)?;
    policies::rows(&mut measure)?;
    if "whole request".contains(&arguments.only) {
        rows.extend(request::rows()?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    println!("| part | ns | allocations |\n| --- | --- | --- |");
    for Row { name, cost } in rows {
        println!("| {name} | {:.0} | {:.1} |", cost.nanoseconds, cost.allocations);
    }
    Ok(())
}

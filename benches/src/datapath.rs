//! `cargo xtask bench datapath`: nanoseconds a packet of each kernel program, beside one that does nothing.

use clap::Parser;

/// Runs the kernel programs over packets in memory (`BPF_PROG_TEST_RUN`); needs root.
#[derive(Parser)]
struct Arguments {
    /// Runs of each program over each packet, per round
    #[arg(long, default_value_t = 1_000_000)]
    repeat: u32,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let costs = gateway_datapath::bench::run(arguments.repeat).map_err(anyhow::Error::msg)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&costs)?);
        return Ok(());
    }
    println!("| program | packet | ns a packet | above an empty XDP program |");
    println!("| --- | --- | --- | --- |");
    for cost in costs {
        let above = i64::from(cost.nanoseconds) - i64::from(cost.empty_nanoseconds);
        println!("| {} | {} | {} | {above} |", cost.program, cost.packet, cost.nanoseconds);
    }
    Ok(())
}

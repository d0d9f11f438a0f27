//! `cargo xtask bench datapath`: nanoseconds a packet of each kernel program, beside one that does nothing; and of a
//! packet that is dropped, beside the kernel's own filters; what is left for clients when others are abusive; and what L4
//! routes bring.

mod drops;
mod goodput;
mod pass;

use clap::Parser;

/// Runs the kernel programs over packets in memory (`BPF_PROG_TEST_RUN`); needs root.
#[derive(Parser)]
struct Arguments {
    /// Runs of each program over each packet, per round
    #[arg(long, default_value_t = 1_000_000)]
    repeat: u32,
    /// Floods of each contender, interleaved
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only what L4 routes bring
    #[arg(long)]
    pass_only: bool,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.pass_only {
        let passed = pass::run(arguments.rounds)?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&passed)?);
        } else {
            pass::print(&passed);
        }
        return Ok(());
    }
    let costs = gateway_datapath::bench::run(arguments.repeat).map_err(anyhow::Error::msg)?;
    let drops = drops::run(arguments.rounds)?;
    let goodput = goodput::run(arguments.rounds)?;
    let passed = pass::run(arguments.rounds)?;
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({
                "programs": costs, "drops": drops, "goodput": goodput, "passed": passed
            }))?
        );
        return Ok(());
    }
    println!("| program | packet | ns a packet | above an empty XDP program |");
    println!("| --- | --- | --- | --- |");
    for cost in costs {
        let above = i64::from(cost.nanoseconds) - i64::from(cost.empty_nanoseconds);
        println!("| {} | {} | {} | {above} |", cost.program, cost.packet, cost.nanoseconds);
    }
    println!();
    println!("| rule | filter | CPU ns a dropped packet | against the gateway's |");
    println!("| --- | --- | --- | --- |");
    for cost in &drops {
        // Native XDP stands first for each rule.
        let ours = drops.iter().find(|one| one.rule == cost.rule).map_or(cost.median, |one| one.median);
        println!("| {} | {} | {:.0} | {:.1} |", cost.rule, cost.contender, cost.median, cost.median / ours);
    }
    println!();
    println!("| ten times as many abusive clients | requests a second of the others | of the undisturbed |");
    println!("| --- | --- | --- |");
    let undisturbed = goodput.first().map_or(1.0, |one| one.median);
    for one in &goodput {
        println!("| {} | {:.0} | {:.0} % |", one.case, one.median, 100.0 * one.median / undisturbed);
    }
    println!();
    pass::print(&passed);
    Ok(())
}

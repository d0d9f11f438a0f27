//! What a packet costs in each program, run over packets in memory (`BPF_PROG_TEST_RUN`).

use gateway_datapath::bench::{self, ProgramCost};

/// Runs each program so often a round.
pub fn run(repeat: u32) -> anyhow::Result<Vec<ProgramCost>> {
    bench::run(repeat).map_err(anyhow::Error::msg)
}

/// The rows as a table.
pub fn print(rows: &[ProgramCost]) {
    println!("| program | packet | ns a packet | above an empty XDP program |");
    println!("| --- | --- | --- | --- |");
    for cost in rows {
        let above = i64::from(cost.nanoseconds) - i64::from(cost.empty_nanoseconds);
        println!("| {} | {} | {} | {above} |", cost.program, cost.packet, cost.nanoseconds);
    }
}

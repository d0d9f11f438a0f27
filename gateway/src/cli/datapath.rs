//! `gateway datapath …`: what is in the kernel, what is dropped there, and the kill switch.

mod admin;
mod prefixes;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use gateway_datapath::{
    Counters, Status, detach_all, render_detached, render_status, render_top, switch_all,
};

use super::{EXIT_FAILED, EXIT_UNAVAILABLE, fail};
use admin::Place;

#[derive(Debug, clap::Args)]
pub struct Datapath {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// What is loaded and attached, and what is not and why
    Status(Place),
    /// Live counters and the state of the exporters, once a second
    Top {
        #[command(flatten)]
        place: Place,
        /// Stop after this many readings; 0 = never
        #[arg(long, default_value_t = 0)]
        count: u64,
    },
    /// Drop what comes from these networks; rolled back after a minute unless confirmed
    Deny(prefixes::Add),
    /// Let pass whatever comes from these networks
    Allow(prefixes::Add),
    /// Take back what deny or allow added
    Remove(prefixes::Remove),
    /// Keep what is on trial
    Confirm(Place),
    /// The lists, and what was dropped
    List(Place),
    /// Kill switch: every program of ours on this host passes everything; needs no running gateway
    Off,
    /// Switch the programs on again
    On,
    /// Remove all of our programs from the kernel
    Detach,
}

#[derive(serde::Deserialize)]
struct Reading {
    status: Status,
    counters: Counters,
    /// A line for each.
    #[serde(default)]
    exporters: Vec<String>,
}

impl Datapath {
    pub fn execute(self) -> ExitCode {
        let result = match self.action {
            Action::Status(place) => read(&place).map(|reading| print!("{}", render_status(&reading.status))),
            Action::Top { place, count } => top(&place, count),
            Action::Deny(add) => return add.execute(gateway_datapath::List::Deny),
            Action::Allow(add) => return add.execute(gateway_datapath::List::Allow),
            Action::Remove(remove) => return remove.execute(),
            Action::Confirm(place) => prefixes::confirm(&place),
            Action::List(place) => prefixes::list(&place),
            Action::Off => return switch(false),
            Action::On => return switch(true),
            Action::Detach => return detach(),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(EXIT_UNAVAILABLE, error),
        }
    }
}

fn switch(enabled: bool) -> ExitCode {
    let word = if enabled { "on" } else { "off" };
    match switch_all(enabled) {
        Ok(switched) if switched.gateways == 0 => fail(
            EXIT_FAILED,
            "no programs of this version are loaded (`gateway datapath detach` finds others)",
        ),
        Ok(switched) => {
            println!("switched {word}: the programs of {} gateway(s)", switched.gateways);
            ExitCode::SUCCESS
        }
        Err(error) => fail(EXIT_FAILED, format!("programs cannot be switched {word}: {error}")),
    }
}

fn detach() -> ExitCode {
    match detach_all() {
        Ok(result) => {
            print!("{}", render_detached(&result));
            ExitCode::SUCCESS
        }
        Err(error) => fail(EXIT_FAILED, format!("programs cannot be detached: {error}")),
    }
}

fn top(place: &Place, count: u64) -> Result<(), String> {
    const PERIOD: Duration = Duration::from_secs(1);
    let mut before = read(place)?.counters;
    let mut shown = 0;
    loop {
        std::thread::sleep(PERIOD);
        let Reading { counters: now, exporters, .. } = read(place)?;
        let mut text = render_top(&before, &now, PERIOD);
        text.extend(exporters.iter().flat_map(|line| ["exporter ", line.as_str(), "\n"]));
        let written = writeln!(io::stdout(), "{text}");
        shown += 1;
        if written.is_err() || shown == count {
            return Ok(());
        }
        before = now;
    }
}

fn read(place: &Place) -> Result<Reading, String> {
    place.get("/datapath")
}

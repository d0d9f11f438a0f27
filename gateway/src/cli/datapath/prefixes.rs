//! `gateway datapath deny|allow|remove|confirm|list`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use gateway_datapath::{
    Action, Claim, DropCount, List, Prefix, ShedAnswer, ShedRequest, prefix_count, read_prefixes,
    render_change, render_claims,
};

use super::admin::Place;
use crate::cli::{EXIT_FAILED, EXIT_SETTINGS, EXIT_UNAVAILABLE, fail};

/// Seconds until an unconfirmed change is rolled back.
const TRIAL: u64 = 60;

#[derive(Debug, clap::Args)]
pub struct Prefixes {
    /// Addresses and networks, such as 203.0.113.0/24
    #[arg(value_name = "PREFIX", required_unless_present = "file")]
    prefixes: Vec<Prefix>,
    /// And those in this file, one a line
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Add {
    #[command(flatten)]
    prefixes: Prefixes,
    /// Ends by itself after this many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Rolled back after this many seconds unless `gateway datapath confirm` comes first; 0 = needs no confirmation
    #[arg(long, value_name = "SECONDS", default_value_t = TRIAL)]
    trial: u64,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The list to take them from
    #[arg(value_parser = list_word)]
    list: List,
    #[command(flatten)]
    prefixes: Prefixes,
    #[command(flatten)]
    place: Place,
}

fn list_word(text: &str) -> Result<List, String> {
    match text {
        "deny" => Ok(List::Deny),
        "allow" => Ok(List::Allow),
        _ => Err("deny or allow is expected".to_owned()),
    }
}

impl Prefixes {
    fn all(&self) -> Result<Vec<Prefix>, String> {
        let mut all: BTreeSet<_> = self.prefixes.iter().copied().collect();
        if let Some(file) = &self.file {
            all.extend(read_prefixes(file).map_err(|error| error.to_string())?);
        }
        Ok(all.into_iter().collect())
    }
}

impl Add {
    pub fn execute(self, list: List) -> ExitCode {
        // Who lets pass locks nobody out.
        let trial = if list == List::Deny && self.trial > 0 { Some(self.trial) } else { None };
        let request = |prefixes| ShedRequest {
            action: Action::Add,
            list,
            prefixes,
            seconds: self.seconds,
            trial_seconds: trial,
            operator: operator(),
        };
        change(&self.prefixes, &self.place, request)
    }
}

impl Remove {
    pub fn execute(self) -> ExitCode {
        let list = self.list;
        change(&self.prefixes, &self.place, |prefixes| ShedRequest {
            action: Action::Remove,
            list,
            prefixes,
            seconds: None,
            trial_seconds: None,
            operator: operator(),
        })
    }
}

fn change(prefixes: &Prefixes, place: &Place, request: impl FnOnce(Vec<Prefix>) -> ShedRequest) -> ExitCode {
    let request = match prefixes.all() {
        Ok(prefixes) => request(prefixes),
        Err(error) => return fail(EXIT_SETTINGS, error),
    };
    let answer: ShedAnswer = match place.post("/datapath/prefixes", &request) {
        Ok(answer) => answer,
        Err(error) => return fail(EXIT_UNAVAILABLE, error),
    };
    print!("{}", render_change(&answer, request.trial_seconds));
    for line in &answer.refused {
        eprintln!("gateway: {line}");
    }
    if answer.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) }
}

/// Where this shell is logged in from: ssh(1) says it.
fn operator() -> Option<IpAddr> {
    std::env::var("SSH_CONNECTION").ok()?.split(' ').next()?.parse().ok()
}

pub fn confirm(place: &Place) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        confirmed: usize,
    }
    let answer: Answer = place.post("/datapath/confirm", &serde_json::json!({}))?;
    println!("{} confirmed", prefix_count(answer.confirmed));
    Ok(())
}

pub fn list(place: &Place) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        claims: Vec<Claim>,
        more: usize,
        drops: Vec<DropCount>,
    }
    let answer: Answer = place.get("/datapath/prefixes")?;
    print!("{}", render_claims(&answer.claims, answer.more, &answer.drops));
    Ok(())
}

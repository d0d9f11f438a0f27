//! A large service: what a write and a list take, and a gateway's whole view.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use gateway_benches::measure::median;
use gateway_sync::plane::{Client, Round};
use gateway_sync::protocol::Token;
use serde_json::{Value, json};

use crate::service::{SERVICE, TOKEN, gateway, policy};
use crate::wire::{Connection, Way, request};

/// Milliseconds of each kind of call: the median and the longest.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Calls {
    pub name: &'static str,
    pub median: f64,
    pub longest: f64,
}

/// A kind of call: method, path by number, body by number.
type Kind = (&'static str, &'static str, fn(usize) -> String, fn(usize) -> Value);

const WRITES: &[Kind] = &[
    (
        "PUT of an API",
        "PUT",
        |n| format!("apis/new-{n}"),
        |n| json!({"displayName": format!("new {n}"), "path": format!("new-{n}"), "protocols": ["https"], "serviceUrl": "http://b"}),
    ),
    (
        "PUT of an operation",
        "PUT",
        |n| format!("apis/new-{n}/operations/get"),
        |_| json!({"displayName": "get", "method": "GET", "urlTemplate": "/", "templateParameters": []}),
    ),
    ("PUT of a policy", "PUT", |n| format!("apis/new-{n}/policies/policy"), |n| policy(&n.to_string())),
    (
        "PUT of a subscription",
        "PUT",
        |n| format!("subscriptions/new-{n}"),
        |n| json!({"displayName": format!("new {n}"), "scope": format!("/apis/new-{n}"), "state": "active"}),
    ),
    (
        "PUT of a named value",
        "PUT",
        |n| format!("namedValues/new-{n}"),
        |n| json!({"displayName": format!("new-{n}"), "value": "text"}),
    ),
    ("DELETE of a named value", "DELETE", |n| format!("namedValues/new-{n}"), |_| Value::Null),
    ("DELETE of an API", "DELETE", |n| format!("apis/new-{n}"), |_| Value::Null),
];

const READS: &[Kind] = &[
    (
        "a page in the middle of the subscriptions",
        "GET",
        |_| "subscriptions?$skip=50000".to_owned(),
        |_| Value::Null,
    ),
    (
        "the subscriptions with a filter",
        "GET",
        |_| "subscriptions?$filter=name%20eq%20'sub-000500'".to_owned(),
        |_| Value::Null,
    ),
    (
        "the subscriptions with a filter that reads all",
        "GET",
        |_| "subscriptions?$filter=contains(displayName,'000500')".to_owned(),
        |_| Value::Null,
    ),
];

pub async fn writes(plane: SocketAddr, rounds: usize) -> anyhow::Result<Vec<Calls>> {
    calls(plane, WRITES, rounds).await
}

pub async fn reads(plane: SocketAddr, rounds: usize) -> anyhow::Result<Vec<Calls>> {
    calls(plane, READS, rounds).await
}

async fn calls(plane: SocketAddr, kinds: &[Kind], rounds: usize) -> anyhow::Result<Vec<Calls>> {
    let mut connection = Connection::open(plane).await?;
    let mut all = Vec::new();
    for (name, method, path, body) in kinds {
        let mut took = Vec::new();
        for number in 0..rounds {
            let path = path(number);
            let joint = if path.contains('?') { '&' } else { '?' };
            let target = format!("{SERVICE}/{path}{joint}api-version=2022-08-01");
            let body = match body(number) {
                Value::Null => String::new(),
                properties => json!({"properties": properties}).to_string(),
            };
            let bytes = request(method, &target, &format!("Bearer {TOKEN}"), None, &body);
            let begin = Instant::now();
            let answer = connection.ask(&bytes).await?;
            took.push(milliseconds(begin.elapsed()));
            let text = String::from_utf8_lossy(&answer.body);
            ensure!(answer.status < 300, "{name}: {} {text}", answer.status);
        }
        let longest = took.iter().copied().fold(0.0, f64::max);
        all.push(Calls { name, median: median(took), longest });
    }
    Ok(all)
}

/// Milliseconds until gateways that nobody has asked for have their whole view, from the first byte to the checked
/// documents; and documents of one.
pub async fn cold(plane: SocketAddr, tokens: &[String]) -> anyhow::Result<(Vec<f64>, usize)> {
    let (mut took, mut documents) = (Vec::new(), 0);
    for (number, text) in tokens.iter().enumerate() {
        let token = Token::parse(text).ok_or_else(|| anyhow::anyhow!("no token"))?;
        let begin = Instant::now();
        let way = Way::new(Connection::open(plane).await?, text.clone());
        let mut client = Client::new(way, &gateway(number), token.gateway_secret(), None);
        let round = client.round(Duration::ZERO).await?;
        took.push(milliseconds(begin.elapsed()));
        let Round::Changed(view) = round else { anyhow::bail!("a new gateway got nothing") };
        documents = view.documents.len();
    }
    Ok((took, documents))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

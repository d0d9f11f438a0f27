//! What is asked of the proxies.

use serde::Serialize;

/// One workload. All fetch 1 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub enum Workload {
    /// HTTP/1.1 without TLS, 32 connections
    W1,
    /// HTTP/1.1 over TLS 1.3, a P-256 certificate, 32 connections
    W2,
    /// HTTP/2 over TLS 1.3, 8 connections of 10 streams
    W3,
    /// W1 with a key out of 1,000, a header added, one removed, the path rewritten, a rate limit per key
    W4,
    /// W1 where the gateway answers from its built-in cache, and the others still ask the backend
    W5,
}

impl Workload {
    /// Those of proxies alike.
    pub const ALL: [Self; 4] = [Self::W1, Self::W2, Self::W3, Self::W4];

    pub fn title(self) -> &'static str {
        match self {
            Self::W1 => "W1 HTTP/1.1",
            Self::W2 => "W2 TLS HTTP/1.1",
            Self::W3 => "W3 TLS HTTP/2",
            Self::W4 => "W4 policies",
            Self::W5 => "W5 cache hit",
        }
    }

    pub fn is_tls(self) -> bool {
        matches!(self, Self::W2 | Self::W3)
    }

    /// Which of the two configurations it needs.
    pub fn policies(self) -> Policies {
        match self {
            Self::W4 => Policies::Some,
            Self::W5 => Policies::Cached,
            Self::W1 | Self::W2 | Self::W3 => Policies::None,
        }
    }

    /// The requests, sent in turn.
    pub fn requests(self) -> Vec<Vec<u8>> {
        match self {
            Self::W4 => (0..KEYS)
                .map(|key| request(&format!("{}: {}\r\nX-Remove: 1\r\n", KEY_HEADER, key_of(key))))
                .collect(),
            _ => vec![request("")],
        }
    }
}

/// What a proxy is configured to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Forward.
    None,
    /// Those of W4.
    Some,
    /// Forward by one of 100 APIs, for start-up.
    HundredApis,
    /// The gateway keeps the answer; the others forward.
    Cached,
    /// Key, limit by key, two headers, a choice by an expression: one subscription.
    Typical,
    /// A token of an issuer is checked.
    Token,
}

/// Subscription keys of W4.
pub const KEYS: usize = 1_000;
pub const KEY_HEADER: &str = "Ocp-Apim-Subscription-Key";
/// What is asked for.
pub const PATH: &str = "/shop/items/42";
/// Calls a minute and key: never reached, always counted.
pub const CALLS: u32 = 100_000_000;

pub fn key_of(number: usize) -> String {
    format!("0123456789abcdef0123456789ab{number:04}")
}

fn request(fields: &str) -> Vec<u8> {
    format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n{fields}\r\n")
        .into_bytes()
}

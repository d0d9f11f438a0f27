//! HAProxy, configured to do what the gateway does, with its own means.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use crate::setup::{Place, Setup};
use gateway_benches::scratch::descriptors;
use gateway_benches::workload::{CALLS, KEY_HEADER, KEYS, Policies, key_of};

/// Writes the configuration; the arguments to start with.
pub fn configure(setup: &Setup<'_>, place: &Place) -> anyhow::Result<Vec<PathBuf>> {
    let map = place.dir.join("keys.map");
    let mut keys = String::new();
    for key in 0..KEYS {
        let _ = writeln!(keys, "{} subscription-{key:04}", key_of(key));
    }
    fs::write(&map, keys)?;
    let file = place.dir.join("haproxy.cfg");
    fs::write(&file, configuration(setup, place, &map.display().to_string()))?;
    Ok(vec!["-db".into(), "-f".into(), file])
}

fn configuration(setup: &Setup<'_>, place: &Place, map: &str) -> String {
    let (inside, outside) = match setup.policies {
        Policies::None | Policies::Cached | Policies::Typical | Policies::Token => {
            ("  default_backend backend\n".to_owned(), String::new())
        }
        Policies::Some => (policies(map), TABLE.to_owned()),
        Policies::HundredApis => (hundred(), String::new()),
    };
    format!(
        "global\n  nbthread 1\n  maxconn {connections}\n\
         defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\n  timeout connect 5s\n  timeout http-keep-alive 1h\n  \
         http-reuse always\n\
         frontend front\n  bind 127.0.0.1:{http} backlog 4096\n  bind 127.0.0.1:{https} backlog 4096 ssl crt {pem} alpn h2,http/1.1\n  \
         option forwardfor\n  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]\n  \
         http-request set-header X-Forwarded-Host %[req.hdr(host)]\n{inside}\
         backend backend\n  server one 127.0.0.1:{backend}\n{outside}",
        // It wants two descriptors for each and some for itself, and does not start without.
        connections = (descriptors() / 2).saturating_sub(50).min(24_000),
        http = place.http,
        https = place.https,
        pem = setup.certificate.pem.display(),
        backend = setup.backend,
    )
}

fn policies(map: &str) -> String {
    format!(
        "  http-request set-var(txn.subscriber) req.hdr({KEY_HEADER}),map({map})\n  \
         http-request deny deny_status 401 unless {{ var(txn.subscriber) -m found }}\n  \
         http-request track-sc0 var(txn.subscriber) table calls\n  \
         http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {CALLS} }}\n  \
         http-request set-header X-Gateway bench\n  http-request del-header X-Remove\n  \
         http-request replace-path /shop/(.*) /v2/\\1\n  default_backend backend\n"
    )
}

const TABLE: &str =
    "backend calls\n  stick-table type string len 32 size 10k expire 2m store http_req_rate(60s)\n";

fn hundred() -> String {
    let mut text = "  use_backend backend if { path_beg /shop/ }\n".to_owned();
    for number in 1..100 {
        let _ = writeln!(text, "  use_backend backend if {{ path_beg /api-{number}/ }}");
    }
    text
}

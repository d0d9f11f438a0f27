//! nginx, configured to do what the gateway does, with its own means.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::setup::{Place, Setup};
use gateway_benches::workload::{KEYS, Policies, key_of};

/// Writes the configuration; the arguments to start with.
pub fn configure(setup: &Setup<'_>, place: &Place) -> anyhow::Result<Vec<PathBuf>> {
    let file = place.dir.join("nginx.conf");
    fs::write(&file, configuration(setup, place))?;
    Ok(vec!["-c".into(), file])
}

fn configuration(setup: &Setup<'_>, place: &Place) -> String {
    let dir = place.dir.display();
    let (outside, inside) = match setup.policies {
        Policies::None | Policies::Cached | Policies::Typical | Policies::Token => {
            (String::new(), location("/", ""))
        }
        Policies::Some => (keys(), location("/shop/", POLICIES)),
        Policies::HundredApis => {
            let more: String = (1..100).map(|number| location(&format!("/api-{number}/"), "")).collect();
            (String::new(), location("/shop/", "") + &more)
        }
    };
    format!(
        "daemon off;\nworker_processes 1;\npid {dir}/pid;\nerror_log {dir}/error.log crit;\n\
         events {{ worker_connections 30000; }}\n\
         http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 3600s;\n{temporary}\
         \x20 upstream backend {{\n    server 127.0.0.1:{backend};\n    keepalive 128;\n    keepalive_requests 1000000000;\n  }}\n{outside}\
         \x20 server {{\n    listen 127.0.0.1:{http} backlog=4096;\n    listen 127.0.0.1:{https} ssl http2 backlog=4096;\n\
         \x20   ssl_certificate {chain};\n    ssl_certificate_key {key};\n    ssl_protocols TLSv1.2 TLSv1.3;\n{inside}  }}\n}}\n",
        temporary = temporary(&place.dir),
        backend = setup.backend,
        http = place.http,
        https = place.https,
        chain = setup.certificate.chain.display(),
        key = setup.certificate.key.display(),
    )
}

const POLICIES: &str = "      if ($subscriber = \"\") { return 401; }\n      limit_req zone=calls burst=1000000 nodelay;\n      \
     rewrite ^/shop/(.*)$ /v2/$1 break;\n      proxy_set_header X-Gateway bench;\n      proxy_set_header X-Remove \"\";\n";

fn location(path: &str, more: &str) -> String {
    format!(
        "    location {path} {{\n{more}      proxy_pass http://backend;\n      proxy_http_version 1.1;\n      \
         proxy_set_header Connection \"\";\n      proxy_set_header Host $host;\n      \
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n      \
         proxy_set_header X-Forwarded-Proto $scheme;\n      proxy_set_header X-Forwarded-Host $host;\n    }}\n"
    )
}

fn keys() -> String {
    let mut text = "  map_hash_max_size 8192;\n  map_hash_bucket_size 128;\n  \
                    map $http_ocp_apim_subscription_key $subscriber {\n    default \"\";\n"
        .to_owned();
    for key in 0..KEYS {
        let _ = writeln!(text, "    \"{}\" \"subscription-{key:04}\";", key_of(key));
    }
    text + "  }\n  limit_req_zone $subscriber zone=calls:10m rate=1000000r/s;\n"
}

/// Folders that nginx wants to make, used or not.
fn temporary(dir: &Path) -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {}/{name};\n", dir.display()))
        .concat()
}

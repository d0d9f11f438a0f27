//! TLS with real clients: curl and openssl, which check certificates, names and protocols for us.

use std::io::Write;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_policy::exchange::Protocol;
use gateway_proxy::downstream::tls::{Certificate, Certificates};
use gateway_proxy::downstream::{Settings, TlsServer};
use tempfile::NamedTempFile;

use crate::harness::Worker;

/// A certificate for these names, and a file by which a client trusts it.
fn certificate(names: &[&str]) -> (Certificate, NamedTempFile) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(chain.as_bytes()).unwrap();
    (Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap(), file)
}

/// Runs curl against the worker under `host`.
fn curl(worker: &Worker, trust: &NamedTempFile, host: &str, path: &str, options: &[&str]) -> Output {
    let port = worker.address.port();
    Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"])
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
        .arg("--cacert")
        .arg(trust.path())
        .args(options)
        .arg(format!("https://{host}:{port}{path}"))
        .output()
        .expect("curl is installed by `cargo xtask setup`")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn serve(certificates: Certificates, settings: Settings) -> (Worker, Arc<TlsServer>) {
    let tls = Arc::new(TlsServer::new(certificates, true).unwrap());
    (Worker::with(settings, Some(Arc::clone(&tls))), tls)
}

#[test]
fn protocols_and_versions_are_negotiated() {
    let (made, trust) = certificate(&["a.example"]);
    let (worker, _) = serve(Certificates::only(made), Settings::default());
    for (options, expected) in [
        (&["--http1.1", "--tlsv1.3"][..], "Http11 Some(\"1.3\") 127.0.0.1 Some(\"a.example\")"),
        (&["--http1.1", "--tls-max", "1.2"], "Http11 Some(\"1.2\") 127.0.0.1 Some(\"a.example\")"),
        (&["--http2"], "Http2 Some(\"1.3\") 127.0.0.1 Some(\"a.example\")"),
        (&["--http2", "--tls-max", "1.2"], "Http2 Some(\"1.2\") 127.0.0.1 Some(\"a.example\")"),
        (&["--no-alpn"], "Http11 Some(\"1.3\") 127.0.0.1 Some(\"a.example\")"),
    ] {
        assert_eq!(
            text(&curl(&worker, &trust, "a.example", "/connection", options)),
            expected,
            "{options:?}"
        );
    }
    assert!(!curl(&worker, &trust, "a.example", "/", &["--tls-max", "1.1", "--tlsv1.0"]).status.success());
    let seen = worker.stopped();
    assert_eq!(seen.opened.iter().filter(|protocol| **protocol == Protocol::Http2).count(), 2);
    assert_eq!(seen.anomalies, ["tls-handshake"]);
}

#[test]
fn bodies_over_tls_arrive_whole_both_ways() {
    let (made, trust) = certificate(&["a.example"]);
    let (worker, _) = serve(Certificates::only(made), Settings::default());
    let mut body = NamedTempFile::new().unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 5) as u8).collect();
    body.write_all(&content).unwrap();
    let data = format!("@{}", body.path().display());
    for options in [
        &["--http1.1", "--data-binary", &data][..],
        &["--http1.1", "-H", "Transfer-Encoding: chunked", "--data-binary", &data],
        &["--http2", "--data-binary", &data],
    ] {
        let output = curl(&worker, &trust, "a.example", "/echo", options);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == content, "{options:?}");
    }
    assert_eq!(text(&curl(&worker, &trust, "a.example", "/large", &["--http2"])).len(), 3_000_000);
    assert!(worker.stopped().sent.iter().all(|sent| sent.complete));
}

#[test]
fn certificate_follows_the_server_name_and_changes_without_a_restart() {
    let (a, trust_a) = certificate(&["a.example"]);
    let (wild, trust_wild) = certificate(&["*.wild.example"]);
    let mut certificates = Certificates::default();
    certificates.insert("a.example", a);
    certificates.insert("*.wild.example", wild);
    let (worker, tls) = serve(certificates, Settings::default());
    assert!(curl(&worker, &trust_a, "a.example", "/", &[]).status.success());
    assert!(curl(&worker, &trust_wild, "x.wild.example", "/", &[]).status.success());
    // Nobody's name: no certificate, no connection.
    assert!(!curl(&worker, &trust_a, "b.example", "/", &["--insecure"]).status.success());
    let (renewed, trust_renewed) = certificate(&["a.example"]);
    tls.replace(Certificates::only(renewed));
    assert!(!curl(&worker, &trust_a, "a.example", "/", &[]).status.success());
    assert!(curl(&worker, &trust_renewed, "a.example", "/", &[]).status.success());
    assert!(curl(&worker, &trust_renewed, "b.example", "/", &["--insecure"]).status.success());
}

#[test]
fn sessions_resume_by_ticket() {
    let (made, _trust) = certificate(&["a.example"]);
    let (worker, _) = serve(Certificates::only(made), Settings::default());
    for version in ["-tls1_2", "-tls1_3"] {
        let session = NamedTempFile::new().unwrap();
        let connect = |option: &str| {
            let mut client = Command::new("openssl")
                .args([
                    "s_client",
                    "-connect",
                    &worker.address.to_string(),
                    "-servername",
                    "a.example",
                    version,
                    option,
                ])
                .arg(session.path())
                .args(["-ign_eof"])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("openssl is installed by `cargo xtask setup`");
            let request = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
            client.stdin.take().unwrap().write_all(request).unwrap();
            String::from_utf8_lossy(&client.wait_with_output().unwrap().stdout).into_owned()
        };
        let first = connect("-sess_out");
        assert!(first.contains("New, TLS"), "{first}");
        let second = connect("-sess_in");
        assert!(second.contains("Reused, TLS"), "{version}: {second}");
        assert!(second.contains("HTTP/1.1 200 OK"), "{second}");
    }
}

#[test]
fn handshakes_that_never_end_are_cut_off() {
    let (made, _trust) = certificate(&["a.example"]);
    let settings = Settings { handshake_timeout: Duration::from_millis(300), ..Settings::default() };
    let (worker, _) = serve(Certificates::only(made), settings);
    let begin = Instant::now();
    let mut silent: Vec<_> = (0..50).map(|_| worker.connect()).collect();
    for wire in &mut silent {
        assert!(wire.is_closed());
    }
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    let mut plain = worker.connect();
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let alert = plain.rest().unwrap_or_default();
    assert!(alert.is_empty() || alert.first() == Some(&21), "a TLS alert at most: {alert:?}");
    let seen = worker.stopped();
    assert_eq!(seen.anomalies.iter().filter(|reason| **reason == "tls-handshake-timeout").count(), 50);
    assert_eq!(seen.anomalies.len(), 51);
    assert_eq!(seen.opened, Vec::<Protocol>::new());
}

#[test]
fn http2_preface_on_a_connection_that_negotiated_http1_is_refused() {
    let (made, trust) = certificate(&["a.example"]);
    let (worker, _) = serve(Certificates::only(made), Settings::default());
    let output = curl(&worker, &trust, "a.example", "/", &["--no-alpn", "--http2-prior-knowledge"]);
    assert!(!output.status.success());
    assert_eq!(worker.stopped().anomalies, ["version"]);
}

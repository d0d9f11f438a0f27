//! The HTTPS listener, asked by curl: versions, ALPN, certificates by name, renewal without a restart.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use gateway_tests::{Api, Authority, Backend, Config, Running};

struct Https {
    gateway: Running,
    authority: Authority,
    certificates: tempfile::TempDir,
    _backend: Backend,
    _config: Config,
}

impl Https {
    fn start(names: &[(&str, &[&str])]) -> Self {
        Self::with(Config::new(), names)
    }

    fn with(config: Config, names: &[(&str, &[&str])]) -> Self {
        let (backend, authority) = (Backend::fixed("ok"), Authority::new());
        let url = backend.url();
        config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
        let certificates = tempfile::tempdir().expect("a folder");
        for (stem, names) in names {
            authority.issue(names).write(certificates.path(), stem);
        }
        let folder = certificates.path().to_str().expect("a path").to_owned();
        let settings =
            [("net.https.address", "127.0.0.1:0"), ("net.server.tls.certificates", folder.as_str())];
        let gateway = Running::start(config.path(), &settings);
        Self { gateway, authority, certificates, _backend: backend, _config: config }
    }

    fn curl(&self, root: &Path, host: &str, options: &[&str]) -> Output {
        let port = self.gateway.https().port();
        Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"])
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1"), "--cacert"])
            .arg(root)
            .args(["--write-out", " %{http_version}"])
            .args(options)
            .arg(format!("https://{host}:{port}/a/item"))
            .output()
            .expect("curl is installed by `cargo xtask setup`")
    }

    fn asks(&self, host: &str, options: &[&str]) -> Result<String, String> {
        let output = self.curl(&self.authority.root(), host, options);
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

#[test]
fn versions_and_protocols_are_negotiated() {
    let https = Https::start(&[("a.example", &["a.example"])]);
    for (options, text) in [
        (&["--http1.1", "--tlsv1.3"][..], "ok 1.1"),
        (&["--http1.1", "--tls-max", "1.2"], "ok 1.1"),
        (&["--http2", "--tlsv1.3"], "ok 2"),
        (&["--http2", "--tls-max", "1.2"], "ok 2"),
    ] {
        assert_eq!(https.asks("a.example", options).as_deref(), Ok(text), "{options:?}");
    }
    assert!(https.asks("a.example", &["--tlsv1.0", "--tls-max", "1.1"]).is_err());
}

#[test]
fn certificate_follows_the_name() {
    let https = Https::start(&[("a.example", &["a.example"]), ("_.wild.example", &["*.wild.example"])]);
    assert!(https.asks("a.example", &[]).is_ok());
    assert!(https.asks("x.wild.example", &[]).is_ok());
    // A name of nobody: an alert, even for those who would not check.
    assert!(https.asks("b.example", &["--insecure"]).is_err());
    let with_default = Https::start(&[("default", &["b.example"]), ("a.example", &["a.example"])]);
    assert!(with_default.asks("b.example", &[]).is_ok());
    assert!(with_default.asks("a.example", &[]).is_ok());
}

#[test]
fn new_certificates_are_taken_without_a_restart() {
    let https = Https::start(&[("a.example", &["a.example"])]);
    let renewed = Authority::new();
    assert!(https.asks("a.example", &[]).is_ok());
    // Half a pair changes nothing.
    std::fs::write(https.certificates.path().join("b.example.crt"), "rubbish").expect("a file");
    std::thread::sleep(Duration::from_secs(6));
    assert!(https.asks("a.example", &[]).is_ok());
    std::fs::remove_file(https.certificates.path().join("b.example.crt")).expect("a file");
    renewed.issue(&["a.example"]).write(https.certificates.path(), "a.example");
    let begin = Instant::now();
    while !https.curl(&renewed.root(), "a.example", &[]).status.success() {
        assert!(begin.elapsed() < Duration::from_secs(15), "the new certificate is not served");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn p12_host_of_other_rules_than_the_tls_name_is_misdirected() {
    let config = Config::new();
    config.file("gateways/g/gatewayInformation.json", r#"{"properties": {}}"#);
    for (name, asks) in [("open.example", false), ("also.example", false), ("closed.example", true)] {
        config.file(
            &format!("gateways/g/hostnameConfigurations/{name}/hostnameConfigurationInformation.json"),
            &format!(r#"{{"properties": {{"hostname": "{name}", "negotiateClientCertificate": {asks}}}}}"#),
        );
    }
    let https = Https::with(config, &[("default", &["open.example", "also.example", "closed.example"])]);
    for (name, host, status) in [
        ("open.example", "open.example", 200),
        ("open.example", "also.example", 200),
        ("open.example", "CLOSED.example", 421),
        ("closed.example", "open.example", 421),
        ("closed.example", "closed.example", 200),
        ("open.example", "elsewhere.example", 200),
    ] {
        for version in ["--http1.1", "--http2"] {
            let header = format!("Host: {host}");
            let answer = https.asks(name, &[version, "-H", &header, "--write-out", " %{http_code}"]);
            let answer = answer.unwrap_or_else(|error| panic!("{name} {host}: {error}"));
            assert!(answer.ends_with(&status.to_string()), "{name} {host} {version}: {answer}");
        }
    }
}

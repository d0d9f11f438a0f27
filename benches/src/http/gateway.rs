//! This gateway: a folder of APIs and a few settings.

use std::ffi::OsString;
use std::path::PathBuf;

use gateway_benches::folder;

use crate::setup::{Place, Setup};

/// Writes the folder; the arguments to start with.
pub fn configure(setup: &Setup<'_>, place: &Place) -> anyhow::Result<Vec<PathBuf>> {
    let folder = place.dir.join("folder");
    folder::write(&folder, setup.backend, setup.policies)?;
    let set = |name: &str, value: &dyn std::fmt::Display| format!("{name}={value}");
    let settings = [
        set("config.folder", &folder.display()),
        set("net.http.address", &format_args!("127.0.0.1:{}", place.http)),
        set("net.https.address", &format_args!("127.0.0.1:{}", place.https)),
        set("net.server.tls.certificates", &setup.certificate.dir.display()),
        // As the peers': the load generator does not come again.
        set("net.server.http.keep-alive.requests.max", &1_000_000_000),
        set("admin.address", &"off"),
        set("workers", &1),
        set("datapath.mode", &"off"),
        set("telemetry.logs.std.level", &"warn"),
        set("shutdown.delay", &0),
        set("shutdown.timeout", &0),
    ];
    let flags =
        settings.into_iter().flat_map(|setting| ["--set".into(), PathBuf::from(OsString::from(setting))]);
    Ok(std::iter::once("run".into()).chain(flags).collect())
}

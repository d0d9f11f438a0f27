//! Gateways that serve one API from this process, each in namespaces of its own.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gateway::Gateway;
use gateway_tests::namespaces::{GATEWAY_INTERFACE, World};
use gateway_tests::start_gateway;

pub const PORT: u16 = 8080;

/// A gateway at its end of the world.
pub struct Serving {
    pub world: World,
    pub gateway: Gateway,
}

impl Serving {
    /// With these settings beside its own.
    pub fn start(config: &Path, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let world = World::new().context("namespaces cannot be made here")?;
        let http = format!("[::]:{PORT}");
        let settings = [
            ("config.folder", config.to_str().context("a UTF-8 path")?),
            ("net.http.address", &http),
            ("net.https.address", "off"),
            ("admin.address", "off"),
            ("datapath.mode", "required"),
            ("datapath.interface", GATEWAY_INTERFACE),
            ("datapath.xdp", "native"),
            ("telemetry.logs.std", "none"),
            ("shutdown.delay", "0"),
            ("shutdown.timeout", "1"),
        ];
        let settings: Vec<_> = settings.iter().chain(more).copied().collect();
        let gateway = world.gateway.run(|| start_gateway(&settings));
        Ok(Self { world, gateway })
    }
}

/// One API of one operation.
pub fn folder(inbound: &str) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    let operation = dir.path().join("apis/a/operations/item");
    fs::create_dir_all(&operation)?;
    let api = r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["http"], "apiRevision": "1",
        "isCurrent": true, "subscriptionRequired": false}}"#;
    let of_operation = r#"{"properties": {"displayName": "item", "method": "GET", "urlTemplate": "/item",
        "templateParameters": []}}"#;
    let policy = format!(
        "<policies><inbound>{inbound}<return-response><set-body>hello</set-body></return-response></inbound>\
         <backend /><outbound /><on-error /></policies>"
    );
    fs::write(dir.path().join("apis/a/apiInformation.json"), api)?;
    fs::write(dir.path().join("apis/a/policy.xml"), policy)?;
    fs::write(operation.join("operationInformation.json"), of_operation)?;
    Ok(dir)
}

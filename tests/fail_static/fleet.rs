//! Many gateways, one plane.

use std::time::Duration;

use gateway_tests::{Backend, Federation};

use crate::{answered, eventually, follow};

/// Row 2: gateway resources of different places, each with instances that report, and each with its own APIs.
#[test]
fn fifty_gateways_report_to_one_plane() {
    const GATEWAYS: usize = 50;
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let names: Vec<String> = (0..GATEWAYS).map(|number| format!("edge-{number}")).collect();
    let tokens: Vec<String> = names.iter().map(|name| plane.gateway(name)).collect();
    plane.api("all", &backend.url(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    plane.api("last", &backend.url(), &[names[GATEWAYS - 1].as_str()]);
    let running: Vec<_> = tokens.iter().map(|token| follow(&plane, token, &[("workers", "1")])).collect();
    for (number, gateway) in running.iter().enumerate() {
        answered(gateway, "/all/item", 200, "ok");
        let wanted = if number == GATEWAYS - 1 { 200 } else { 404 };
        assert_eq!(gateway.get("/last/item", &[]).status, wanted, "edge-{number}");
    }
    for name in &names {
        eventually(&format!("{name} reports"), Duration::from_secs(60), || {
            plane.instances(name).iter().any(|instance| instance["ready"] == true)
        });
    }
}

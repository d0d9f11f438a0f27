//! The status page in a browser: what it reads from the pages beside it stands in the document.

use std::process::Command;

use gateway_tests::process::installed;

use crate::collector::World;

/// The document as the browser has it a few readings later.
fn document(browser: &std::path::Path, url: &str, profile: &std::path::Path) -> String {
    let output = Command::new(browser)
        // The page is our own; root may not use the browser's sandbox.
        .args(["--no-sandbox", "--disable-gpu", "--virtual-time-budget=7000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .output()
        .expect("the browser runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The cells of the first row that begins so.
fn row(document: &str, first: &str) -> Option<Vec<String>> {
    let rows = document.split("<tr>").skip(1);
    let cells = rows.map(|row| {
        let cells = row
            .split("<td")
            .skip(1)
            .filter_map(|cell| Some(cell.split_once('>')?.1.split('<').next()?.to_owned()));
        cells.collect::<Vec<String>>()
    });
    cells.filter(|cells| !cells.is_empty()).find(|cells| cells[0] == first)
}

#[test]
fn page_shows_live_figures_of_requests_and_exporters() {
    let Some(browser) = installed("chromium-headless-shell") else { return };
    let profile = tempfile::tempdir().expect("a folder");
    let world = World::start(&[
        ("telemetry.metrics.local", "statsd"),
        ("telemetry.metrics.local.statsd.endpoint", "127.0.0.1:9"),
    ]);
    let url = format!("http://{}/", world.gateway.admin());
    for count in [50, 75] {
        world.load("/shop/ok", count);
        let all = world.gateway.settled("gateway_requests_total", &["api=\"shop\""]);
        let shown = document(&browser, &url, profile.path());
        assert!(shown.contains("gateway <span id=\"state\" class=\"good\">ready"), "{shown}");
        let requests = row(&shown, "shop").expect("the API's row");
        assert_eq!(requests, ["shop", "operation-1", "2xx", "", &format!("{all}")], "{shown}");
        let exporter = row(&shown, "statsd").expect("the exporter's row");
        assert_eq!(exporter.len(), 5, "{exporter:?}");
    }
}

//! The Helm chart, as `helm package` would pack it: no templates are rendered here.

use std::fs;
use std::path::PathBuf;

use anyhow::ensure;

use super::release::{self, Release};
use crate::process;
use crate::workspace::Workspace;

const CHART: &str = "deploy/helm/gateway";

pub fn pack(workspace: &Workspace, release: &Release) -> anyhow::Result<PathBuf> {
    let stage = release.stage("helm")?;
    release::install_folder(&workspace.root.join(CHART), &stage.join("gateway"))?;
    let chart = stage.join("gateway/Chart.yaml");
    let text = with_version(&fs::read_to_string(&chart)?, &release.version)?;
    release::write(&chart, &text, 0o644)?;
    let file = release.folder.join(format!("gateway-{}.tgz", release.version));
    let mut tar = release.tar();
    tar.args(["-I", "gzip -n", "-cf"]).arg(&file).arg("-C").arg(&stage).arg("gateway");
    process::run(&mut tar)?;
    Ok(file)
}

/// The chart's file with the release's version for chart and image.
fn with_version(chart: &str, version: &str) -> anyhow::Result<String> {
    let mut replaced = 0;
    let lines = chart.lines().map(|line| {
        let key = ["version: ", "appVersion: "].into_iter().find(|key| line.starts_with(key));
        replaced += usize::from(key.is_some());
        key.map_or_else(|| line.to_owned(), |key| format!("{key}\"{version}\""))
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    ensure!(replaced == 2, "{CHART}/Chart.yaml needs one version and one appVersion");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_takes_the_release_version() -> anyhow::Result<()> {
        let text = with_version("name: gateway\nversion: 0\nappVersion: 0\n", "1.2.3")?;
        assert_eq!(text, "name: gateway\nversion: \"1.2.3\"\nappVersion: \"1.2.3\"\n");
        assert!(with_version("name: gateway\nversion: 0\n", "1.2.3").is_err());
        Ok(())
    }
}

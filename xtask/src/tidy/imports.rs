//! Who may import whom, read from the manifests.

use super::{Finding, tree::File, tree::Tree};

/// The table of ARCHITECTURE.md. `None`: whatever it likes.
const MAY_IMPORT: &[(&str, Option<&[&str]>)] = &[
    ("gateway", None),
    ("gateway-benches", None),
    (
        "gateway-tests",
        Some(&[
            "gateway",
            "gateway-management",
            "gateway-model",
            "gateway-sync",
            "gateway-telemetry",
            "gateway-datapath",
        ]),
    ),
    ("gateway-portal", Some(&["gateway-management", "gateway-model"])),
    (
        "gateway-management",
        Some(&["gateway-store", "gateway-policy", "gateway-specification", "gateway-sync", "gateway-model"]),
    ),
    ("gateway-proxy", Some(&["gateway-policy", "gateway-expression", "gateway-telemetry", "gateway-model"])),
    ("gateway-policy", Some(&["gateway-expression", "gateway-model"])),
    ("gateway-sync", Some(&["gateway-model", "gateway-specification"])),
    ("gateway-specification", Some(&["gateway-model"])),
    ("gateway-store", Some(&["gateway-model"])),
    ("gateway-telemetry", Some(&["gateway-model"])),
    ("gateway-datapath", Some(&["gateway-common"])),
    ("gateway-ebpf", Some(&["gateway-common"])),
    ("gateway-model", Some(&[])),
    ("gateway-expression", Some(&[])),
    ("gateway-common", Some(&[])),
    ("xtask", Some(&[])),
];

/// The crates that may speak to the kernel.
const MAY_IMPORT_AYA: &[&str] = &["gateway-datapath", "gateway-common", "gateway-ebpf"];

pub fn who_imports_whom(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, manifest) in manifests(tree) {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == manifest.name) else {
            findings.push(finding(
                file,
                &manifest.name,
                "is not in the import table: xtask/src/tidy/imports.rs",
            ));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for dependency in manifest.dependencies.iter().filter(|name| is_ours(name)) {
            if !allowed.contains(&dependency.as_str()) {
                findings.push(finding(file, dependency, "may not be imported here"));
            }
        }
    }
    findings
}

pub fn kernel_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, manifest) in manifests(tree) {
        let is_aya = |name: &&String| *name == "aya" || name.starts_with("aya-");
        let kernel = manifest.dependencies.iter().filter(is_aya);
        if !MAY_IMPORT_AYA.contains(&manifest.name.as_str()) {
            findings
                .extend(kernel.map(|name| finding(file, name, "only the kernel path's crates may use it")));
        }
    }
    findings
}

struct Manifest {
    name: String,
    dependencies: Vec<String>,
}

/// The manifests of packages; the root has none. Fuzz targets are a workspace of their own, outside the house.
fn manifests(tree: &Tree) -> impl Iterator<Item = (&File, Manifest)> {
    let named = |file: &&File| file.path.ends_with("Cargo.toml") && !file.path.contains("fuzz/");
    tree.files.iter().filter(named).filter_map(|file| Some((file, parse(&file.text)?)))
}

fn parse(text: &str) -> Option<Manifest> {
    let table: toml::Table = text.parse().ok()?;
    let name = table.get("package")?.get("name")?.as_str()?.to_owned();
    let mut dependencies = Vec::new();
    collect(&table, &mut dependencies);
    let targets = table.get("target").and_then(toml::Value::as_table);
    for target in targets.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table) {
        collect(target, &mut dependencies);
    }
    Some(Manifest { name, dependencies })
}

/// Every kind of dependency; a renamed one by its real name.
fn collect(table: &toml::Table, into: &mut Vec<String>) {
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let entries = table.get(kind).and_then(toml::Value::as_table);
        for (name, value) in entries.into_iter().flatten() {
            let real = value.get("package").and_then(toml::Value::as_str);
            into.push(real.unwrap_or(name).to_owned());
        }
    }
}

fn is_ours(name: &str) -> bool {
    name == "xtask" || name == "gateway" || MAY_IMPORT.iter().any(|(ours, _)| *ours == name)
}

fn finding(file: &File, name: &str, what: &str) -> Finding {
    let line = file.text.lines().position(|line| line.contains(name)).map_or(1, |index| index + 1);
    Finding { file: file.path.clone(), line, rule: "import", text: format!("{name} {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, dependencies: &str) -> Tree {
        let text = format!("[package]\nname = \"{name}\"\n{dependencies}");
        Tree::of(&[("a/Cargo.toml", &text)])
    }

    #[test]
    fn import_outside_the_table_is_found_in_every_kind() {
        for kind in
            ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            let bad = tree("gateway-policy", &format!("[{kind}]\ngateway-proxy.workspace = true\n"));
            let lines: Vec<usize> = who_imports_whom(&bad).iter().map(|finding| finding.line).collect();
            assert_eq!(lines, [4], "{kind}");
        }
        let good = tree(
            "gateway-policy",
            "[dependencies]\ngateway-model.workspace = true\nserde.workspace = true\n",
        );
        assert_eq!(who_imports_whom(&good), []);
        let renamed =
            tree("gateway-model", "[dependencies]\nx = { package = \"gateway-policy\", path = \"..\" }\n");
        assert_eq!(who_imports_whom(&renamed).len(), 1);
    }

    #[test]
    fn crate_missing_from_the_table_is_found() {
        assert_eq!(who_imports_whom(&tree("gateway-attic", "")).len(), 1);
    }

    #[test]
    fn aya_is_found_outside_the_kernel_path() {
        let dependencies = "[dependencies]\naya-log.workspace = true\n";
        assert_eq!(kernel_crates(&tree("gateway-proxy", dependencies)).len(), 1);
        assert_eq!(kernel_crates(&tree("gateway-datapath", dependencies)), []);
    }
}

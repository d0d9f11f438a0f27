//! What `deny.toml` forbids of the crates we depend on: licences, bans, sources.
//!
//! The file is cargo-deny's, and whoever has that tool may run it. To build it takes longer than all our tests; these three
//! of its checks need only what cargo prints: `cargo metadata` what each crate says of itself, `cargo tree` who is built with whom
//! (the resolution in `cargo metadata` has optional crates that no feature asks for).

use std::collections::{BTreeSet, HashMap};
use std::fs;

use anyhow::{Context, bail};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::process;
use crate::workspace::Workspace;

/// The part of `deny.toml` that is read here. A table that is not is refused, lest it be believed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    /// Only cargo-deny's business: every target and feature is looked at here.
    #[serde(rename = "graph")]
    _graph: toml::Table,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    allow: Vec<String>,
    #[serde(default)]
    clarify: Vec<Clarification>,
    #[serde(rename = "private")]
    _private: toml::Table,
}

/// The licence of a crate that names none, read from its text by a person.
#[derive(Deserialize)]
struct Clarification {
    #[serde(rename = "crate")]
    name: String,
    expression: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    #[serde(rename = "multiple-versions")]
    _multiple_versions: String,
    wildcards: Level,
    #[serde(rename = "allow-wildcard-paths")]
    _wildcard_paths: bool,
    deny: Vec<Ban>,
}

/// A crate that nobody may import but its wrappers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Level,
    unknown_git: Level,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    Allow,
    Deny,
}

/// What `cargo metadata` prints, as far as it is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// `None`: a member of the workspace, or a crate by its path.
    source: Option<String>,
    license: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

/// Fails with all that is forbidden of every crate that is built, for whatever target and feature.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let rules = fs::read_to_string(workspace.root.join("deny.toml")).context("deny.toml")?;
    let metadata =
        process::output(workspace.cargo("metadata").args(["--format-version", "1", "--all-features"]))?;
    let everything = "--workspace --all-features --target all --edges normal,build,dev --prefix depth";
    let tree = process::output(workspace.cargo("tree").args(everything.split(' ')))?;
    let findings = findings(&rules, &metadata, &tree)?;
    if !findings.is_empty() {
        bail!("deny.toml forbids:\n{}", findings.join("\n"));
    }
    Ok(())
}

/// What the rules forbid of the crates in cargo's tree.
fn findings(rules: &str, metadata: &str, tree: &str) -> anyhow::Result<Vec<String>> {
    let rules: Rules = toml::from_str(rules).context("deny.toml")?;
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata")?;
    let (built, imports) = read_tree(tree)?;
    let built: Vec<&Package> =
        metadata.packages.iter().filter(|package| built.contains(&package.id())).collect();
    // Cargo's own registry, without its name: the one that the first crate comes from.
    let registry = built.iter().find_map(|package| package.source.as_deref());
    let mut findings = Vec::new();
    for package in built {
        findings.extend(licence(package, &rules.licenses));
        findings.extend(source(package, registry, &rules.sources));
        findings.extend(wildcards(package, &rules.bans));
    }
    findings.extend(imports.iter().filter_map(|import| banned(import, &rules.bans)));
    Ok(findings)
}

/// One crate is built with another, both as `name@version`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    by: String,
    of: String,
}

/// The crates and imports of `cargo tree --prefix depth`: lines as `2serde v1.0.229 (*)`.
fn read_tree(tree: &str) -> anyhow::Result<(BTreeSet<String>, BTreeSet<Import>)> {
    let (mut crates, mut imports, mut path) = (BTreeSet::new(), BTreeSet::new(), Vec::<String>::new());
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let (depth, package) = line.split_at(digits);
        let mut words = package.split(' ');
        let (Ok(depth), Some(name), Some(version)) = (depth.parse(), words.next(), words.next()) else {
            bail!("cargo tree printed {line:?}");
        };
        path.truncate(depth);
        let id = format!("{name}@{}", version.trim_start_matches('v'));
        imports.extend(path.last().map(|by| Import { by: by.clone(), of: id.clone() }));
        crates.insert(id.clone());
        path.push(id);
    }
    Ok((crates, imports))
}

impl Package {
    fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

fn licence(package: &Package, rules: &Licences) -> Option<String> {
    package.source.as_ref()?;
    let id = package.id();
    let clarified: HashMap<&str, &str> =
        rules.clarify.iter().map(|one| (one.name.as_str(), one.expression.as_str())).collect();
    let Some(stated) = clarified.get(id.as_str()).copied().or(package.license.as_deref()) else {
        return Some(format!("{id}: states no licence: read its text, then add [[licenses.clarify]]"));
    };
    let expression = match Expression::parse_mode(stated, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("{id}: licence {stated:?}: {}", error.reason)),
    };
    let allowed = expression.evaluate(|wanted| rules.allow.contains(&wanted.to_string()));
    (!allowed).then(|| format!("{id}: licence {stated:?} is not among licenses.allow"))
}

/// All crates come from one registry.
fn source(package: &Package, registry: Option<&str>, rules: &Sources) -> Option<String> {
    let source = package.source.as_deref()?;
    let is_git = source.starts_with("git+");
    let level = if is_git { &rules.unknown_git } else { &rules.unknown_registry };
    let unknown = (is_git || Some(source) != registry) && *level == Level::Deny;
    unknown.then(|| format!("{}: comes from {source}", package.id()))
}

/// Only our own manifests: what others publish has none.
fn wildcards(package: &Package, rules: &Bans) -> Vec<String> {
    if package.source.is_some() || rules.wildcards == Level::Allow {
        return Vec::new();
    }
    let any = package.dependencies.iter().filter(|one| one.req == "*" && one.path.is_none());
    any.map(|one| format!("{}: any version of {}", package.name, one.name)).collect()
}

fn banned(import: &Import, rules: &Bans) -> Option<String> {
    fn name(id: &str) -> &str {
        id.split('@').next().unwrap_or(id)
    }
    let forbids =
        |ban: &&Ban| ban.name == name(&import.of) && !ban.wrappers.iter().any(|one| one == name(&import.by));
    rules.deny.iter().find(forbids).map(|_| format!("{}: imports {}, which is banned", import.by, import.of))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::findings;

    const REGISTRY: &str = "registry+https://example.org/index";

    /// Of a workspace's `ours`, which imports a crate with this licence from this source.
    fn of(licence: Value, source: &str, [name, requirement]: [&str; 2]) -> Vec<String> {
        let metadata = json!({
            "packages": [
                {"name": "ours", "version": "0.1.0", "source": null, "license": null, "dependencies": [
                    {"name": name, "req": requirement, "path": null},
                    {"name": "beside", "req": "*", "path": "/beside"}]},
                {"name": name, "version": "1.2.3", "source": source, "license": licence,
                    "dependencies": [{"name": "any", "req": "*", "path": null}]},
            ],
        });
        let rules = include_str!("../../deny.toml");
        let tree = format!("0ours v0.1.0 (/ours)\n1{name} v1.2.3\n\n0ours v0.1.0 (/ours) (*)\n");
        findings(rules, &metadata.to_string(), &tree).unwrap()
    }

    #[test]
    fn licences_are_expressions() {
        for fine in
            ["MIT", "MIT/GPL-3.0", "GPL-3.0 OR Apache-2.0", "MIT AND Zlib", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(of(json!(fine), REGISTRY, ["theirs", "^1"]).is_empty(), "{fine}");
        }
        for bad in ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "no licence"] {
            let found = of(json!(bad), REGISTRY, ["theirs", "^1"]);
            assert!(found.len() == 1 && found[0].starts_with("theirs@1.2.3: licence"), "{bad}: {found:?}");
        }
        assert!(of(Value::Null, REGISTRY, ["theirs", "^1"])[0].contains("states no licence"));
    }

    #[test]
    fn other_sources_and_banned_crates_are_found() {
        let found = of(json!("MIT"), "git+https://example.org/theirs", ["theirs", "^1"]);
        assert_eq!(found, ["theirs@1.2.3: comes from git+https://example.org/theirs"]);
        let found = of(json!("MIT"), REGISTRY, ["native-tls", "^1"]);
        assert_eq!(found, ["ours@0.1.0: imports native-tls@1.2.3, which is banned"]);
        assert_eq!(of(json!("MIT"), REGISTRY, ["theirs", "*"]), ["ours: any version of theirs"]);
    }
}

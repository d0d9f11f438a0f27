//! The clients that people have: the SDKs and the command line of Azure, as `cargo xtask setup` fetches them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use gateway_management::contract::{OPERATIONS, Operation};
use gateway_tests::plane::{Plane, TOKEN};
use gateway_tests::process::fetched;

/// A service's address as descriptions have it.
const TEMPLATE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ApiManagement/service/{serviceName}";

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("management/clients").join(name)
}

fn passes(command: &mut Command) {
    // The scripts' folder is part of the sources.
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("the client runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    print!("{out}");
}

#[test]
fn python_sdk_builds_reads_changes_and_removes_a_whole_service() {
    let Some(python) = fetched("python/bin/python") else { return };
    let plane = Plane::start(&[]);
    passes(Command::new(python).arg(script("service.py")).args([&plane.url(), TOKEN]));
}

/// The table of operations is that of the SDK, which is made from Azure's own description: none is missing, none is ours alone
/// but those named here.
#[test]
fn operations_are_those_of_the_sdk() {
    let Some(python) = fetched("python/bin/python") else { return };
    let output = Command::new(python).arg(script("operations.py")).output().expect("the client runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("lines");
    let without_names = |path: &str| {
        let name =
            |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_lowercase() };
        path.split('/').map(name).collect::<Vec<_>>().join("/")
    };
    let theirs: BTreeSet<String> = text.lines().map(without_names).collect();
    assert_eq!(text.lines().count(), 613, "management-api.md §1.1");
    let is_sdk_s = |operation: &&Operation| {
        !operation.path.contains("/deployments") && operation.id != "Gateway_ListInstances"
    };
    let of = |operation: &Operation| {
        let method = format!("{:?}", operation.method).to_uppercase();
        without_names(&format!("{method} {}", operation.path.replace("{S}", TEMPLATE)))
    };
    let ours: BTreeSet<String> = OPERATIONS.iter().filter(is_sdk_s).map(of).collect();
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&String>::new(), "too many");
}

/// An SDK of 2020, whose versions of the interface Azure itself has retired.
#[test]
fn python_sdk_of_2020_builds_and_removes_a_service() {
    let Some(python) = fetched("python-2020/bin/python") else { return };
    let plane = Plane::start(&[]);
    passes(Command::new(python).arg(script("service_2020.py")).args([&plane.url(), TOKEN]));
}

#[test]
fn python_identity_signs_in_over_tls_and_has_its_role() {
    let Some(python) = fetched("python/bin/python") else { return };
    let plane = Plane::start(&[("management.tls", "on")]);
    let certificate = plane.certificate();
    for (role, refused) in [("Contributor", "nothing"), ("Reader", "writes")] {
        let (id, secret) = plane.principal(role);
        let mut command = Command::new(&python);
        command.arg(script("sign_in.py")).arg(plane.url()).arg(&certificate).args([&id, &secret, refused]);
        passes(&mut command);
    }
}

#[test]
fn javascript_sdk_does_the_common_work() {
    let Some(modules) = fetched("node/node_modules/@azure/arm-apimanagement") else { return };
    let root = modules.ancestors().nth(3).expect("the folder of the modules");
    let plane = Plane::start(&[("management.tls", "on")]);
    let mut command = Command::new("node");
    command.env("NODE_EXTRA_CA_CERTS", plane.certificate()).arg(script("service.mjs"));
    passes(command.args([&plane.url(), TOKEN]).arg(root));
}

#[test]
fn az_signs_in_and_does_the_common_verbs() {
    az_does("az.sh");
}

#[test]
fn az_deploys_templates() {
    az_does("az_deployment.sh");
}

fn az_does(name: &str) {
    let Some(az) = fetched("az/bin/az") else { return };
    let plane = Plane::start(&[("management.tls", "on")]);
    let (id, secret) = plane.principal("Contributor");
    let own = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("sh");
    command.env("AZURE_CONFIG_DIR", own.path()).arg(script(name)).arg(az).arg(plane.url());
    passes(command.arg(plane.certificate()).args([&id, &secret]));
}

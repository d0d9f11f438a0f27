//! The binary with all, some and none of the capabilities that the kernel path takes: it serves in any case, and says
//! what it lacks.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use gateway_tests::namespaces::{GATEWAY_INTERFACE, GATEWAY_V4, World};
use gateway_tests::process::{binary, installed};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::gateway::{folder, get};

/// Nobody's, so that no file is readable by chance.
const USER: &str = "65534";
const NET_ADMIN: &str = "CAP_NET_ADMIN";
const PERFMON: &str = "CAP_PERFMON";
const BPF: &str = "CAP_BPF";
const ALL: [&str; 3] = [NET_ADMIN, PERFMON, BPF];

/// `gateway run` of a user who is not root; killed when dropped.
struct Run {
    child: Child,
    log: BufReader<ChildStdout>,
}

impl Run {
    /// With exactly these capabilities.
    fn start(world: &World, setpriv: &Path, capabilities: &[&str], config: &Path, mode: &str) -> Self {
        // By its descriptor: the user may enter no folder on the way to the file.
        let file = File::open(binary()).expect("the binary");
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).expect("an open file for the child");
        let kept: String = capabilities.iter().map(|one| format!(",+{}", one[4..].to_lowercase())).collect();
        let sets = ["bounding-set", "inh-caps", "ambient-caps"].map(|set| format!("--{set}=-all{kept}"));
        let mut command = Command::new(setpriv);
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).args(sets).arg("--");
        command.arg(format!("/proc/self/fd/{}", file.as_raw_fd())).arg("run").arg("--config").arg(config);
        command.args(["--http", "[::]:8080", "--https", "off", "--admin", "127.0.0.1:9090"]);
        for setting in [
            &format!("datapath.mode={mode}"),
            &format!("datapath.interface={GATEWAY_INTERFACE}"),
            "datapath.xdp=native",
            "telemetry.logs.std=json",
        ] {
            command.args(["--set", setting]);
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = world.gateway.run(|| command.spawn()).expect("setpriv");
        let log = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, log }
    }

    /// The lines until it serves, or ends.
    fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for line in self.log.by_ref().lines().map_while(Result::ok) {
            let serves = line.contains("GatewayListening");
            lines.push(line);
            if serves {
                break;
            }
        }
        lines
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `gateway datapath status` prints on the gateway's host.
fn status(world: &World) -> String {
    let output = world.gateway.run(|| Command::new(binary()).args(["datapath", "status"]).output());
    String::from_utf8(output.expect("the binary").stdout).expect("text")
}

/// E-01, for the process that people start.
#[test]
fn binary_without_a_capability_names_it_and_serves() {
    let Some(world) = World::new() else { return };
    let Some(setpriv) = installed("setpriv") else { return };
    let config = folder();
    fs::set_permissions(config.path(), Permissions::from_mode(0o755)).unwrap();
    let mut tried: Vec<Vec<&str>> = vec![ALL.to_vec(), vec![]];
    tried.extend(ALL.map(|missing| ALL.into_iter().filter(|one| *one != missing).collect()));
    for capabilities in tried {
        let mut gateway = Run::start(&world, &setpriv, &capabilities, config.path(), "auto");
        let lines = gateway.lines();
        let answer = get(&world, true, &format!("{GATEWAY_V4}:8080"), "/a/item");
        assert!(answer.ends_with("hello"), "with {capabilities:?}: {answer}");
        let missing: Vec<_> = ALL.into_iter().filter(|one| !capabilities.contains(one)).collect();
        let text = status(&world);
        for one in &missing {
            let names = |line: &str| line.contains("needs ") && line.contains(one);
            assert!(lines.iter().any(|line| names(line)), "no {one} in the log: {lines:#?}");
            assert!(text.lines().any(names), "no {one} in the status: {text}");
            assert!(!text.contains("verifier"), "{text}");
        }
        if missing.is_empty() {
            assert!(text.starts_with("datapath: on\ninterface gw0: in native, out tcx\n"), "{text}");
        } else {
            assert!(!text.contains("in native"), "without {missing:?}: {text}");
        }
        drop(gateway);
        let link = world.gateway.ip(&format!("link show dev {GATEWAY_INTERFACE}"));
        assert!(!link.contains("xdp"), "nothing stays: {link}");
    }
}

/// Who requires the kernel path is told what it takes, and no socket is left.
#[test]
fn binary_that_requires_the_path_ends_with_the_capability() {
    let Some(world) = World::new() else { return };
    let Some(setpriv) = installed("setpriv") else { return };
    let config = folder();
    fs::set_permissions(config.path(), Permissions::from_mode(0o755)).unwrap();
    let mut gateway = Run::start(&world, &setpriv, &[NET_ADMIN, PERFMON], config.path(), "required");
    let lines = gateway.lines();
    assert_eq!(gateway.child.wait().unwrap().code(), Some(69), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("GatewayListening")), "{lines:#?}");
}

//! The tables: which purpose needs which package and which tool.

use std::path::Path;
use std::process::Command;

use crate::process;

/// A purpose that a verb has.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// Building the binary
    Build,
    /// Building the kernel programs
    Ebpf,
    /// Running the tests
    Test,
    /// Measuring beside the peers
    Bench,
    /// Fuzzing
    Fuzz,
    /// Building the binary by what its own benchmark recorded
    ProfileGuided,
    /// Trying the provisioning in a clean root
    Vm,
}

impl Group {
    /// What `cargo xtask setup` installs when it is told nothing. The others serve one long verb each.
    pub const ALL: &[Self] = &[Self::Build, Self::Ebpf, Self::Test, Self::Bench];
}

/// A package of Debian or Ubuntu.
pub struct Package {
    pub group: Group,
    pub name: &'static str,
    /// A service that the package would start: it is neither started nor enabled.
    pub service: Option<&'static str>,
    /// What happens without it, where that is bearable. `None`: nothing works without it.
    pub otherwise: Option<&'static str>,
}

const fn package(group: Group, name: &'static str) -> Package {
    Package { group, name, service: None, otherwise: None }
}

const fn optional(group: Group, name: &'static str, otherwise: &'static str) -> Package {
    Package { group, name, service: None, otherwise: Some(otherwise) }
}

const fn peer(group: Group, name: &'static str, service: &'static str, otherwise: &'static str) -> Package {
    Package { group, name, service: Some(service), otherwise: Some(otherwise) }
}

const NO_EBPF: &str = "built without eBPF";

pub const PACKAGES: &[Package] = &[
    package(Group::Build, "build-essential"),
    package(Group::Build, "pkg-config"),
    optional(Group::Ebpf, "rustc-web", NO_EBPF),
    optional(Group::Ebpf, "libstd-rust-web-dev-bpf", NO_EBPF),
    optional(Group::Ebpf, "llvm-22-dev", NO_EBPF),
    optional(Group::Ebpf, "libpolly-22-dev", NO_EBPF),
    package(Group::Test, "curl"),
    optional(Group::Test, "iproute2", "tests in network namespaces are skipped"),
    optional(Group::Test, "ethtool", "tests in network namespaces are skipped"),
    optional(Group::Test, "nftables", "the test of a gateway behind a firewall is skipped"),
    package(Group::Test, "nghttp2-client"),
    optional(Group::Test, "python3-venv", "tests of Azure's Python clients are skipped"),
    peer(Group::Test, "postgresql", "postgresql", "tests against PostgreSQL are skipped"),
    peer(Group::Test, "redis-server", "redis-server", "tests against Redis are skipped"),
    peer(Group::Test, "prometheus", "prometheus", "tests against Prometheus are skipped"),
    peer(Group::Test, "rsyslog", "rsyslog", "tests against rsyslog are skipped"),
    optional(Group::Test, "systemd", "tests against journald are skipped"),
    optional(Group::Test, "chromium-headless-shell", "tests in a browser are skipped"),
    peer(Group::Bench, "nginx-light", "nginx", "no nginx in the tables"),
    peer(Group::Bench, "haproxy", "haproxy", "no HAProxy in the tables"),
    package(Group::Bench, "wrk"),
    package(Group::Bench, "nghttp2-client"),
    package(Group::Bench, "openssl"),
    optional(Group::Bench, "nftables", "no nftables in the tables"),
    optional(Group::Bench, "ipset", "no ipset in the tables"),
    optional(Group::Bench, "iptables", "no ipset in the tables"),
    optional(Group::ProfileGuided, "llvm-22", "llvm-profdata has to be the toolchain's own"),
    package(Group::Vm, "debootstrap"),
];

/// A tool that cargo builds.
pub struct CargoTool {
    pub group: Group,
    pub name: &'static str,
    pub version: &'static str,
    pub arguments: &'static [&'static str],
    pub environment: &'static [(&'static str, &'static str)],
    /// Its sources do not build without this; then it is left out with a line that says so.
    pub requires: Option<&'static str>,
}

pub const CARGO_TOOLS: &[CargoTool] = &[
    CargoTool {
        group: Group::Ebpf,
        name: "bpf-linker",
        version: "0.13.0",
        arguments: &["--no-default-features", "--features", "llvm-22"],
        // The headers' place, and the shared library's.
        environment: &[("LLVM_SYS_221_PREFIX", LLVM), ("LLVM_PREFIX", LLVM)],
        requires: Some(LLVM_CONFIG),
    },
    CargoTool {
        group: Group::Test,
        name: "cargo-nextest",
        version: "0.9.143",
        arguments: &[],
        environment: &[],
        requires: None,
    },
    CargoTool {
        group: Group::Fuzz,
        name: "cargo-fuzz",
        version: "0.13.2",
        arguments: &[],
        environment: &[],
        requires: None,
    },
];

const LLVM: &str = "/usr/lib/llvm-22";
const LLVM_CONFIG: &str = "/usr/lib/llvm-22/bin/llvm-config";

/// True when rustup's nightly can build `core` for the kernel's target.
pub fn has_nightly_source() -> bool {
    let mut command = Command::new("rustc");
    process::output(command.args(["+nightly", "--print", "sysroot"]))
        .is_ok_and(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core").is_dir())
}

/// True when the distribution's compiler is there with its prebuilt `core` for the kernel's target.
pub fn has_distribution_toolchain() -> bool {
    let mut command = Command::new("/usr/bin/rustc");
    process::output(command.args(["--print", "target-libdir", "--target", "bpfel-unknown-none"]))
        .is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

//! `cargo xtask build-ebpf`: the kernel programs, as one object file.
//!
//! The object goes to `target/bpf/gateway-ebpf.o`, whatever `CARGO_TARGET_DIR` says, because
//! `gateway/datapath/build.rs` embeds it from there. The same sources give the same bytes.
//!
//! Two toolchains can build it; the first that is complete is taken:
//!
//! 1. rustup: `rustup toolchain install nightly --component rust-src`, and a `bpf-linker` built against
//!    an LLVM at least as new as that nightly's;
//! 2. Debian: packages `rustc-web`, `libstd-rust-web-dev-bpf`, `llvm-22-dev`, `libpolly-22-dev` and a C
//!    compiler (`build-essential`), then
//!    `LLVM_PREFIX=/usr/lib/llvm-22 LLVM_SYS_221_PREFIX=/usr/lib/llvm-22 cargo install bpf-linker \
//!     --version 0.13.0 --locked --no-default-features --features llvm-22`
//!    (links libLLVM-22.so dynamically; `LLVM_PREFIX` names the library's place, `LLVM_SYS_221_PREFIX` its headers').

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

const TARGET: &str = "bpfel-unknown-none";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Builds the kernel programs of the workspace at `root`; the object's path.
pub fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let object = root.join("target/bpf/gateway-ebpf.o");
    build_in(root, &root.join("target/bpf-build"), &object)?;
    Ok(object)
}

/// Builds twice, in folders that share nothing, and compares the bytes.
pub fn check_reproducible(root: &Path) -> anyhow::Result<()> {
    let scratch = root.join("target/bpf-twice");
    let mut objects = Vec::new();
    for name in ["first", "second"] {
        let folder = scratch.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let object = folder.join("gateway-ebpf.o");
        build_in(root, &folder.join("build"), &object)?;
        objects.push(fs::read(&object)?);
    }
    fs::remove_dir_all(&scratch)?;
    if objects[0] != objects[1] {
        bail!("two builds of the kernel programs differ");
    }
    eprintln!("two builds of the kernel programs are equal: {} bytes", objects[0].len());
    Ok(())
}

fn build_in(root: &Path, target_dir: &Path, object: &Path) -> anyhow::Result<()> {
    let toolchain = Toolchain::find()?;
    let mut command = toolchain.cargo();
    command
        .current_dir(root)
        .args(["build", "--release", "--package", "gateway-ebpf", "--features", "bpf"])
        .args(["--bin", "gateway-ebpf", "--target", TARGET, "--target-dir"])
        .arg(target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(root).join("\u{1f}"))
        // The programs have no unwinder, and BTF comes from the debug information.
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "2")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env_remove("RUSTFLAGS");
    let status = command.status().with_context(|| format!("cannot start cargo for {toolchain:?}"))?;
    if !status.success() {
        bail!("building the kernel programs failed ({toolchain:?}): {status}");
    }
    let built = target_dir.join(TARGET).join("release/gateway-ebpf");
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    refuse_panics(&bytes)?;
    // An unchanged object keeps its time, so that nothing is built again for it.
    if fs::read(object).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = object.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(object, bytes).with_context(|| format!("cannot write {}", object.display()))
}

/// A panic drags in code that no verifier takes: the names of its functions give it away.
fn refuse_panics(object: &[u8]) -> anyhow::Result<()> {
    let names = symbol_names(object).context("the kernel programs are no ELF object")?;
    for part in ["panic_fmt", "core3fmt", "panic_bounds_check", "rust_begin_unwind"] {
        if names.windows(part.len()).any(|window| window == part.as_bytes()) {
            bail!("the kernel programs can panic: there is a function `…{part}…` in the object");
        }
    }
    Ok(())
}

/// The string table of a 64-bit little-endian ELF object; debug information has tables of its own.
fn symbol_names(object: &[u8]) -> Option<Vec<u8>> {
    const STRING_TABLE: u64 = 3;
    let number = |at: usize, bytes: usize| {
        let field = object.get(at..at.checked_add(bytes)?)?;
        Some(field.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let (table, entry, count) = (number(0x28, 8)?, number(0x3a, 2)?, number(0x3c, 2)?);
    let mut names = Vec::new();
    for section in 0..count {
        let header = usize::try_from(table + section * entry).ok()?;
        if number(header + 4, 4)? == STRING_TABLE {
            let start = usize::try_from(number(header + 0x18, 8)?).ok()?;
            let length = usize::try_from(number(header + 0x20, 8)?).ok()?;
            names.extend(object.get(start..start.checked_add(length)?)?);
        }
    }
    Some(names)
}

/// Flags that keep the builder's folders out of the object.
fn rustflags(root: &Path) -> Vec<String> {
    let mut flags = vec![
        "-Clinker=bpf-linker".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("--remap-path-prefix={}=/gateway", root.display()),
    ];
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
    }
    flags
}

#[derive(Debug)]
enum Toolchain {
    /// rustup's nightly, which builds `core` itself.
    Nightly,
    /// Debian's compiler with its ready `core`.
    Debian,
}

impl Toolchain {
    fn find() -> anyhow::Result<Self> {
        if !on_path("bpf-linker") {
            bail!(
                "cannot build the kernel programs: bpf-linker is missing (`cargo xtask setup` installs it)"
            );
        }
        if nightly_has_source() {
            Ok(Self::Nightly)
        } else if debian_has_core() {
            Ok(Self::Debian)
        } else {
            bail!(
                "cannot build the kernel programs: neither rustup's nightly with rust-src nor Debian's \
                 rustc-web with libstd-rust-web-dev-bpf is here (`cargo xtask setup` installs one)"
            );
        }
    }

    fn cargo(&self) -> Command {
        match self {
            Self::Nightly => {
                let mut command = Command::new("rustup");
                command.args(["run", "nightly", "cargo", "-Zbuild-std=core"]);
                // These come from the toolchain that runs xtask, and would win over the one asked for.
                command.env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
                command
            }
            Self::Debian => {
                let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                command
            }
        }
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn nightly_has_source() -> bool {
    sysroot(Command::new("rustup").args(["run", "nightly", "rustc"]))
        .is_some_and(|root| root.join("lib/rustlib/src/rust/library/core").is_dir())
}

fn debian_has_core() -> bool {
    sysroot(&mut Command::new(DEBIAN_RUSTC))
        .is_some_and(|root| root.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

fn sysroot(rustc: &mut Command) -> Option<PathBuf> {
    let output = rustc.args(["--print", "sysroot"]).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file of a header, two section headers and their contents.
    fn elf(symbols: &[u8], debug: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 2 * 64];
        file[0x28] = 64;
        file[0x3a] = 64;
        file[0x3c] = 2;
        for (section, (kind, content)) in [(3, symbols), (1, debug)].into_iter().enumerate() {
            let header = 64 + section * 64;
            let start = file.len() as u64;
            file[header + 4] = kind;
            file[header + 0x18..header + 0x20].copy_from_slice(&start.to_le_bytes());
            file[header + 0x20..header + 0x28].copy_from_slice(&(content.len() as u64).to_le_bytes());
            file.extend(content);
        }
        file
    }

    #[test]
    fn refuse_panics_looks_at_functions_and_not_at_debug_information() {
        assert!(refuse_panics(&elf(b"\0gw_ingress\0memcpy\0", b"_ZN4core3fmt9Formatter")).is_ok());
        assert!(refuse_panics(&elf(b"\0gw_ingress\0_ZN4core9panicking9panic_fmt17h\0", b"")).is_err());
        assert!(refuse_panics(b"no object").is_err());
    }
}

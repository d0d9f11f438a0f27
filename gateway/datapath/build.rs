//! Embeds the kernel programs, if `cargo xtask build-ebpf` has built them; else an empty object.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=GATEWAY_EBPF_OBJECT");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let built = manifest.join("../../target/bpf/gateway-ebpf.o");
    let object = env::var_os("GATEWAY_EBPF_OBJECT").map_or(built, PathBuf::from);
    watch(&object);
    let bytes = match fs::read(&object) {
        Ok(bytes) => bytes,
        Err(_) if env::var_os("GATEWAY_EBPF_OBJECT").is_none() => Vec::new(),
        Err(error) => return Err(format!("GATEWAY_EBPF_OBJECT {}: {error}", object.display()).into()),
    };
    fs::write(Path::new(&env::var("OUT_DIR")?).join("gateway-ebpf.o"), bytes)?;
    Ok(())
}

/// The object, or the folder it will appear in: cargo would rerun for ever for a file that is not there.
fn watch(object: &Path) {
    let folder = object.parent().unwrap_or(Path::new("."));
    let watched = if object.exists() || fs::create_dir_all(folder).is_err() { object } else { folder };
    println!("cargo:rerun-if-changed={}", watched.display());
}

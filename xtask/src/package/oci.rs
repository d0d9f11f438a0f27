//! The OCI image (image-spec 1.1) without a container engine: one layer with the binary, the libraries it is
//! linked with, the root certificates and a user; in a tar file that `skopeo`, `podman load` and `ctr import` read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::release::{self, Release};
use crate::process;
use crate::workspace::Workspace;

const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
const USERS: &str = "root:x:0:0:root:/:/sbin/nologin\ngateway:x:1001:1001:gateway:/:/sbin/nologin\n";
const GROUPS: &str = "root:x:0:\ngateway:x:1001:\n";

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub fn pack(workspace: &Workspace, release: &Release, binary: &Path) -> anyhow::Result<PathBuf> {
    let root = release.stage("oci/root")?;
    lay_out(workspace, binary, &root)?;
    let layout = release.stage("oci/layout")?;
    fs::create_dir_all(layout.join("blobs/sha256"))?;

    let tarball = layout.join("layer.tar");
    process::run(release.tar().arg("-cf").arg(&tarball).arg("-C").arg(&root).arg("."))?;
    let content = sha256(&tarball)?;
    process::run(Command::new("gzip").args(["-n", "-9"]).arg(&tarball))?;
    let layer = Blob::keep(&layout, &layout.join("layer.tar.gz"))?;
    let configuration = Blob::write(&layout, &configuration(release, &content))?;
    let manifest = Blob::write(&layout, &manifest(&configuration, &layer))?;
    release::write(&layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?;
    release::write(&layout.join("index.json"), &index(release, &manifest), 0o644)?;

    let file = release.folder.join(format!("gateway-{}-oci-{}.tar", release.version, release.architecture));
    process::run(release.tar().arg("-cf").arg(&file).arg("-C").arg(&layout).arg("."))?;
    Ok(file)
}

fn lay_out(workspace: &Workspace, binary: &Path, root: &Path) -> anyhow::Result<()> {
    let packed = root.join("usr/bin/gateway");
    release::install(binary, &packed, 0o755)?;
    process::run(Command::new("strip").arg(&packed))?;
    for library in libraries(binary)? {
        let inside = library.strip_prefix("/").context("a library without an absolute path")?;
        release::install(&library, &root.join(inside), 0o755)?;
    }
    let certificates = Path::new("/").join(CERTIFICATES);
    if !certificates.exists() {
        bail!(
            "{} is missing here, and the image needs root certificates: install ca-certificates",
            certificates.display()
        );
    }
    release::install(&certificates, &root.join(CERTIFICATES), 0o644)?;
    release::write(&root.join("etc/passwd"), USERS, 0o644)?;
    release::write(&root.join("etc/group"), GROUPS, 0o644)?;
    release::install(&workspace.root.join("LICENSE"), &root.join("usr/share/doc/gateway/copyright"), 0o644)?;
    fs::create_dir_all(root.join("tmp"))?;
    Ok(())
}

/// The shared libraries that the dynamic linker loads, and that linker.
fn libraries(binary: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let list = process::output(Command::new("ldd").arg(binary))?;
    Ok(paths(&list))
}

/// The absolute paths in what `ldd` prints.
fn paths(ldd: &str) -> Vec<PathBuf> {
    ldd.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// A file of the layout, named by what it holds.
struct Blob {
    digest: String,
    bytes: u64,
}

impl Blob {
    fn write(layout: &Path, text: &str) -> anyhow::Result<Self> {
        let file = layout.join("blob.json");
        fs::write(&file, text)?;
        Self::keep(layout, &file)
    }

    fn keep(layout: &Path, file: &Path) -> anyhow::Result<Self> {
        let digest = sha256(file)?;
        let bytes = fs::metadata(file)?.len();
        fs::rename(file, layout.join("blobs/sha256").join(&digest))?;
        Ok(Self { digest, bytes })
    }

    fn descriptor(&self, media_type: &str) -> String {
        format!(r#""mediaType":"{media_type}","digest":"sha256:{}","size":{}"#, self.digest, self.bytes)
    }
}

fn configuration(release: &Release, content: &str) -> String {
    format!(
        r#"{{"architecture":"{}","os":"linux","config":{{"User":"1001:1001","ExposedPorts":{{"8080/tcp":{{}},"8081/tcp":{{}}}},"Env":["PATH=/usr/bin"],"Entrypoint":["/usr/bin/gateway"],"Cmd":["run"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{content}"]}}}}"#,
        release.architecture
    )
}

fn manifest(configuration: &Blob, layer: &Blob) -> String {
    let (configuration, layer) = (configuration.descriptor(CONFIGURATION), layer.descriptor(LAYER));
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{{configuration}}},"layers":[{{{layer}}}]}}"#
    )
}

fn index(release: &Release, manifest: &Blob) -> String {
    let (descriptor, version) = (manifest.descriptor(MANIFEST), &release.version);
    format!(
        r#"{{"schemaVersion":2,"manifests":[{{{descriptor},"platform":{{"architecture":"{}","os":"linux"}},"annotations":{{"org.opencontainers.image.ref.name":"{version}"}}}}]}}"#,
        release.architecture
    )
}

fn sha256(file: &Path) -> anyhow::Result<String> {
    let line = process::output(Command::new("sha256sum").arg(file))?;
    Ok(line.split_whitespace().next().context("sha256sum printed nothing")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_from_every_form_of_line() {
        let ldd = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x2)\n\t/lib64/ld.so.2 (0x3)\n";
        assert_eq!(paths(ldd), [PathBuf::from("/lib/x/libc.so.6"), PathBuf::from("/lib64/ld.so.2")]);
    }
}

# Arguments: the scratch folder, the repository, the Rust toolchain to lend.
set -eu
folder=$1 repository=$2 toolchain=$3
root=$folder/root

say() { echo "vm-check: $1" >&2; }
fail() { say "FAILED: $1"; exit 1; }

# Debian 12 from where this machine gets its own packages, if that is Debian 12 too.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | head -n 1)
say "a clean Debian 12 in $root"
rm -rf --one-file-system "$root"
debootstrap --variant=minbase --include=ca-certificates,sudo,systemd bookworm "$root" ${mirror:+"$mirror"} >"$folder/debootstrap.log" ||
    { tail "$folder/debootstrap.log"; fail debootstrap; }

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

# Lent: package sources, name servers, certificates, toolchain. None of them is in the repository.
if [ -n "$mirror" ]; then
    rm -rf "$root/etc/apt"
    cp -rL /etc/apt "$root/etc/apt"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
cp --remove-destination /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mkdir "$root/opt/rust"
mount --bind "$toolchain" "$root/opt/rust"
chroot "$root" sh -c 'ln -s /opt/rust/bin/* /usr/local/bin/'

# A user as Vagrant's: not root, sudo without a password.
chroot "$root" useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
mkdir "$root/vagrant"
git -C "$repository" archive HEAD | tar -xf - -C "$root/vagrant"
chroot "$root" chown -R vagrant: /vagrant

# What is tried is the provisioning, not the optimiser: without it the build takes minutes instead of half an hour.
plain='CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256'
provision() {
    chroot "$root" su - vagrant -c "$plain sh /vagrant/deploy/vagrant/provision.sh" </dev/null >"$1" 2>&1 ||
        { tail -n 50 "$1"; fail "provisioning, see $1"; }
}

say "first run"
provision "$folder/first.log"
grep -E '^(setup|built|eBPF|provision|no C)' "$folder/first.log" >&2
[ -x "$root/vagrant/target/release/gateway" ] || fail "there is no release binary"
chroot "$root" su - vagrant -c '/vagrant/target/release/gateway --version' || fail "the release binary does not start"
[ -z "$(find "$root/etc/systemd/system" -name 'nginx.service' -o -name 'haproxy.service' -o -name 'redis*.service')" ] ||
    fail "a peer is enabled as a service"
[ ! -e "$root/usr/sbin/policy-rc.d" ] || fail "policy-rc.d was left behind"

say "second run"
packages() { chroot "$root" dpkg-query -W -f '${Package} ${Version}\n'; }
before=$(packages)
provision "$folder/second.log"
grep -qx 'setup: nothing to install' "$folder/second.log" || fail "the second run installed something, see $folder/second.log"
[ "$before" = "$(packages)" ] || fail "the second run changed the packages"
say "passed: built on a clean Debian 12, and the second run installed nothing"

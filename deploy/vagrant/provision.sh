#!/bin/sh
# Makes a clean Debian 12 ready to build, test and measure the gateway. Run again, it installs nothing.
# Runs as the user who will build, with sudo, or as root. The argument is the repository, by default /vagrant.
set -eu
cd "${1:-/vagrant}"

export PATH="$HOME/.cargo/bin:$PATH"

if ! command -v cargo >/dev/null; then
    echo "provision: installing rustup's stable toolchain"
    if ! command -v curl >/dev/null; then
        as_root=
        [ "$(id -u)" = 0 ] || as_root=sudo
        $as_root apt-get -q update
        $as_root apt-get -q install -y --no-install-recommends ca-certificates curl
    fi
    installer=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$installer"
    sh "$installer" -y --profile minimal --component clippy,rustfmt
    rm "$installer"
fi

cargo xtask setup
cargo xtask build
echo "provision: done"

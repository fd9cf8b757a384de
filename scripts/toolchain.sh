# Sourced by demo, test and scripts/bootstrap: finds cargo and settles which toolchain this shell uses.
# shellcheck shell=bash

# rustup-init puts its programs here; a shell that is older than the installation does not have it on PATH.
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
case ":$PATH:" in
*":$cargo_home/bin:"*) ;;
*) PATH="$cargo_home/bin:$PATH" ;;
esac
export PATH

# One target directory and no incremental data: a cold run on two cores spends its time compiling, not hashing.
export CARGO_INCREMENTAL=0

pinned_toolchain() {
    sed -n 's/^channel = "\(.*\)"$/\1/p' "$1/rust-toolchain.toml"
}

# Prints the version of the compiler that `rustc` reaches, empty when there is none.
compiler_version() {
    rustc --version 2>/dev/null | cut -d ' ' -f 2
}

# True when version $1 is at least version $2 (dotted numbers).
version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Where the pinned toolchain could not be installed but an installed one is new enough, use that one.
settle_toolchain() {
    local pinned name version
    pinned=$(pinned_toolchain "$1")
    [ -n "${RUSTUP_TOOLCHAIN:-}" ] && return 0
    [ -n "$(cd "$1" && compiler_version)" ] && return 0
    command -v rustup >/dev/null || return 1
    for name in $(rustup toolchain list 2>/dev/null | cut -d ' ' -f 1 | grep -v nightly); do
        version=$(RUSTUP_TOOLCHAIN="$name" compiler_version)
        if [ -n "$version" ] && version_at_least "$version" "$pinned"; then
            echo "toolchain: $pinned is not installed, using $name ($version)" >&2
            export RUSTUP_TOOLCHAIN="$name"
            return 0
        fi
    done
    return 1
}

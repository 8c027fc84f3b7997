#!/usr/bin/env bash
# Makes sure of a livekit-server: one on PATH of the same minor version, else `go install` into DIR.
# livekit-server.sh VERSION DIR
set -euo pipefail
version=$1 dir=$2
fits() { "$1" --version 2>/dev/null | grep -qE "version v?${version%.*}\.[0-9]+$"; }

if command -v livekit-server >/dev/null && fits livekit-server; then
    echo "livekit-server: the one on PATH, $(livekit-server --version)" >&2
    exit 0
fi
if fits "$dir/livekit-server"; then exit 0; fi
# Go 1.21 is the first that fetches the toolchain a module asks for.
minor=$({ go env GOVERSION || true; } 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p')
if [ "${minor:-0}" -lt 21 ]; then
    echo "livekit-server $version is not on PATH and building it needs Go 1.21 or later, here: $(go version 2>/dev/null || echo none)." \
        "Install one (Debian 12: golang-go of bookworm-backports; Ubuntu 24.04: golang-go), or put livekit-server on PATH" >&2
    exit 1
fi
echo "livekit-server: building v$version with $(go version | cut -d' ' -f3); about 3 minutes, once" >&2
mkdir -p "$dir"
# a build says nothing for minutes; a pipe that never ends serves as a clock without a child of its own
(while ! read -rt 20 <> <(:); do echo "livekit-server: still building, ${SECONDS} s" >&2; done) &
clock=$!
trap 'kill $clock' EXIT
GOTOOLCHAIN=auto GOBIN="$PWD/$dir" go install "github.com/livekit/livekit-server/cmd/server@v$version"
mv "$dir/server" "$dir/livekit-server"

#!/bin/sh
# Builds and vets what the plan promises: no cgo, portable code only, other
# operating systems, and one big-endian target.
set -eu
go=${GO:-go}
build() { # NAME ENV...
	name=$1
	shift
	env CGO_ENABLED=0 "$@" "$go" build -o /dev/null ./cmd/gosklyuch || { echo "cross-build: $name failed" >&2; exit 1; }
}
build linux-amd64
build windows-amd64 GOOS=windows GOARCH=amd64
build darwin-arm64 GOOS=darwin GOARCH=arm64
build linux-arm64 GOOS=linux GOARCH=arm64
build linux-s390x GOOS=linux GOARCH=s390x
CGO_ENABLED=0 "$go" build -tags purego -o /dev/null ./cmd/gosklyuch
echo 'cross-build: linux/amd64 (also purego), windows/amd64, darwin/arm64, linux/arm64, linux/s390x (big-endian)'

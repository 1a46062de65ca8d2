#!/bin/sh
# The generated files are what their generators write: runs `go generate` for
# the cryptography in a copy of the tree and compares.
set -eu
go=${GO:-go}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM
cp -R go.mod go.sum gost tools "$copy"
(cd "$copy" && "$go" generate ./gost/...)
diff -r gost "$copy/gost" >/dev/null || {
	echo 'generated files differ from what their generators write; run: go generate ./gost/...'
	diff -rq gost "$copy/gost"
	exit 1
}
(cd tools/asm && "$go" vet ./...)

#!/bin/sh
# Static checks, with the versions pinned in tools/go.mod.
set -eu
go=${GO:-go}
tool() { "$go" tool -modfile=tools/go.mod "$@"; }

diff=$(tool gofumpt -l .)
[ -z "$diff" ] || { echo "gofumpt differs:"; echo "$diff"; exit 1; }
tool staticcheck ./...
tool golangci-lint run ./...
./scripts/generated.sh
if command -v govulncheck >/dev/null 2>&1 && govulncheck -version >/dev/null 2>&1; then
	govulncheck ./... || echo 'lint: govulncheck did not pass or could not reach its database'
else
	echo 'lint: govulncheck is skipped: it is not installed'
fi

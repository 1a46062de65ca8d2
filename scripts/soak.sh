#!/bin/sh
# Long runs whose results stand in docs/soak.md: kill -9 at random moments
# while an authority issues and revokes, and a document of 10 GB.
#   KILL_ROUNDS  default 250      LARGE_MIB  default 10240
set -eu
go=${GO:-go}
echo "soak: ${KILL_ROUNDS:-250} rounds of kill -9"
GOSKLYUCH_KILL_ROUNDS=${KILL_ROUNDS:-250} "$go" test ./pki/ca/... -run 'Crash|Kill' -count=1 -timeout 60m -v | grep -vE '^=== '
echo "soak: a document of ${LARGE_MIB:-10240} MiB"
GOSKLYUCH_LARGE_MIB=${LARGE_MIB:-10240} "$go" test ./internal/cli -run TestLargeDocument -count=1 -timeout 120m -v | grep -vE '^=== '

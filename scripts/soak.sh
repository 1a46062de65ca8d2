#!/bin/sh
# Long runs whose results stand in docs/soak.md: kill -9 at random moments
# while an authority issues and revokes, and a document of 10 GB.
#   KILL_ROUNDS  default 250      LARGE_MIB  default 10240
# and the verification service under load and with a large upload.
#   SERVICE_SECONDS  default 1800      UPLOAD_MIB  default 2048
# and a PostgreSQL primary killed under three nodes.
#   FAILOVER_ROUNDS  default 20
# A stage is named as the argument: crash, large, service, failover; none means all.
set -eu
go=${GO:-go}
stage=${1:-all}
case $stage in all | crash | large | service | failover) ;; *)
	echo "soak: unknown stage $stage: crash, large, service, failover" >&2
	exit 2
	;;
esac
if [ "$stage" = all ] || [ "$stage" = crash ]; then
	echo "soak: ${KILL_ROUNDS:-250} rounds of kill -9"
	GOSKLYUCH_KILL_ROUNDS=${KILL_ROUNDS:-250} "$go" test ./pki/ca/... -run 'Crash|Kill' -count=1 -timeout 60m -v | grep -vE '^=== '
fi
if [ "$stage" = all ] || [ "$stage" = large ]; then
	echo "soak: a document of ${LARGE_MIB:-10240} MiB"
	GOSKLYUCH_LARGE_MIB=${LARGE_MIB:-10240} "$go" test ./internal/cli -run TestLargeDocument -count=1 -timeout 120m -v | grep -vE '^=== '
fi
if [ "$stage" = all ] || [ "$stage" = service ]; then
	echo "soak: the verification service for ${SERVICE_SECONDS:-1800} s, an upload of ${UPLOAD_MIB:-2048} MiB"
	GOSKLYUCH_SERVICE_SECONDS=${SERVICE_SECONDS:-1800} GOSKLYUCH_UPLOAD_MIB=${UPLOAD_MIB:-2048} GOSKLYUCH_LATENCY_ROUNDS=400 \
		"$go" test ./internal/cryptotest/load -count=1 -timeout 120m -v | grep -vE '^=== '
fi
if [ "$stage" = all ] || [ "$stage" = failover ]; then
	echo "soak: ${FAILOVER_ROUNDS:-20} primaries killed"
	GOSKLYUCH_FAILOVER_ROUNDS=${FAILOVER_ROUNDS:-20} "$go" test ./pki/ca/pgstore -run TestFailover -count=1 -timeout 60m -v | grep -vE '^=== '
fi

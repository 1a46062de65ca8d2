#!/bin/sh
# Long runs whose results stand in docs/soak.md and docs/performance.md. CI runs
# each at a tenth or less. The stages, and what makes them longer or shorter:
#   crash     an authority killed at random moments         KILL_ROUNDS=500
#   large     a document of 10 GB                            LARGE_MIB=10240
#   service   the verification service under load            SERVICE_SECONDS=1800 UPLOAD_MIB=2048
#   failover  a PostgreSQL primary killed under three nodes  FAILOVER_ROUNDS=20
#   ocsp      OCSP answers a second, against openssl ocsp    OCSP_SECONDS=20 OCSP_CERTIFICATES=2000
#   tsa       time stamps, processes killed under 64 clients TSA_KILLS=60
#   bulk      certificates a second, against openssl         BULK_CERTIFICATES=20000
#   growth    the ledger grows, cost of a certificate        GROWTH_RECORDS=1000000
#   crl       a revocation list in a stream                  CRL_ENTRIES=1000000
# A stage is named as the argument; none means all.
set -eu
go=${GO:-go}
stage=${1:-all}
case $stage in all | crash | large | service | failover | ocsp | tsa | bulk | growth | crl) ;; *)
	echo "soak: unknown stage $stage: crash, large, service, failover, ocsp, tsa, bulk, growth, crl" >&2
	exit 2
	;;
esac
wanted() { [ "$stage" = all ] || [ "$stage" = "$1" ]; }
# The status of a run is that of go test, not of the filter behind it.
run() {
	status=$(mktemp)
	{ "$go" test -count=1 -timeout 240m -v "$@" || echo failed >"$status"; } 2>&1 | grep -vE '^=== ' || true
	if [ -s "$status" ]; then
		rm -f "$status"
		echo "soak: failed: $*" >&2
		exit 1
	fi
	rm -f "$status"
}
if wanted crash; then
	echo "soak: ${KILL_ROUNDS:-500} rounds of kill -9"
	GOSKLYUCH_KILL_ROUNDS=${KILL_ROUNDS:-500} run ./pki/ca/... -run 'Crash|Kill'
fi
if wanted large; then
	echo "soak: a document of ${LARGE_MIB:-10240} MiB"
	GOSKLYUCH_LARGE_MIB=${LARGE_MIB:-10240} run ./internal/cli -run TestLargeDocument
fi
if wanted service; then
	echo "soak: the verification service for ${SERVICE_SECONDS:-1800} s, an upload of ${UPLOAD_MIB:-2048} MiB"
	GOSKLYUCH_SERVICE_SECONDS=${SERVICE_SECONDS:-1800} GOSKLYUCH_UPLOAD_MIB=${UPLOAD_MIB:-2048} GOSKLYUCH_LATENCY_ROUNDS=400 \
		run ./internal/cryptotest/load -skip 'OCSP|Stamp'
fi
if wanted failover; then
	echo "soak: ${FAILOVER_ROUNDS:-20} primaries killed"
	GOSKLYUCH_FAILOVER_ROUNDS=${FAILOVER_ROUNDS:-20} run ./pki/ca/pgstore -run TestFailover
fi
if wanted ocsp; then
	echo "soak: OCSP for ${OCSP_SECONDS:-20} s each, ${OCSP_CERTIFICATES:-2000} certificates"
	GOSKLYUCH_OCSP_SECONDS=${OCSP_SECONDS:-20} GOSKLYUCH_OCSP_CERTIFICATES=${OCSP_CERTIFICATES:-2000} run ./internal/cryptotest/load -run OCSP
fi
if wanted tsa; then
	echo "soak: time stamps, ${TSA_KILLS:-60} deaths"
	GOSKLYUCH_TSA_KILLS=${TSA_KILLS:-60} run ./internal/cryptotest/load -run Stamp
fi
if wanted bulk; then
	echo "soak: ${BULK_CERTIFICATES:-20000} certificates"
	GOSKLYUCH_BULK_CERTIFICATES=${BULK_CERTIFICATES:-20000} run ./pki/ca -run xxx -bench OpenSSL -benchtime 1x
fi
if wanted growth; then
	echo "soak: a ledger of ${GROWTH_RECORDS:-1000000} certificates"
	GOSKLYUCH_GROWTH_RECORDS=${GROWTH_RECORDS:-1000000} run ./pki/ca -run TestGrowth
fi
if wanted crl; then
	echo "soak: a list of ${CRL_ENTRIES:-1000000} entries"
	GOSKLYUCH_CRL_ENTRIES=${CRL_ENTRIES:-1000000} run ./pki -run TestCRLWriterLarge
fi

#!/bin/sh
# Fuzzes every target of the module.
#   fuzz.sh each 10m     every target for 10 minutes
#   fuzz.sh shared 360   all targets within 360 seconds, shared in turn
set -eu
go=${GO:-go}
mode=$1
amount=$2

targets=$(grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . |
	sed 's|^\./||' |
	sed 's|/[^/]*_test\.go:func |:|' | sort -u)
count=$(echo "$targets" | wc -l)
case $mode in
each) per=$amount ;;
shared) per=$((amount / count))s ;;
*) echo "usage: fuzz.sh each DURATION | shared SECONDS" >&2; exit 2 ;;
esac
[ "$per" != 0s ] || per=1s

# go test reports its own end of time as a failure when a worker is between two
# inputs at that moment ("context deadline exceeded"). An input that fails or
# hangs is written to testdata and named; without one nothing failed.
ended() {
	case $1 in
	*'Failing input written'* | *'hung or terminated'* | *panic:*) return 1 ;;
	*'context deadline exceeded'*) return 0 ;;
	*) return 1 ;;
	esac
}

echo "fuzz: $count targets, $per each"
failed=0
for t in $targets; do
	dir=${t%%:*}
	name=${t##*:}
	if ! out=$("$go" test "./$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$per" -fuzzminimizetime 10x 2>&1) && ! ended "$out"; then
		echo "$out"
		echo "fuzz: $dir $name FAILED"
		failed=1
		continue
	fi
	echo "fuzz: $dir $name: $(echo "$out" | grep -o 'execs: [0-9]*' | tail -n 1), no failure"
done
exit $failed

//go:build bench

package bench_test

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// measure returns the operations a second of the best slice of 2 ms of this
// thread's processor time, so that other work on the machine does not count.
func measure(op func(), limit time.Duration) float64 {
	const slice = 2 * time.Millisecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	op()
	best, batch := 0.0, 1
	for end := cpuTime() + limit; cpuTime() < end; {
		start := cpuTime()
		for range batch {
			op()
		}
		elapsed := cpuTime() - start
		if elapsed < slice {
			batch += max(1, min(batch*7, int(float64(batch)*(float64(slice)*1.05/float64(elapsed+1)-1))))
			continue
		}
		best = max(best, float64(batch)/elapsed.Seconds())
	}
	return best
}

// runPeer returns the operations a second of testdata/peer.c.
func runPeer(t *testing.T, program, conf string, r row) float64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, r.peerOp, r.peerArg, strconv.FormatFloat(*seconds, 'f', -1, 64))
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+conf)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("peer %s %s: %v", r.peerOp, r.peerArg, err)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		t.Fatal(err)
	}
	if r.peerScale > 0 {
		rate *= r.peerScale
	}
	return rate
}

//go:build bench

package bench_test

import (
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

var (
	seconds = flag.Float64("seconds", 1, "time for one measurement")
	only    = flag.String("only", "", "regular expression over the rows' names")
)

// row is one line of the table.
type row struct {
	name            string
	peerOp, peerArg string                         // the operation of testdata/peer.c; empty: no peer
	octets          int                            // octets an operation handles: the rate is shown in MB/s
	target          float64                        // least ratio ours / peer; 0: none set
	ours            func(t *testing.T) (op func()) // prepares and returns one operation
}

// rowSources lists the functions that contribute rows.
var rowSources = []func() []row{signatureRows, symmetricRows}

// signatureTargets are the ratios of the portable code, sign and verify.
var signatureTargets = []struct {
	curve        gost3410.Curve
	alg, set     string
	sign, verify float64
}{
	{gost3410.CryptoProA(), "gost2012_256", "A", 1.8, 2.4},
	{gost3410.TC26A256(), "gost2012_256", "TCA", 1.4, 1.6},
	{gost3410.CryptoProB(), "gost2012_256", "B", 2.0, 2.6},
	{gost3410.CryptoProC(), "gost2012_256", "C", 2.0, 2.6},
	{gost3410.TC26A512(), "gost2012_512", "A", 1.6, 1.3},
	{gost3410.TC26B512(), "gost2012_512", "B", 3.0, 0},
	{gost3410.TC26C512(), "gost2012_512", "C", 1.3, 0},
}

func signatureRows() (rows []row) {
	for _, s := range signatureTargets {
		arg := s.alg + ":" + s.set
		digest := make([]byte, s.curve.Size())
		rows = append(rows, row{
			name: s.curve.Name() + " sign", peerOp: "sign", peerArg: arg, target: s.sign,
			ours: func(t *testing.T) func() {
				key := generate(t, s.curve)
				return func() {
					if _, err := key.Sign(rand.Reader, digest, nil); err != nil {
						t.Fatal(err)
					}
				}
			},
		}, row{
			name: s.curve.Name() + " verify", peerOp: "verify", peerArg: arg, target: s.verify,
			ours: func(t *testing.T) func() {
				key := generate(t, s.curve)
				sig, err := key.Sign(rand.Reader, digest, nil)
				if err != nil {
					t.Fatal(err)
				}
				return func() {
					if !gost3410.Verify(key.PublicKey(), digest, sig) {
						t.Fatal("own signature refused")
					}
				}
			},
		})
	}
	return rows
}

func generate(t *testing.T, c gost3410.Curve) *gost3410.PrivateKey {
	t.Helper()
	key, err := gost3410.GenerateKey(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestRatios prints the table.
func TestRatios(t *testing.T) {
	peer.NeedOpenSSL(t)
	program := buildPeer(t)
	conf := peer.ConfigFile(t)
	filter := regexp.MustCompile(*only)
	limit := time.Duration(*seconds * float64(time.Second))
	fmt.Printf("%-28s %14s %14s %7s %7s\n", "", "ours", "gost-engine", "ratio", "target")
	for _, source := range rowSources {
		for _, r := range source() {
			if !filter.MatchString(r.name) {
				continue
			}
			theirs := 0.0
			if r.peerOp != "" {
				theirs = runPeer(t, program, conf, r)
			}
			ours := measure(r.ours(t), limit)
			printRow(r, ours, theirs)
		}
	}
}

func printRow(r row, ours, theirs float64) {
	show := func(rate float64) string {
		switch {
		case rate == 0:
			return "-"
		case r.octets > 0:
			return fmt.Sprintf("%.1f MB/s", rate*float64(r.octets)/1e6)
		}
		return fmt.Sprintf("%.0f /s", rate)
	}
	ratio, target, verdict := "-", "-", ""
	if theirs > 0 {
		ratio = fmt.Sprintf("%.2f", ours/theirs)
	}
	if r.target > 0 {
		target, verdict = fmt.Sprintf("%.1f", r.target), "ok"
		if theirs == 0 || ours/theirs < r.target {
			verdict = "below"
		}
	}
	fmt.Printf("%-28s %14s %14s %7s %7s %s\n", r.name, show(ours), show(theirs), ratio, target, verdict)
}

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

func buildPeer(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "peer")
	cmd := exec.CommandContext(t.Context(), "gcc", "-O2", "-Wall", "-o", out, filepath.Join("testdata", "peer.c"), "-lcrypto")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling the peer (Debian packages gcc and libssl-dev): %v\n%s", err, msg)
	}
	return out
}

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
	return rate
}

package pfx

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// certtoolIterations is what certtool always takes.
const certtoolIterations = 600_000

// BenchmarkPFX makes and opens a file with a key and its certificates, as
// certtool does with as many iterations in the same run, and prints the ratio of
// the processor times.
func BenchmarkPFX(b *testing.B) {
	peer.NeedCerttool(b)
	const password = "Passw0rd"
	contents := newContents(b, "gost2012-256", "cryptopro-a")
	f := writeContents(b, b.TempDir(), contents, password)
	made := filepath.Join(b.TempDir(), "made.pfx")
	b.Run("make", func(b *testing.B) {
		compare(b, []string{
			"--to-p12", "--load-privkey", f.key, "--load-certificate", f.cert, "--pkcs-cipher", "gost28147-tc26z",
			"--hash", "streebog-512", "--p12-name", "key", "--password", password, "--outder", "--outfile", made,
		}, func() error {
			_, err := Encode(rand.Reader, contents, []byte(password), Options{Iterations: certtoolIterations})
			return err
		})
	})
	b.Run("open", func(b *testing.B) {
		data, err := os.ReadFile(made)
		if err != nil {
			b.Fatal(err)
		}
		compare(b, []string{"--p12-info", "--inder", "--infile", made, "--password", password}, func() error {
			_, err := Decode(data, []byte(password))
			return err
		})
	})
}

// compare measures ours against one run of certtool.
func compare(b *testing.B, args []string, ours func() error) {
	start := processorTime(b, syscall.RUSAGE_CHILDREN)
	if res := peer.Certtool(b, peer.Run{Args: args}); res.Err != nil {
		b.Fatalf("certtool: %v\n%s", res.Err, res.All())
	}
	theirs := processorTime(b, syscall.RUSAGE_CHILDREN) - start
	var best time.Duration
	for b.Loop() {
		start := processorTime(b, syscall.RUSAGE_SELF)
		if err := ours(); err != nil {
			b.Fatal(err)
		}
		if took := processorTime(b, syscall.RUSAGE_SELF) - start; best == 0 || took < best {
			best = took
		}
	}
	b.ReportMetric(best.Seconds(), "s-ours")
	b.ReportMetric(theirs.Seconds(), "s-certtool")
	b.ReportMetric(theirs.Seconds()/best.Seconds(), "ratio")
}

// processorTime returns what this process, or the children that have ended, used
// of the processor.
func processorTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

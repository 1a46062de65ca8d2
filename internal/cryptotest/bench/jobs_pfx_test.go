//go:build bench

package bench_test

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
)

// pfxIterations is what OWASP advises for PBKDF2 with a hash of 256 bits.
const pfxIterations = 600_000

// namePFX is the row that the history keeps.
const namePFX = "open a PFX of 600,000 iterations"

// pfxJobs open a PFX whose MAC and bags cost so many iterations each.
func pfxJobs() []job {
	return []job{{name: namePFX, peer: "certtool --p12-info", unit: "files", units: 1, target: 2.5, prepare: preparePFX}}
}

func preparePFX(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	peer.NeedCerttool(t)
	now := time.Now()
	tmpl := testpki.Leaf(t, "CN=Bench,C=RU")
	tmpl.NotBefore, tmpl.NotAfter = now.Add(-time.Hour), now.AddDate(1, 0, 0)
	ca := testpki.CA(t, "CN=Root,C=RU")
	ca.NotBefore, ca.NotAfter = tmpl.NotBefore, tmpl.NotAfter
	who := testpki.Issue(t, tmpl, testpki.Issue(t, ca, nil))
	password := []byte("password")
	data, err := pfx.Encode(rand.Reader, &pfx.Contents{Key: who.Key, Certificate: who.Cert}, password, pfx.Options{Iterations: pfxIterations})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pfx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) jobTime {
			return inProcess(func() {
				if c, err := pfx.Decode(data, password); err != nil || c.Key == nil {
					t.Fatalf("own file: %v", err)
				}
			})
		}, func(t *testing.T) jobTime {
			_, took := timed(t, exec.CommandContext(t.Context(), "certtool", "--p12-info", "--inder", "--infile", file, "--password", string(password)))
			return took
		}
}

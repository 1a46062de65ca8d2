//go:build bench

package bench_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

var (
	fileSize  = flag.Int64("file", 1<<30, "octets of the long file that both sides hash, sign and verify")
	largeSize = flag.Int64("large", 4<<30, "octets of the file that is signed against the bare hash of as many")
)

// Names that the history in the documentation keeps.
const (
	nameSignLong = "sign a long file"
	nameSignMany = "sign many small files"
)

// fileJobs are what is done with files and one key. We bring each signature to
// the disk before it gets its name, OpenSSL leaves that to the system: in memory
// there is no such difference.
func fileJobs() []job {
	mb := float64(*fileSize) / 1e6
	return []job{
		{name: "hash a long file", peer: "openssl dgst", unit: "MB", units: mb, prepare: prepareHash},
		{name: nameSignLong, peer: "openssl cms -sign", unit: "MB", units: mb, prepare: prepareSign(false)},
		{name: "sign a long file, attached", peer: "openssl cms -sign -nodetach", unit: "MB", units: mb, prepare: prepareSign(true)},
		{name: "verify a long file", peer: "openssl cms -verify", unit: "MB", units: mb, prepare: prepareVerify},
		{
			name: "sign a large file, against the bare hash", peer: "Streebog of as much memory, in this process", unit: "MB",
			units: float64(*largeSize) / 1e6, target: 0.9, prepare: prepareBare("sign"),
		},
		{
			name: "verify a large file, against the bare hash", peer: "Streebog of as much memory, in this process", unit: "MB",
			units: float64(*largeSize) / 1e6, target: 0.9, prepare: prepareBare("verify"),
		},
		{name: "hash as many files as processors at once", peer: "openssl dgst, a process a file", unit: "MB", units: mb, prepare: prepareHashSeveral},
		{name: nameSignMany, peer: "CMS_sign, a process a core", unit: "documents", units: float64(*documents), prepare: prepareSignMany("")},
		{
			name: "sign many small files, in memory", peer: "CMS_sign, a process a core", unit: "documents", units: float64(*documents),
			prepare: prepareSignMany("/dev/shm"),
		},
	}
}

// workshop is a folder with a key, its self-signed certificate, our program and
// OpenSSL's configuration.
type workshop struct {
	dir, key, cert, conf, program string
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	dir := t.TempDir()
	w := &workshop{dir: dir, key: filepath.Join(dir, "key.pem"), cert: filepath.Join(dir, "cert.pem"), conf: peer.ConfigFile(t), program: buildProgram(t)}
	peer.MustOpenSSL(t, "genpkey", "-algorithm", "gost2012_256", "-pkeyopt", "paramset:A", "-out", w.key)
	peer.MustOpenSSL(t, "req", "-x509", "-new", "-key", w.key, "-subj", "/C=RU/CN=Bench", "-days", "30", "-out", w.cert,
		"-addext", "keyUsage=digitalSignature,nonRepudiation", "-addext", "basicConstraints=CA:FALSE")
	return w
}

// file makes a file of zeros that takes no room on the disk.
func (w *workshop) file(t *testing.T, name string, size int64) string {
	t.Helper()
	name = filepath.Join(w.dir, name)
	f, err := os.Create(name)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// ours runs the program.
func (w *workshop) ours(t *testing.T, args ...string) jobTime {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.program, append(args, "--lang", "en")...)
	cmd.Env = append(os.Environ(), "GOSKLYUCH_HOME="+filepath.Join(w.dir, "home"))
	_, took := timed(t, cmd)
	return took
}

// openssl runs the peer.
func (w *workshop) openssl(t *testing.T, args ...string) jobTime {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+w.conf)
	_, took := timed(t, cmd)
	return took
}

func prepareHash(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	w := newWorkshop(t)
	long := w.file(t, "long", *fileSize)
	return func(t *testing.T) jobTime { return w.ours(t, "hash", long) },
		func(t *testing.T) jobTime { return w.openssl(t, "dgst", "-md_gost12_256", long) }
}

func prepareHashSeveral(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	w := newWorkshop(t)
	files := make([]string, runtime.NumCPU())
	for i := range files {
		files[i] = w.file(t, fmt.Sprint("part", i), *fileSize/int64(len(files)))
	}
	return func(t *testing.T) jobTime { return w.ours(t, append([]string{"hash"}, files...)...) },
		func(t *testing.T) jobTime {
			return together(len(files), func(i int) jobTime { return w.openssl(t, "dgst", "-md_gost12_256", files[i]) })
		}
}

// together runs n things at once and returns the time by the clock and all
// processor time.
func together(n int, run func(i int) jobTime) jobTime {
	var wg sync.WaitGroup
	took := make([]jobTime, n)
	begin := time.Now()
	for i := range n {
		wg.Go(func() { took[i] = run(i) })
	}
	wg.Wait()
	sum := jobTime{wall: time.Since(begin)}
	for _, p := range took {
		sum.cpu += p.cpu
	}
	return sum
}

// signArgs are the arguments of a signature by our program.
func (w *workshop) signArgs(file, out string, more ...string) []string {
	return append([]string{"sign", file, "--key", w.key, "--cert", w.cert, "-o", out, "--force"}, more...)
}

func prepareSign(attached bool) func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	return func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
		w := newWorkshop(t)
		long := w.file(t, "long", *fileSize)
		mine, other := w.signArgs(long, filepath.Join(w.dir, "ours.sig")), []string{
			"cms", "-sign", "-binary", "-nosmimecap", "-in", long, "-signer", w.cert, "-inkey", w.key, "-outform", "DER",
			"-out", filepath.Join(w.dir, "theirs.sig"),
		}
		if attached {
			// To nowhere: the disk is not what is measured.
			mine, other = w.signArgs(long, "/dev/null", "--attached"), append(other[:len(other)-1], "/dev/null", "-nodetach", "-stream")
		}
		return func(t *testing.T) jobTime { return w.ours(t, mine...) }, func(t *testing.T) jobTime { return w.openssl(t, other...) }
	}
}

func prepareVerify(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	w := newWorkshop(t)
	long, sig := w.file(t, "long", *fileSize), filepath.Join(w.dir, "ours.sig")
	w.ours(t, w.signArgs(long, sig)...)
	return func(t *testing.T) jobTime { return w.ours(t, w.verifyArgs(long, sig)...) },
		func(t *testing.T) jobTime {
			return w.openssl(t, "cms", "-verify", "-binary", "-inform", "DER", "-in", sig, "-content", long, "-CAfile", w.cert, "-purpose", "any", "-out", "/dev/null")
		}
}

func (w *workshop) verifyArgs(file, sig string) []string {
	return []string{"verify", file, sig, "--trust", w.cert, "--offline", "--revocation", "none"}
}

// prepareBare signs or verifies a file, and has for a peer the digest of as many
// octets that lie in memory, without reading, program start or signature.
func prepareBare(command string) func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	return func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
		w := newWorkshop(t)
		large, sig := w.file(t, "large", *largeSize), filepath.Join(w.dir, "large.sig")
		args := w.signArgs(large, sig)
		w.ours(t, args...) // the file is in memory from now on, if there is room
		if command == "verify" {
			args = w.verifyArgs(large, sig)
		}
		return func(t *testing.T) jobTime { return w.ours(t, args...) }, bareHash
	}
}

func bareHash(*testing.T) jobTime {
	return inProcess(func() {
		buf, h := make([]byte, 256<<10), streebog.New256()
		for left := *largeSize; left > 0; left -= int64(len(buf)) {
			h.Write(buf[:min(left, int64(len(buf)))])
		}
		h.Sum(nil)
	})
}

// inProcess measures work of this process. The processor time is that of all
// threads, since the work may use several.
func inProcess(work func()) jobTime {
	wall, begin := time.Now(), processTime()
	work()
	return jobTime{wall: time.Since(wall), cpu: processTime() - begin}
}

// prepareSignMany puts the documents into a folder of parent, "" for the usual
// place of temporary files.
func prepareSignMany(parent string) func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
	return func(t *testing.T) (ours, theirs func(t *testing.T) jobTime) {
		w := newWorkshop(t)
		signer := compile(t, "peer_sign.c")
		dir, err := os.MkdirTemp(parent, "bench") //nolint:usetesting // t.TempDir is on the disk
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // nothing of it is used again
		files := make([]string, *documents)
		for i := range files {
			files[i] = filepath.Join(dir, fmt.Sprintf("%05d.txt", i))
			write(t, files[i], bytes.Repeat(fmt.Appendf(nil, "Document %d.\n", i), 80))
		}
		n := runtime.NumCPU()
		return func(t *testing.T) jobTime {
				return w.ours(t, append([]string{"sign", "--key", w.key, "--cert", w.cert, "--force"}, files...)...)
			}, func(t *testing.T) jobTime {
				return together(n, func(i int) jobTime {
					cmd := exec.CommandContext(t.Context(), signer, w.cert, w.key)
					cmd.Env = append(os.Environ(), "OPENSSL_CONF="+w.conf)
					cmd.Stdin = lines(files[i*len(files)/n : (i+1)*len(files)/n])
					_, took := timed(t, cmd)
					return took
				})
			}
	}
}

func lines(of []string) io.Reader { return strings.NewReader(strings.Join(of, "\n") + "\n") }

//go:build unix

package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxResident is the bound on a process that signs or verifies a document of
// any size, in bytes.
const maxResident = 64 << 20

// TestLargeDocument signs and verifies one large document, attached and
// detached, from a file and from a pipe, and looks at the peak of resident
// memory of each process. Its size in MiB is $GOSKLYUCH_LARGE_MIB; make soak
// takes 10240.
func TestLargeDocument(t *testing.T) {
	mib := 256
	if v := os.Getenv("GOSKLYUCH_LARGE_MIB"); v != "" {
		var err error
		if mib, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		mib = 32
	}
	l := newLarge(t, int64(mib)<<20)
	l.run("hash", "", "hash", "doc")
	detached := []string{"verify", "doc", "doc.sig"}
	l.run("sign detached, file", "", "sign", "doc", "--key", "key.pem", "--cert", "key.cer", "-o", "doc.sig")
	l.run("verify detached, file", "", l.trusted(detached)...)
	l.run("sign detached, pipe", "doc", "sign", "-", "--key", "key.pem", "--cert", "key.cer", "-o", "pipe.sig")
	l.run("verify detached, pipe", "doc", l.trusted([]string{"verify", "-", "pipe.sig"})...)
	l.run("sign attached, file", "", "sign", "doc", "--attached", "--key", "key.pem", "--cert", "key.cer", "-o", "doc.p7s")
	l.run("verify attached, file", "", l.trusted([]string{"verify", "doc.p7s"})...)
	l.run("verify attached, pipe", "doc.p7s", l.trusted([]string{"verify", "-"})...)
	l.remove("doc.p7s")
	l.run("sign attached, pipe, --stream", "doc", "sign", "-", "--attached", "--stream", "--key", "key.pem", "--cert", "key.cer", "-o", "ber.p7s")
	l.run("verify attached BER, pipe", "ber.p7s", l.trusted([]string{"verify", "-"})...)
	l.remove("ber.p7s")
	l.run("sign attached, pipe, spooled", "doc", "sign", "-", "--attached", "--key", "key.pem", "--cert", "key.cer", "-o", "spool.p7s")
	l.run("verify attached, file", "", l.trusted([]string{"verify", "spool.p7s"})...)
}

// A large is one large document with a key and a self-signed certificate.
type large struct {
	t    *testing.T
	dir  string
	size int64
	hash time.Duration
}

func newLarge(t *testing.T, size int64) *large {
	l := &large{t: t, dir: t.TempDir(), size: size}
	f, err := os.Create(filepath.Join(l.dir, "doc"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil { // zeros: they cost the hash what any bytes cost
		t.Fatal(err)
	}
	writeSelfSigned(t, filepath.Join(l.dir, "key.pem"), filepath.Join(l.dir, "key.cer"))
	return l
}

func (l *large) trusted(args []string) []string {
	return append(args, "--trust", "key.cer", "--revocation", "none")
}

func (l *large) remove(name string) {
	if err := os.Remove(filepath.Join(l.dir, name)); err != nil {
		l.t.Fatal(err)
	}
}

// run runs the program, with a file through a pipe on standard input where
// stdin names one, and looks at its peak of memory.
func (l *large) run(what, stdin string, args ...string) {
	l.t.Helper()
	cmd := exec.CommandContext(l.t.Context(), "gosklyuch", append(args, "--no-input")...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), "GOSKLYUCH_HOME="+filepath.Join(l.dir, "home"), "GOSKLYUCH_PASSWORD=", "TMPDIR="+l.dir)
	if stdin != "" {
		feed := exec.CommandContext(l.t.Context(), "cat", stdin)
		feed.Dir = l.dir
		pipe, err := feed.StdoutPipe()
		if err != nil {
			l.t.Fatal(err)
		}
		if err := feed.Start(); err != nil {
			l.t.Fatal(err)
		}
		defer feed.Wait()
		cmd.Stdin = pipe
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	watched := watchPeak(cmd.Process.Pid)
	err := cmd.Wait()
	took := time.Since(begin)
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", what, err, out.Bytes())
	}
	if strings.HasPrefix(what, "hash") {
		l.hash = took
	}
	peak := watched()
	if peak == 0 { // no Linux, or over before the first look
		peak = residentPeak(cmd.ProcessState)
	}
	l.t.Logf("%-32s %5d MiB  %7.1f MB/s  %.0f%% of the hash  peak %d MiB", what, l.size>>20,
		float64(l.size)/1e6/took.Seconds(), 100*l.hash.Seconds()/took.Seconds(), peak>>20)
	if peak > maxResident {
		l.t.Errorf("%s: peak of resident memory %d MiB, at most %d", what, peak>>20, maxResident>>20)
	}
}

// watchPeak looks at the peak of resident memory of a process, in bytes, until
// the function that it returns is called; 0 means that it was never seen. On
// Linux the figure of a process that has ended (getrusage) is not less than what
// its parent had when it started it: the tests' own memory would be measured.
func watchPeak(pid int) func() int64 {
	done, result := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, highWater(pid))
			select {
			case <-done:
				result <- peak
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 { close(done); return <-result }
}

// highWater reads VmHWM of a process, in bytes; 0 where there is none.
func highWater(pid int) int64 {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// residentPeak returns the peak of resident memory in bytes.
func residentPeak(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}

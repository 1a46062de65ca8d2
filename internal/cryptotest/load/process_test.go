//go:build linux

package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var build struct {
	once sync.Once
	path string
	err  error
}

// TestMain removes the program that the tests built.
func TestMain(m *testing.M) {
	code := m.Run()
	if build.path != "" {
		os.RemoveAll(filepath.Dir(build.path))
	}
	os.Exit(code)
}

// program builds the program once.
func program(t testing.TB) string {
	t.Helper()
	build.once.Do(buildProgram)
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

// buildProgram builds into a folder that outlives the test which came first.
func buildProgram() {
	dir, err := os.MkdirTemp("", "gosklyuch-load-*")
	if err != nil {
		build.err = err
		return
	}
	build.path = filepath.Join(dir, "gosklyuch")
	out, err := exec.Command("go", "build", "-o", build.path, "github.com/gosklyuch/gosklyuch/cmd/gosklyuch").CombinedOutput()
	if err != nil {
		build.err = fmt.Errorf("%w: %s", err, out)
	}
}

// A process is a running service.
type process struct {
	cmd *exec.Cmd
	url string
	log *os.File
}

// start runs `serve verify` with the PKI of the test.
func start(t testing.TB, p *testPKI, args ...string) *process {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"serve", "verify", "--json", "--offline", "--listen", "127.0.0.1:0", "--temp-dir", dir}, args...)
	s := &process{cmd: exec.Command(program(t), append(args, p.flags(t)...)...), log: log}
	s.cmd.Env = append(os.Environ(), "GOSKLYUCH_HOME="+dir)
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); log.Close() })
	var doc struct{ URL string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&doc); err != nil {
		t.Fatalf("the service did not start: %v", err)
	}
	s.url = doc.URL
	return s
}

// stop ends the service as an operator does and checks how it went.
func (s *process) stop(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the service ended with %v", err)
		}
	case <-time.After(45 * time.Second):
		t.Error("the service does not stop")
	}
	log, err := os.ReadFile(s.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(log), `"msg":"panic"`) || strings.Contains(string(log), "goroutine ") {
		t.Errorf("the service panicked: %.4000s", log[strings.Index(string(log), "panic"):])
	}
}

// A sample is the state of the process at a moment.
type sample struct {
	after          time.Duration
	rss, peak      int64 // octets
	files, threads int
}

// sample reads /proc.
func (s *process) sample(t testing.TB, since time.Time) sample {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", s.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Errorf("the service is gone: %v", err)
		return sample{after: time.Since(since)}
	}
	out := sample{after: time.Since(since)}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		switch name {
		case "VmRSS":
			out.rss = n << 10
		case "VmHWM":
			out.peak = n << 10
		case "Threads":
			out.threads = int(n)
		}
	}
	files, _ := os.ReadDir(proc + "/fd")
	out.files = len(files)
	return out
}

// metric reads one value of /metrics.
func (s *process) metric(t testing.TB, name string) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

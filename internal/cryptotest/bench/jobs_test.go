//go:build bench

package bench_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	jobRounds  = flag.Int("rounds", 2, "how often a job is measured")
	jobsFolder = flag.String("jobs", "", "keep what the jobs are made of in this folder, and take it from there")
)

// A job is a line of the table of jobs: a piece of work that a user waits for,
// done by us and by a peer in turn, each the best of -rounds.
type job struct {
	name   string        // of the row, and what -only is matched against
	peer   string        // the peer's command, for the table
	unit   string        // what the rate counts: "documents", "MB"
	units  float64       // how many of them one round handles
	target float64       // least ratio ours / peer by the clock; 0: none set
	most   time.Duration // longest that one round of ours may take by the clock; 0: none set
	// prepare makes what the job needs, outside the measured time, and returns
	// one round of each side; theirs is nil where there is no peer. A round
	// checks that the work was done and fails the test if not.
	prepare func(t *testing.T) (ours, theirs func(t *testing.T) jobTime)
}

// jobSources lists the functions that contribute jobs.
var jobSources = []func() []job{startJobs, fileJobs, pfxJobs, verifyBatchJobs, caJobs}

// runJobs measures the jobs whose names match, ours and the peer in turn.
func runJobs(t *testing.T, rep *report, filter *regexp.Regexp) {
	t.Helper()
	rep.jobsHead()
	for _, source := range jobSources {
		for _, j := range source() {
			if filter.MatchString(j.name) {
				t.Run(j.name, func(t *testing.T) { runJob(t, rep, j) })
			}
		}
	}
}

func runJob(t *testing.T, rep *report, j job) {
	t.Helper()
	ours, theirs := j.prepare(t)
	var we, they jobTime
	for range *jobRounds {
		we.best(ours(t))
		if theirs != nil {
			they.best(theirs(t))
		}
		if t.Failed() {
			return
		}
	}
	rep.job(j, we, they)
}

// jobTime is what a job took: by the clock, and of all processors.
type jobTime struct{ wall, cpu time.Duration }

// best keeps the lesser of each.
func (b *jobTime) best(o jobTime) {
	if b.wall == 0 || o.wall < b.wall {
		b.wall = o.wall
	}
	if b.cpu == 0 || o.cpu < b.cpu {
		b.cpu = o.cpu
	}
}

// timed runs a program.
func timed(t *testing.T, cmd *exec.Cmd) ([]byte, jobTime) {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	begin := time.Now()
	out, err := cmd.Output()
	took := jobTime{wall: time.Since(begin)}
	if err != nil {
		t.Errorf("%s: %v\n%s", shortened(cmd.Args), err, errs.Bytes())
		return out, took
	}
	took.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return out, took
}

// shortened leaves names out of a long command line.
func shortened(args []string) []string { return args[:min(len(args), 12)] }

// compile builds a C program of testdata against libcrypto.
func compile(t *testing.T, source string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(source, ".c"))
	cmd := exec.CommandContext(t.Context(), "gcc", "-O2", "-Wall", "-o", out, filepath.Join("testdata", source), "-lcrypto")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling the peer (Debian packages gcc and libssl-dev): %v\n%s", err, msg)
	}
	return out
}

// buildProgram returns the program as it is delivered. It is built once.
func buildProgram(t *testing.T) string {
	t.Helper()
	name, err := delivered()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// programs is the folder of the program under test, which TestMain makes.
var programs string

// TestMain removes the program at the end.
func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

var delivered = sync.OnceValues(func() (string, error) {
	out := filepath.Join(programs, "gosklyuch")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "../../../cmd/gosklyuch")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, msg)
	}
	return out, nil
})

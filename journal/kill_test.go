package journal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killEnv makes the test binary append and erase in the journal that it names
// until it is killed.
const killEnv = "GOSKLYUCH_JOURNAL_KILL"

// roundsEnv is how often TestFileKill kills.
const roundsEnv = "GOSKLYUCH_KILL_ROUNDS"

// untilKilled prints the number of every record that was acknowledged.
func untilKilled(path string) int {
	j, ctx := NewFile(path), context.Background()
	for n := 0; ; n++ {
		r, err := j.Append(ctx, Entry{Event: "sign", Subject: "secret"})
		if err == nil {
			fmt.Println(r.Seq)
			if n%2 == 0 {
				_, err = j.Erase(ctx, erasure(r.Seq, FieldSubject))
				fmt.Println(r.Seq + 1)
			}
		}
		if err != nil {
			fmt.Println("error", err)
			return 1
		}
	}
}

// TestFileKill kills processes that append and erase: what was acknowledged is
// there, the chain is whole, and what a record says was erased is gone.
func TestFileKill(t *testing.T) {
	rounds := 15
	if text := os.Getenv(roundsEnv); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j, path := fill(t, 1)
	total := 0
	for round := range rounds {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), killEnv+"="+path)
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1) // it has begun
		if _, err := io.ReadFull(pipe, first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(mathrand.Int64N(int64(25 * time.Millisecond))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(pipe)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		out := string(bytes.Join([][]byte{first, rest}, nil))
		if strings.Contains(out, "error") {
			t.Fatalf("round %d: %s", round, out)
		}
		total += checkKilled(t, j, out)
	}
	if total < rounds {
		t.Errorf("only %d records were acknowledged", total)
	}
}

func checkKilled(t *testing.T, j *File, out string) (acknowledged int) {
	t.Helper()
	head, err := j.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		text, whole := strings.CutSuffix(line, "\n")
		if n, err := strconv.ParseUint(text, 10, 64); whole && (err != nil || n > head.Seq) {
			t.Fatalf("record %q was acknowledged; the last one is %d", text, head.Seq)
		}
		acknowledged++
	}
	erased := map[string]bool{}
	for r, err := range j.Records() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Event == "erase" {
			erased[strings.TrimPrefix(r.Subject, DefaultNode+"/")] = true
		}
	}
	for r := range j.Records() {
		if _, gone := r.Value(FieldSubject); r.Event == "sign" && erased[strconv.FormatUint(r.Seq, 10)] != gone {
			t.Fatalf("record %d: erased %v", r.Seq, gone)
		}
	}
	return acknowledged
}

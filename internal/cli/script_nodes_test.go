package cli

import (
	"net/http"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for what comes by itself.
const patience = time.Minute

// scriptEventually is the command eventually CODE COMMAND…: the command is run
// until it ends with the exit code.
func scriptEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		got := 0
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it unwrapped
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if got == want {
			return
		}
		if time.Since(begin) > patience {
			ts.Fatalf("exit code %d, want %d", got, want)
		}
	}
}

// scriptEventuallyHTTP is the command eventually-http METHOD URL STATUS: the
// request is sent until the answer has the status.
func scriptEventuallyHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: eventually-http METHOD URL STATUS")
	}
	client := &http.Client{Timeout: 30 * time.Second}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		code, answer := requestUntilThere(ts, client, args[0], args[1], "", nil)
		if strconv.Itoa(code) == args[2] {
			_, err := ts.Stdout().Write(answer)
			ts.Check(err)
			return
		}
		if time.Since(begin) > patience {
			ts.Fatalf("HTTP %d, not %s: %s", code, args[2], answer)
		}
	}
}

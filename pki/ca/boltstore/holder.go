package boltstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Holder is the process that holds a ledger.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Program string    `json:"program"`
	Since   time.Time `json:"since"`
}

// ErrHeld is what every *HeldError unwraps to.
var ErrHeld = errors.New("boltstore: another process holds the ledger")

// HeldError says who holds a ledger that could not be opened.
type HeldError struct {
	Path   string
	Holder Holder // zero where the file beside the ledger could not be read
}

// Error names the file and the process.
func (e *HeldError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("%v %s", ErrHeld, e.Path)
	}
	return fmt.Sprintf("%v %s: %s, process %d on %s, since %s", ErrHeld, e.Path,
		e.Holder.Program, e.Holder.PID, e.Holder.Host, e.Holder.Since.Format(time.RFC3339))
}

// Unwrap returns [ErrHeld].
func (e *HeldError) Unwrap() error { return ErrHeld }

func holderPath(path string) string { return path + ".holder" }

// writeHolder tells other processes who holds the file. It runs under the
// lock; the file is renamed into place so that a reader sees all of it.
func writeHolder(path string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	b, err := json.Marshal(Holder{
		PID: os.Getpid(), Host: host, Program: filepath.Base(os.Args[0]),
		Since: time.Now().UTC().Truncate(time.Second),
	})
	if err != nil {
		return fmt.Errorf("boltstore: holder: %w", err)
	}
	tmp := holderPath(path) + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("boltstore: holder: %w", err)
	}
	if err := os.Rename(tmp, holderPath(path)); err != nil {
		return fmt.Errorf("boltstore: holder: %w", err)
	}
	return nil
}

// removeHolder leaves a stale file where it cannot remove it: the name in it
// is shown only while the lock is held, and a new holder replaces it.
func removeHolder(path string) { _ = os.Remove(holderPath(path)) }

// heldBy reads who holds the ledger. An unreadable file leaves the holder out.
func heldBy(path string) error {
	e := &HeldError{Path: path}
	if b, err := os.ReadFile(holderPath(path)); err == nil && json.Unmarshal(b, &e.Holder) != nil {
		e.Holder = Holder{}
	}
	return e
}

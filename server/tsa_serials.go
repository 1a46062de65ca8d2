package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// Serials gives serial numbers from a file. Numbers are taken from the file in
// blocks: the end of a block is on disk before its first number is used, so a
// crash wastes numbers and repeats none. A number is never below the
// microseconds of the clock when the file was opened, so none is repeated where
// the file was lost or came back from a backup either, as long as fewer than a
// million tokens a second were issued.
type Serials struct {
	path string
	lock *os.File

	mu        sync.Mutex
	next, end int64
}

var _ tsp.SerialSource = (*Serials)(nil)

// serialBlock is how many numbers one write to disk is for.
const serialBlock = 1024

// ErrSerialsInUse says that another process has the file.
var ErrSerialsInUse = errors.New("server: another process uses the file of serial numbers")

// OpenSerials opens or makes the file; its directory must exist. It is held by
// one process until Close.
func OpenSerials(path string, now time.Time) (*Serials, error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("server: serial numbers: %w", err)
	}
	s := &Serials{path: path, lock: lock}
	if err := s.open(now); err != nil {
		lock.Close() //nolint:errcheck,gosec // the first error counts
		return nil, fmt.Errorf("server: serial numbers: %w", err)
	}
	return s, nil
}

func (s *Serials) open(now time.Time) error {
	if ok, err := files.TryLock(s.lock); err != nil {
		return err
	} else if !ok {
		return ErrSerialsInUse
	}
	text, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("%s does not hold one number", s.path)
		}
		s.next = n
	}
	s.next = max(s.next, now.UnixMicro(), 1)
	s.end = s.next
	return nil
}

// NextSerial returns the next number.
func (s *Serials) NextSerial(context.Context) (*big.Int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next >= s.end {
		end := s.next + serialBlock
		if end < s.next {
			return nil, errors.New("server: serial numbers: none is left")
		}
		if err := s.save(end); err != nil {
			return nil, fmt.Errorf("server: serial numbers: %w", err)
		}
		s.end = end
	}
	n := s.next
	s.next++
	return big.NewInt(n), nil
}

// save puts the end of a block on disk.
func (s *Serials) save(end int64) error {
	return files.Replace(s.path, "."+filepath.Base(s.path)+".", fmt.Appendln(nil, end))
}

// Close gives the file back.
func (s *Serials) Close() error { return s.lock.Close() }

// NodeSerials gives serial numbers without a file, for authorities of one name
// on several machines: 159 bits, of which 62 are drawn when it is made, 32 count,
// and 64 are drawn for each number. Within a process no number comes twice
// because of the count; two processes, or a machine that was set back to a
// snapshot while it ran, give the same only if they draw the same 64 bits at the
// same count. RFC 3161, section 2.4.2: users "MUST be ready to accommodate
// integers up to 160 bits".
type NodeSerials struct {
	mu    sync.Mutex
	run   [8]byte
	count uint32
}

var _ tsp.SerialSource = (*NodeSerials)(nil)

// NewNodeSerials draws what is this process's own.
func NewNodeSerials() *NodeSerials {
	s := &NodeSerials{}
	s.draw()
	return s
}

func (s *NodeSerials) draw() {
	rand.Read(s.run[:])             // it never fails
	s.run[0] = s.run[0]&0x7f | 0x40 // positive, and of one length
}

// NextSerial returns the next number. It never fails.
func (s *NodeSerials) NextSerial(context.Context) (*big.Int, error) {
	var b [20]byte
	s.mu.Lock()
	copy(b[:8], s.run[:])
	binary.BigEndian.PutUint32(b[8:12], s.count)
	if s.count++; s.count == 0 {
		s.draw()
	}
	s.mu.Unlock()
	rand.Read(b[12:]) // it never fails
	return new(big.Int).SetBytes(b[:]), nil
}

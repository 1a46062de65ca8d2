//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

const typeQuery = "application/timestamp-query"

// A stampNode is a process that stamps at an address that it keeps over its
// deaths.
type stampNode struct {
	args    []string
	address string
	cmd     *exec.Cmd
}

// A stampLoad is one run.
type stampLoad struct {
	a        *authority
	path     string // of the service
	nodes    []*stampNode
	document string
	digest   []byte

	mu      sync.Mutex
	serials map[string]bool // of the stamps that arrived
	lost    int             // requests that a dying node did not answer
	times   []time.Duration
	sample  []byte // the last answer
}

// TestStampSerials lets 64 clients ask an authority for time stamps in two
// processes of one name (`ca serve --tsa-key` on two nodes), and then in one
// process with a file of numbers (`serve tsa`), while the processes are killed
// with SIGKILL, or stopped, and started again $GOSKLYUCH_TSA_KILLS times (default
// 4; `make soak` takes 60). No serial number comes twice (RFC 3161, section
// 2.4.2), and OpenSSL verifies answers from before and after each death.
func TestStampSerials(t *testing.T) {
	if testing.Short() {
		t.Skip("a long run")
	}
	peer.NeedOpenSSL(t)
	kills := number(t, "GOSKLYUCH_TSA_KILLS", 4)
	a := newAuthority(t, 1)
	_, cert, both := a.service(t, "tsa")
	second := filepath.Join(a.work, "second")
	if err := os.CopyFS(second, os.DirFS(a.dir)); err != nil {
		t.Fatal(err)
	}
	node := func(dir string) []string {
		return []string{"ca", "serve", "--dir", dir, "--tsa-key", both, "--tsa-policy", "1.2.3.4", "--public-rate", "0"}
	}
	root := a.write(t, "root.pem", certificatePEM(a.root))
	t.Run("two nodes", func(t *testing.T) {
		s := newStampLoad(t, a, "/tsa", node(a.dir), node(second))
		s.run(t, kills, root)
	})
	t.Run("a file of numbers", func(t *testing.T) {
		s := newStampLoad(t, a, "/", []string{
			"serve", "tsa", "--key", both, "--cert", cert, "--policy", "1.2.3.4", "--serials", filepath.Join(a.work, "serials"), "--ordering",
		})
		s.run(t, kills, root)
	})
}

func newStampLoad(t *testing.T, a *authority, path string, nodes ...[]string) *stampLoad {
	t.Helper()
	text := []byte("the document that is stamped\n")
	sum := streebog.Sum256(text)
	s := &stampLoad{a: a, path: path, document: a.write(t, "document.txt", text), digest: sum[:], serials: map[string]bool{}}
	for _, args := range nodes {
		// Not where the clients are: a client that looks for a dead node from a
		// port of the same address may take that port, or find itself.
		l, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		s.nodes = append(s.nodes, &stampNode{args: append(args, "--listen", address), address: address})
	}
	return s
}

// run presses and kills.
func (s *stampLoad) run(t *testing.T, kills int, root string) {
	for _, n := range s.nodes {
		_, n.cmd = s.a.serve(t, n.args...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			if errs[i] = s.client(ctx, s.nodes[i%len(s.nodes)].address); errs[i] != nil {
				cancel()
			}
		})
	}
	for round := range kills {
		time.Sleep(200*time.Millisecond + time.Duration(rand.IntN(400))*time.Millisecond)
		s.verifySample(t, root)
		n := s.nodes[round%len(s.nodes)]
		if round%4 == 3 {
			end(t, n.cmd)
		} else if err := n.cmd.Process.Kill(); err != nil {
			t.Error(err)
		} else {
			n.cmd.Wait() //nolint:errcheck // it was killed
		}
		_, n.cmd = s.a.serve(t, n.args...)
	}
	time.Sleep(300 * time.Millisecond)
	s.verifySample(t, root)
	cancel()
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	slices.Sort(s.times)
	t.Logf("%d stamps over %d deaths, %d requests without an answer, no serial number twice; half within %s, 99 %% within %s",
		len(s.serials), kills, s.lost, s.times[len(s.times)/2].Round(100*time.Microsecond), s.times[len(s.times)*99/100].Round(100*time.Microsecond))
	if len(s.serials) < kills*clients {
		t.Errorf("only %d stamps: that says little", len(s.serials))
	}
}

// client asks one node until the context is done; a node that is gone is asked
// again.
func (s *stampLoad) client(ctx context.Context, address string) error {
	req, err := tsp.NewRequest(nil, alg.Identifier{OID: oid.Streebog256}, s.digest, "")
	if err != nil {
		return err
	}
	query := target{address: address, path: s.path, contentType: typeQuery, keep: true}.request(req.Raw)
	var c *connection
	defer func() { c.close() }()
	for ctx.Err() == nil {
		if c == nil {
			if c, err = connect(address); err != nil {
				c = nil
				time.Sleep(20 * time.Millisecond) // it is starting again
				continue
			}
		}
		start := time.Now()
		answer, err := c.exchange(query)
		if err != nil {
			c.close()
			c = nil
			s.mu.Lock()
			s.lost++
			s.mu.Unlock()
			continue
		}
		if err := s.take(answer, time.Since(start)); err != nil {
			return err
		}
	}
	return nil
}

// take notes the serial number of an answer.
func (s *stampLoad) take(answer []byte, took time.Duration) error {
	resp, err := tsp.ParseResponse(answer)
	if err != nil {
		return err
	}
	if resp.Token == nil {
		return fmt.Errorf("a refusal: %x", answer)
	}
	serial := resp.Token.Info.Serial.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serials[serial] {
		return fmt.Errorf("the serial number %s came twice", serial)
	}
	s.serials[serial], s.sample = true, bytes.Clone(answer)
	s.times = append(s.times, took)
	return nil
}

// verifySample has OpenSSL verify the last answer.
func (s *stampLoad) verifySample(t *testing.T, root string) {
	t.Helper()
	s.mu.Lock()
	sample := s.sample
	s.mu.Unlock()
	if sample == nil {
		return
	}
	file := s.a.write(t, "sample.tsr", sample)
	r := peer.OpenSSL(t, peer.Run{Args: []string{"ts", "-verify", "-data", s.document, "-in", file, "-CAfile", root}})
	if r.Err != nil || !strings.Contains(r.All(), "Verification: OK") {
		t.Errorf("OpenSSL refuses a stamp: %v %s", r.Err, r.All())
	}
}

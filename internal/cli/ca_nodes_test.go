//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/postgres"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// TestNodes lets three processes of one authority issue in bulk at the same
// time, each under the name of a node of its own, while two more sign lists.
// Each request has one certificate, no number of a list is given twice, and
// numbers rise for whoever signs; each node has a chain of its own, and all
// chains are whole.
func TestNodes(t *testing.T) {
	if err := postgres.Available(); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	server := postgres.Start(t, "fsync = off")
	server.Database(t, "one")
	base := t.TempDir()
	dir := filepath.Join(base, "D")
	_, err := program(t, 0, "ca", "init", "--dir", dir, "--subject", "CN=Root,C=RU", "--alg", "ecdsa-p256", "--ledger", server.URI("one", postgres.User), "--node", "first")
	if err != nil {
		t.Fatal(err)
	}
	const each, lists = 60, 5
	requests := func(node string) string {
		from := filepath.Join(base, node)
		if err := os.Mkdir(from, 0o700); err != nil {
			t.Fatal(err)
		}
		for n := range each {
			writeRequest(t, filepath.Join(from, fmt.Sprintf("%03d.csr", n)), fmt.Sprintf("CN=Device %s %d,C=RU", node, n))
		}
		return from
	}
	var wg sync.WaitGroup
	for n := range 3 {
		node := fmt.Sprint("desk-", n)
		from := requests(node)
		wg.Go(func() {
			if _, err := programAs(t, node, 0, "ca", "issue", "--dir", dir, "--bulk", from, "--out", from+".out", "--profile", "ocsp"); err != nil {
				t.Errorf("%s: %v", node, err)
			}
		})
	}
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for n := range 2 {
		wg.Go(func() {
			last := uint64(0)
			for k := range lists {
				path := filepath.Join(base, fmt.Sprintf("%d-%d.crl", n, k))
				if _, err := programAs(t, fmt.Sprint("lists-", n), 0, "ca", "crl", "--dir", dir, "-o", path); err != nil {
					t.Error(err)
					return
				}
				number := crlNumber(t, path)
				mu.Lock()
				if seen[number] || number <= last {
					t.Errorf("number %d after %d; given out before: %v", number, last, seen[number])
				}
				seen[number], last = true, number
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	checkNodes(t, dir, 3*each)
	for n := range uint64(2 * lists) {
		if !seen[n+1] {
			t.Errorf("there is no list with the number %d", n+1)
		}
	}
}

// checkNodes reads the ledger and all its chains by the program.
func checkNodes(t *testing.T, dir string, certificates int) {
	t.Helper()
	out, err := program(t, 0, "ca", "backup", dir, "-o", filepath.Join(t.TempDir(), "backup"))
	if err != nil {
		t.Fatal(err)
	}
	var sum struct {
		Certificates int `json:"certificates"`
		Requests     int `json:"requests"`
	}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || sum.Certificates != certificates || sum.Requests != certificates {
		t.Errorf("%d certificates were to be issued: %s, %v", certificates, out, err)
	}
	if out, err = program(t, 0, "journal", "verify", "--dir", dir); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	for _, node := range []string{"first", "desk-0", "desk-1", "desk-2", "lists-0", "lists-1"} {
		if !strings.Contains(out, `"`+node+`"`) {
			t.Errorf("there is no chain of the node %s: %s", node, out)
		}
	}
}

// writeRequest writes a request for a new key.
func writeRequest(t *testing.T, path, subject string) {
	t.Helper()
	key, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	name, err := pki.ParseDN(subject)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: name}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, der, 0o600); err != nil {
		t.Fatal(err)
	}
}

func crlNumber(t *testing.T, path string) uint64 {
	t.Helper()
	der, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return 0
	}
	list, err := pki.ParseCRL(der)
	if err != nil || list.Number == nil {
		t.Errorf("%s: %v", path, err)
		return 0
	}
	return list.Number.Uint64()
}

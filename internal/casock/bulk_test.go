package casock_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestBulk issues many through the socket, in more lines than one: every item is
// told once and in its order, a second run issues nothing.
func TestBulk(t *testing.T) {
	s := serve(t)
	c := s.dial(t)
	key := must(alg.GenerateKey("gost2012-256", ""))(t)
	var items []ca.BulkItem
	for n := range 2*limits.SocketBulk + 10 {
		der := must(pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: must(pki.ParseDN(fmt.Sprintf("CN=Client %d", n)))(t)}, key))(t)
		items = append(items, ca.BulkItem{Name: fmt.Sprint(n), Line: n + 2, CSR: der, Profile: "ocsp"})
	}
	unreadable := errors.New("unreadable")
	items[3].Err = unreadable
	items[4].CSR = make([]byte, limits.SocketBulkBytes+1)
	items[5].CSR = []byte("nonsense")
	items[6].Profile = "none"
	items[7].Days = -1
	items[9].CSR = items[8].CSR
	items[300].CSR = nil
	refused := map[int]error{3: unreadable, 4: casock.ErrTooLarge, 5: nil, 6: ca.ErrProfile, 7: nil, 300: nil}
	run := func(fresh ca.BulkOutcome) {
		t.Helper()
		n := 0
		err := c.Bulk(t.Context(), slices.Values(items), "", func(r ca.BulkResult) error {
			want := fresh
			if n == 9 {
				want = ca.BulkAlready
			}
			why, bad := refused[n]
			if bad {
				want = ca.BulkRefused
			}
			if r.Name != items[n].Name || r.Line != n+2 || r.Outcome != want || (r.Err != nil) != bad || (r.Certificate == nil) != bad {
				t.Errorf("item %d: %+v", n, r)
			}
			if why != nil && !errors.Is(r.Err, why) {
				t.Errorf("item %d: %v, want %v", n, r.Err, why)
			}
			if r.Certificate != nil && r.Certificate.SerialNumber.Cmp(r.Serial.Big()) != 0 {
				t.Errorf("item %d: serial number %s", n, r.Serial)
			}
			n++
			return nil
		})
		if err != nil || n != len(items) {
			t.Fatalf("%d of %d: %v", n, len(items), err)
		}
	}
	run(ca.BulkIssued)
	run(ca.BulkAlready)
	stop := errors.New("the disk is full")
	if err := c.Bulk(t.Context(), slices.Values(items), "", func(ca.BulkResult) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of the caller: %v", err)
	}
}

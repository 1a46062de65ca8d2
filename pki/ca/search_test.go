package ca_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestSearch finds certificates that were really issued, by what their subjects
// say, and counts their days.
func TestSearch(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	c := root.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", ""))
	serial, err := ca.SerialFrom(c.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"иван", "ИВАНОВ", "112-233-445 95", "11223344595", "500100732259", serial.String(), serial.String()[:7], c.Subject.Get("2.5.4.3"),
	} {
		found, err := root.Search(t.Context(), text, ca.Serial{}, 10)
		if err != nil || len(found) != 1 || found[0].Serial != serial {
			t.Errorf("%q: %d found, %v", text, len(found), err)
		}
	}
	if found, err := root.Search(t.Context(), "петров", ca.Serial{}, 10); err != nil || len(found) > 0 {
		t.Errorf("another name: %v, %v", found, err)
	}
	if _, err := root.Search(t.Context(), "и", ca.Serial{}, 10); !errors.Is(err, ca.ErrSearchText) {
		t.Errorf("one letter: %v", err)
	}
	if _, err := root.Revoke(t.Context(), ca.Revocation{Serial: serial, Reason: ca.Superseded, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	found, err := root.Expiring(t.Context(), c.NotAfter, c.NotAfter.Add(time.Second), ca.Serial{}, 10)
	if err != nil || len(found) != 1 || found[0].Status != ca.Revoked {
		t.Errorf("Expiring: %+v, %v", found, err)
	}
	days, err := root.Days(t.Context(), root.clock.t, c.NotAfter.Add(time.Second))
	if err != nil || len(days) != 2 || days[0].Issued != 1 || days[0].Revoked != 1 || days[1].Expiring != 1 || days[1].Issued != 0 {
		t.Errorf("Days: %+v, %v", days, err)
	}
}

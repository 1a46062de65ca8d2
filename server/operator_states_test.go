package server

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestPageStates: requests in a state come the newest first and page by page,
// however many there are in other states.
func TestPageStates(t *testing.T) {
	d := newCADesk(t, CAOptions{})
	const approved = limits.PageRows + 3
	id := func(n int) string { return fmt.Sprintf("%064x", n*7919%10007) }
	err := d.Ledger().Update(t.Context(), func(tx ca.Tx) error {
		for n := range 10 * approved {
			e := ca.RequestEntry{ID: id(n), State: ca.Rejected, Submitter: "clerk", CSR: []byte{1}, Created: d.now().Add(-time.Duration(n) * time.Minute)}
			if n%10 == 9 {
				e.State = ca.Approved
			}
			if err := tx.SaveRequest(e); err != nil {
				return err
			}
		}
		_, err := tx.Append(journal.Entry{Time: d.now(), Event: "test"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := d.pageClient(t, nil, nil).logIn("clerk")
	row, next := regexp.MustCompile(`href="/desk/requests/([0-9a-f]{64})"`), regexp.MustCompile(`rel="next" href="([^"]*)"`)
	seen := 0
	for path := "/desk/requests?state=approved"; path != ""; {
		code, body := c.get(path)
		if code != 200 || !strings.Contains(body, "newest come first") && !strings.Contains(body, "Сначала новые") {
			t.Fatalf("%s: %d\n%s", path, code, body)
		}
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			if want := id(seen*10 + 9); m[1] != want {
				t.Fatalf("number %d is %s, want %s", seen, m[1], want)
			}
			seen++
		}
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if seen != approved {
		t.Errorf("%d requests are shown, want %d", seen, approved)
	}
	if _, body := c.get("/desk/"); strings.Count(body, `href="/desk/requests/`) != overviewRows || !strings.Contains(body, id(9)) {
		t.Errorf("the first page shows %d requests", strings.Count(body, `href="/desk/requests/`))
	}
	if code, _ := c.get("/desk/requests?state=approved&after=" + strings.Repeat("e", 64)); code != 404 {
		t.Errorf("behind a request that is not there: %d", code)
	}
}

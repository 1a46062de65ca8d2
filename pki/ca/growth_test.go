package ca_test

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// growthEnv is to how many records TestGrowth lets the ledger grow; `make soak`
// takes 1,000,000.
const growthEnv = "GOSKLYUCH_GROWTH_RECORDS"

// TestGrowth measures what a certificate costs on a ledger that grows: windows
// of certificates that are issued by Bulk, each on the disk, the first ones and
// those that bring the ledger to a tenth, to three tenths, and to the whole. In
// between the ledger is filled by the same transactions without signatures. The
// figures are printed and judged by nobody; a record that is lost fails.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("a long run")
	}
	top := 20_000
	if text := os.Getenv(growthEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 {
			t.Fatalf("%s: %q", growthEnv, text)
		}
		top = n
	}
	g := &growth{authority: newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0), window: min(10_000, top/20)}
	var err error // with the clock of the machine: serial numbers begin with the time
	if g.Issuer, err = ca.New(t.Context(), ca.Config{Certificate: g.cert, Key: g.key, Ledger: g.ledger, Rules: sets.All(), Settings: settings()}); err != nil {
		t.Fatal(err)
	}
	g.issueWindow(t)
	for _, size := range []int{top / 10, top / 10 * 3, top} {
		g.fill(t, size-g.window)
		g.issueWindow(t)
	}
	if n := count(t, g.authority); n != g.records || n != top {
		t.Errorf("%d entries after %d certificates, of %d", n, g.records, top)
	}
	if _, err := ca.VerifyJournal(t.Context(), g.ledger); err != nil {
		t.Error(err)
	}
}

type growth struct {
	*authority
	window, records int
	first           cost // of a certificate of the first window

	entry   ca.Entry // of the last certificate, which fill repeats with other numbers
	der     []byte
	request ca.RequestEntry
	data    map[string]string
}

// issueWindow issues and measures a window.
func (g *growth) issueWindow(t *testing.T) {
	t.Helper()
	items := g.items(t)
	start := spent()
	err := g.Bulk(t.Context(), slices.Values(items), "growth", func(r ca.BulkResult) error {
		g.entry.Serial = r.Serial
		g.request.ID = r.ID
		return r.Err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := spent().since(start).each(len(items))
	g.records += len(items)
	if g.first == (cost{}) {
		g.first = c
	}
	t.Logf("certificates %d to %d: %s", g.records-len(items)+1, g.records, c.against(g.first))
	err = g.ledger.View(t.Context(), func(tx ca.ReadTx) error {
		var err error
		if g.entry, err = tx.Entry(g.entry.Serial); err != nil {
			return err
		}
		if g.request, err = tx.Request(g.request.ID); err != nil {
			return err
		}
		g.der, err = tx.Certificate(g.entry.Serial)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// As many octets as the record of a certificate has.
	g.data = map[string]string{
		"profile": g.entry.Profile, "profileDigest": strings.Repeat("0", 64), "request": g.request.ID,
		"name": g.entry.Subject, "notAfter": g.entry.NotAfter.Format(time.RFC3339), "streebog256": strings.Repeat("0", 64),
	}
}

// items makes the requests of a window; a few hundred share a key.
func (g *growth) items(t *testing.T) []ca.BulkItem {
	t.Helper()
	items := make([]ca.BulkItem, g.window)
	key := generate(t, "gost2012-256", "")
	for i := range items {
		if i%500 == 499 {
			key = generate(t, "gost2012-256", "")
		}
		items[i] = ca.BulkItem{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, g.subject(g.records+i))}).Raw}
	}
	return items
}

func (g *growth) subject(n int) string {
	return fmt.Sprintf("CN=Иванов Иван %d,SN=Иванов,G=Иван,SNILS=11223344595,INN=500100732259,C=RU", n)
}

// fill brings the ledger to a size with as many records to a transaction as
// Bulk has.
func (g *growth) fill(t *testing.T, size int) {
	t.Helper()
	for g.records < size {
		first, n := g.records, min(512, size-g.records)
		err := g.ledger.Update(t.Context(), func(tx ca.Tx) error {
			for i := range n {
				if err := g.add(tx, first+i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		g.records += n
	}
}

// add puts one made-up certificate with its request and record on the ledger.
func (g *growth) add(tx ca.Tx, n int) error {
	s, err := ca.NewSerial(rand.Reader)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(s[2:], uint32(time.Now().UnixMilli())) // as the issuer's numbers rise
	copy(s[:2], g.entry.Serial[:2])
	e := g.entry
	e.Serial, e.Subject = s, dnText(g.subject(n))
	if err := tx.Add(e, g.der); err != nil {
		return err
	}
	r := g.request
	id := make([]byte, 32)
	rand.Read(id)
	r.ID, r.Serial, r.Version = hex.EncodeToString(id), s, 0
	if err := tx.SaveRequest(r); err != nil {
		return err
	}
	_, err = tx.Append(journal.Entry{Time: g.clock.now(), Actor: "growth", Event: "issue", Subject: s.String(), Data: g.data})
	return err
}

// dnText is a subject as an entry has it.
func dnText(text string) string {
	n, err := pki.ParseDN(text)
	if err != nil {
		return text
	}
	return n.String()
}

// A cost is what something took.
type cost struct {
	wall, processor time.Duration
	written         int64 // octets to the disk; 0 where that is not known
}

// spent is what this process has spent so far.
func spent() cost {
	c := cost{processor: processors(), written: written()}
	c.wall = time.Since(started)
	return c
}

var started = time.Now()

func (c cost) since(b cost) cost {
	return cost{c.wall - b.wall, c.processor - b.processor, c.written - b.written}
}

func (c cost) each(n int) cost {
	return cost{c.wall / time.Duration(n), c.processor / time.Duration(n), c.written / int64(n)}
}

// against tells a cost and its ratios to another.
func (c cost) against(first cost) string {
	ratio := func(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
	return fmt.Sprintf("%s each, %s of processor time, %d octets written; against the first %.2f, %.2f, %.2f",
		c.wall.Round(time.Microsecond), c.processor.Round(time.Microsecond), c.written,
		ratio(int64(c.wall), int64(first.wall)), ratio(int64(c.processor), int64(first.processor)), ratio(c.written, first.written))
}

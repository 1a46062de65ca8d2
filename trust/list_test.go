package trust_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testlist"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/trust"
	"github.com/gosklyuch/gosklyuch/xmldsig"
)

// A world is a head authority, the signer of its lists, and authorities.
type world struct {
	head, signer, deep *testpki.Entity
	ca                 [6]*testpki.Entity
	list               testlist.List
}

// now is the moment of import; the list was published the day before.
var now = testpki.Now

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{head: testpki.Issue(t, testpki.CA(t, "CN=Минцифры России,O=Минцифры России,C=RU"), nil)}
	w.signer = testpki.Issue(t, testpki.Leaf(t, "CN=Подпись перечня,C=RU"), w.head)
	for i := range w.ca {
		w.ca[i] = testpki.Issue(t, testpki.CA(t, "CN=УЦ "+string(rune('0'+i))+",C=RU"), w.head)
	}
	w.deep = testpki.Issue(t, testpki.Leaf(t, "CN=Гражданин,C=RU"), w.ca[0])
	cert := func(i int) []*pki.Certificate { return []*pki.Certificate{w.ca[i].Cert} }
	w.list = testlist.List{Version: 541, Date: now.AddDate(0, 0, -1), Authorities: []testlist.Authority{
		{
			Name: `Общество с ограниченной ответственностью "Альфа & партнёры"`, Short: "ООО Альфа", INN: "7707083893", OGRN: "1027700132195",
			History:   []testlist.Status{status("Действует", "2020-03-01T00:00:00+03:00")},
			Complexes: []testlist.Complex{installation("ПАК Альфа", "КС2", cert(0)), installation("ПАК Альфа 2", "КС3", cert(1))},
		},
		{
			Name: "АО Бета", OGRN: "1027700132196", Transferred: "1027700132195",
			History: []testlist.Status{
				status("Действует", "2019-01-01T00:00:00"),
				status("Приостановлена", "2020-06-15T12:00:00"),
				status("Действует", "2020-07-15"),
				status("Досрочно прекращена", "2021-09-01T00:00:00.000+03:00"),
			},
			Complexes: []testlist.Complex{installation("ПАК Бета", "КС2", cert(2))},
		},
		{Name: "ФГУП Гамма", History: []testlist.Status{status("Восстанавливается", "2020-01-01")}, Complexes: []testlist.Complex{installation("Г", "КС2", cert(3))}},
		{Name: "ООО Дельта", History: []testlist.Status{status("Действует", "2020-01-01")}, Complexes: []testlist.Complex{installation("Д", "КС2", cert(4))}},
		{Name: "ООО Преемник", History: []testlist.Status{status("Аннулирована", "2020-01-01")}, Complexes: []testlist.Complex{installation("Д", "КС2", cert(4))}},
	}}
	return w
}

func status(text, since string) testlist.Status { return testlist.Status{Text: text, Since: since} }

func installation(alias, class string, certs []*pki.Certificate) testlist.Complex {
	return testlist.Complex{Alias: alias, Class: class, Certificates: certs}
}

func (w *world) signed(t testing.TB, by *testpki.Entity, chain ...*pki.Certificate) []byte {
	t.Helper()
	out, err := xmldsig.SignEnveloped(rand.Reader, w.list.XML(), by.Key, by.Cert, chain...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func pinned(certs ...*pki.Certificate) *trust.Pins {
	p := new(trust.Pins)
	p.Add(certs...)
	return p
}

func TestAccreditation(t *testing.T) {
	w := newWorld(t)
	l, err := trust.ReadList(t.Context(), w.signed(t, w.signer, w.head.Cert), pinned(w.head.Cert), now)
	if err != nil {
		t.Fatal(err)
	}
	if l.Version != 541 || !l.Date.Equal(w.list.Date) || len(l.Authorities) != 5 || len(l.Findings) != 0 {
		t.Fatalf("version %d of %s, %d authorities, %v", l.Version, l.Date, len(l.Authorities), l.Findings)
	}
	store := trust.Open(filepath.Join(t.TempDir(), "trust"))
	if err := store.SaveList(l); err != nil {
		t.Fatal(err)
	}
	kept, err := store.TrustList()
	if err != nil {
		t.Fatal(err)
	}
	// A certificate of its own for the same key: the authority renewed it.
	renewed := testpki.IssueKey(t, testpki.CA(t, "CN=УЦ 0 новый,C=RU"), nil, w.ca[0].Key).Cert
	for _, c := range []struct {
		name   string
		issuer *pki.Certificate
		day    string
		state  trust.State
		reason trust.Reason
		who    string
	}{
		{"in force", w.ca[0].Cert, "2024-05-05T10:00:00Z", trust.Active, trust.ReasonStatus, "ООО Альфа"},
		{"second installation", w.ca[1].Cert, "2024-05-05T10:00:00Z", trust.Active, trust.ReasonStatus, "ООО Альфа"},
		{"another certificate of the key", renewed, "2024-05-05T10:00:00Z", trust.Active, trust.ReasonStatus, "ООО Альфа"},
		{"first moment", w.ca[0].Cert, "2020-02-29T21:00:00Z", trust.Active, trust.ReasonStatus, "ООО Альфа"},
		{"a second before", w.ca[0].Cert, "2020-02-29T20:59:59Z", trust.Unknown, trust.ReasonBefore, "ООО Альфа"},
		{"after the list", w.ca[0].Cert, "2026-06-01T00:00:00Z", trust.Active, trust.ReasonStatus, "ООО Альфа"},
		{"today", w.ca[0].Cert, now.Format(time.RFC3339), trust.Unknown, trust.ReasonAfter, "ООО Альфа"},
		{"before the suspension", w.ca[2].Cert, "2020-06-15T08:59:59Z", trust.Active, trust.ReasonStatus, "АО Бета"},
		{"suspended", w.ca[2].Cert, "2020-06-15T09:00:00Z", trust.Suspended, trust.ReasonStatus, "АО Бета"},
		{"again in force", w.ca[2].Cert, "2021-08-31T20:59:59Z", trust.Active, trust.ReasonStatus, "АО Бета"},
		{"terminated", w.ca[2].Cert, "2021-08-31T21:00:00Z", trust.Terminated, trust.ReasonStatus, "АО Бета"},
		{"a word that is not known", w.ca[3].Cert, "2024-01-01T00:00:00Z", trust.Unknown, trust.ReasonUnknownText, "ФГУП Гамма"},
		{"two authorities with one key", w.ca[4].Cert, "2024-01-01T00:00:00Z", trust.Unknown, trust.ReasonConflict, "ООО Дельта"},
		{"not in the list", w.ca[5].Cert, "2024-01-01T00:00:00Z", trust.Unknown, trust.ReasonNotListed, ""},
	} {
		if c.name == "after the list" {
			c.day = l.Date.Format(time.RFC3339)
		}
		day, err := time.Parse(time.RFC3339, c.day)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range []*trust.List{l, kept} {
			a := list.Accreditation(c.issuer, day)
			who := ""
			if a.Authority != nil {
				if who = a.Authority.ShortName; who == "" {
					who = a.Authority.Name
				}
			}
			if a.State != c.state || a.Reason != c.reason || who != c.who {
				t.Errorf("%s: %q %s %q", c.name, a.State, a.Reason, who)
			}
		}
	}
	if s := l.Current(&l.Authorities[1]); s.State != trust.Terminated || l.Authorities[1].TransferredTo[0] != "1027700132195" {
		t.Errorf("%+v", s)
	}
	if l.Outdated(now) || !l.Outdated(now.AddDate(0, 2, 0)) {
		t.Error("age")
	}
}

func TestListSigner(t *testing.T) {
	w := newWorld(t)
	other := testpki.Issue(t, testpki.CA(t, "CN=Минцифры России,O=Минцифры России,C=RU"), nil) // the head's name
	_, sha256, streebog := w.head.Cert.Thumbprints()
	byPrint := func(text string) *trust.Pins {
		p := new(trust.Pins)
		if err := p.AddFingerprint(text); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := w.signed(t, w.signer, w.head.Cert)
	for _, c := range []struct {
		name string
		data []byte
		pins *trust.Pins
		at   time.Time
		want error
	}{
		{"the head", good, pinned(w.head.Cert), now, nil},
		{"the signer itself", good, pinned(w.signer.Cert), now, nil},
		{"by fingerprint", good, byPrint(hex.EncodeToString(streebog)), now, nil},
		{"by another digest, with colons", good, byPrint(strings.ToUpper(hex.EncodeToString(sha256[:1])) + ":" + hex.EncodeToString(sha256[1:])), now, nil},
		{"signed by the head", w.signed(t, w.head), pinned(w.head.Cert), now, nil},
		{"nobody pinned", good, nil, now, trust.ErrSigner},
		{"another with the head's name", good, pinned(other.Cert), now, trust.ErrSigner},
		{"a fingerprint of a certificate that is not there", w.signed(t, w.signer), byPrint(hex.EncodeToString(streebog)), now, trust.ErrSigner},
		{"two steps below the head", w.signed(t, w.deep, w.ca[0].Cert, w.head.Cert), pinned(w.head.Cert), now, trust.ErrSigner},
		{"expired", good, pinned(w.head.Cert), testpki.End.AddDate(0, 0, 1), trust.ErrSigner},
		{"pinned and expired", good, pinned(w.signer.Cert), testpki.End.AddDate(0, 0, 1), trust.ErrSigner},
		{"not signed", w.list.XML(), pinned(w.head.Cert), now, trust.ErrUnsigned},
		{"changed", bytes.Replace(good, []byte("Приостановлена"), []byte("Действует"), 1), pinned(w.head.Cert), now, trust.ErrInvalid},
		{"another document", []byte("<a></a>"), pinned(w.head.Cert), now, trust.ErrNotList},
		{"no XML", []byte("перечень"), pinned(w.head.Cert), now, trust.ErrNotList},
	} {
		l, err := trust.ReadList(t.Context(), c.data, c.pins, c.at)
		if !errors.Is(err, c.want) || (l == nil) != (c.want != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := new(trust.Pins).AddFingerprint("0123"); !errors.Is(err, trust.ErrFingerprint) {
		t.Errorf("short fingerprint: %v", err)
	}
}

// TestListWrapping: a signed list inside a forged one is not the list.
func TestListWrapping(t *testing.T) {
	w := newWorld(t)
	good := w.signed(t, w.signer)
	body := string(good[bytes.Index(good, []byte("<Акк")):])
	w.list.Authorities = w.list.Authorities[:1]
	forged := string(w.list.XML())
	wrapped := strings.Replace(forged, "</АккредитованныеУдостоверяющиеЦентры>", body+"</АккредитованныеУдостоверяющиеЦентры>", 1)
	if _, err := trust.ReadList(t.Context(), []byte(wrapped), pinned(w.head.Cert), now); !errors.Is(err, trust.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestListRefused(t *testing.T) {
	for name, edit := range map[string]func(*testlist.List){
		"no authority":          func(l *testlist.List) { l.Authorities = nil },
		"a status without date": func(l *testlist.List) { l.Authorities[0].History[0].Since = "" },
		"a status without text": func(l *testlist.List) { l.Authorities[0].History[0].Text = "" },
		"not a date":            func(l *testlist.List) { l.Authorities[0].History[0].Since = "вчера" },
		"an endless name":       func(l *testlist.List) { l.Authorities[0].Name = strings.Repeat("ж", 4000) },
	} {
		w := newWorld(t)
		edit(&w.list)
		if _, err := trust.ReadList(t.Context(), w.signed(t, w.signer), pinned(w.head.Cert), now); !errors.Is(err, trust.ErrNotList) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListRollback(t *testing.T) {
	w := newWorld(t)
	store := trust.Open(filepath.Join(t.TempDir(), "trust"))
	if _, err := store.TrustList(); !errors.Is(err, trust.ErrNoList) {
		t.Errorf("empty store: %v", err)
	}
	read := func(version int, date time.Time) *trust.List {
		w.list.Version, w.list.Date = version, date
		l, err := trust.ReadList(t.Context(), w.signed(t, w.signer), pinned(w.head.Cert), now)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	day := now.AddDate(0, 0, -2)
	for _, c := range []struct {
		version int
		date    time.Time
		want    error
	}{
		{10, day, nil},
		{10, day, nil},
		{11, day, nil},
		{10, day, trust.ErrRollback},
		{12, day.Add(-time.Hour), trust.ErrRollback},
		{12, day.Add(time.Hour), nil},
	} {
		if err := store.SaveList(read(c.version, c.date)); !errors.Is(err, c.want) {
			t.Errorf("version %d of %s: %v", c.version, c.date, err)
		}
	}
	// The next list needs no pin: the origin is remembered.
	pins, err := store.ListPins()
	if err != nil || pins.Empty() {
		t.Fatal("no pins", err)
	}
	if _, err := trust.ReadList(t.Context(), w.signed(t, w.signer), pins, now); err != nil {
		t.Error(err)
	}
}

// signRaw signs a list whose texts may be anything.
func signRaw(w *world) ([]byte, error) {
	return xmldsig.SignEnveloped(rand.Reader, w.list.XML(), w.signer.Key, w.signer.Cert)
}

package trust_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/trust"
)

func signedContent(t testing.TB, content []byte, by *testpki.Entity, detached bool) []byte {
	t.Helper()
	s := &sign.Signer{Key: by.Key, Cert: by.Cert, Detached: detached, Now: func() time.Time { return now }}
	var out bytes.Buffer
	if err := s.Sign(t.Context(), &out, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encode(t testing.TB, serial int64, certs ...*pki.Certificate) []byte {
	t.Helper()
	b := trust.Bundle{Serial: serial, Date: now, Anchors: certs}
	out, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBundle(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.ca[0].Cert, w.ca[1].Cert, w.ca[2].Cert
	if !bytes.Equal(encode(t, 1, a, b, a), encode(t, 1, b, a)) {
		t.Error("equal bundles have different octets")
	}
	store := trust.Open(filepath.Join(t.TempDir(), "trust"))
	if _, _, err := store.Add(c); err != nil {
		t.Fatal(err)
	}
	take := func(serial int64, by *testpki.Entity, certs ...*pki.Certificate) (added, removed int, err error) {
		x, err := trust.ReadBundle(t.Context(), signedContent(t, encode(t, serial, certs...), by, false), pinned(by.Cert), now)
		if err != nil {
			t.Fatal(err)
		}
		in, out, err := store.SaveBundle(x, now)
		return len(in), len(out), err
	}
	other := testpki.Issue(t, testpki.Leaf(t, "CN=Другой источник,C=RU"), w.head)
	for _, step := range []struct {
		name           string
		serial         int64
		by             *testpki.Entity
		certs          []*pki.Certificate
		added, removed int
		want           error
		left           int
	}{
		{"first", 5, w.signer, []*pki.Certificate{a, b, c}, 2, 0, nil, 3},
		{"again", 5, w.signer, []*pki.Certificate{a, b, c}, 0, 0, nil, 3},
		{"the same serial with another content", 5, w.signer, []*pki.Certificate{a}, 0, 0, trust.ErrRollback, 3},
		{"an older one", 4, w.signer, []*pki.Certificate{a}, 0, 0, trust.ErrRollback, 3},
		{"another origin has its own serials", 1, other, []*pki.Certificate{b}, 0, 0, nil, 3},
		{"b stays because of the other origin, c because a person added it", 6, w.signer, []*pki.Certificate{a}, 0, 0, nil, 3},
		{"b goes with the last origin", 2, other, []*pki.Certificate{a}, 0, 1, nil, 2},
	} {
		added, removed, err := take(step.serial, step.by, step.certs...)
		list, _ := store.List()
		if added != step.added || removed != step.removed || !errors.Is(err, step.want) || len(list) != step.left {
			t.Errorf("%s: %d added, %d removed, %d left, %v", step.name, added, removed, len(list), err)
		}
	}
	if own, err := store.OwnPool(); err != nil || own.Len() != 1 || !own.Contains(c) {
		t.Errorf("own anchors: %v, %v", own, err) // c alone was added by a person
	}
	if all, err := store.Pool(); err != nil || all.Len() != 2 {
		t.Errorf("anchors: %v, %v", all, err)
	}
	states, err := store.Bundles()
	if err != nil || len(states) != 2 || states[0].Serial != 6 || states[0].Outdated(now) || !states[0].Outdated(now.AddDate(0, 2, 0)) {
		t.Errorf("%+v %v", states, err)
	}
	if pins, err := store.BundlePins(); err != nil || pins.Empty() {
		t.Errorf("pins: %v", err)
	}
}

// TestBundleWhole: a bundle is taken whole or not at all, and what a failing
// disk left half done still belongs to its origin, which can take it back.
func TestBundleWhole(t *testing.T) {
	w := newWorld(t)
	read := func(serial int64, certs ...*pki.Certificate) *trust.Bundle {
		x, err := trust.ReadBundle(t.Context(), signedContent(t, encode(t, serial, certs...), w.signer, false), pinned(w.signer.Cert), now)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	dir := filepath.Join(t.TempDir(), "trust")
	store := trust.Open(dir)
	count := func() int {
		list, _ := store.List()
		return len(list)
	}
	bad := read(1, w.ca[0].Cert, w.ca[1].Cert)
	bad.Anchors[1] = offCurve(t, bad.Anchors[1])
	if _, _, err := store.SaveBundle(bad, now); !errors.Is(err, trust.ErrUnusable) || count() != 0 {
		t.Errorf("half a bundle: %d anchors, %v", count(), err)
	}
	half := read(2, w.ca[0].Cert, w.ca[1].Cert)
	_, _, sum := half.Anchors[1].Thumbprints()
	block := filepath.Join(dir, hex.EncodeToString(sum)+".cer")
	if err := os.MkdirAll(filepath.Join(block, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.SaveBundle(half, now); err == nil || count() != 1 {
		t.Fatalf("the disk did not fail: %d anchors, %v", count(), err)
	}
	if err := os.RemoveAll(block); err != nil {
		t.Fatal(err)
	}
	if _, removed, err := store.SaveBundle(read(3, w.ca[2].Cert), now); err != nil || len(removed) != 1 || count() != 1 {
		t.Errorf("%d removed, %d left, %v: the anchor of the import that failed stays for good", len(removed), count(), err)
	}
}

func TestBundleRefused(t *testing.T) {
	w := newWorld(t)
	content := encode(t, 5, w.ca[0].Cert)
	good := signedContent(t, content, w.signer, false)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-3] ^= 1
	text := string(content)
	for _, c := range []struct {
		name string
		data []byte
		pins *trust.Pins
		want error
	}{
		{"good", good, pinned(w.signer.Cert), nil},
		{"issued by the pinned one", good, pinned(w.head.Cert), nil},
		{"nobody pinned", good, nil, trust.ErrSigner},
		{"another pinned", good, pinned(w.ca[0].Cert), trust.ErrSigner},
		{"two steps below", signedContent(t, content, w.deep, false), pinned(w.head.Cert), trust.ErrSigner},
		{"changed signature", flipped, pinned(w.signer.Cert), trust.ErrInvalid},
		{"changed content", bytes.Replace(good, []byte(`"serial": 5`), []byte(`"serial": 9`), 1), pinned(w.signer.Cert), trust.ErrInvalid},
		{"detached", signedContent(t, content, w.signer, true), pinned(w.signer.Cert), trust.ErrNotBundle},
		{"no message", content, pinned(w.signer.Cert), trust.ErrNotBundle},
		{"another document", signedContent(t, []byte("договор"), w.signer, false), pinned(w.signer.Cert), trust.ErrNotBundle},
		{"another format", signedContent(t, []byte(strings.Replace(text, "bundle/1", "bundle/2", 1)), w.signer, false), pinned(w.signer.Cert), trust.ErrNotBundle},
		{"an unknown field", signedContent(t, []byte(strings.Replace(text, `"serial"`, `"anchor": 1, "serial"`, 1)), w.signer, false), pinned(w.signer.Cert), trust.ErrNotBundle},
		{"serial 0", signedContent(t, []byte(strings.Replace(text, `"serial": 5`, `"serial": 0`, 1)), w.signer, false), pinned(w.signer.Cert), trust.ErrNotBundle},
		{"text after it", signedContent(t, []byte(text+"{}"), w.signer, false), pinned(w.signer.Cert), trust.ErrNotBundle},
		{"no certificate", signedContent(t, []byte(strings.Replace(text, "MII", "AII", 1)), w.signer, false), pinned(w.signer.Cert), trust.ErrNotBundle},
	} {
		b, err := trust.ReadBundle(t.Context(), c.data, c.pins, now)
		if !errors.Is(err, c.want) || (b == nil) != (c.want != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, b := range []trust.Bundle{{}, {Serial: 1}, {Anchors: []*pki.Certificate{w.head.Cert}}} {
		if _, err := b.Encode(); err == nil {
			t.Error("an empty bundle was encoded")
		}
	}
}

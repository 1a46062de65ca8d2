package trust_test

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/trust"
)

// FuzzReadList: what is not the signed list is refused without a panic.
func FuzzReadList(f *testing.F) {
	w := newWorld(f)
	good := w.signed(f, w.signer, w.head.Cert)
	f.Add(good)
	f.Add(w.list.XML())
	pins := pinned(w.head.Cert)
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := trust.ReadList(t.Context(), data, pins, now)
		if (err == nil) != (l != nil) {
			t.Fatalf("%v, %v", l, err)
		}
		if l != nil && (len(l.Authorities) != 5 || l.Version != 541) {
			t.Fatal("a list that nobody signed")
		}
	})
}

// FuzzReadBundle: what is not the signed bundle is refused without a panic.
func FuzzReadBundle(f *testing.F) {
	w := newWorld(f)
	content := encode(f, 5, w.ca[0].Cert)
	f.Add(signedContent(f, content, w.signer, false))
	f.Add(content)
	pins := pinned(w.signer.Cert)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := trust.ReadBundle(t.Context(), data, pins, now)
		if (err == nil) != (b != nil) {
			t.Fatalf("%v, %v", b, err)
		}
		if b != nil && (b.Serial != 5 || len(b.Anchors) != 1) {
			t.Fatal("a bundle that nobody signed")
		}
	})
}

// FuzzParsedList: the contents of a list, which only its signer chooses, never
// make the reader panic, and what it accepts is kept and read back.
func FuzzParsedList(f *testing.F) {
	w := newWorld(f)
	f.Add("Действует", "2020-01-01T00:00:00+03:00", "ООО")
	f.Add("", "2020-01-01", "\r\n")
	f.Fuzz(func(t *testing.T, text, since, name string) {
		w.list.Authorities[0].Name, w.list.Authorities[0].History[0].Text, w.list.Authorities[0].History[0].Since = name, text, since
		data, err := signRaw(w)
		if err != nil {
			return
		}
		l, err := trust.ReadList(t.Context(), data, pinned(w.head.Cert), now)
		if err != nil {
			return
		}
		store := trust.Open(t.TempDir())
		if err := store.SaveList(l); err != nil {
			t.Fatal(err)
		}
		kept, err := store.TrustList()
		if err != nil {
			t.Fatal(err)
		}
		a, b := l.Accreditation(w.ca[0].Cert, now.AddDate(-1, 0, 0)), kept.Accreditation(w.ca[0].Cert, now.AddDate(-1, 0, 0))
		if a.State != b.State || a.Reason != b.Reason {
			t.Fatalf("%+v, %+v", a, b)
		}
	})
}

// BenchmarkReadList reads a list as long as the real one.
func BenchmarkReadList(b *testing.B) {
	w := newWorld(b)
	one := w.list.Authorities[0]
	for len(w.list.XML()) < 10<<20 {
		for range 500 {
			w.list.Authorities = append(w.list.Authorities, one)
		}
	}
	data := w.signed(b, w.signer)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := trust.ReadList(b.Context(), data, pinned(w.head.Cert), now); err != nil {
			b.Fatal(err)
		}
	}
}

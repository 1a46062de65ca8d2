package pki_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// bigSerial is the serial number of entry i of a list of writeList.
func bigSerial(i int) []byte {
	b := append([]byte{0x5a}, make([]byte, 15)...)
	binary.BigEndian.PutUint64(b[8:], uint64(i)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint32(b[4:], uint32(i))
	return b
}

// writeList writes a list of n entries, about 40 octets each, without building
// it in memory, and returns its file and size.
func writeList(t testing.TB, n int, issuer *pki.Certificate, key crypto.Signer) (*os.File, int64) {
	t.Helper()
	when := unhex(t, utc26)
	reason := unhex(t, "300c 300a 0603551d15 0403 0a0101")
	one := der.Wrap(0x30, der.Wrap(0x02, bigSerial(0)), when, reason)
	id := alg.SignatureForKey(key.Public())
	head := slices.Concat(unhex(t, "020101"), id.DER(), issuer.RawSubject, when, unhex(t, utc27), der.AppendHeader(nil, 0x30, int64(n*len(one))))
	tail := der.Wrap(0xa0, der.Wrap(0x30, der.Wrap(0x30, unhex(t, "0603551d14"), der.Wrap(0x04, unhex(t, "020107")))))
	tbsHead := der.AppendHeader(nil, 0x30, int64(len(head)+n*len(one)+len(tail)))
	body := func(w io.Writer) {
		w.Write(slices.Concat(tbsHead, head))
		for i := range n {
			w.Write(der.Wrap(0x30, der.Wrap(0x02, bigSerial(i)), when, reason))
		}
		w.Write(tail)
	}
	d, _ := alg.SignatureDigest(id)
	h, err := alg.NewHash(d)
	if err != nil {
		t.Fatal(err)
	}
	body(h)
	sig, err := alg.SignDigest(rand.Reader, key, d, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	id.Add(&b)
	b.AddASN1BitString(sig)
	end := b.BytesOrPanic()
	f, err := os.Create(filepath.Join(t.TempDir(), "list.crl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w := bufio.NewWriterSize(f, 1<<16)
	w.Write(der.AppendHeader(nil, 0x30, int64(len(tbsHead)+len(head)+n*len(one)+len(tail)+len(end))))
	body(w)
	w.Write(end)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Size()
}

// heapOf returns what f leaves on the heap and what it allocates in all.
func heapOf(f func()) (kept, allocated int64) {
	var a, b runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	allocated = int64(b.TotalAlloc - a.TotalAlloc)
	runtime.GC()
	runtime.ReadMemStats(&b)
	return int64(b.HeapAlloc) - int64(a.HeapAlloc), allocated
}

// TestOpenLargeList: a list of 8 MB in a file costs 3 % of it in memory, and a
// thousand look-ups read a small part of it each.
func TestOpenLargeList(t *testing.T) {
	const n = 150_000
	key := newKey(t, "gost2012-256", "")
	root, _, _ := issue(t, key)
	f, size := writeList(t, n, root, key)
	var l *pki.RevocationList
	kept, allocated := heapOf(func() {
		var err error
		if l, err = pki.OpenRevocationList(f, size); err != nil {
			t.Fatal(err)
		}
		if err := l.CheckSignatureFrom(root); err != nil {
			t.Fatal(err)
		}
	})
	if bound := size/24 + 200<<10; kept > bound || allocated > bound+400<<10 {
		t.Errorf("a list of %d octets keeps %d and allocates %d", size, kept, allocated)
	}
	if l.Len() != n || !l.InFile() || l.Raw != nil || l.Size() != size {
		t.Errorf("%d entries, %d octets", l.Len(), l.Size())
	}
	c := &counting{ReaderAt: f}
	if l, _ = pki.OpenRevocationList(c, size); l == nil {
		t.Fatal("not opened")
	}
	c.n = 0
	for i := range 1000 {
		e, found, err := l.Find(new(big.Int).SetBytes(bigSerial(i * 149)))
		if err != nil || !found || e.Reason != pki.ReasonKeyCompromise {
			t.Fatalf("entry %d: %v %v %+v", i*149, found, err, e)
		}
		if _, found, err := l.Find(new(big.Int).SetBytes(bigSerial(n + i))); found || err != nil {
			t.Fatalf("an entry that is not there: %v %v", found, err)
		}
	}
	if per := c.n / 2000; per > 6*limits.CRLWindowBytes {
		t.Errorf("a look-up reads %d octets of %d", per, size)
	}
}

// counting counts the octets that are read.
type counting struct {
	io.ReaderAt
	n int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// TestOpenLargeIndirect: the certificate issuer stays in force over the
// windows, in memory and in a file.
func TestOpenLargeIndirect(t *testing.T) {
	key := newKey(t, "ecdsa-p256", "")
	root, _, _ := issue(t, key)
	names := []pki.Name{mustDN(t, "CN=А"), mustDN(t, "CN=Б"), mustDN(t, "CN=В")}
	tmpl := crlTemplate(t)
	tmpl.IDP = &pki.IssuingDistributionPoint{IndirectCRL: true}
	tmpl.Entries = nil
	const n = 12_000
	for i := range n {
		e := pki.RevokedEntry{Serial: big.NewInt(int64(1_000_000 + i%(n/2))), At: notBefore, Reason: pki.ReasonAbsent}
		if i >= 10 {
			e.Issuer = &names[i*len(names)/n]
		}
		tmpl.Entries = append(tmpl.Entries, e)
	}
	data, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := pki.OpenRevocationList(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*pki.RevocationList{mustCRL(t, data), opened} {
		for i := 0; i < n; i += 7 {
			issuer := root.Subject
			if i >= 10 {
				issuer = names[i*len(names)/n]
			}
			for j := range names {
				_, found, err := l.FindFor(names[j], big.NewInt(int64(1_000_000+i%(n/2))))
				first, second := i%(n/2), i%(n/2)+n/2 // both entries with that serial number
				want := first >= 10 && first*len(names)/n == j || second*len(names)/n == j
				if err != nil || found != want {
					t.Fatalf("entry %d, name %d: %v %v, want %v", i, j, found, err, want)
				}
			}
			if _, found, err := l.FindFor(issuer, big.NewInt(int64(1_000_000+i%(n/2)))); !found || err != nil {
				t.Fatalf("entry %d: %v %v", i, found, err)
			}
		}
	}
}

// TestOpenRefuses: cut off, too short, too long, unreadable.
func TestOpenRefuses(t *testing.T) {
	key := newKey(t, "ecdsa-p256", "")
	root, _, _ := issue(t, key)
	data, err := pki.CreateCRL(rand.Reader, crlTemplate(t), root, key)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if _, err := pki.OpenRevocationList(bytes.NewReader(data[:n]), int64(n)); err == nil {
			t.Fatalf("%d of %d octets are accepted", n, len(data))
		}
		// The file became shorter than it was said to be.
		if _, err := pki.OpenRevocationList(bytes.NewReader(data[:n]), int64(len(data))); err == nil {
			t.Fatalf("%d of %d octets are accepted", n, len(data))
		}
	}
	if _, err := pki.OpenRevocationList(bytes.NewReader(data), limits.CRLFileBytes+1); err == nil {
		t.Error("a size above the bound is accepted")
	}
	if _, err := pki.OpenRevocationList(bytes.NewReader(nil), -1); err == nil {
		t.Error("a negative size is accepted")
	}
	broken := &failing{data: data}
	l, err := pki.OpenRevocationList(broken, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	broken.err = errors.New("disk")
	if err := l.CheckSignatureFrom(root); !errors.Is(err, broken.err) {
		t.Errorf("signature: %v", err)
	}
	if _, _, err := l.Find(crlTemplate(t).Entries[0].Serial); !errors.Is(err, broken.err) {
		t.Errorf("look-up: %v", err)
	}
}

type failing struct {
	data []byte
	err  error
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return bytes.NewReader(f.data).ReadAt(p, off)
}

// TestOpenEd25519: that algorithm needs the whole message.
func TestOpenEd25519(t *testing.T) {
	key := newKey(t, "ed25519", "")
	root, _, _ := issue(t, key)
	data, err := pki.CreateCRL(rand.Reader, crlTemplate(t), root, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pki.OpenRevocationList(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.CheckSignatureFrom(root); err != nil {
		t.Error(err)
	}
	got, err := io.ReadAll(l.Reader())
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d octets of %d: %v", len(got), len(data), err)
	}
}

// FuzzOpenRevocationList: what is opened in a file is what is parsed in memory.
func FuzzOpenRevocationList(f *testing.F) {
	key := newKey(f, "ecdsa-p256", "")
	root, _, _ := issue(f, key)
	for _, tmpl := range []*pki.CRLTemplate{crlTemplate(f), indirectTemplate(f)} {
		data, err := pki.CreateCRL(rand.Reader, tmpl, root, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(append(data, 0))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > limits.CRLHeadBytes {
			return // where the bounds of the two differ
		}
		a, errA := pki.ParseCRL(data)
		b, errB := pki.OpenRevocationList(bytes.NewReader(data), int64(len(data)))
		if (errA == nil) != (errB == nil) {
			t.Fatalf("in memory %v, in a file %v", errA, errB)
		}
		if errA != nil {
			return
		}
		raw, err := io.ReadAll(b.Reader())
		if err != nil || !bytes.Equal(raw, a.Raw) || a.Len() != b.Len() || !a.Issuer.Equal(b.Issuer) || !bytes.Equal(a.Signature, b.Signature) ||
			!slices.Equal(a.Findings, b.Findings) || !slices.Equal(a.UnhandledCritical, b.UnhandledCritical) {
			t.Fatalf("in memory %+v\nin a file %+v", a, b)
		}
		if ea, eb := a.CheckSignatureFrom(root), b.CheckSignatureFrom(root); (ea == nil) != (eb == nil) {
			t.Fatalf("signature: %v, %v", ea, eb)
		}
		for e, err := range a.Entries() {
			if err != nil {
				return
			}
			issuer := a.Issuer
			if e.Issuer != nil {
				issuer = *e.Issuer
			}
			if _, found, err := b.FindFor(issuer, e.Serial); err == nil && !found {
				t.Fatalf("%x is listed and not found", e.Serial)
			}
		}
	})
}

// BenchmarkOpenList is the cost of a list of 60 MB in a file: opening it with
// its signature, beside the hash and the signature alone; and of a look-up.
func BenchmarkOpenList(b *testing.B) {
	key := newKey(b, "gost2012-256", "")
	root, _, _ := issue(b, key)
	f, size := writeList(b, 1_300_000, root, key)
	b.Run("hash alone", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			h, err := alg.NewHash(alg.Identifier{OID: oid.Streebog256})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open and check", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			l, err := pki.OpenRevocationList(f, size)
			if err != nil {
				b.Fatal(err)
			}
			if err := l.CheckSignatureFrom(root); err != nil {
				b.Fatal(err)
			}
		}
	})
	l, err := pki.OpenRevocationList(f, size)
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	b.Run("find one that is listed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i = (i + 7919) % l.Len()
			if _, found, err := l.Find(new(big.Int).SetBytes(bigSerial(i))); !found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("find one that is not", func(b *testing.B) {
		for b.Loop() {
			i++
			if _, found, err := l.Find(new(big.Int).SetBytes(bigSerial(l.Len() + i))); found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	b.ReportMetric(float64(size)/1e6, "MB")
}

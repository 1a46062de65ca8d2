package sign_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/sign"
)

// large is a document of n octets that exists only while it is read.
type large struct {
	n, at int64
	block []byte
}

func newLarge(n int64) *large { return &large{n: n, block: content(64 << 10)} }

func (l *large) Read(p []byte) (int, error) {
	if l.at == l.n {
		return 0, io.EOF
	}
	n := int64(copy(p, l.block[l.at%int64(len(l.block)):]))
	n = min(n, l.n-l.at)
	l.at += n
	return int(n), nil
}

func (l *large) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		l.at = offset
	case io.SeekCurrent:
		l.at += offset
	case io.SeekEnd:
		l.at = l.n + offset
	}
	return l.at, nil
}

// watch calls f and returns the peak of the heap in use meanwhile, in octets.
func watch(f func() error) (uint64, error) {
	done := make(chan error, 1)
	var peak uint64
	go func() { done <- f() }()
	for {
		select {
		case err := <-done:
			return peak, err
		case <-time.After(5 * time.Millisecond):
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
	}
}

// memoryLimit is what signing and reading a document of any size may use; the
// promise is 64 MiB for the whole process.
const memoryLimit = 40 << 20

// TestMemoryIsBounded signs 256 MiB and reads the signature back, through a
// pipe, in every form and armor. RSA stands for all keys with signatures of a
// fixed length: the size of the document does not meet the key, and SHA-256 is
// quick.
func TestMemoryIsBounded(t *testing.T) {
	const size = 256 << 20
	id := newIdentity(t, "rsa-2048", "")
	tests := []struct {
		name  string
		armor der.Armor
		open  func() io.Reader
		set   func(*sign.Signer)
	}{
		{"detached", der.ArmorNone, func() io.Reader { return newLarge(size) }, func(s *sign.Signer) { s.Detached = true }},
		{"attached", der.ArmorNone, func() io.Reader { return newLarge(size) }, func(*sign.Signer) {}},
		{"attached PEM", der.ArmorPEM, func() io.Reader { return newLarge(size) }, func(*sign.Signer) {}},
		{"stream", der.ArmorNone, func() io.Reader { return pipe{newLarge(size)} }, func(s *sign.Signer) { s.Stream = true }},
		{"stream Base64", der.ArmorBase64, func() io.Reader { return pipe{newLarge(size)} }, func(s *sign.Signer) { s.Stream = true }},
		{"spooled", der.ArmorNone, func() io.Reader { return pipe{newLarge(size)} }, func(*sign.Signer) {}},
	}
	for _, tt := range tests {
		s := id.signer()
		s.SpoolDir = t.TempDir()
		tt.set(s)
		runtime.GC()
		peak, err := watch(func() error { return signThroughPipe(t.Context(), s, tt.open(), tt.armor, size) })
		if err != nil || peak > memoryLimit {
			t.Errorf("%s: peak %d MiB, %v", tt.name, peak>>20, err)
		}
		t.Logf("%s: peak %d KiB", tt.name, peak>>10)
	}
}

// signThroughPipe signs content and reads the signature as it is written.
func signThroughPipe(ctx context.Context, s *sign.Signer, content io.Reader, armor der.Armor, size int64) error {
	r, w := io.Pipe()
	go func() {
		wrapped, err := der.NewWriter(w, armor, "CMS")
		if err == nil {
			err = s.Sign(ctx, wrapped, content)
		}
		if err == nil {
			err = wrapped.Close()
		}
		w.CloseWithError(err)
	}()
	sd, err := cms.ReadSigned(r, nil, cms.Limits{})
	if err != nil {
		return err
	}
	if sd.Detached {
		err = sd.DigestContent(newLarge(size))
	}
	if err == nil && sd.ContentLength != size {
		err = errors.New("the length is wrong")
	}
	return errors.Join(err, checkAll(sd))
}

// BenchmarkShare prints how much of the hash's own speed is left when a
// document is signed or read: 100 means that nothing else costs time.
func BenchmarkShare(b *testing.B) {
	const size = 64 << 20
	id := newIdentity(b, "gost2012-256", "")
	document := filepath.Join(b.TempDir(), "document")
	if err := os.WriteFile(document, content(size), 0o600); err != nil {
		b.Fatal(err)
	}
	out := filepath.Join(b.TempDir(), "out")
	signTo := func(set func(*sign.Signer), hide bool, armor der.Armor) func() error {
		return func() error { return signFile(b, id, document, out, set, hide, armor) }
	}
	read := func() error {
		f, err := os.Open(out)
		if err != nil {
			return err
		}
		sd, err := cms.ReadSigned(f, nil, cms.Limits{})
		if err == nil && sd.Detached {
			var d *os.File
			if d, err = os.Open(document); err == nil {
				err = errors.Join(sd.DigestContent(d), d.Close())
			}
		}
		return errors.Join(err, f.Close())
	}
	detached := func(s *sign.Signer) { s.Detached = true }
	attached := func(*sign.Signer) {}
	stream := func(s *sign.Signer) { s.Stream = true }
	for _, bench := range []struct {
		name string
		sign func() error
	}{
		{"detached", signTo(detached, false, der.ArmorNone)},
		{"attached-file", signTo(attached, false, der.ArmorNone)},
		{"attached-pipe", signTo(attached, true, der.ArmorNone)},
		{"attached-stream", signTo(stream, true, der.ArmorNone)},
		{"attached-pem", signTo(attached, false, der.ArmorPEM)},
	} {
		b.Run("sign-"+bench.name, func(b *testing.B) { share(b, size, bench.sign) })
		b.Run("read-"+bench.name, func(b *testing.B) { share(b, size, read) })
	}
}

func signFile(b *testing.B, id identity, in, out string, set func(*sign.Signer), hide bool, armor der.Armor) error {
	s := id.signer()
	s.SpoolDir = b.TempDir()
	set(s)
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	o, err := os.Create(out)
	if err != nil {
		return err
	}
	w, err := der.NewWriter(o, armor, "CMS")
	if err != nil {
		return err
	}
	var r io.Reader = f
	if hide {
		r = pipe{f}
	}
	if armor == der.ArmorNone {
		err = s.Sign(b.Context(), o, r)
	} else {
		err = errors.Join(s.Sign(b.Context(), w, r), w.Close())
	}
	return errors.Join(err, f.Close(), o.Close())
}

// share runs f and the bare hash in turn.
func share(b *testing.B, size int64, f func() error) {
	var own, whole time.Duration
	block := bytes.Repeat(content(64<<10), 4)
	for b.Loop() {
		start := time.Now()
		h := streebog.New256()
		for range size / int64(len(block)) {
			h.Write(block)
		}
		h.Sum(nil)
		own += time.Since(start)
		start = time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		whole += time.Since(start)
	}
	b.ReportMetric(100*own.Seconds()/whole.Seconds(), "%of-hash")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/whole.Seconds(), "MB/s")
}

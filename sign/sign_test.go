package sign_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mozilla.org/pkcs7"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
)

// pipe hides that a reader can be sought in.
type pipe struct{ io.Reader }

// ways are the forms in which a document can be signed.
var ways = []struct {
	name             string
	detached, stream bool
	open             func([]byte) io.Reader
}{
	{"detached", true, false, func(b []byte) io.Reader { return bytes.NewReader(b) }},
	{"attached file", false, false, func(b []byte) io.Reader { return bytes.NewReader(b) }},
	{"attached pipe", false, false, func(b []byte) io.Reader { return pipe{bytes.NewReader(b)} }},
	{"attached stream", false, true, func(b []byte) io.Reader { return pipe{bytes.NewReader(b)} }},
}

var keys = [][2]string{
	{"gost2012-256", "cryptopro-a"},
	{"gost2012-256", "cryptopro-xcha"},
	{"gost2012-256", "tc26-256-a"},
	{"gost2012-512", "tc26-512-a"},
	{"gost2012-512", "tc26-512-c"},
	{"ecdsa-p256", ""},
	{"ecdsa-p384", ""},
	{"rsa-2048", ""},
	{"ed25519", ""},
}

func TestSignIsReadBack(t *testing.T) {
	for _, k := range keys {
		id := newIdentity(t, k[0], k[1])
		for _, way := range ways {
			for _, n := range []int{0, 1, 1000, 256 << 10, 256<<10 + 1, 2<<20 + 17} {
				t.Run(fmt.Sprintf("%s %s/%s/%d", k[0], k[1], way.name, n), func(t *testing.T) {
					s := id.signer()
					s.Detached, s.Stream, s.SpoolDir = way.detached, way.stream, t.TempDir()
					testRoundTrip(t, s, content(n), way.open)
				})
			}
		}
	}
}

func testRoundTrip(t *testing.T, s *sign.Signer, document []byte, open func([]byte) io.Reader) {
	var out bytes.Buffer
	if err := s.Sign(t.Context(), &out, open(document)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.SpoolDir); err != nil || len(left) != 0 {
		t.Errorf("the spool is still there: %v, %v", left, err)
	}
	if err := der.CheckDER(out.Bytes()); (err == nil) == s.Stream {
		t.Errorf("DER: %v", err)
	}
	given := document
	if !s.Detached {
		given = nil
	}
	sd, inside := mustRead(t, out.Bytes(), given)
	if sd.Detached != s.Detached || !s.Detached && !bytes.Equal(inside, document) || sd.BER != s.Stream {
		t.Errorf("detached %v, BER %v, %d octets inside", sd.Detached, sd.BER, len(inside))
	}
	if err := checkAll(sd); err != nil || len(sd.Signers) != 1 || len(sd.Findings) != 0 {
		t.Errorf("%d signers, %v, %v", len(sd.Signers), err, sd.Findings)
	}
	other := append(slices.Clone(document), 'x')
	mismatch := new(cms.DigestMismatchError)
	err := sd.DigestContent(bytes.NewReader(other))
	if s.Detached {
		err = checkAll(sd)
	}
	if !errors.As(err, &mismatch) || bytes.Equal(mismatch.Computed, mismatch.Signed) {
		t.Errorf("another document: %v", err)
	}
}

// TestDefaultFormat holds the format of a signature by default: order of the
// Ministry of Digital Development No. 472 and R 1323565.1.025-2019.
func TestDefaultFormat(t *testing.T) {
	for _, tt := range []struct {
		alg, paramset string
		key, digest   oid.OID
	}{
		{"gost2012-256", "cryptopro-xcha", oid.GOST2012_256, oid.Streebog256},
		{"gost2012-512", "tc26-512-b", oid.GOST2012_512, oid.Streebog512},
	} {
		id := newIdentity(t, tt.alg, tt.paramset)
		s := id.signer()
		s.Detached = true
		at := time.Date(2049, 12, 31, 23, 59, 59, 5, time.UTC)
		id.leaf.NotAfter = at.AddDate(2, 0, 0) // the clock of this test is ahead
		for _, at := range []time.Time{at, at.Add(time.Second)} {
			s.Now = func() time.Time { return at }
			var out bytes.Buffer
			if err := s.Sign(t.Context(), &out, strings.NewReader("x")); err != nil {
				t.Fatal(err)
			}
			sd, _ := mustRead(t, out.Bytes(), []byte("x"))
			checkFormat(t, sd, id, tt.key, tt.digest)
			if got, present, err := sd.Signers[0].SigningTime(); !got.Equal(at.Truncate(time.Second)) || !present || err != nil {
				t.Errorf("signing time %v, %v", got, err)
			}
			wantTag := byte(0x17) // UTCTime until 2049
			if at.Year() >= 2050 {
				wantTag = 0x18
			}
			if v := sd.Signers[0].Signed(oid.AttrSigningTime)[0].Values[0]; v[0] != wantTag {
				t.Errorf("signing time with tag %02X", v[0])
			}
		}
	}
}

func checkFormat(t *testing.T, sd *cms.SignedData, id identity, key, digest oid.OID) {
	t.Helper()
	si := sd.Signers[0]
	if sd.Version != 1 || si.Version != 1 || si.SubjectKeyID != nil || sd.ContentType != oid.Data {
		t.Errorf("versions %d, %d, content %s", sd.Version, si.Version, sd.ContentType)
	}
	if si.SignatureAlgorithm.OID != key || si.SignatureAlgorithm.Params != nil {
		t.Errorf("signatureAlgorithm %+v", si.SignatureAlgorithm)
	}
	for _, d := range append(sd.DigestAlgorithms, si.DigestAlgorithm) {
		if d.OID != digest || d.Params != nil {
			t.Errorf("digest algorithm %+v", d)
		}
	}
	var types []oid.OID
	for _, a := range si.SignedAttrs {
		types = append(types, a.Type)
	}
	slices.Sort(types)
	want := []oid.OID{oid.AttrSigningCertificateV2, oid.AttrContentType, oid.AttrMessageDigest, oid.AttrSigningTime}
	slices.Sort(want)
	if !slices.Equal(types, want) {
		t.Errorf("signed attributes %v", types)
	}
	ess := si.Signed(oid.AttrSigningCertificateV2)[0].Values[0]
	if !bytes.Contains(ess, alg.Identifier{OID: digest}.DER()) || !bytes.Contains(ess, id.leaf.RawIssuer) {
		t.Error("signing-certificate-v2 has no explicit hashAlgorithm or no issuerSerial")
	}
	if len(sd.Certificates) != 2 || slices.ContainsFunc(sd.Certificates, id.root.Equal) {
		t.Errorf("%d certificates, or the root is among them", len(sd.Certificates))
	}
}

func TestSignRefuses(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "cryptopro-a")
	now := time.Now()
	past, future := now.Add(-time.Minute), now.Add(time.Minute)
	period := func(from, to time.Time) identity {
		return newIdentity(t, "gost2012-256", "cryptopro-a", func(tmpl *pki.CertificateTemplate) {
			tmpl.PrivateKeyNotBefore, tmpl.PrivateKeyNotAfter = from, to
		})
	}
	tests := []struct {
		name   string
		change func(*sign.Signer)
		check  func(error) bool
	}{
		{
			"other key", func(s *sign.Signer) { s.Key = mustKey(t, "gost2012-256", "cryptopro-a") },
			func(err error) bool { return errors.Is(err, sign.ErrKeyMismatch) },
		},
		{"no key", func(s *sign.Signer) { s.Key = nil }, func(err error) bool { return err != nil }},
		{
			"expired", func(s *sign.Signer) { s.Now = func() time.Time { return id.leaf.NotAfter.Add(time.Second) } },
			isPeriod(false, id.leaf.NotAfter),
		},
		{
			"not yet valid", func(s *sign.Signer) { s.Now = func() time.Time { return id.leaf.NotBefore.Add(-time.Second) } },
			isPeriod(false, id.leaf.NotBefore),
		},
		{"private key expired", func(s *sign.Signer) { *s = *period(time.Time{}, past).signer() }, isPeriod(true, past)},
		{"private key not yet usable", func(s *sign.Signer) { *s = *period(future, time.Time{}).signer() }, isPeriod(true, future)},
		{"private key usable", func(s *sign.Signer) { *s = *period(past, future).signer() }, func(err error) bool { return err == nil }},
		{"key usage", func(s *sign.Signer) {
			*s = *newIdentity(t, "gost2012-256", "", func(tmpl *pki.CertificateTemplate) { tmpl.KeyUsage = pki.KeyUsageKeyAgreement }).signer()
		}, func(err error) bool { return errors.Is(err, sign.ErrKeyUsage) }},
		{
			"level in one pass", func(s *sign.Signer) { s.Level, s.Stream = sign.LevelT, true },
			func(err error) bool {
				var l *sign.LevelError
				return errors.As(err, &l) && strings.Contains(err.Error(), "level t")
			},
		},
	}
	for _, tt := range tests {
		s := id.signer()
		tt.change(s)
		var out bytes.Buffer
		if err := s.Sign(t.Context(), &out, strings.NewReader("x")); !tt.check(err) || (err != nil && out.Len() > 0) {
			t.Errorf("%s: %v, %d octets written", tt.name, err, out.Len())
		}
	}
}

// isPeriod says that an error is about the period and names the date.
func isPeriod(privateKey bool, date time.Time) func(error) bool {
	return func(err error) bool {
		var p *sign.PeriodError
		return errors.As(err, &p) && p.PrivateKey == privateKey && strings.Contains(err.Error(), date.UTC().Format(time.DateOnly))
	}
}

func TestSignStops(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "cryptopro-a")
	broken := errors.New("disk on fire")
	for _, way := range ways {
		s := id.signer()
		s.Detached, s.Stream, s.SpoolDir = way.detached, way.stream, t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Sign(ctx, io.Discard, way.open(content(3<<20))); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled: %v", way.name, err)
		}
		if err := s.Sign(t.Context(), failingWriter{broken}, way.open(content(3<<20))); !errors.Is(err, broken) {
			t.Errorf("%s: full disk: %v", way.name, err)
		}
		failing := pipe{io.MultiReader(bytes.NewReader(content(2<<20)), failingReader{broken})}
		if err := s.Sign(t.Context(), io.Discard, failing); !errors.Is(err, broken) {
			t.Errorf("%s: unreadable: %v", way.name, err)
		}
		if left, _ := os.ReadDir(s.SpoolDir); len(left) != 0 {
			t.Errorf("%s: the spool is still there", way.name)
		}
	}
	s := id.signer()
	s.SpoolDir = filepath.Join(t.TempDir(), "missing")
	if err := s.Sign(t.Context(), io.Discard, pipe{bytes.NewReader(content(3 << 20))}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no spool: %v", err)
	}
}

// spying looks at the spool while the document is being read.
type spying struct {
	io.Reader
	dir   string
	modes []os.FileMode
}

func (s *spying) Read(p []byte) (int, error) {
	list, err := os.ReadDir(s.dir)
	for _, e := range list {
		if info, err := e.Info(); err == nil {
			s.modes = append(s.modes, info.Mode())
		}
	}
	if err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

func TestSpoolIsPrivate(t *testing.T) {
	s := newIdentity(t, "gost2012-256", "").signer()
	s.SpoolDir = t.TempDir()
	spy := &spying{Reader: bytes.NewReader(content(4 << 20)), dir: s.SpoolDir}
	if err := s.Sign(t.Context(), io.Discard, spy); err != nil {
		t.Fatal(err)
	}
	if len(spy.modes) == 0 {
		t.Fatal("the spool was never seen")
	}
	for _, m := range spy.modes {
		if runtime.GOOS != "windows" && m != 0o600 {
			t.Errorf("the spool has mode %v", m)
		}
	}
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// changing is a file that somebody writes to while it is signed.
type changing struct {
	*bytes.Reader
	extra int64
}

func (c changing) Seek(offset int64, whence int) (int64, error) {
	n, err := c.Reader.Seek(offset, whence)
	if whence == io.SeekEnd {
		n += c.extra
	}
	return n, err
}

func TestSignNoticesChange(t *testing.T) {
	for _, k := range []string{"gost2012-256", "ecdsa-p256"} {
		s := newIdentity(t, k, "").signer()
		for _, extra := range []int64{1, -1} {
			err := s.Sign(t.Context(), io.Discard, changing{bytes.NewReader(content(1000)), extra})
			if k == "gost2012-256" && !errors.Is(err, cms.ErrContentChanged) {
				t.Errorf("%s, %+d octets: %v", k, extra, err)
			}
		}
	}
}

// TestForeignReader has go.mozilla.org/pkcs7, which is not our code, read
// signatures of RSA and ECDSA keys.
func TestForeignReader(t *testing.T) {
	for _, k := range []string{"rsa-2048", "ecdsa-p256"} {
		id := newIdentity(t, k, "")
		document := content(5000)
		for _, way := range ways {
			s := id.signer()
			s.Detached, s.Stream = way.detached, way.stream
			var out bytes.Buffer
			if err := s.Sign(t.Context(), &out, way.open(document)); err != nil {
				t.Fatal(err)
			}
			p7, err := pkcs7.Parse(out.Bytes())
			if err != nil {
				t.Errorf("%s, %s: %v", k, way.name, err)
				continue
			}
			if s.Detached {
				p7.Content = document
			}
			if !bytes.Equal(p7.Content, document) {
				t.Errorf("%s, %s: content differs", k, way.name)
			}
			if err := p7.Verify(); err != nil {
				t.Errorf("%s, %s: %v", k, way.name, err)
			}
			p7.Content = append([]byte("x"), document...)
			if p7.Verify() == nil {
				t.Errorf("%s, %s: another document is accepted", k, way.name)
			}
		}
	}
}

package sign_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
)

// signed makes a signature of document.
func signed(t testing.TB, s *sign.Signer, document []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := s.Sign(t.Context(), &out, pipe{bytes.NewReader(document)}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// documentFor returns document where the signature is detached, else nil.
func documentFor(s *sign.Signer, document []byte) []byte {
	if s.Detached {
		return document
	}
	return nil
}

func reader(b []byte) io.Reader {
	if b == nil {
		return nil
	}
	return pipe{bytes.NewReader(b)}
}

func TestCoSign(t *testing.T) {
	document := content(2 << 20)
	second := newIdentity(t, "gost2012-512", "tc26-512-c")
	for _, k := range [][2]string{{"gost2012-256", "cryptopro-xcha"}, {"gost2012-512", "tc26-512-a"}, {"rsa-2048", ""}} {
		first := newIdentity(t, k[0], k[1])
		for _, way := range ways {
			s := first.signer()
			s.Detached, s.Stream = way.detached, way.stream
			one := signed(t, s, document)
			given := documentFor(s, document)
			co := second.signer()
			co.SpoolDir = t.TempDir()
			var two bytes.Buffer
			if err := co.CoSign(t.Context(), &two, pipe{bytes.NewReader(one)}, reader(given)); err != nil {
				t.Fatalf("%v, %s: %v", k, way.name, err)
			}
			sd, inside := mustRead(t, two.Bytes(), given)
			if err := checkAll(sd); err != nil || len(sd.Signers) != 2 || !s.Detached && !bytes.Equal(inside, document) {
				t.Errorf("%v, %s: %d signers, %v", k, way.name, len(sd.Signers), err)
			}
			if err := der.CheckDER(two.Bytes()); err != nil {
				t.Errorf("%v, %s: %v", k, way.name, err)
			}
			before, _ := mustRead(t, one, given)
			if !bytes.Contains(two.Bytes(), before.Signers[0].Raw) {
				t.Errorf("%v, %s: the first signature was changed", k, way.name)
			}
			if left, _ := os.ReadDir(co.SpoolDir); len(left) != 0 {
				t.Errorf("%v, %s: the spool is still there", k, way.name)
			}
		}
	}
}

func TestCoSignRefuses(t *testing.T) {
	first, second := newIdentity(t, "gost2012-256", ""), newIdentity(t, "gost2012-512", "")
	document, other := content(1000), content(999)
	for _, way := range ways[:2] {
		s := first.signer()
		s.Detached = way.detached
		one := signed(t, s, document)
		var out bytes.Buffer
		err := second.signer().CoSign(t.Context(), &out, bytes.NewReader(one), bytes.NewReader(other))
		var differs *sign.OtherContentError
		var mismatch *cms.DigestMismatchError
		if !errors.As(err, &differs) || !errors.As(err, &mismatch) || out.Len() != 0 {
			t.Errorf("%s: another document: %v", way.name, err)
		}
		if err := second.signer().CoSign(t.Context(), &out, bytes.NewReader(one), nil); s.Detached != errors.Is(err, sign.ErrNoDocument) {
			t.Errorf("%s: no document: %v", way.name, err)
		}
	}
	var kind *cms.KindError
	err := second.signer().CoSign(t.Context(), io.Discard, bytes.NewReader(first.leaf.Raw), nil)
	if !errors.As(err, &kind) || kind.Kind != der.KindCertificate || !strings.Contains(err.Error(), "a certificate, not a signed message") {
		t.Errorf("a certificate: %v", err)
	}
}

// TestCoSignNoAttributes co-signs beside a signature without signed
// attributes, which only its value ties to the document.
func TestCoSignNoAttributes(t *testing.T) {
	first, second := newIdentity(t, "gost2012-256", ""), newIdentity(t, "gost2012-256", "")
	document := content(100)
	d, _, err := cms.Digest(bytes.NewReader(document), first.digest())
	if err != nil {
		t.Fatal(err)
	}
	si, err := cms.BuildSigner(nil, cms.SignerRequest{Key: first.key, Certificate: first.leaf, Digest: d[oid.Streebog256], NoSignedAttributes: true})
	if err != nil {
		t.Fatal(err)
	}
	var m cms.Message
	m.AddCertificates(first.leaf)
	var bare, without bytes.Buffer
	if err := cms.WriteDetached(&bare, m, []*cms.SignerInfo{si}); err != nil {
		t.Fatal(err)
	}
	if err := cms.WriteDetached(&without, cms.Message{}, []*cms.SignerInfo{si}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := second.signer().CoSign(t.Context(), &out, &bare, bytes.NewReader(document)); err != nil {
		t.Fatal(err)
	}
	sd, _ := mustRead(t, out.Bytes(), document)
	if err := checkAll(sd); err != nil || len(sd.Signers) != 2 {
		t.Errorf("%d signers, %v", len(sd.Signers), err)
	}
	err = second.signer().CoSign(t.Context(), io.Discard, &without, bytes.NewReader(document))
	if !errors.Is(err, cms.ErrNoCertificate) {
		t.Errorf("a signature that nothing ties to the document: %v", err)
	}
	err = second.signer().CoSign(t.Context(), io.Discard, bytes.NewReader(out.Bytes()), bytes.NewReader(document[1:]))
	var differs *sign.OtherContentError
	if !errors.As(err, &differs) {
		t.Errorf("another document: %v", err)
	}
}

func TestCounterSign(t *testing.T) {
	document := content(300_000)
	first, second, third := newIdentity(t, "gost2012-256", ""), newIdentity(t, "gost2012-512", ""), newIdentity(t, "gost2012-256", "tc26-256-a")
	for _, way := range ways {
		s := first.signer()
		s.Detached, s.Stream = way.detached, way.stream
		file := signed(t, s, document)
		for _, id := range []identity{second, third} {
			var out bytes.Buffer
			if err := id.signer().CounterSign(t.Context(), &out, bytes.NewReader(file), 0); err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
			file = out.Bytes()
		}
		sd, inside := mustRead(t, file, documentFor(s, document))
		if err := checkAll(sd); err != nil || !s.Detached && !bytes.Equal(inside, document) {
			t.Errorf("%s: %v", way.name, err)
		}
		counters, err := sd.Signers[0].CounterSignatures()
		if err != nil || len(counters) != 2 {
			t.Fatalf("%s: %d countersignatures, %v", way.name, len(counters), err)
		}
		for _, c := range counters {
			checkCounter(t, sd, c)
		}
		if err := der.CheckDER(file); err != nil {
			t.Errorf("%s: %v", way.name, err)
		}
		if err := second.signer().CounterSign(t.Context(), io.Discard, bytes.NewReader(file), 1); err == nil {
			t.Errorf("%s: there is no second signature", way.name)
		}
	}
}

// checkCounter checks one countersignature of the first signer, as it is and
// with one bit of the parent's signature changed.
func checkCounter(t *testing.T, sd *cms.SignedData, c *cms.SignerInfo) {
	t.Helper()
	parent := sd.Signers[0]
	cert := sd.Candidates(c)[0]
	if checks, err := parent.CheckCounterSigner(c, cert); err != nil || len(checks) < 5 {
		t.Errorf("countersignature: %v", err)
	}
	if len(c.Signed(oid.AttrContentType)) != 0 {
		t.Error("the countersignature has a content type")
	}
	changed := *parent
	changed.Signature = bytes.Clone(parent.Signature)
	changed.Signature[5] ^= 1
	var mismatch *cms.DigestMismatchError
	if _, err := changed.CheckCounterSigner(c, cert); !errors.As(err, &mismatch) {
		t.Errorf("countersignature of another signature: %v", err)
	}
}

func TestCounterSignRefusesBrokenSignature(t *testing.T) {
	first, second := newIdentity(t, "gost2012-256", ""), newIdentity(t, "gost2012-256", "")
	file := signed(t, first.signer(), []byte("text"))
	sd, _ := mustRead(t, file, nil)
	at := bytes.Index(file, sd.Signers[0].Signature)
	file[at] ^= 1
	if err := second.signer().CounterSign(t.Context(), io.Discard, bytes.NewReader(file), 0); err == nil {
		t.Error("a broken signature is countersigned")
	}
}

package ocsp

import (
	"bytes"
	"math/big"
	"reflect"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// parts of a BasicOCSPResponse that a malformed one replaces; nil: as usual.
type parts struct {
	version, responder, produced, status, this, next, extensions, certs []byte
	after                                                               []byte // behind the last field of ResponseData
	signature                                                           []byte
}

func der(f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func generalized(text string) []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
	})
}

func or(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// build writes the DER of a BasicOCSPResponse by hand.
func (p parts) build() []byte {
	now := generalized("20260602120000Z")
	id := CertID{Hash: SHA1(), IssuerNameHash: make([]byte, 20), IssuerKeyHash: make([]byte, 20), Serial: big.NewInt(3)}
	tbs := der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(p.version)
			b.AddBytes(or(p.responder, der(func(b *cryptobyte.Builder) {
				b.AddASN1(explicitTag(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 20)) })
			})))
			b.AddBytes(or(p.produced, now))
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					id.add(b)
					b.AddBytes(or(p.status, []byte{0x80, 0}))
					b.AddBytes(or(p.this, now))
					b.AddBytes(p.next)
				})
			})
			b.AddBytes(p.extensions)
			b.AddBytes(p.after)
		})
	})
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(tbs)
			alg.Identifier{OID: oid.GOST2012_256WithStreebog256}.Add(b)
			b.AddBytes(or(p.signature, []byte{3, 2, 0, 0xff}))
			b.AddBytes(p.certs)
		})
	})
}

func TestParseResponseStrict(t *testing.T) {
	if _, err := ParseResponse(parts{}.build()); err != nil {
		t.Fatalf("the pattern itself is refused: %v", err)
	}
	ext := der(func(b *cryptobyte.Builder) { addExtensions(b, 1, nonceExtension(nonceValue([]byte{1}))) })
	twice := der(func(b *cryptobyte.Builder) {
		addExtensions(b, 1, append(nonceExtension(nonceValue([]byte{1})), nonceExtension(nonceValue([]byte{2}))...))
	})
	revoked := func(rest ...byte) []byte {
		return der(func(b *cryptobyte.Builder) {
			b.AddASN1(tagRevoked, func(b *cryptobyte.Builder) {
				b.AddBytes(generalized("20260101000000Z"))
				b.AddBytes(rest)
			})
		})
	}
	for name, c := range map[string]struct {
		p  parts
		ok bool
	}{
		"explicit version v1":              {parts{version: []byte{0xa0, 3, 2, 1, 0}}, true},
		"version v2":                       {parts{version: []byte{0xa0, 3, 2, 1, 1}}, false},
		"nonce":                            {parts{extensions: ext}, true},
		"extension twice":                  {parts{extensions: twice}, false},
		"field behind the extensions":      {parts{extensions: ext, after: []byte{5, 0}}, false},
		"good with content":                {parts{status: []byte{0x80, 1, 0}}, false},
		"good in constructed form":         {parts{status: []byte{0xa0, 0}}, false},
		"status [3]":                       {parts{status: []byte{0x83, 0}}, false},
		"revoked with a reason":            {parts{status: revoked(0xa0, 3, 10, 1, 4)}, true},
		"reason 7":                         {parts{status: revoked(0xa0, 3, 10, 1, 7)}, false},
		"reason 11":                        {parts{status: revoked(0xa0, 3, 10, 1, 11)}, false},
		"reason of two octets":             {parts{status: revoked(0xa0, 4, 10, 2, 0, 4)}, false},
		"revoked without a time":           {parts{status: []byte{0xa1, 0}}, false},
		"time with a fraction":             {parts{this: generalized("20260602120000.5Z")}, false},
		"time with an offset":              {parts{produced: generalized("20260602120000+0300")}, false},
		"time without seconds":             {parts{this: generalized("202606021200Z")}, false},
		"31 February":                      {parts{this: generalized("20260231120000Z")}, false},
		"nextUpdate that is none":          {parts{next: []byte{0xa0, 2, 5, 0}}, false},
		"two times as nextUpdate":          {parts{next: append([]byte{0xa0, 34}, bytes.Repeat(generalized("20260602120000Z"), 2)...)}, false},
		"responderID [3]":                  {parts{responder: []byte{0xa3, 0}}, false},
		"responderID byName without name":  {parts{responder: []byte{0xa1, 2, 5, 0}}, false},
		"signature with unused bits":       {parts{signature: []byte{3, 2, 1, 0xfe}}, false},
		"certs without a list":             {parts{certs: []byte{0xa0, 2, 5, 0}}, false},
		"certs with a broken certificate":  {parts{certs: []byte{0xa0, 4, 0x30, 2, 0x30, 0}}, true},
		"an element that is no extensions": {parts{after: []byte{0xa2, 0}}, false},
	} {
		_, err := ParseResponse(c.p.build())
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			wantKind(t, err, KindMalformed)
		}
	}
}

func TestParseEnvelope(t *testing.T) {
	basic := parts{}.build()
	good, err := WrapBasic(basic)
	if err != nil {
		t.Fatal(err)
	}
	withBytes := bytes.Clone(good)
	withBytes[bytes.Index(good, []byte{10, 1, 0})+2] = byte(TryLater)
	otherType := bytes.Clone(good)
	otherType[bytes.Index(good, oid.OCSPBasic.DER())+10] ^= 2
	longStatus := []byte{0x30, 4, 10, 2, 0, 6}
	for name, der := range map[string][]byte{
		"empty": nil, "truncated": good[:len(good)-1], "trailing octet": append(bytes.Clone(good), 0),
		"trailing octet behind the bare form": append(bytes.Clone(basic), 0), "error status with a response": withBytes,
		"other responseType": otherType, "status of two octets": longStatus, "successful without a response": {0x30, 3, 10, 1, 0},
		"indefinite length": append(append([]byte{0x30, 0x80}, good[4:]...), 0, 0), "too long": make([]byte, 1<<20+1),
		"BER length": {0x30, 0x81, 3, 10, 1, 6},
	} {
		if _, err := ParseResponse(der); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantKind(t, err, KindMalformed)
		}
	}
	for _, status := range []ResponseStatus{MalformedRequest, InternalError, TryLater, SigRequired, Unauthorized} {
		r, err := ParseResponse(CreateErrorResponse(status))
		if err != nil || r.Status != status {
			t.Errorf("%v: %v, %v", status, r, err)
		}
	}
}

// TestParseRequestForms: what RFC 6960, section 4.1.1 allows is read, and a
// critical extension that is not understood is told apart from bad syntax.
func TestParseRequestForms(t *testing.T) {
	id := CertID{Hash: SHA1(), IssuerNameHash: make([]byte, 20), IssuerKeyHash: make([]byte, 20), Serial: big.NewInt(3)}
	build := func(before, single, after, signature []byte) []byte {
		return der(func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes(before)
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { id.add(b); b.AddBytes(single) })
					})
					b.AddBytes(after)
				})
				b.AddBytes(signature)
			})
		})
	}
	unknown := func(n uint8, critical bool) []byte {
		return der(func(b *cryptobyte.Builder) {
			addExtensions(b, n, []pki.Extension{{ID: "1.2.643.100.999", Critical: critical, Value: []byte{5, 0}}})
		})
	}
	old := der(func(b *cryptobyte.Builder) { addExtensions(b, 2, nonceExtension([]byte("bare octets"))) })
	name := []byte{0xa1, 4, 0x82, 2, 'a', 'b'} // requestorName: dNSName
	for what, c := range map[string]struct {
		der  []byte
		want ErrorKind
	}{
		"version, name, signature":    {build(append([]byte{0xa0, 3, 2, 1, 0}, name...), nil, nil, []byte{0xa0, 2, 0x30, 0}), 0},
		"nonce of old software":       {build(nil, nil, old, nil), 0},
		"unknown extension":           {build(nil, unknown(0, false), unknown(2, false), nil), 0},
		"critical extension":          {build(nil, nil, unknown(2, true), nil), KindUnhandledCritical},
		"critical extension of one":   {build(nil, unknown(0, true), nil, nil), KindUnhandledCritical},
		"version v2":                  {build([]byte{0xa0, 3, 2, 1, 1}, nil, nil, nil), KindMalformed},
		"element behind the list":     {build(nil, nil, []byte{5, 0}, nil), KindMalformed},
		"element behind the CertID":   {build(nil, []byte{5, 0}, nil, nil), KindMalformed},
		"element for the signature":   {build(nil, nil, nil, []byte{5, 0}), KindMalformed},
		"empty list":                  {[]byte{0x30, 4, 0x30, 2, 0x30, 0}, KindMalformed},
		"extension that is no list":   {build(nil, nil, []byte{0xa2, 2, 5, 0}, nil), KindMalformed},
		"BOOLEAN FALSE for the value": {build(nil, nil, []byte{0xa2, 11, 0x30, 9, 0x30, 7, 6, 2, 0x2a, 3, 1, 1, 0}, nil), KindMalformed},
	} {
		r, err := ParseRequest(c.der)
		wantKind(t, err, c.want)
		if t.Failed() {
			t.Fatal(what)
		}
		if what == "nonce of old software" && string(r.Nonce) != "bare octets" {
			t.Errorf("nonce %q", r.Nonce)
		}
		if what == "version, name, signature" && !r.Signed {
			t.Error("the signature was not noticed")
		}
	}
}

// TestNoNextUpdate: without nextUpdate the age of thisUpdate decides.
func TestNoNextUpdate(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	id, err := NewCertID(p.leaf.cert, p.ca.cert, SHA1())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := CreateResponse(nil, &ResponseTemplate{
		ProducedAt: testTime,
		Singles:    []Single{{ID: id, Status: Good, Reason: NoReason, ThisUpdate: testTime}},
	}, p.ca.cert, p.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseResponse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]ErrorKind{DefaultMaxAge: 0, DefaultMaxAge + DefaultSkew + time.Second: KindStale} {
		o := p.options()
		o.At = testTime.Add(age)
		_, err := r.Check(o)
		wantKind(t, err, want)
	}
}

// TestParsedIsOwn: what was parsed does not change with the octets that were given.
func TestParsedIsOwn(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	asked, err := NewRequest(nil, p.leaf.cert, p.ca.cert, SHA1(), true)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.responder(good()).Answer(t.Context(), asked.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, parse := range map[string]func([]byte) (any, error){
		"request":  func(der []byte) (any, error) { return ParseRequest(der) },
		"response": func(der []byte) (any, error) { return ParseResponse(der) },
	} {
		der := asked.Raw
		if name == "response" {
			der = answer.DER
		}
		buf := bytes.Clone(der)
		got, err := parse(buf)
		if err != nil {
			t.Fatal(err)
		}
		want, err := parse(bytes.Clone(der))
		if err != nil {
			t.Fatal(err)
		}
		clear(buf)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: it changed with the caller's octets", name)
		}
	}
}

package verify_test

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// forged is a signed message that is put together by hand, so that every part
// of it can be wrong while the rest is right and properly signed.
type forged struct {
	signer *testpki.Entity

	content      []byte // what the document is
	inside       []byte // eContent; nil: detached
	contentType  oid.OID
	listed       []alg.Identifier
	certificates [][]byte
	ber          bool // indefinite lengths

	version   int64
	sid       []byte
	digest    alg.Identifier
	attrs     [][]byte // signed attributes; nil: none
	stored    [][]byte // what is stored in their place; nil: attrs
	unsorted  bool     // attributes as they are in the list
	signature alg.Identifier
	sign      func(message []byte) []byte
	value     func([]byte) []byte // changes the signature value
	unsigned  [][]byte
}

func oidDER(o oid.OID) []byte {
	var b cryptobyte.Builder
	o.Add(&b)
	return b.BytesOrPanic()
}

func octets(b []byte) []byte { return der.Wrap(der.TagOctetString, b) }

func attribute(t oid.OID, values ...[]byte) []byte {
	return der.Wrap(0x30, oidDER(t), der.Wrap(0x31, values...))
}

func integerDER(n *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(n)
	return b.BytesOrPanic()
}

// hashOf returns the digest of b by the algorithm.
func hashOf(t testing.TB, id alg.Identifier, b []byte) []byte {
	t.Helper()
	h, err := alg.NewHash(id)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(b)
	return h.Sum(nil)
}

// essV2 is the value of signing-certificate-v2.
func essV2(t testing.TB, h alg.Identifier, cert *pki.Certificate, serial *big.Int) []byte {
	id := [][]byte{octets(hashOf(t, h, cert.Raw))}
	if h.OID != oid.SHA256 {
		id = slices.Insert(id, 0, h.DER())
	}
	if serial != nil {
		id = append(id, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa4, cert.RawIssuer)), integerDER(serial)))
	}
	return der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0x30, id...)))
}

// newForged is a message without a fault.
func newForged(t testing.TB, signer *testpki.Entity, attached bool) *forged {
	h := alg.HashForKey(signer.Cert.PublicKey)
	content := []byte(document)
	f := &forged{
		signer: signer, content: content, contentType: oid.Data, listed: []alg.Identifier{h}, certificates: [][]byte{signer.Cert.Raw},
		version: 1, sid: der.Wrap(0x30, signer.Cert.RawIssuer, integerDER(signer.Cert.SerialNumber)),
		digest: h, signature: alg.KeyAlgorithm(signer.Cert.PublicKey),
	}
	if attached {
		f.inside = content
	}
	f.attrs = [][]byte{
		attribute(oid.AttrContentType, oidDER(oid.Data)),
		attribute(oid.AttrMessageDigest, octets(hashOf(t, h, content))),
		attribute(oid.AttrSigningTime, der.Wrap(0x17, []byte("260601115900Z"))),
		attribute(oid.AttrSigningCertificateV2, essV2(t, h, signer.Cert, signer.Cert.SerialNumber)),
	}
	return f
}

// replace puts value in the place of the attribute t; without one it removes it.
func (f *forged) replace(t oid.OID, value ...[]byte) {
	i := slices.IndexFunc(f.attrs, func(a []byte) bool { return bytes.Contains(a, oidDER(t)) })
	f.attrs = slices.Delete(f.attrs, i, i+1)
	f.attrs = append(f.attrs, value...)
}

func setDER(tag byte, list [][]byte, sorted bool) []byte {
	list = slices.Clone(list)
	if sorted {
		slices.SortFunc(list, bytes.Compare)
	}
	return der.Wrap(tag, list...)
}

// encode makes the message.
func (f *forged) encode(t testing.TB) []byte {
	t.Helper()
	message := f.content
	var field []byte
	if f.attrs != nil {
		message = setDER(0x31, f.attrs, !f.unsorted)
		stored := f.stored
		if stored == nil {
			stored = f.attrs
		}
		field = setDER(0xa0, stored, !f.unsorted && f.stored == nil)
	}
	if f.sign == nil {
		f.sign = func(m []byte) []byte {
			s, err := alg.SignMessage(rand.Reader, f.signer.Key, alg.HashForKey(f.signer.Cert.PublicKey), m)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	value := f.sign(message)
	if f.value != nil {
		value = f.value(value)
	}
	si := [][]byte{integerDER(big.NewInt(f.version)), f.sid, f.digest.DER(), field, f.signature.DER(), octets(value)}
	if f.unsigned != nil {
		si = append(si, setDER(0xa1, f.unsigned, true))
	}
	var listed [][]byte
	for _, id := range f.listed {
		listed = append(listed, id.DER())
	}
	encap := [][]byte{oidDER(f.contentType)}
	if f.inside != nil {
		encap = append(encap, f.wrap(0xa0, f.wrapContent()))
	}
	parts := [][]byte{{2, 1, 1}, der.Wrap(0x31, listed...), f.wrap(0x30, encap...)}
	if f.certificates != nil {
		parts = append(parts, f.wrap(0xa0, f.certificates...))
	}
	parts = append(parts, f.wrap(0x31, f.wrap(0x30, si...)))
	return f.wrap(0x30, oidDER(oid.SignedData), f.wrap(0xa0, f.wrap(0x30, parts...)))
}

// wrapContent is the eContent, in BER in pieces.
func (f *forged) wrapContent() []byte {
	if !f.ber {
		return octets(f.inside)
	}
	half := len(f.inside) / 2
	return f.wrap(0x24, octets(f.inside[:half]), octets(nil), f.wrap(0x24, octets(f.inside[half:])))
}

// wrap is der.Wrap or, in BER, a constructed element of indefinite length.
func (f *forged) wrap(tag byte, parts ...[]byte) []byte {
	if !f.ber {
		return der.Wrap(tag, parts...)
	}
	return slices.Concat([]byte{tag, 0x80}, slices.Concat(parts...), []byte{0, 0})
}

// halves splits a GOST signature value into s and r.
func halves(v []byte) (s, r *big.Int, n int) {
	n = len(v) / 2
	return new(big.Int).SetBytes(v[:n]), new(big.Int).SetBytes(v[n:]), n
}

func joined(s, r *big.Int, n int) []byte {
	limit := new(big.Int).Lsh(big.NewInt(1), uint(8*n))
	if s.Cmp(limit) >= 0 || r.Cmp(limit) >= 0 || s.Sign() < 0 || r.Sign() < 0 {
		return bytes.Repeat([]byte{0xff}, 2*n) // does not fit: refused all the same
	}
	return append(s.FillBytes(make([]byte, n)), r.FillBytes(make([]byte, n))...)
}

package cms_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// identity is a key with a self-signed certificate.
type identity struct {
	key  crypto.Signer
	cert *pki.Certificate
}

func newIdentity(t testing.TB, algName, paramset, subject string) identity {
	t.Helper()
	key, err := alg.GenerateKey(algName, paramset)
	if err != nil {
		t.Fatal(err)
	}
	name, err := pki.ParseDN(subject)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	raw, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(77), Subject: name, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage: pki.KeyUsageDigitalSignature,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return identity{key: key, cert: cert}
}

// message is a signed message that a test puts together octet by octet. The
// zero value of a field means what is right.
type message struct {
	id          identity
	content     []byte
	contentType oid.OID // eContentType
	detached    bool

	version   byte           // of the SignerInfo
	sid       []byte         // SignerIdentifier
	digestAlg alg.Identifier // of the SignerInfo
	digests   []byte         // digestAlgorithms
	sigAlg    alg.Identifier
	attrs     [][]byte // signed attributes in this order; nil: content-type and message-digest
	noAttrs   bool
	signOver  []byte // what is signed, if not the attributes as they stand
	signature []byte
	unsigned  [][]byte
	certs     [][]byte // CertificateChoices; nil: that of id
	crls      [][]byte
}

func oidDER(o oid.OID) []byte {
	id := alg.Identifier{OID: o}.DER()
	return id[2:]
}

func attr(t oid.OID, values ...[]byte) []byte {
	return der.Wrap(0x30, oidDER(t), der.Wrap(0x31, values...))
}

func digest(t testing.TB, id alg.Identifier, b []byte) []byte {
	t.Helper()
	h, err := alg.NewHash(id)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(b)
	return h.Sum(nil)
}

// defaults fills in what the test left open.
func (m message) defaults(t testing.TB) message {
	t.Helper()
	pub := m.id.cert.PublicKey
	if m.contentType == "" {
		m.contentType = oid.Data
	}
	if m.version == 0 {
		m.version = 1
	}
	if m.sid == nil {
		m.sid = der.Wrap(0x30, m.id.cert.RawIssuer, der.Wrap(0x02, m.id.cert.RawSerial))
	}
	if m.digestAlg.IsZero() {
		m.digestAlg = alg.HashForKey(pub)
	}
	if m.digests == nil {
		m.digests = m.digestAlg.DER()
	}
	if m.sigAlg.IsZero() {
		m.sigAlg = alg.KeyAlgorithm(pub)
	}
	if m.attrs == nil && !m.noAttrs {
		m.attrs = [][]byte{m.contentTypeAttr(), m.digestAttr(t)}
	}
	if m.certs == nil {
		m.certs = [][]byte{m.id.cert.Raw}
	}
	return m
}

func (m message) contentTypeAttr() []byte {
	if m.contentType == "" {
		return attr(oid.AttrContentType, oidDER(oid.Data))
	}
	return attr(oid.AttrContentType, oidDER(m.contentType))
}

func (m message) digestAttr(t testing.TB) []byte {
	return attr(oid.AttrMessageDigest, der.Wrap(0x04, digest(t, alg.HashForKey(m.id.cert.PublicKey), m.content)))
}

// signerInfo returns the SignerInfo.
func (m message) signerInfo(t testing.TB) []byte {
	t.Helper()
	m = m.defaults(t)
	set := der.Wrap(0x31, m.attrs...)
	over := m.signOver
	if over == nil {
		over = set
		if m.noAttrs {
			over = m.content
		}
	}
	sig := m.signature
	if sig == nil {
		var err error
		if sig, err = alg.SignMessage(rand.Reader, m.id.key, alg.HashForKey(m.id.cert.PublicKey), over); err != nil {
			t.Fatal(err)
		}
	}
	var signedAttrs, unsignedAttrs []byte
	if !m.noAttrs {
		signedAttrs = append([]byte{0xa0}, set[1:]...)
	}
	if m.unsigned != nil {
		unsignedAttrs = der.Wrap(0xa1, m.unsigned...)
	}
	return der.Wrap(0x30, []byte{2, 1, m.version}, m.sid, m.digestAlg.DER(), signedAttrs, m.sigAlg.DER(), der.Wrap(0x04, sig), unsignedAttrs)
}

// encode returns the whole message with these SignerInfos, by default its own.
func (m message) encode(t testing.TB, signers ...[]byte) []byte {
	t.Helper()
	m = m.defaults(t)
	if signers == nil {
		signers = [][]byte{m.signerInfo(t)}
	}
	encap := [][]byte{oidDER(m.contentType)}
	if !m.detached {
		encap = append(encap, der.Wrap(0xa0, der.Wrap(0x04, m.content)))
	}
	parts := [][]byte{{2, 1, 1}, der.Wrap(0x31, m.digests), der.Wrap(0x30, encap...)}
	if len(m.certs) > 0 {
		parts = append(parts, der.Wrap(0xa0, m.certs...))
	}
	if len(m.crls) > 0 {
		parts = append(parts, der.Wrap(0xa1, m.crls...))
	}
	parts = append(parts, der.Wrap(0x31, signers...))
	return der.Wrap(0x30, oidDER(oid.SignedData), der.Wrap(0xa0, der.Wrap(0x30, parts...)))
}

// indefinite re-encodes b with indefinite lengths throughout, and OCTET
// STRINGs of more than four octets in pieces where split is set.
func indefinite(t testing.TB, b []byte, split bool) []byte {
	t.Helper()
	if b[0]&0x20 == 0 {
		if b[0] != 4 || !split || len(b) < 10 {
			return b
		}
		content := b[len(b)-contentLength(b):]
		out := []byte{0x24, 0x80}
		for len(content) > 0 {
			n := min(5, len(content))
			out = append(out, der.Wrap(0x04, content[:n])...)
			content = content[n:]
		}
		return append(out, 0, 0)
	}
	list, err := der.Elements(b)
	if err != nil {
		t.Fatal(err)
	}
	out := []byte{b[0], 0x80}
	for _, e := range list {
		out = append(out, indefinite(t, e, split)...)
	}
	return append(out, 0, 0)
}

// contentLength returns the length of the content of a DER element.
func contentLength(b []byte) int {
	if b[1] < 0x80 {
		return int(b[1])
	}
	n := 0
	for _, x := range b[2 : 2+b[1]&0x7f] {
		n = n<<8 | int(x)
	}
	return n
}

// check reads a message and checks all its signatures.
func check(t testing.TB, data []byte) (*cms.SignedData, [][]cms.Check, error) {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(data), nil, cms.Limits{})
	if err != nil {
		return nil, nil, err
	}
	var all [][]cms.Check
	var first error
	for i, si := range sd.Signers {
		var cert *pki.Certificate
		if list := sd.Candidates(si); len(list) > 0 {
			cert = list[0]
		}
		list, err := sd.CheckSigner(i, cert)
		all = append(all, list)
		if first == nil {
			first = err
		}
	}
	return sd, all, first
}

// warnings returns the IDs of checks that passed with a warning.
func warnings(list []cms.Check) []string {
	var out []string
	for _, c := range list {
		if c.OK && c.Warning {
			out = append(out, c.ID)
		}
	}
	return out
}

// failures returns the IDs of checks that failed.
func failures(list []cms.Check) []string {
	var out []string
	for _, c := range list {
		if !c.OK {
			out = append(out, c.ID)
		}
	}
	return slices.Compact(out)
}

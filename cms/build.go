package cms

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// SignerRequest says what BuildSigner makes. The algorithms follow from the
// key: the digest that belongs to it with absent parameters, and as
// signatureAlgorithm the identifier of the key (alg.KeyAlgorithm).
type SignerRequest struct {
	Key         crypto.Signer
	Certificate *pki.Certificate // of Key
	ContentType oid.OID          // eContentType; empty means id-data
	Digest      []byte           // of the content, by alg.HashForKey of the certificate's key

	// SigningTime is the time that the signer claims, to the second. If it is
	// zero the attribute is left out, as PAdES wants it.
	SigningTime time.Time

	Attributes         []Attribute // further signed attributes; Type and Values are used
	UseKeyIdentifier   bool        // subjectKeyIdentifier in place of issuerAndSerialNumber
	NoSignedAttributes bool        // sign the content itself; SigningTime and Attributes must be empty
}

// BuildSigner makes one SignerInfo with the signed attributes content-type,
// message-digest, signing-time and signing-certificate-v2, the last with an
// explicit hashAlgorithm and issuerSerial. It does not check that the key
// belongs to the certificate: that is the caller's first step.
func BuildSigner(rand io.Reader, q SignerRequest) (*SignerInfo, error) {
	return build(q, false, func(attrs []byte) ([]byte, error) {
		if attrs == nil {
			return alg.SignDigest(rand, q.Key, alg.HashForKey(q.Certificate.PublicKey), q.Digest)
		}
		return alg.SignMessage(rand, q.Key, alg.HashForKey(q.Certificate.PublicKey), attrs)
	})
}

// BuildCounterSigner makes a countersignature over parent (RFC 5652, section
// 11.4), to be added with AddCounterSignature. ContentType and Digest of q are
// not used: there is no content-type attribute, and the digest is that of the
// signature value.
func BuildCounterSigner(rand io.Reader, parent *SignerInfo, q SignerRequest) (*SignerInfo, error) {
	digest, err := digestOctets(alg.HashForKey(q.Certificate.PublicKey), parent.Signature)
	if err != nil {
		return nil, err
	}
	q.Digest = digest
	return build(q, true, func(attrs []byte) ([]byte, error) {
		if attrs == nil {
			return alg.SignDigest(rand, q.Key, alg.HashForKey(q.Certificate.PublicKey), q.Digest)
		}
		return alg.SignMessage(rand, q.Key, alg.HashForKey(q.Certificate.PublicKey), attrs)
	})
}

// SignerTemplate makes a SignerInfo as BuildSigner would, with zeros in place
// of digest and signature value and of the same length. It is needed to write
// the lengths of an attached message before its content. fixed is false for
// keys whose signatures vary in length (ECDSA); the template is then of no use
// for that.
func SignerTemplate(q SignerRequest) (template *SignerInfo, fixed bool, err error) {
	h, err := alg.NewHash(alg.HashForKey(q.Certificate.PublicKey))
	if err != nil {
		return nil, false, err
	}
	q.Digest = make([]byte, h.Size())
	n, fixed := signatureLength(q.Certificate.PublicKey)
	template, err = build(q, false, func([]byte) ([]byte, error) { return make([]byte, n), nil })
	return template, fixed, err
}

// signatureLength returns the length of a signature by a key, and false where
// it varies.
func signatureLength(pub crypto.PublicKey) (int, bool) {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		return 2 * k.Curve().Size(), true
	case *rsa.PublicKey:
		return k.Size(), true
	case ed25519.PublicKey:
		return ed25519.SignatureSize, true
	}
	return 0, false
}

// build assembles a SignerInfo; sign gets the DER of the signed attributes, or
// nil where there are none.
func build(q SignerRequest, counter bool, sign func(attrs []byte) ([]byte, error)) (*SignerInfo, error) {
	pub := q.Certificate.PublicKey
	digestAlgorithm, signatureAlgorithm := alg.HashForKey(pub), alg.KeyAlgorithm(pub)
	if digestAlgorithm.IsZero() || signatureAlgorithm.IsZero() {
		return nil, fmt.Errorf("cms: cannot sign with a key of type %s", q.Certificate.PublicKeyAlgorithm.OID.Name())
	}
	version, sid, err := signerID(q)
	if err != nil {
		return nil, err
	}
	var attrs, attrsField []byte
	if !q.NoSignedAttributes {
		if attrs, err = signedAttributes(q, digestAlgorithm, counter); err != nil {
			return nil, err
		}
		attrsField = append([]byte{tagContext0}, attrs[1:]...)
	} else if !q.SigningTime.IsZero() || len(q.Attributes) > 0 {
		return nil, errors.New("cms: signed attributes were asked for and forbidden")
	}
	signature, err := sign(attrs)
	if err != nil {
		return nil, fmt.Errorf("cms: signing: %w", err)
	}
	raw := der.Wrap(tagSequence,
		[]byte{byte(asn1.INTEGER), 1, version}, sid, digestAlgorithm.DER(), attrsField,
		signatureAlgorithm.DER(), der.Wrap(byte(asn1.OCTET_STRING), signature))
	depth := 0
	if counter {
		depth = 1
	}
	return parseSignerInfo(raw, Limits{}.withDefaults(), depth)
}

// signerID returns CMSVersion and SignerIdentifier (RFC 5652, section 5.3).
func signerID(q SignerRequest) (byte, []byte, error) {
	c := q.Certificate
	if q.UseKeyIdentifier {
		if len(c.SubjectKeyID) == 0 {
			return 0, nil, errors.New("cms: the certificate has no subject key identifier")
		}
		return 3, der.Wrap(0x80, c.SubjectKeyID), nil
	}
	return 1, der.Wrap(tagSequence, c.RawIssuer, der.Wrap(byte(asn1.INTEGER), c.RawSerial)), nil
}

// signedAttributes returns the DER of the SET OF signed attributes.
func signedAttributes(q SignerRequest, digestAlgorithm alg.Identifier, counter bool) ([]byte, error) {
	contentType := q.ContentType
	if contentType == "" {
		contentType = oid.Data
	}
	var list [][]byte
	if !counter {
		list = append(list, attribute(oid.AttrContentType, oidDER(contentType)))
	}
	list = append(list, attribute(oid.AttrMessageDigest, der.Wrap(byte(asn1.OCTET_STRING), q.Digest)))
	if !q.SigningTime.IsZero() {
		t, err := timeDER(q.SigningTime)
		if err != nil {
			return nil, err
		}
		list = append(list, attribute(oid.AttrSigningTime, t))
	}
	ess, err := signingCertificateV2(q.Certificate, digestAlgorithm)
	if err != nil {
		return nil, err
	}
	list = append(list, attribute(oid.AttrSigningCertificateV2, ess))
	for _, a := range q.Attributes {
		list = append(list, attribute(a.Type, a.Values...))
	}
	if len(list) > limits.CMSAttributes {
		return nil, &LimitError{What: "signed attributes", Max: limits.CMSAttributes}
	}
	return setOf(tagSet, list), nil
}

// attribute returns the DER of an Attribute.
func attribute(t oid.OID, values ...[]byte) []byte {
	return der.Wrap(tagSequence, oidDER(t), setOf(tagSet, values))
}

func oidDER(o oid.OID) []byte {
	var b cryptobyte.Builder
	o.Add(&b)
	return b.BytesOrPanic() // of a constant, or of what was parsed
}

// timeDER encodes Time: "Dates between 1 January 1950 and 31 December 2049
// (inclusive) MUST be encoded as UTCTime. Any dates with year values before 1950
// or after 2049 MUST be encoded as GeneralizedTime" (RFC 5652, section 11.3).
func timeDER(t time.Time) ([]byte, error) {
	t = t.UTC().Truncate(time.Second)
	var b cryptobyte.Builder
	if y := t.Year(); y >= 1950 && y < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cms: signing-time: %w", err)
	}
	return out, nil
}

// signingCertificateV2 returns the attribute value that names cert, with an
// explicit hashAlgorithm, since "DEFAULT {algorithm id-sha256}" is not what
// GOST signatures use, and with issuerSerial (RFC 5035, sections 3 and 4).
// For SHA-256 the default must be left out: DER forbids encoding it (X.690,
// section 11.5).
func signingCertificateV2(cert *pki.Certificate, h alg.Identifier) ([]byte, error) {
	digest, err := digestOctets(h, cert.Raw)
	if err != nil {
		return nil, err
	}
	var hashAlgorithm []byte
	if h.OID != oid.SHA256 {
		hashAlgorithm = h.DER()
	}
	issuerSerial := der.Wrap(tagSequence,
		der.Wrap(tagSequence, der.Wrap(0xa4, cert.RawIssuer)),
		der.Wrap(byte(asn1.INTEGER), cert.RawSerial))
	id := der.Wrap(tagSequence, hashAlgorithm, der.Wrap(byte(asn1.OCTET_STRING), digest), issuerSerial)
	return der.Wrap(tagSequence, der.Wrap(tagSequence, id)), nil
}

// AddCounterSignature returns si with one more unsigned attribute that holds
// counter. All other octets of si stay as they are.
func (si *SignerInfo) AddCounterSignature(counter *SignerInfo) (*SignerInfo, error) {
	return si.AddUnsigned(oid.AttrCounterSignature, counter.Raw)
}

package ocsp

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	derenc "github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ResponseTemplate says what a response states.
type ResponseTemplate struct {
	Singles    []Single  // at least one; ThisUpdate is required in each
	ProducedAt time.Time // required; whole seconds are written
	Nonce      []byte    // 1 to 32 octets, or nil
	ByName     bool      // responderID byName; byKey otherwise
	// Certificates go into certs: the delegate, and what a client may need to
	// find its issuer. None where the CA itself signs.
	Certificates []*pki.Certificate

	nonceValue []byte // extnValue to echo as it came
	keyHash    []byte // of the responder where it is known, or nil
}

// CreateResponse signs a successful OCSPResponse. responder is the certificate
// of signer: the CA's own or that of a delegate with OCSPSigning. A nil rand
// makes GOST signatures deterministic.
func CreateResponse(rand io.Reader, t *ResponseTemplate, responder *pki.Certificate, signer crypto.Signer) ([]byte, error) {
	if responder == nil || signer == nil {
		return nil, errors.New("ocsp: a response needs the responder's certificate and key")
	}
	if !alg.EqualKeys(responder.PublicKey, signer.Public()) {
		return nil, errors.New("ocsp: the responder's certificate is not that of its key")
	}
	if err := t.validate(); err != nil {
		return nil, err
	}
	tbs, err := t.responseData(responder)
	if err != nil {
		return nil, fmt.Errorf("ocsp: tbsResponseData: %w", err)
	}
	sigAlg := alg.SignatureForKey(signer.Public())
	sig, err := alg.SignMessage(rand, signer, sigAlg, tbs)
	if err != nil {
		return nil, fmt.Errorf("ocsp: sign: %w", err)
	}
	// BasicOCSPResponse, in one piece of its final size; the BIT STRING has no
	// unused bits.
	return WrapBasic(derenc.Wrap(tagSequence, tbs, sigAlg.DER(), derenc.Wrap(tagBitString, []byte{0}, sig), t.certificates()))
}

const (
	tagSequence    = byte(asn1.SEQUENCE)
	tagBitString   = byte(asn1.BIT_STRING)
	tagOctetString = byte(asn1.OCTET_STRING)
	tagZero        = 0xa0 // [0] EXPLICIT
)

// WrapBasic makes a successful OCSPResponse of the DER of a BasicOCSPResponse.
func WrapBasic(basic []byte) ([]byte, error) {
	kind := oid.OCSPBasic.DER()
	octets := derenc.AppendHeader(nil, tagOctetString, int64(len(basic)))
	size := len(kind) + len(octets) + len(basic)
	bytesHeader := derenc.AppendHeader(nil, tagSequence, int64(size)) // ResponseBytes
	size += len(bytesHeader)
	explicit := derenc.AppendHeader(nil, tagZero, int64(size))
	size += len(explicit)
	status := [...]byte{byte(asn1.ENUM), 1, byte(Successful)}
	out := derenc.AppendHeader(make([]byte, 0, size+len(status)+8), tagSequence, int64(size+len(status)))
	for _, part := range [][]byte{status[:], explicit, bytesHeader, kind, octets, basic} {
		out = append(out, part...)
	}
	return out, nil
}

// CreateErrorResponse makes an unsigned OCSPResponse with an error status.
func CreateErrorResponse(status ResponseStatus) []byte {
	return []byte{byte(asn1.SEQUENCE), 3, byte(asn1.ENUM), 1, byte(status)}
}

func (t *ResponseTemplate) validate() error {
	if len(t.Singles) == 0 || t.ProducedAt.IsZero() {
		return errors.New("ocsp: a response needs at least one answer and producedAt")
	}
	for i := range t.Singles {
		one := &t.Singles[i]
		if one.ThisUpdate.IsZero() || one.ID.Serial == nil {
			return fmt.Errorf("ocsp: answer %d lacks thisUpdate or its CertID", i)
		}
		if one.Status == Revoked && one.RevokedAt.IsZero() {
			return fmt.Errorf("ocsp: answer %d is revoked without a time", i)
		}
	}
	if t.Nonce != nil && (len(t.Nonce) == 0 || len(t.Nonce) > MaxNonce) {
		return fmt.Errorf("ocsp: a nonce has 1 to %d octets, not %d", MaxNonce, len(t.Nonce))
	}
	return nil
}

func (t *ResponseTemplate) responseData(responder *pki.Certificate) ([]byte, error) {
	keyHash := t.keyHash
	if !t.ByName && keyHash == nil {
		var err error
		if keyHash, err = alg.KeyIdentifier(responder.RawSubjectPublicKeyInfo); err != nil {
			return nil, err
		}
	}
	var exts []pki.Extension
	if t.nonceValue != nil {
		exts = nonceExtension(t.nonceValue)
	} else if t.Nonce != nil {
		exts = nonceExtension(nonceValue(t.Nonce))
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 256*(1+len(t.Singles))))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if t.ByName {
			b.AddASN1(explicitTag(1), func(b *cryptobyte.Builder) { b.AddBytes(responder.RawSubject) })
		} else {
			b.AddASN1(explicitTag(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(keyHash) })
		}
		addTime(b, t.ProducedAt)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for i := range t.Singles {
				t.Singles[i].add(b)
			}
		})
		addExtensions(b, 1, exts)
	})
	return b.Bytes()
}

// certificates returns [0] EXPLICIT SEQUENCE OF Certificate, nil where there are
// none.
func (t *ResponseTemplate) certificates() []byte {
	// RFC 6960, section 4.2.1: "If no certificates are included, then certs
	// SHOULD be absent."
	if len(t.Certificates) == 0 {
		return nil
	}
	raw := make([][]byte, len(t.Certificates))
	for i, c := range t.Certificates {
		raw[i] = c.Raw
	}
	return derenc.Wrap(tagZero, derenc.Wrap(tagSequence, raw...))
}

// addTime writes a GeneralizedTime in UTC with whole seconds.
func addTime(b *cryptobyte.Builder, t time.Time) {
	b.AddASN1GeneralizedTime(t.UTC().Truncate(time.Second))
}

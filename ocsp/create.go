package ocsp

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

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
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // BasicOCSPResponse
		b.AddBytes(tbs)
		sigAlg.Add(b)
		b.AddASN1BitString(sig)
		t.addCertificates(b)
	})
	basic, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("ocsp: BasicOCSPResponse: %w", err)
	}
	return WrapBasic(basic)
}

// WrapBasic makes a successful OCSPResponse of the DER of a BasicOCSPResponse.
func WrapBasic(basic []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(int64(Successful))
		b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.OCSPBasic.Add(b)
				b.AddASN1OctetString(basic)
			})
		})
	})
	return b.Bytes()
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
	var keyHash []byte
	if !t.ByName {
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
	var b cryptobyte.Builder
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

func (t *ResponseTemplate) addCertificates(b *cryptobyte.Builder) {
	// RFC 6960, section 4.2.1: "If no certificates are included, then certs
	// SHOULD be absent."
	if len(t.Certificates) == 0 {
		return
	}
	b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, c := range t.Certificates {
				b.AddBytes(c.Raw)
			}
		})
	})
}

// addTime writes a GeneralizedTime in UTC with whole seconds.
func addTime(b *cryptobyte.Builder, t time.Time) {
	b.AddASN1GeneralizedTime(t.UTC().Truncate(time.Second))
}

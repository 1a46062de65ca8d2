package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// challengeTitle separates challenges from everything else that a person signs
// with the same key.
const challengeTitle = "gosklyuch session challenge v1"

// challenge makes a text for an operator to sign. It is sealed with a key of
// this process, so that nothing is kept for those that nobody answers; which
// names are registered it does not tell.
func (s *CAService) challenge(operator string) (text string, expires time.Time) {
	now := s.o.Now().UTC().Truncate(time.Second)
	sum := streebog.Sum256(s.o.Issuer.Certificate().Raw)
	text = fmt.Sprintf("%s\nauthority: %x\noperator: %s\ntime: %s\nnonce: %s\n",
		challengeTitle, sum, operator, now.Format(time.RFC3339), rand.Text())
	return text + "seal: " + s.seal(text) + "\n", now.Add(limits.CAServerChallenge)
}

func (s *CAService) seal(text string) string {
	m := hmac.New(sha256.New, s.sealKey)
	m.Write([]byte(text)) //nolint:errcheck // it never fails
	return hex.EncodeToString(m.Sum(nil))
}

// Why a challenge is not answered.
var (
	errForged    = errors.New("server: the challenge is not this service's, or was changed")
	errExpired   = errors.New("server: the challenge is too old")
	errAnswered  = errors.New("server: the challenge was answered before")
	errSignature = errors.New("server: not the registered key's signature over the challenge")
	errNobody    = errors.New("server: nobody who may work here now")
)

// openChallenge checks that this process made a challenge lately, for whom.
func (s *CAService) openChallenge(text string) (operator string, made time.Time, err error) {
	body, seal, ok := strings.Cut(text, "seal: ")
	if !ok || !hmac.Equal([]byte(seal), []byte(s.seal(body)+"\n")) {
		return "", made, errForged
	}
	for line := range strings.Lines(body) { // our own form: it is sealed
		if v, ok := strings.CutPrefix(line, "operator: "); ok {
			operator = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "time: "); ok {
			if made, err = time.Parse(time.RFC3339, strings.TrimSpace(v)); err != nil {
				return "", made, errForged
			}
		}
	}
	if s.o.Now().After(made.Add(limits.CAServerChallenge)) {
		return operator, made, errExpired
	}
	return operator, made, nil
}

// checkChallenge checks a detached CMS SignedData over a challenge with the
// registered certificate; others in the message decide nothing.
func checkChallenge(text, signature []byte, cert *pki.Certificate) error {
	if len(signature) > limits.ApprovalSignature {
		return errSignature
	}
	sd, err := cms.ReadSigned(bytes.NewReader(signature), nil, cms.Limits{})
	if err != nil || !sd.Detached || sd.ContentType != oid.Data || len(sd.Signers) != 1 {
		return errSignature
	}
	if err := sd.DigestContent(bytes.NewReader(text), alg.HashForKey(cert.PublicKey)); err != nil {
		return errSignature
	}
	if _, err := sd.CheckSigner(0, cert); err != nil {
		return errSignature
	}
	return nil
}

// operator returns a person who may work now, with the registered certificate:
// in its validity and, where this authority issued it, not revoked.
func (s *CAService) operator(ctx context.Context, name string) (o ca.Operator, cert *pki.Certificate, err error) {
	err = s.o.Issuer.Ledger().View(ctx, func(tx ca.ReadTx) error {
		if o, err = tx.Operator(name); err != nil {
			if errors.Is(err, ca.ErrNotFound) {
				return errNobody
			}
			return err
		}
		if !o.Removed.IsZero() {
			return errNobody
		}
		if cert, err = pki.ParseCertificate(o.Certificate); err != nil {
			return err
		}
		if now := s.o.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
			return errNobody
		}
		_, err := s.ownEntry(tx, cert)
		if errors.Is(err, ca.ErrNotFound) {
			return nil // somebody else's certificate counts because it is registered
		}
		return err
	})
	return o, cert, err
}

// ownEntry finds a certificate that this authority issued. One that is not
// valid is errNobody, one of others ca.ErrNotFound.
func (s *CAService) ownEntry(tx ca.ReadTx, cert *pki.Certificate) (ca.Entry, error) {
	serial, err := ca.SerialFrom(cert.SerialNumber)
	if err != nil || !bytes.Equal(cert.RawIssuer, s.o.Issuer.Certificate().RawSubject) {
		return ca.Entry{}, ca.ErrNotFound
	}
	e, err := tx.Entry(serial)
	if err != nil {
		return e, err
	}
	der, err := tx.Certificate(serial)
	if err != nil {
		return e, err
	}
	if !bytes.Equal(der, cert.Raw) {
		return e, ca.ErrNotFound
	}
	if e.Status != ca.Valid {
		return e, errNobody
	}
	return e, nil
}

// operatorOf finds the operator whose registered certificate this is.
func (s *CAService) operatorOf(ctx context.Context, der []byte) (ca.Operator, error) {
	list, err := s.o.Issuer.Operators(ctx)
	if err != nil {
		return ca.Operator{}, err
	}
	for _, o := range list {
		if o.Removed.IsZero() && bytes.Equal(o.Certificate, der) {
			found, _, err := s.operator(ctx, o.Name)
			return found, err
		}
	}
	return ca.Operator{}, errNobody
}

// decodeBase64 reads Base64 whose lines may be folded.
func decodeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

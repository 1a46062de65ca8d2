package verify

import (
	"bytes"
	"context"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// sigPolicy is what a signature says of the policy under which it was made.
type sigPolicy struct {
	implied bool
	id      oid.OID
	hash    alg.Identifier
	digest  []byte
}

// parseSigPolicy parses
//
//	SignaturePolicyIdentifier ::= CHOICE {
//	   signaturePolicyId        SignaturePolicyId,
//	   signaturePolicyImplied   SignaturePolicyImplied }
//	SignaturePolicyId ::= SEQUENCE {
//	   sigPolicyId           SigPolicyId,
//	   sigPolicyHash         SigPolicyHash,
//	   sigPolicyQualifiers   SEQUENCE SIZE (1..MAX) OF SigPolicyQualifierInfo OPTIONAL }
//
// (RFC 5126, section 5.8.1).
func parseSigPolicy(value []byte) (p sigPolicy, ok bool) {
	s := cryptobyte.String(value)
	if s.PeekASN1Tag(asn1.NULL) {
		return sigPolicy{implied: true}, len(value) == 2
	}
	var body, hash, digest cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !s.Empty() || !oid.Read(&body, &p.id) || !body.ReadASN1(&hash, asn1.SEQUENCE) {
		return p, false
	}
	var err error
	if p.hash, err = alg.ReadIdentifier(&hash, "hashAlgorithm"); err != nil {
		return p, false
	}
	if !hash.ReadASN1(&digest, asn1.OCTET_STRING) || !hash.Empty() {
		return p, false
	}
	p.digest = digest
	return p, body.Empty() || body.SkipASN1(asn1.SEQUENCE) && body.Empty()
}

// signaturePolicy: a signature may name the policy under which it was made. It
// is judged by the verifier's policy all the same; what the named one is, is
// looked at where the verifier was given a way to get it (EN 319 102-1, section
// 5.2.4).
func (r *run) signaturePolicy(ctx context.Context, s *Signature, si *cms.SignerInfo) {
	const id, cite = "signature-policy", "RFC 5126, section 5.8.1"
	list := si.Signed(oid.AttrSignaturePolicy)
	if len(list) == 0 {
		return
	}
	var p sigPolicy
	ok := len(list) == 1 && len(list[0].Values) == 1
	if ok {
		p, ok = parseSigPolicy(list[0].Values[0])
	}
	switch {
	case !ok:
		s.fail(stageAcceptance, id, cite, PolicyProcessingError, r.Lang.pick("указание на правила не читается", "the reference to the policy cannot be read"))
	case p.implied:
		s.skip(stageAcceptance, id, cite, r.Lang.pick("правила подразумеваются и не названы", "the policy is implied and not named"))
	case r.SignaturePolicy == nil:
		s.skip(stageAcceptance, id, cite, p.id.Name()+r.Lang.pick(": правила не запрашивались", ": the policy was not asked for"))
	default:
		r.namedPolicy(ctx, s, p)
	}
}

// namedPolicy compares the policy's document with the digest in the signature.
func (r *run) namedPolicy(ctx context.Context, s *Signature, p sigPolicy) {
	const id, cite = "signature-policy", "EN 319 102-1, 5.2.4"
	doc, err := r.SignaturePolicy(ctx, p.id)
	if err != nil || len(doc) > limits.SignaturePolicy {
		detail := p.id.Name()
		if err != nil {
			detail += ": " + err.Error()
		}
		s.fail(stageAcceptance, id, cite, SignaturePolicyNotAvailable, detail)
		return
	}
	h, err := alg.NewHash(p.hash)
	if err != nil {
		s.fail(stageAcceptance, id, cite, PolicyProcessingError, err.Error())
		return
	}
	h.Write(doc)
	if !bytes.Equal(h.Sum(nil), p.digest) {
		s.fail(stageAcceptance, id, cite, PolicyProcessingError, p.id.Name()+r.Lang.pick(
			": хэш правил не тот, что в подписи", ": the policy's digest is not the one in the signature"))
		return
	}
	s.pass(stageAcceptance, id, cite, p.id.Name())
}

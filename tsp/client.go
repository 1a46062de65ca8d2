package tsp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Client asks a time-stamping authority for a token over a digest that the
// caller has computed. What it returns is checked against the request; whether
// the authority is trusted is left to the caller. [Requester] is one.
type Client interface {
	Stamp(ctx context.Context, hash alg.Identifier, digest []byte) (*Token, error)
}

// Requester is the client's half of the protocol; Send carries octets to an
// authority, over HTTP or to an [Authority] in the same process.
type Requester struct {
	// Send takes the DER of a TimeStampReq and returns that of a
	// TimeStampResp; required.
	Send func(ctx context.Context, request []byte) ([]byte, error)
	// Policy asks for tokens under one policy; "" leaves it to the authority.
	Policy oid.OID
	// Extra are candidates for the authority's certificate, beside those in
	// the token, which is asked to hold it.
	Extra []*pki.Certificate
	// Rand makes nonces; nil means crypto/rand.
	Rand io.Reader
}

var _ Client = (*Requester)(nil)

// Stamp makes a request with a fresh nonce and certReq, sends it and checks
// the response by [Response.Check].
func (r *Requester) Stamp(ctx context.Context, hash alg.Identifier, digest []byte) (*Token, error) {
	if r.Send == nil {
		return nil, errors.New("tsp: the requester has no way to an authority")
	}
	req, err := NewRequest(r.Rand, hash, digest, r.Policy)
	if err != nil {
		return nil, err
	}
	data, err := r.Send(ctx, req.Raw)
	if err != nil {
		return nil, err
	}
	resp, err := ParseResponse(data)
	if err != nil {
		return nil, err
	}
	if _, err := resp.Check(req, r.Extra...); err != nil {
		return nil, err
	}
	return resp.Token, nil
}

// nonceBytes is the length of a nonce. RFC 3161, section 2.4.1: "a large
// random number with a high probability that the client generates it only once
// (e.g., a 64 bit integer)"; some authorities read no more than 64 bits.
const nonceBytes = 8

// NewRequest makes a request for a token over a digest, with a nonce from rand
// (nil: crypto/rand) and with certReq TRUE. policy may be "".
func NewRequest(random io.Reader, hash alg.Identifier, digest []byte, policy oid.OID) (*Request, error) {
	// RFC 3161, section 2.4.1: the length of hashedMessage "MUST match the
	// length of the hash value for that algorithm".
	h, err := alg.NewHash(hash)
	if err != nil {
		return nil, fmt.Errorf("tsp: messageImprint: %w", err)
	}
	if h.Size() != len(digest) {
		return nil, fmt.Errorf("tsp: messageImprint: the digest has %d octets, %s has %d", len(digest), hash.OID.Name(), h.Size())
	}
	if random == nil {
		random = rand.Reader
	}
	raw := make([]byte, nonceBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, fmt.Errorf("tsp: nonce: %w", err)
	}
	raw[0] = raw[0]&0x7f | 0x40 // positive, and of one length always
	r := &Request{
		HashAlgorithm: hash, HashedMessage: slices.Clone(digest), Policy: policy,
		Nonce: new(big.Int).SetBytes(raw), CertReq: true,
	}
	if r.Raw, err = r.encode(); err != nil {
		return nil, fmt.Errorf("tsp: TimeStampReq: %w", err)
	}
	return r, nil
}

// encode writes the DER of a request without extensions; see ParseRequest.
func (r *Request) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, r.HashAlgorithm, r.HashedMessage)
		if r.Policy != "" {
			r.Policy.Add(b)
		}
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		if r.CertReq { // DEFAULT FALSE: X.690, section 11.5
			b.AddASN1Boolean(true)
		}
	})
	return b.Bytes()
}

func addImprint(b *cryptobyte.Builder, hash alg.Identifier, digest []byte) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		hash.Add(b)
		b.AddASN1OctetString(digest)
	})
}

// CheckCertReq is the identifier of the check that a certificate that was
// asked for is there.
const CheckCertReq = "tsp-cert-req"

// Check decides whether the response grants exactly what req asked for (RFC
// 3161, section 2.2): the status; then [Token.Check] with the imprint, the nonce
// and the policy of the request; and that the token holds the authority's
// certificate if that was asked for. extra are further candidates for it. The
// result is nil where there is no token; the error is an [*Error].
func (r *Response) Check(req *Request, extra ...*pki.Certificate) (*Checked, error) {
	if err := r.granted(); err != nil {
		return nil, err
	}
	out, err := r.Token.Check(req.Options(extra...))
	if err != nil {
		return out, err
	}
	// RFC 3161, section 2.4.1: with certReq TRUE "the TSA's public key
	// certificate that is referenced by the ESSCertID identifier […] MUST be
	// provided by the TSA in the certificates field".
	if req.CertReq && !slices.ContainsFunc(r.Token.Signed.Certificates, out.TSA.Equal) {
		e := &Error{
			Kind: KindNoCertificate, Cite: "RFC 3161, section 2.4.1",
			Detail: "the token lacks the certificate of the authority, which was asked for",
		}
		out.Checks = append(out.Checks, cmsFailure(CheckCertReq, e))
		return out, e
	}
	return out, nil
}

// granted returns the error of a response without a token.
func (r *Response) granted() error {
	if r.Token != nil {
		return nil
	}
	detail := "the authority answered " + r.Status.String()
	for _, f := range r.Failure {
		detail += ", " + f
	}
	return &Error{
		Kind: KindStatus, Status: r.Status, Failure: slices.Clone(r.Failure),
		Detail: detail, Cite: "RFC 3161, section 2.4.2",
	}
}

// Options returns what a token must be checked against to be the answer to
// this request: its digest under its algorithm, its nonce and its policy.
func (r *Request) Options(extra ...*pki.Certificate) CheckOptions {
	return CheckOptions{
		Digest: func(id alg.Identifier) ([]byte, error) {
			// RFC 3161, section 2.2: the requester "SHALL verify that the
			// TimeStampToken contains […] the correct hash algorithm OID".
			if id.OID != r.HashAlgorithm.OID {
				return nil, fmt.Errorf("tsp: the imprint is by %s, the request was by %s", id.OID.Name(), r.HashAlgorithm.OID.Name())
			}
			return r.HashedMessage, nil
		},
		Extra: extra, Nonce: r.Nonce, Policy: r.Policy,
	}
}

package cms

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// DigestedData is content with its digest (RFC 5652, section 7). It protects
// against damage, not against anybody.
type DigestedData struct {
	Version         int
	DigestAlgorithm alg.Identifier
	ContentType     oid.OID
	Detached        bool   // there is no content; Computed is nil
	Digest          []byte // as the message says
	Computed        []byte // of the content
	ContentLength   int64
	Armor           der.Armor
}

// ReadDigested reads
//
//	DigestedData ::= SEQUENCE {
//	  version CMSVersion,
//	  digestAlgorithm DigestAlgorithmIdentifier,
//	  encapContentInfo EncapsulatedContentInfo,
//	  digest Digest }
//
// from r, writes the content to content (nil: discarded) and compares the
// digests. Where they differ the error is a [*DigestMismatchError] and the
// result is not nil; an unknown digest algorithm is an [*alg.UnknownError].
func ReadDigested(r io.Reader, content io.Writer, l Limits) (*DigestedData, error) {
	rd, err := open(r, der.KindDigestedData)
	if err != nil {
		return nil, err
	}
	rd.left = l.withDefaults().Total
	if err := rd.enter(oid.DigestedData, "DigestedData"); err != nil {
		return nil, err
	}
	dd := &DigestedData{Armor: rd.armor}
	if dd.Version, err = rd.integer("DigestedData.version"); err != nil {
		return nil, err
	}
	if dd.DigestAlgorithm, err = rd.algorithm("DigestedData.digestAlgorithm"); err != nil {
		return nil, err
	}
	if _, err := alg.NewHash(dd.DigestAlgorithm); err != nil {
		return nil, fmt.Errorf("cms: DigestedData: %w", err)
	}
	d := newDigester([]alg.Identifier{dd.DigestAlgorithm})
	if dd.ContentType, dd.Detached, err = rd.content(d, content); err != nil {
		return nil, err
	}
	dd.ContentLength = d.n
	raw, err := rd.small("DigestedData.digest")
	if err != nil {
		return nil, err
	}
	s := cryptobyte.String(raw)
	var digest cryptobyte.String
	if !s.ReadASN1(&digest, asn1.OCTET_STRING) || !s.Empty() {
		return nil, bad("DigestedData.digest", "not an OCTET STRING")
	}
	dd.Digest = digest
	if err := rd.leave("DigestedData"); err != nil {
		return nil, err
	}
	return dd, dd.check(d)
}

// check: "A recipient verifies the message digest by comparing the message
// digest to an independently computed message digest" (RFC 5652, section 7).
func (dd *DigestedData) check(d *digester) error {
	if dd.Detached {
		return ErrNoContent
	}
	o := digestOID(dd.DigestAlgorithm)
	dd.Computed = d.sums()[o]
	if !bytes.Equal(dd.Computed, dd.Digest) {
		return &DigestMismatchError{Algorithm: o, Computed: dd.Computed, Signed: dd.Digest}
	}
	return nil
}

package cms

import (
	"fmt"
	"hash"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// StampImprint returns the digest by the algorithm hash that time stamp s of
// signature signer, counted from 0, must hold as its messageImprint. The
// caller compares; s may be a stamp that is still to be made, for all kinds but
// StampArchiveV2 and StampArchiveV3.
//
// content returns the digest of the content by an algorithm, which an archive
// time stamp needs; nil means the digests of sd. An archive time stamp of the
// second version needs the content itself: see Again.
//
// What is hashed are the octets of the message as they came.
func (sd *SignedData) StampImprint(signer int, s Stamp, hash alg.Identifier, content func(alg.Identifier) ([]byte, error)) ([]byte, error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: signer %d of %d", signer+1, len(sd.Signers))
	}
	si := sd.Signers[signer]
	h, err := alg.NewHash(hash)
	if err != nil {
		return nil, err
	}
	if content == nil {
		content = sd.digestFor
	}
	switch s.Kind {
	case StampSignature:
		// RFC 5126, section 6.1.1: "a hash of the value of the signature field
		// within SignerInfo for the signedData being time-stamped".
		h.Write(si.Signature)
	case StampCAdESC:
		// RFC 5126, section 6.3.5: "a hash of the concatenated values (without the
		// type or length encoding for that value)" of the signature, the
		// signature time stamps and the references.
		h.Write(si.Signature)
		err = si.hashAttributes(h, oid.AttrSignatureTimeStamp, oid.AttrCompleteCertificateRefs, oid.AttrCompleteRevocationRefs)
	case StampReferences:
		err = si.hashAttributes(h, oid.AttrCompleteCertificateRefs, oid.AttrCompleteRevocationRefs)
	case StampArchiveV2:
		err = sd.hashArchiveV2(h, si, s)
	case StampArchiveV3:
		var index *HashIndex
		if index, err = s.HashIndex(); err == nil {
			err = sd.hashArchiveV3(h, si, hash, index, content)
		}
	default:
		err = fmt.Errorf("cms: %s", s.Kind)
	}
	if err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// hashAttributes writes the unsigned attributes of the types to h, one type
// after the other: "Each attribute is included in the hash with the attrType
// and attrValues (including type and length) but without the type and length of
// the outer SEQUENCE" (RFC 5126, section 6.3.5). All must be there.
func (si *SignerInfo) hashAttributes(h hash.Hash, types ...oid.OID) error {
	list, err := si.wireUnsigned()
	if err != nil {
		return err
	}
	for _, t := range types {
		found := false
		for _, a := range list {
			if a.oid == t {
				found = true
				h.Write(a.typ)
				h.Write(a.set)
			}
		}
		if !found {
			return &AttributeError{Type: t, Why: "missing, and a time stamp covers it"}
		}
	}
	return nil
}

// ArchiveImprint returns the digest that a new archive-time-stamp-v3 with the
// index over signature signer must hold, and is otherwise as StampImprint.
func (sd *SignedData) ArchiveImprint(signer int, index *HashIndex, content func(alg.Identifier) ([]byte, error)) ([]byte, error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: signer %d of %d", signer+1, len(sd.Signers))
	}
	h, err := alg.NewHash(index.Algorithm)
	if err != nil {
		return nil, err
	}
	if content == nil {
		content = sd.digestFor
	}
	if err := sd.hashArchiveV3(h, sd.Signers[signer], index.Algorithm, index, content); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// hashArchiveV3 writes to h what ETSI EN 319 122-1, clause 5.5.3 lists, each
// in its binary encoding "including the tag, length and value octets": the
// eContentType, the hash of the signed data, the fields of SignerInfo from
// version to signature, and the ATSHashIndexV3.
func (sd *SignedData) hashArchiveV3(h hash.Hash, si *SignerInfo, id alg.Identifier, index *HashIndex, content func(alg.Identifier) ([]byte, error)) error {
	// EN 319 122-1, clause 5.5.2: the algorithm of the index is that of the
	// archive time stamp's message imprint.
	if digestOID(index.Algorithm) != digestOID(id) {
		return &AttributeError{Type: index.Type, Why: fmt.Sprintf("made with %s in a time stamp over %s",
			index.Algorithm.OID.Name(), id.OID.Name())}
	}
	digest, err := content(id)
	if err != nil {
		return err
	}
	fields, err := si.fields()
	if err != nil {
		return err
	}
	h.Write(oidDER(sd.ContentType))
	h.Write(digest)
	for _, f := range fields {
		h.Write(f)
	}
	h.Write(index.Raw)
	return nil
}

// hashArchiveV2 writes to h what RFC 5126, section 6.4.1 lists: encapContentInfo,
// the external content where eContent is omitted, certificates and crls, and
// "all data elements in the SignerInfo sequence including all signed and unsigned
// attributes", "excluding all later ArchivTimeStampToken attributes".
func (sd *SignedData) hashArchiveV2(h hash.Hash, si *SignerInfo, s Stamp) error {
	if sd.BER {
		// Section 6.4.1, note 4: "The hash is calculated over the concatenated
		// data elements as received/stored, including the Type and Length encoding."
		return fmt.Errorf("%w: the message is BER, and the lengths of its parts were not kept", ErrContentNeeded)
	}
	if err := sd.hashEncapContentInfo(h); err != nil {
		return err
	}
	if len(sd.certificates) > 0 {
		h.Write(der.Wrap(tagContext0, sd.certificates...))
	}
	if len(sd.revocations) > 0 {
		h.Write(der.Wrap(tagContext1, sd.revocations...))
	}
	fields, err := si.fields()
	if err != nil {
		return err
	}
	for _, f := range fields {
		h.Write(f)
	}
	earlier, err := si.beforeArchive(s)
	if err != nil {
		return err
	}
	if len(earlier) > 0 {
		h.Write(der.Wrap(tagContext1, earlier...))
	}
	return nil
}

// hashEncapContentInfo writes encapContentInfo with its content, or followed
// by the detached content.
func (sd *SignedData) hashEncapContentInfo(h hash.Hash) error {
	if sd.Again == nil {
		return ErrContentNeeded
	}
	content, err := sd.Again()
	if err != nil {
		return fmt.Errorf("cms: content: %w", err)
	}
	contentType := oidDER(sd.ContentType)
	if sd.Detached {
		h.Write(der.Wrap(tagSequence, contentType))
	} else {
		octets := der.AppendHeader(nil, der.TagOctetString, sd.ContentLength)
		explicit := der.AppendHeader(nil, tagContext0, int64(len(octets))+sd.ContentLength)
		h.Write(der.AppendHeader(nil, tagSequence, int64(len(contentType)+len(explicit)+len(octets))+sd.ContentLength))
		h.Write(contentType)
		h.Write(explicit)
		h.Write(octets)
	}
	n, err := io.Copy(h, content)
	if err != nil {
		return fmt.Errorf("cms: content: %w", err)
	}
	if n != sd.ContentLength {
		return ErrContentChanged
	}
	return nil
}

// beforeArchive returns the unsigned attributes that archive time stamp s can
// cover: all but itself and the archive time stamps that are not older. Of two
// from the same moment neither covers the other.
func (si *SignerInfo) beforeArchive(s Stamp) ([][]byte, error) {
	list, err := si.wireUnsigned()
	if err != nil {
		return nil, err
	}
	at, err := tokenTime(s.Token)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for i, a := range list {
		if i == s.Attribute {
			continue
		}
		if stampKind(a.oid).IsArchive() {
			other := []byte(nil)
			if len(a.values) == 1 {
				other = a.values[0]
			}
			t, err := tokenTime(other)
			if err != nil {
				return nil, err
			}
			if !t.Before(at) {
				continue
			}
		}
		out = append(out, a.raw)
	}
	return out, nil
}

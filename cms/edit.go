package cms

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// AddUnsigned returns si with one more unsigned attribute of type t with the
// DER value. What is signed does not change: version to signature are copied
// octet for octet, and so are the unsigned attributes that are there.
func (si *SignerInfo) AddUnsigned(t oid.OID, value []byte) (*SignerInfo, error) {
	return si.AddUnsignedAttributes(Attribute{Type: t, Values: [][]byte{value}})
}

// AddUnsignedAttributes is AddUnsigned for several attributes; Type and Values
// are used.
func (si *SignerInfo) AddUnsignedAttributes(attributes ...Attribute) (*SignerInfo, error) {
	list, err := si.wireUnsigned()
	if err != nil {
		return nil, err
	}
	raw := make([][]byte, 0, len(list)+len(attributes))
	for _, a := range list {
		raw = append(raw, a.raw)
	}
	sorted := isSorted(raw)
	for _, a := range attributes {
		raw = append(raw, attribute(a.Type, a.Values...))
	}
	if sorted { // else the order may be what an archive time stamp covers
		slices.SortStableFunc(raw, bytes.Compare)
	}
	return si.withUnsigned(raw)
}

// ReplaceToken returns si with token in the place of the token of s. It is for
// evidence that is put into the unsigned attributes of a token: no other time
// stamp may cover s, or that stamp is broken.
func (si *SignerInfo) ReplaceToken(s Stamp, token []byte) (*SignerInfo, error) {
	list, err := si.wireUnsigned()
	if err != nil {
		return nil, err
	}
	if s.Attribute >= len(list) || s.Value >= len(list[s.Attribute].values) || list[s.Attribute].oid != s.Kind.OID() {
		return nil, bad("SignerInfo.unsignedAttrs", "there is no %s at %d, %d", s.Kind, s.Attribute, s.Value)
	}
	raw := make([][]byte, len(list))
	for i, a := range list {
		raw[i] = a.raw
		if i == s.Attribute {
			values := slices.Clone(a.values)
			values[s.Value] = token
			raw[i] = attribute(a.oid, values...)
		}
	}
	if isSorted(wireRaw(list)) {
		slices.SortStableFunc(raw, bytes.Compare)
	}
	return si.withUnsigned(raw)
}

func wireRaw(list []wireAttribute) [][]byte {
	out := make([][]byte, len(list))
	for i, a := range list {
		out[i] = a.raw
	}
	return out
}

// withUnsigned returns si with these unsigned attributes in this order:
//
//	UnsignedAttributes ::= SET SIZE (1..MAX) OF Attribute  -- RFC 5652, section 5.3
func (si *SignerInfo) withUnsigned(raw [][]byte) (*SignerInfo, error) {
	parts, err := si.fields()
	if err != nil {
		return nil, err
	}
	parts = append(slices.Clip(parts), der.Wrap(tagContext1, raw...))
	return parseSignerInfo(der.Wrap(tagSequence, parts...), si.limits, si.depth)
}

// isSorted says whether the elements of a SET OF stand as DER wants them.
func isSorted(list [][]byte) bool { return slices.IsSortedFunc(list, bytes.Compare) }

// extendSet returns list with added, each once. A set that is in the order of
// DER stays so; in another, the order of what was there is kept, because an
// archive time stamp of the second version may cover the set as it is.
func extendSet(list, added [][]byte) [][]byte {
	sorted := isSorted(list)
	out := slices.Clone(list)
	have := make(map[string]bool, len(list)+len(added))
	for _, b := range list {
		have[string(b)] = true
	}
	for _, b := range added {
		if !have[string(b)] {
			have[string(b)] = true
			out = append(out, b)
		}
	}
	if sorted {
		slices.SortStableFunc(out, bytes.Compare)
	}
	return out
}

// Edit is what Rewrite changes of a message.
type Edit struct {
	Signers      []*SignerInfo    // in the place of those of the message; nil: they stay
	Certificates [][]byte         // CertificateChoices to add, DER
	Revocations  [][]byte         // RevocationInfoChoice to add, DER
	Digests      []alg.Identifier // to add to digestAlgorithms
	Detach       bool             // leave the content out
}

// Rewrite writes the message to w with the changes of e: everything else stays
// octet for octet, signers, certificates and revocation data included, and the
// order of each set where it is not that of DER. It is written as DER, so of a
// message in BER the lengths around its parts change. That breaks an archive time
// stamp of the second version, and is refused where there is one; so are more
// certificates or revocation data, which it would cover.
//
// content is that of an attached message, ContentLength octets; it is copied
// without being hashed, as WriteAttached does without a FinishFunc. It is not
// used for a message that is detached or to be detached.
func (sd *SignedData) Rewrite(w io.Writer, e Edit, content io.Reader) error {
	if err := sd.checkEdit(e); err != nil {
		return err
	}
	m := Message{
		ContentType:  sd.ContentType,
		Certificates: extendSet(sd.certificates, e.Certificates),
		Revocations:  extendSet(sd.revocations, e.Revocations),
	}
	signers := sd.Signers
	if e.Signers != nil {
		signers = e.Signers
	}
	f := &frame{keepOrder: !sd.sorted, length: sd.ContentLength}
	ids := make([][]byte, 0, len(sd.DigestAlgorithms)+len(e.Digests))
	for _, id := range sd.DigestAlgorithms {
		ids = append(ids, id.DER())
	}
	var added [][]byte
	for _, id := range e.Digests {
		if !slices.ContainsFunc(sd.DigestAlgorithms, func(l alg.Identifier) bool { return digestOID(l) == digestOID(id) }) {
			added = append(added, id.DER())
		}
	}
	version := max(byte(min(sd.Version, 5)), m.version(signers))
	f.head = append([]byte{byte(asn1.INTEGER), 1, version}, der.Wrap(tagSet, extendSet(ids, added)...)...)
	f.addSets(m.Certificates, m.Revocations)
	if sd.Detached || e.Detach {
		return f.writeDetached(w, m.contentType(), signers)
	}
	return f.writeAttached(w, m.contentType(), content, signers, nil)
}

// AddEvidence adds certificates and revocation data to the sets of the message,
// each once: OCSP responses as [OCSPRevocation] makes them. Signers are not
// touched. Candidates and Coverage see what was added.
func (sd *SignedData) AddEvidence(e Evidence) error {
	certs := make([][]byte, len(e.Certificates))
	for i, c := range e.Certificates {
		certs[i] = c.Raw
	}
	lists := make([][]byte, len(e.CRLs), len(e.CRLs)+len(e.OCSP))
	for i, l := range e.CRLs {
		lists[i] = l.Raw
	}
	for i, raw := range e.OCSP {
		choice, err := OCSPRevocation(raw)
		if err != nil {
			return fmt.Errorf("%w (response %d)", err, i+1)
		}
		lists = append(lists, choice)
	}
	after := &SignedData{limits: sd.limits, parse: sd.parse, Findings: sd.Findings}
	for _, raw := range extendSet(sd.certificates, certs) {
		after.addCertificate(raw[0], raw)
	}
	for _, raw := range extendSet(sd.revocations, lists) {
		after.addRevocation(raw[0], raw)
	}
	grown := len(after.certificates) > len(sd.certificates) || len(after.revocations) > len(sd.revocations)
	sd.Evidence, sd.certificates, sd.revocations = after.Evidence, after.certificates, after.revocations
	sd.extended = sd.extended || grown
	return nil
}

// checkEdit refuses what would break an archive time stamp that is there.
func (sd *SignedData) checkEdit(e Edit) error {
	if e.Signers != nil && len(e.Signers) != len(sd.Signers) {
		return fmt.Errorf("cms: %d signers in the place of %d", len(e.Signers), len(sd.Signers))
	}
	if !sd.BER && len(e.Certificates) == 0 && len(e.Revocations) == 0 && !sd.extended {
		return nil
	}
	for _, si := range sd.Signers {
		if len(si.Unsigned(oid.AttrArchiveTimeStampV2)) > 0 {
			return &AttributeError{
				Type: oid.AttrArchiveTimeStampV2,
				Why:  "covers the certificates and lengths of the message, which must not change any more",
			}
		}
	}
	return nil
}

func signersRaw(list []*SignerInfo) [][]byte {
	out := make([][]byte, len(list))
	for i, si := range list {
		out[i] = si.Raw
	}
	return out
}

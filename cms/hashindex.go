package cms

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// HashIndex is ats-hash-index-v3 (ETSI EN 319 122-1, clause 5.5.2) or the older
// ats-hash-index (ETSI TS 101 733, clause 6.4.2): which certificates, revocation
// data and unsigned attributes an archive time stamp covers. It stands in the
// unsigned attributes of the token and is covered by its messageImprint.
type HashIndex struct {
	Raw          []byte  // as it came, or as it was built
	Type         oid.OID // oid.AttrATSHashIndexV3 or oid.AttrATSHashIndex
	Algorithm    alg.Identifier
	Certificates [][]byte // digests of CertificateChoices
	Revocations  [][]byte // digests of RevocationInfoChoice
	Attributes   [][]byte // digests of attrType and one value; in the older type of a whole Attribute
}

// ParseHashIndex parses one value of the attribute t:
//
//	ATSHashIndexV3 ::= SEQUENCE {
//	  hashIndAlgorithm             AlgorithmIdentifier,
//	  certificatesHashIndex        SEQUENCE OF OCTET STRING,
//	  crlsHashIndex                SEQUENCE OF OCTET STRING,
//	  unsignedAttrValuesHashIndex  SEQUENCE OF OCTET STRING }
//
// In the older ATSHashIndex the algorithm is "DEFAULT {algorithm id-sha256}";
// its absence is read so in both.
func ParseHashIndex(t oid.OID, value []byte) (*HashIndex, error) {
	if t != oid.AttrATSHashIndexV3 && t != oid.AttrATSHashIndex {
		return nil, &AttributeError{Type: t, Why: "not a hash index"}
	}
	body, ok := readSequence(value)
	if !ok {
		return nil, &AttributeError{Type: t, Why: "not a SEQUENCE"}
	}
	x := &HashIndex{Raw: bytes.Clone(value), Type: t, Algorithm: alg.Identifier{OID: oid.SHA256}}
	if first := body; peekOID(first) {
		var err error
		if x.Algorithm, err = alg.ReadIdentifier(&body, "hashIndAlgorithm"); err != nil {
			return nil, &AttributeError{Type: t, Why: err.Error()}
		}
	}
	h, err := alg.NewHash(x.Algorithm)
	if err != nil {
		return nil, err
	}
	for _, list := range []struct {
		name string
		out  *[][]byte
	}{
		{"certificatesHashIndex", &x.Certificates},
		{"crlsHashIndex", &x.Revocations},
		{"unsignedAttrValuesHashIndex", &x.Attributes},
	} {
		if *list.out, err = readDigests(&body, t, list.name, h.Size()); err != nil {
			return nil, err
		}
	}
	if !body.Empty() {
		return nil, &AttributeError{Type: t, Why: "data after unsignedAttrValuesHashIndex"}
	}
	return x, nil
}

// peekOID says whether s begins with a SEQUENCE that begins with an OBJECT
// IDENTIFIER: an AlgorithmIdentifier, where a list of OCTET STRING may be.
func peekOID(s cryptobyte.String) bool {
	var first cryptobyte.String
	return s.ReadASN1(&first, asn1.SEQUENCE) && first.PeekASN1Tag(asn1.OBJECT_IDENTIFIER)
}

// readDigests reads a SEQUENCE OF OCTET STRING, each size octets long.
func readDigests(body *cryptobyte.String, t oid.OID, field string, size int) ([][]byte, error) {
	var list cryptobyte.String
	if !body.ReadASN1(&list, asn1.SEQUENCE) {
		return nil, &AttributeError{Type: t, Why: field + " is not a SEQUENCE"}
	}
	var out [][]byte
	for !list.Empty() {
		if len(out) == limits.HashIndexEntries {
			return nil, &LimitError{What: field, Max: limits.HashIndexEntries}
		}
		var digest cryptobyte.String
		if !list.ReadASN1(&digest, asn1.OCTET_STRING) || len(digest) != size {
			return nil, &AttributeError{Type: t, Why: fmt.Sprintf("%s: entry %d is not an OCTET STRING of %d octets", field, len(out)+1, size)}
		}
		out = append(out, bytes.Clone(digest))
	}
	return out, nil
}

// HashIndex returns the index in the unsigned attributes of the token of s,
// which must be an archive-time-stamp-v3: "The ArchiveTimeStamp shall include"
// one (EN 319 122-1, clause 5.5.3).
func (s Stamp) HashIndex() (*HashIndex, error) {
	token, _, err := readToken(s.Token)
	if err != nil {
		return nil, err
	}
	si := token.Signers[0]
	list, err := si.wireUnsigned()
	if err != nil {
		return nil, err
	}
	var found *HashIndex
	for _, a := range list {
		if a.oid != oid.AttrATSHashIndexV3 && a.oid != oid.AttrATSHashIndex {
			continue
		}
		if found != nil || len(a.values) != 1 {
			return nil, &AttributeError{Type: a.oid, Why: "there must be one index with one value"}
		}
		if found, err = ParseHashIndex(a.oid, a.values[0]); err != nil {
			return nil, err
		}
	}
	if found == nil {
		return nil, &AttributeError{Type: oid.AttrATSHashIndexV3, Why: "missing in the token of the archive time stamp"}
	}
	return found, nil
}

// readToken reads a time-stamp token with its content.
func readToken(token []byte) (*SignedData, []byte, error) {
	if len(token) > limits.TimeStampSize {
		return nil, nil, &LimitError{What: "time-stamp token", Max: limits.TimeStampSize}
	}
	var content bytes.Buffer
	sd, err := ReadSigned(bytes.NewReader(token), &content, Limits{})
	if err != nil {
		return nil, nil, fmt.Errorf("cms: time-stamp token: %w", err)
	}
	if sd.Armor != der.ArmorNone || sd.ContentType != oid.TSTInfo || len(sd.Signers) != 1 {
		return nil, nil, bad("time-stamp token", "not a TSTInfo with one signature")
	}
	return sd, content.Bytes(), nil
}

// tokenTime returns genTime of a token, to the second: the fifth field of
// TSTInfo (RFC 3161, section 2.4.2). It serves to put archive time stamps in
// order; whether the token holds is for others to check.
func tokenTime(token []byte) (time.Time, error) {
	_, content, err := readToken(token)
	if err != nil {
		return time.Time{}, err
	}
	body, ok := readSequence(content)
	var tag asn1.Tag
	var skipped cryptobyte.String
	for range 4 { // version, policy, messageImprint, serialNumber
		ok = ok && body.ReadAnyASN1Element(&skipped, &tag)
	}
	var text cryptobyte.String
	const layout = "20060102150405"
	if !ok || !body.ReadASN1(&text, asn1.GeneralizedTime) || len(text) <= len(layout) {
		return time.Time{}, bad("time-stamp token", "TSTInfo has no genTime")
	}
	t, err := time.Parse(layout, string(text[:len(layout)]))
	if err != nil {
		return time.Time{}, bad("time-stamp token", "TSTInfo.genTime is not a time")
	}
	return t, nil
}

// BuildHashIndex makes an ats-hash-index-v3 over all certificates and
// revocation data of the message and all values of the unsigned attributes of
// signature signer, counted from 0, as they are now.
func (sd *SignedData) BuildHashIndex(signer int, id alg.Identifier) (*HashIndex, error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: signer %d of %d", signer+1, len(sd.Signers))
	}
	list, err := sd.Signers[signer].wireUnsigned()
	if err != nil {
		return nil, err
	}
	x := &HashIndex{Type: oid.AttrATSHashIndexV3, Algorithm: id}
	add := func(to *[][]byte, parts ...[]byte) error {
		digest, err := digestOctets(id, bytes.Join(parts, nil))
		*to = append(*to, digest)
		return err
	}
	for _, c := range sd.certificates {
		if err := add(&x.Certificates, c); err != nil {
			return nil, err
		}
	}
	for _, r := range sd.revocations {
		if err := add(&x.Revocations, r); err != nil {
			return nil, err
		}
	}
	for _, a := range list {
		for _, v := range a.values {
			if err := add(&x.Attributes, a.typ, v); err != nil {
				return nil, err
			}
		}
	}
	x.Raw = der.Wrap(tagSequence, id.DER(), digestList(x.Certificates), digestList(x.Revocations), digestList(x.Attributes))
	return x, nil
}

// digestList returns the DER of a SEQUENCE OF OCTET STRING.
func digestList(list [][]byte) []byte {
	out := make([][]byte, len(list))
	for i, d := range list {
		out[i] = der.Wrap(byte(asn1.OCTET_STRING), d)
	}
	return der.Wrap(tagSequence, out...)
}

// Coverage says what of a message an archive time stamp covers.
type Coverage struct {
	Evidence          // certificates and revocation data of SignedData that are covered
	Missing  []string // what the index lists and the message does not have as it was
	Open     []string // what the message has and the index does not list
	values   map[[2]int]bool
}

// Covers says whether s, a time stamp of the same signature, is covered.
func (c *Coverage) Covers(s Stamp) bool { return c.values[[2]int{s.Attribute, s.Value}] }

// CoversAttribute says whether all values of unsigned attribute i, an index in
// UnsignedAttrs, are covered; n is how many it has.
func (c *Coverage) CoversAttribute(i, n int) bool {
	for j := range n {
		if !c.values[[2]int{i, j}] {
			return false
		}
	}
	return n > 0
}

// Coverage compares the index with the message. "The ats-hash-index-v3 is
// invalid if it contains a reference for which the original value is not found"
// (EN 319 122-1, clause 5.5.2): Missing must then be empty. What is in Open was
// added after the time stamp, which says nothing about it.
func (sd *SignedData) Coverage(signer int, x *HashIndex) (*Coverage, error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: signer %d of %d", signer+1, len(sd.Signers))
	}
	list, err := sd.Signers[signer].wireUnsigned()
	if err != nil {
		return nil, err
	}
	c := &Coverage{values: make(map[[2]int]bool)}
	if err := c.sets(sd, x); err != nil {
		return nil, err
	}
	m := newMatcher(x.Algorithm, x.Attributes)
	for i, a := range list {
		for j, v := range a.values {
			octets := [][]byte{a.typ, v}
			if x.Type == oid.AttrATSHashIndex {
				octets = [][]byte{a.raw} // TS 101 733, clause 6.4.2: of the Attribute
			}
			ok, err := m.match(octets...)
			if err != nil {
				return nil, err
			}
			if c.values[[2]int{i, j}] = ok; !ok {
				c.Open = append(c.Open, fmt.Sprintf("unsigned attribute %s, value %d", a.oid.Name(), j+1))
			}
		}
	}
	c.Missing = append(c.Missing, m.missing("unsigned attribute")...)
	return c, nil
}

// sets compares certificates and revocation data.
func (c *Coverage) sets(sd *SignedData, x *HashIndex) error {
	certs, lists := newMatcher(x.Algorithm, x.Certificates), newMatcher(x.Algorithm, x.Revocations)
	var covered SignedData
	for i, raw := range sd.certificates {
		ok, err := certs.match(raw)
		if err != nil {
			return err
		}
		if !ok {
			c.Open = append(c.Open, fmt.Sprintf("SignedData.certificates[%d]", i))
			continue
		}
		covered.addCertificate(raw[0], raw)
	}
	for i, raw := range sd.revocations {
		ok, err := lists.match(raw)
		if err != nil {
			return err
		}
		if !ok {
			c.Open = append(c.Open, fmt.Sprintf("SignedData.crls[%d]", i))
			continue
		}
		covered.addRevocation(raw[0], raw)
	}
	c.Evidence = covered.Evidence
	c.Missing = append(certs.missing("certificate"), lists.missing("revocation data")...)
	return nil
}

// matcher looks for octets by their digests.
type matcher struct {
	id   alg.Identifier
	want [][]byte
	seen map[string]bool // by digest: whether it was found
}

func newMatcher(id alg.Identifier, want [][]byte) *matcher {
	m := &matcher{id: id, want: want, seen: make(map[string]bool, len(want))}
	for _, w := range want {
		m.seen[string(w)] = false
	}
	return m
}

// match says whether the concatenation of parts is wanted.
func (m *matcher) match(parts ...[]byte) (bool, error) {
	h, err := alg.NewHash(m.id)
	if err != nil {
		return false, err
	}
	for _, p := range parts {
		h.Write(p)
	}
	digest := string(h.Sum(nil))
	if _, ok := m.seen[digest]; !ok {
		return false, nil
	}
	m.seen[digest] = true
	return true, nil
}

// missing describes what was wanted and not found.
func (m *matcher) missing(what string) []string {
	var out []string
	for i, w := range m.want {
		if m.seen[string(w)] {
			continue
		}
		if len(out) == limits.Findings {
			break
		}
		out = append(out, fmt.Sprintf("%s %d of the index (digest %x)", what, i+1, w))
	}
	return out
}

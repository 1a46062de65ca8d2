package pki

import (
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// NameConstraints is the extension that bounds the names of all certificates
// below (RFC 5280, section 4.2.1.10). A nil list is an absent field.
type NameConstraints struct {
	Permitted []GeneralSubtree // permittedSubtrees
	Excluded  []GeneralSubtree // excludedSubtrees
}

// GeneralSubtree is one subtree of a name space. Base.Value of an IPAddress has
// 8 or 32 octets, address and mask; its Text is empty.
type GeneralSubtree struct {
	Base    GeneralName
	Minimum int // BaseDistance; RFC 5280 demands 0
	Maximum int // -1: absent, as RFC 5280 demands
}

// PolicyMapping says that the issuer holds its policy for equal to the
// subject's (RFC 5280, section 4.2.1.5).
type PolicyMapping struct{ Issuer, Subject oid.OID }

// PolicyConstraints is the extension of RFC 5280, section 4.2.1.11: after so
// many further certificates a policy is required, or mapping is inhibited.
type PolicyConstraints struct {
	RequireExplicitPolicy int // -1: absent
	InhibitPolicyMapping  int // -1: absent
}

// maxSkip stands for any larger number of certificates: no path is that long.
const maxSkip = 1 << 30

// readNameConstraints:
//
//	NameConstraints ::= SEQUENCE {
//	     permittedSubtrees       [0]     GeneralSubtrees OPTIONAL,
//	     excludedSubtrees        [1]     GeneralSubtrees OPTIONAL }
//	GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
func readNameConstraints(c *Certificate, e Extension, field string, r *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		// "That is, either the permittedSubtrees field or the excludedSubtrees
		// MUST be present", RFC 5280, 4.2.1.10.
		return der.Bad(field, "neither permittedSubtrees nor excludedSubtrees")
	}
	nc := new(NameConstraints)
	for _, list := range []struct {
		tag  asn1.Tag
		out  *[]GeneralSubtree
		name string
	}{{ctx0 | cons, &nc.Permitted, ".permittedSubtrees"}, {ctx1 | cons, &nc.Excluded, ".excludedSubtrees"}} {
		if !s.PeekASN1Tag(list.tag) {
			continue
		}
		content, err := der.Read(&s, list.tag, field+list.name)
		if err != nil {
			return err
		}
		if *list.out, err = readSubtrees(content, field+list.name, r); err != nil {
			return err
		}
	}
	if !s.Empty() {
		return der.Bad(field, "unknown elements")
	}
	c.NameConstraints = nc
	return nil
}

func readSubtrees(s cryptobyte.String, field string, r *recorder) ([]GeneralSubtree, error) {
	if s.Empty() {
		return nil, der.Bad(field, "an empty sequence")
	}
	var out []GeneralSubtree
	for !s.Empty() {
		if len(out) >= limits.NameSubtrees {
			return nil, der.Bad(field, "too many subtrees")
		}
		one, err := der.Read(&s, asn1.SEQUENCE, field)
		if err != nil {
			return nil, err
		}
		t, err := readSubtree(one, field, r)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// readSubtree:
//
//	GeneralSubtree ::= SEQUENCE {
//	     base                    GeneralName,
//	     minimum         [0]     BaseDistance DEFAULT 0,
//	     maximum         [1]     BaseDistance OPTIONAL }
func readSubtree(s cryptobyte.String, field string, r *recorder) (GeneralSubtree, error) {
	t := GeneralSubtree{Maximum: -1}
	// An address with its mask is no address: the finding about its length
	// would mislead.
	own := r
	if s.PeekASN1Tag(asn1.Tag(IPAddress).ContextSpecific()) {
		own = new(recorder)
	}
	var err error
	if t.Base, err = readGeneralName(&s, field+".base", own); err != nil {
		return t, err
	}
	if t.Base.Kind == IPAddress {
		t.Base.Text = ""
		if n := len(t.Base.Value); n != 8 && n != 32 {
			return t, der.Bad(field+".base", "iPAddress must have 8 or 32 octets, address and mask")
		}
	}
	for _, bound := range []struct {
		tag asn1.Tag
		out *int
	}{{ctx0, &t.Minimum}, {ctx1, &t.Maximum}} {
		if !s.PeekASN1Tag(bound.tag) {
			continue
		}
		if *bound.out, err = readSkip(&s, bound.tag, field); err != nil {
			return t, err
		}
		// "Within this profile, the minimum and maximum fields are not used with
		// any name forms, thus, the minimum MUST be zero, and maximum MUST be
		// absent", RFC 5280, 4.2.1.10.
		if bound.tag == ctx1 || t.Minimum != 0 {
			r.add(Error, "name-constraints-distance", field, "minimum or maximum is used", "RFC 5280, 4.2.1.10")
		}
	}
	if !s.Empty() {
		return t, der.Bad(field, "unknown elements")
	}
	return t, nil
}

// readSkip reads INTEGER (0..MAX) with an implicit tag; numbers above maxSkip
// become maxSkip.
func readSkip(s *cryptobyte.String, tag asn1.Tag, field string) (int, error) {
	content, err := der.Read(s, tag, field)
	if err != nil {
		return 0, err
	}
	n, _, ok := der.Integer(content, limits.SerialBytes)
	if !ok || n.Sign() < 0 {
		return 0, der.Bad(field, "not a number from 0")
	}
	if n.Cmp(big.NewInt(maxSkip)) > 0 {
		return maxSkip, nil
	}
	return int(n.Int64()), nil
}

// readPolicyMappings: PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
// issuerDomainPolicy CertPolicyId, subjectDomainPolicy CertPolicyId }.
func readPolicyMappings(c *Certificate, e Extension, field string, _ *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		return der.Bad(field, "an empty sequence")
	}
	var out []PolicyMapping
	for !s.Empty() {
		if len(out) >= limits.PolicyMappings {
			return der.Bad(field, "too many mappings")
		}
		one, err := der.Read(&s, asn1.SEQUENCE, field)
		if err != nil {
			return err
		}
		var m PolicyMapping
		if !oid.Read(&one, &m.Issuer) || !oid.Read(&one, &m.Subject) || !one.Empty() {
			return der.Bad(field, "not a pair of object identifiers")
		}
		out = append(out, m)
	}
	c.PolicyMappings = out
	return nil
}

// readPolicyConstraints:
//
//	PolicyConstraints ::= SEQUENCE {
//	     requireExplicitPolicy           [0] SkipCerts OPTIONAL,
//	     inhibitPolicyMapping            [1] SkipCerts OPTIONAL }
func readPolicyConstraints(c *Certificate, e Extension, field string, _ *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		// "Conforming CAs MUST NOT issue certificates where policy constraints
		// is an empty sequence", RFC 5280, 4.2.1.11.
		return der.Bad(field, "neither requireExplicitPolicy nor inhibitPolicyMapping")
	}
	pc := &PolicyConstraints{RequireExplicitPolicy: -1, InhibitPolicyMapping: -1}
	if s.PeekASN1Tag(ctx0) {
		if pc.RequireExplicitPolicy, err = readSkip(&s, ctx0, field+".requireExplicitPolicy"); err != nil {
			return err
		}
	}
	if s.PeekASN1Tag(ctx1) {
		if pc.InhibitPolicyMapping, err = readSkip(&s, ctx1, field+".inhibitPolicyMapping"); err != nil {
			return err
		}
	}
	if !s.Empty() {
		return der.Bad(field, "unknown elements")
	}
	c.PolicyConstraints = pc
	return nil
}

// readInhibitAnyPolicy: InhibitAnyPolicy ::= SkipCerts, INTEGER (0..MAX).
func readInhibitAnyPolicy(c *Certificate, e Extension, field string, _ *recorder) error {
	s := cryptobyte.String(e.Value)
	n, err := readSkip(&s, asn1.INTEGER, field)
	if err != nil {
		return err
	}
	if !s.Empty() {
		return der.Bad(field, "octets after the number")
	}
	c.InhibitAnyPolicy = n
	return nil
}

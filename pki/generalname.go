package pki

import (
	"fmt"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// GeneralNameKind is the context tag of a GeneralName (RFC 5280, 4.2.1.6).
type GeneralNameKind uint8

// The kinds of GeneralName.
const (
	OtherName     GeneralNameKind = 0
	RFC822Name    GeneralNameKind = 1
	DNSName       GeneralNameKind = 2
	X400Address   GeneralNameKind = 3
	DirectoryName GeneralNameKind = 4
	EDIPartyName  GeneralNameKind = 5
	URIName       GeneralNameKind = 6
	IPAddress     GeneralNameKind = 7
	RegisteredID  GeneralNameKind = 8
)

// GeneralName is one alternative of the GeneralName CHOICE.
type GeneralName struct {
	Kind  GeneralNameKind
	Text  string  // e-mail, DNS name, URI, IP address or OID as text
	Name  *Name   // for DirectoryName
	OID   oid.OID // type-id of OtherName, or the RegisteredID
	Value []byte  // contents octets; for OtherName the DER inside [0]
	Raw   []byte  // the whole element; may be nil when creating
}

// readGeneralName consumes one GeneralName.
func readGeneralName(s *cryptobyte.String, field string, r *recorder) (GeneralName, error) {
	raw, content, tag, err := der.ReadAny(s, field)
	if err != nil {
		return GeneralName{}, err
	}
	// Kinds 0, 3, 4 and 5 are constructed, the others primitive.
	kind := GeneralNameKind(tag & 0x1f)
	constructed := kind == OtherName || kind == X400Address || kind == DirectoryName || kind == EDIPartyName
	if tag&0xc0 != 0x80 || kind > RegisteredID || (tag&0x20 != 0) != constructed {
		return GeneralName{}, der.Bad(field, fmt.Sprintf("tag %#02x is not one of GeneralName", uint8(tag)))
	}
	g := GeneralName{Kind: kind, Value: content, Raw: raw}
	switch kind {
	case RFC822Name, DNSName, URIName:
		text, deviation, _ := der.DecodeString(der.TagIA5String, content)
		if deviation != "" {
			r.add(Warn, "ia5-alphabet", field, deviation, "RFC 5280, 4.2.1.6")
		}
		g.Text = text
	case DirectoryName:
		// Name is a CHOICE, so its tag is EXPLICIT (X.680, 31.2.7).
		name, err := readName(&content, field+".directoryName", r)
		if err != nil {
			return GeneralName{}, err
		}
		if !content.Empty() {
			return GeneralName{}, der.Bad(field+".directoryName", "octets after the name")
		}
		g.Name, g.Text = &name, name.String()
	case IPAddress:
		if a, ok := netip.AddrFromSlice(content); ok {
			g.Text = a.String()
		} else {
			r.add(Warn, "ip-length", field, fmt.Sprintf("an address of %d octets", len(content)), "RFC 5280, 4.2.1.6")
		}
	case RegisteredID:
		id, ok := oid.FromContent(content)
		if !ok {
			return GeneralName{}, der.Bad(field+".registeredID", "not an object identifier")
		}
		g.OID, g.Text = id, string(id)
	case OtherName:
		if !oid.Read(&content, &g.OID) {
			return GeneralName{}, der.Bad(field+".otherName", "no type-id")
		}
		value, err := der.Read(&content, asn1.Tag(0).ContextSpecific().Constructed(), field+".otherName.value")
		if err != nil {
			return GeneralName{}, err
		}
		g.Value = value
	}
	return g, nil
}

// readGeneralNames reads the contents of GeneralNames ::= SEQUENCE SIZE
// (1..MAX) OF GeneralName.
func readGeneralNames(content cryptobyte.String, field string, r *recorder) ([]GeneralName, error) {
	if content.Empty() {
		r.add(Warn, "general-names-empty", field, "an empty sequence of names", "RFC 5280, 4.2.1.6")
	}
	var out []GeneralName
	for !content.Empty() {
		if len(out) >= limits.GeneralNames {
			return nil, der.Bad(field, fmt.Sprintf("more than %d names", limits.GeneralNames))
		}
		g, err := readGeneralName(&content, field, r)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

// add appends the encoding of g; Raw has precedence over the other fields.
func (g GeneralName) add(b *cryptobyte.Builder) {
	if g.Raw != nil {
		b.AddBytes(g.Raw)
		return
	}
	tag := asn1.Tag(g.Kind).ContextSpecific()
	switch g.Kind {
	case RFC822Name, DNSName, URIName:
		if _, deviation, _ := der.DecodeString(der.TagIA5String, []byte(g.Text)); deviation != "" {
			b.SetError(fmt.Errorf("pki: general name %q: %s", g.Text, deviation))
			return
		}
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(g.Text)) })
	case DirectoryName:
		if g.Name == nil {
			b.SetError(fmt.Errorf("pki: general name: directoryName without a name"))
			return
		}
		raw, err := g.Name.DER()
		if err != nil {
			b.SetError(err)
			return
		}
		b.AddASN1(tag.Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(raw) })
	case IPAddress:
		a, err := netip.ParseAddr(g.Text)
		if err != nil {
			b.SetError(fmt.Errorf("pki: general name: %w", err))
			return
		}
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(a.AsSlice()) })
	case RegisteredID:
		content := g.OID.Content()
		if content == nil {
			b.SetError(fmt.Errorf("pki: general name: registeredID %q", g.OID))
			return
		}
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	case OtherName:
		b.AddASN1(tag.Constructed(), func(b *cryptobyte.Builder) {
			g.OID.Add(b)
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(g.Value) })
		})
	default:
		b.SetError(fmt.Errorf("pki: general name: kind %d needs Raw", g.Kind))
	}
}

// ReasonFlags is the set of bits of ReasonFlags (RFC 5280, section 4.2.1.13):
// bit 1 is keyCompromise, bit 6 certificateHold. 0 means all reasons.
type ReasonFlags uint16

// Has reports whether the flags cover the CRLReason: flags of 0 cover every
// reason. CRLReason 9 and 10 are the bits 7 and 8; reasons that have no bit
// (unspecified, removeFromCRL) are covered by 0 only.
func (f ReasonFlags) Has(reason int) bool {
	if f == 0 {
		return true
	}
	bit := reason
	switch reason {
	case ReasonPrivilegeWithdrawn:
		bit = 7
	case ReasonAACompromise:
		bit = 8
	}
	return bit >= 1 && bit <= 8 && reason != ReasonRemoveFromCRL && f>>bit&1 != 0
}

// DistributionPoint is one element of cRLDistributionPoints or freshestCRL.
type DistributionPoint struct {
	FullName     []GeneralName
	RelativeName []byte // contents of nameRelativeToCRLIssuer: a SET of attributes
	Reasons      ReasonFlags
	CRLIssuer    []GeneralName
}

const (
	ctx0 = asn1.Tag(0x80)
	ctx1 = asn1.Tag(0x81)
	ctx2 = asn1.Tag(0x82)
	ctx3 = asn1.Tag(0x83)
	ctx4 = asn1.Tag(0x84)
	ctx5 = asn1.Tag(0x85)
	cons = asn1.Tag(0x20)
)

// readDistributionPoints reads CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX)
// OF DistributionPoint.
func readDistributionPoints(value []byte, field string, r *recorder) ([]DistributionPoint, error) {
	s, err := der.Single(value, asn1.SEQUENCE, field)
	if err != nil {
		return nil, err
	}
	if s.Empty() {
		r.add(Warn, "distribution-points-empty", field, "an empty sequence", "RFC 5280, 4.2.1.13")
	}
	var out []DistributionPoint
	for !s.Empty() {
		if len(out) >= limits.GeneralNames {
			return nil, der.Bad(field, "too many distribution points")
		}
		one, err := der.Read(&s, asn1.SEQUENCE, field+".distributionPoint")
		if err != nil {
			return nil, err
		}
		p, err := readDistributionPoint(one, field, r)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func readDistributionPoint(s cryptobyte.String, field string, r *recorder) (p DistributionPoint, err error) {
	var inner cryptobyte.String
	var has bool
	if s.ReadOptionalASN1(&inner, &has, ctx0|cons) && has {
		if p.FullName, p.RelativeName, err = readDistributionPointName(inner, field, r); err != nil {
			return p, err
		}
	}
	if s.ReadOptionalASN1(&inner, &has, ctx1) && has {
		if p.Reasons, err = readReasonFlags(inner, field); err != nil {
			return p, err
		}
	}
	if s.ReadOptionalASN1(&inner, &has, ctx2|cons) && has {
		if p.CRLIssuer, err = readGeneralNames(inner, field+".cRLIssuer", r); err != nil {
			return p, err
		}
	}
	if !s.Empty() {
		return p, der.Bad(field, "unknown elements in a distribution point")
	}
	if p.FullName == nil && p.RelativeName == nil && p.CRLIssuer == nil {
		// "either distributionPoint or cRLIssuer MUST be present", RFC 5280,
		// 4.2.1.13.
		r.add(r.grave(), "distribution-point-nameless", field, "neither distributionPoint nor cRLIssuer", "RFC 5280, 4.2.1.13")
	}
	return p, nil
}

// readDistributionPointName reads the CHOICE { fullName [0] GeneralNames,
// nameRelativeToCRLIssuer [1] RelativeDistinguishedName }.
func readDistributionPointName(s cryptobyte.String, field string, r *recorder) (full []GeneralName, relative []byte, err error) {
	_, content, tag, err := der.ReadAny(&s, field+".distributionPointName")
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !s.Empty():
		return nil, nil, der.Bad(field+".distributionPointName", "octets after the name")
	case content.Empty():
		// A scope without a name would be read as no scope at all.
		return nil, nil, der.Bad(field+".distributionPointName", "no name")
	case tag == ctx0|cons:
		full, err = readGeneralNames(content, field+".fullName", r)
		return full, nil, err
	case tag == ctx1|cons:
		return nil, content, nil
	}
	return nil, nil, der.Bad(field+".distributionPointName", fmt.Sprintf("tag %#02x", uint8(tag)))
}

func readReasonFlags(content cryptobyte.String, field string) (ReasonFlags, error) {
	bits, _, _, ok := der.BitString(content)
	if !ok {
		return 0, der.Bad(field+".reasons", "not a BIT STRING")
	}
	f := ReasonFlags(der.NamedBits(bits) & 0x1ff) // nine bits
	if f == 0 {
		// An empty set would be read as "all reasons": refuse.
		return 0, der.Bad(field+".reasons", "no reason is set")
	}
	return f, nil
}

// uris collects the URIs of the full names.
func uris(points []DistributionPoint) []string {
	var out []string
	for _, p := range points {
		for _, g := range p.FullName {
			if g.Kind == URIName {
				out = append(out, g.Text)
			}
		}
	}
	return out
}

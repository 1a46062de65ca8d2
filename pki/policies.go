package pki

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// PolicyQualifier is one qualifier of a certificate policy (RFC 5280, section
// 4.2.1.4): a pointer to a practice statement, a notice for people, or another
// one, of which only ID and Raw are set.
type PolicyQualifier struct {
	Policy       oid.OID // the policy that it belongs to
	ID           oid.OID // oid.PolicyCPS, oid.PolicyUserNotice or another
	CPS          string  // URI
	Text         string  // explicitText of a user notice
	Organization string  // of noticeRef
	Numbers      []int   // noticeNumbers of noticeRef
	Raw          []byte  // DER of the qualifier
}

// readPolicies: certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF
// PolicyInformation.
func readPolicies(c *Certificate, e Extension, field string, r *recorder) error {
	c.Policies = []oid.OID{} // not nil even if unreadable: then no policy is granted
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	if s.Empty() {
		r.add(Warn, "policies-empty", field, "an empty sequence", "RFC 5280, 4.2.1.4")
	}
	var list []oid.OID
	var qualifiers []PolicyQualifier
	seen := map[oid.OID]bool{}
	for !s.Empty() {
		one, err := der.Read(&s, asn1.SEQUENCE, field+".policyInformation")
		if err != nil {
			return err
		}
		var id oid.OID
		if !oid.Read(&one, &id) {
			return der.Bad(field+".policyIdentifier", "not an object identifier")
		}
		if len(list) >= limits.GeneralNames {
			return der.Bad(field, "too many policies")
		}
		q, err := readQualifiers(one, id, field, r)
		if err != nil {
			return err
		}
		if seen[id] {
			// "A certificate policy OID MUST NOT appear more than once in a
			// certificate policies extension", RFC 5280, 4.2.1.4.
			r.add(r.grave(), "policy-duplicate", field, string(id), "RFC 5280, 4.2.1.4")
			continue
		}
		seen[id] = true
		list = append(list, id)
		qualifiers = append(qualifiers, q...)
	}
	c.Policies, c.PolicyQualifiers = append(c.Policies, list...), qualifiers
	return nil
}

// readQualifiers reads what follows the identifier of a policy:
//
//	policyQualifiers   SEQUENCE SIZE (1..MAX) OF
//	                        PolicyQualifierInfo OPTIONAL
//	PolicyQualifierInfo ::= SEQUENCE {
//	     policyQualifierId  PolicyQualifierId,
//	     qualifier          ANY DEFINED BY policyQualifierId }
func readQualifiers(s cryptobyte.String, policy oid.OID, field string, r *recorder) ([]PolicyQualifier, error) {
	if s.Empty() {
		return nil, nil
	}
	field += ".policyQualifiers"
	list, err := der.Read(&s, asn1.SEQUENCE, field)
	if err != nil {
		return nil, err
	}
	if !s.Empty() {
		return nil, der.Bad(field, "octets after the qualifiers")
	}
	if list.Empty() {
		r.add(Warn, "qualifiers-empty", field, "an empty sequence", "RFC 5280, 4.2.1.4")
	}
	var out []PolicyQualifier
	for !list.Empty() {
		if len(out) >= limits.PolicyQualifiers {
			return nil, der.Bad(field, "too many qualifiers")
		}
		one, err := der.Read(&list, asn1.SEQUENCE, field)
		if err != nil {
			return nil, err
		}
		q := PolicyQualifier{Policy: policy}
		if !oid.Read(&one, &q.ID) {
			return nil, der.Bad(field+".policyQualifierId", "not an object identifier")
		}
		q.Raw = one
		switch q.ID {
		case oid.PolicyCPS:
			q.readCPS(one, field, r)
		case oid.PolicyUserNotice:
			q.readNotice(one, field, r)
		default:
			if policy == oid.AnyPolicy {
				// "When qualifiers are used with the special policy anyPolicy,
				// they MUST be limited to the qualifiers identified in this
				// section", RFC 5280, 4.2.1.4.
				r.add(r.grave(), "any-policy-qualifier", field, "anyPolicy with the qualifier "+q.ID.Name(), "RFC 5280, 4.2.1.4")
			}
		}
		out = append(out, q)
	}
	return out, nil
}

// readCPS: CPSuri ::= IA5String. A qualifier decides nothing, so that what is
// wrong with it is a finding.
func (q *PolicyQualifier) readCPS(s cryptobyte.String, field string, r *recorder) {
	content, err := der.Read(&s, asn1.IA5String, field+".cPSuri")
	if err != nil || !s.Empty() {
		r.add(Warn, "cps-malformed", field+".cPSuri", "not an IA5String", "RFC 5280, 4.2.1.4")
		return
	}
	q.CPS, _, _ = der.DecodeString(der.TagIA5String, content)
}

// readNotice:
//
//	UserNotice ::= SEQUENCE {
//	     noticeRef        NoticeReference OPTIONAL,
//	     explicitText     DisplayText OPTIONAL }
//	NoticeReference ::= SEQUENCE {
//	     organization     DisplayText,
//	     noticeNumbers    SEQUENCE OF INTEGER }
func (q *PolicyQualifier) readNotice(s cryptobyte.String, field string, r *recorder) {
	const cite = "RFC 5280, 4.2.1.4"
	bad := func(why string) { r.add(Warn, "user-notice-malformed", field+".userNotice", why, cite) }
	body, err := der.Read(&s, asn1.SEQUENCE, field)
	if err != nil || !s.Empty() {
		bad("not a UserNotice")
		return
	}
	if body.PeekASN1Tag(asn1.SEQUENCE) {
		ref, err := der.Read(&body, asn1.SEQUENCE, field)
		if err != nil || !q.readNoticeReference(ref, r) {
			bad("noticeRef cannot be read")
			return
		}
	}
	if !body.Empty() {
		text, ok := displayText(&body, r)
		if !ok {
			bad("explicitText is no DisplayText")
			return
		}
		q.Text = text
	}
	if !body.Empty() {
		bad("octets after explicitText")
	}
}

func (q *PolicyQualifier) readNoticeReference(ref cryptobyte.String, r *recorder) bool {
	organization, ok := displayText(&ref, r)
	var numbers cryptobyte.String
	if !ok || !ref.ReadASN1(&numbers, asn1.SEQUENCE) || !ref.Empty() {
		return false
	}
	q.Organization = organization
	for !numbers.Empty() {
		n, err := readSkip(&numbers, asn1.INTEGER, "noticeNumbers")
		if err != nil || len(q.Numbers) >= limits.PolicyQualifiers {
			return false
		}
		q.Numbers = append(q.Numbers, n)
	}
	return true
}

// displayText consumes
//
//	DisplayText ::= CHOICE {
//	     ia5String        IA5String      (SIZE (1..200)),
//	     visibleString    VisibleString  (SIZE (1..200)),
//	     bmpString        BMPString      (SIZE (1..200)),
//	     utf8String       UTF8String     (SIZE (1..200)) }
//
// "certificate users SHOULD gracefully handle explicitText with more than 200
// characters" (RFC 5280, 4.2.1.4).
func displayText(s *cryptobyte.String, r *recorder) (string, bool) {
	_, content, tag, err := der.ReadAny(s, "displayText")
	if err != nil {
		return "", false
	}
	switch tag {
	case asn1.IA5String, der.TagVisibleString, der.TagBMPString, asn1.UTF8String:
	default:
		return "", false
	}
	text, deviation, _ := der.DecodeString(byte(tag), content)
	if deviation != "" {
		r.add(Warn, "string-alphabet", "displayText", deviation, "X.680, 41")
	}
	if tag == der.TagBMPString || tag == der.TagVisibleString {
		// "Conforming CAs MUST NOT encode explicitText as VisibleString or
		// BMPString", RFC 5280, 4.2.1.4. Accredited authorities do.
		r.add(Warn, "display-text-type", "displayText", "the text is a BMPString or VisibleString", "RFC 5280, 4.2.1.4")
	}
	return text, true
}

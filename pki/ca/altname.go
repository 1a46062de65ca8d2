package ca

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// checkAltNames refuses names of a kind that the profile does not allow, names
// that are none, and the same name twice.
func checkAltNames(p Profile, names []pki.GeneralName) error {
	const field = "subjectAltName"
	// RFC 5280, section 4.2.1.6: "If the subjectAltName extension is present,
	// the sequence MUST contain at least one entry."
	if len(names) == 0 || len(names) > limits.RequestAltNames {
		return refuse(field, "%d names; from 1 to %d are accepted", len(names), limits.RequestAltNames)
	}
	for i, n := range names {
		if !slices.Contains(p.AltNames, n.Kind) {
			return refuse(field, "a name of kind %d is outside the profile %s", n.Kind, p.Name)
		}
		if detail := wrongAltName(n); detail != "" {
			return refuse(field, "%q: %s", n.Text, detail)
		}
		if slices.ContainsFunc(names[:i], n.Equal) {
			return refuse(field, "%q stands twice", n.Text)
		}
	}
	return nil
}

// wrongAltName says what is wrong with a name of one of the kinds that a profile
// can allow.
func wrongAltName(n pki.GeneralName) string {
	switch n.Kind {
	case pki.RFC822Name:
		return wrongMailbox(n.Text)
	case pki.DNSName:
		return wrongHost(n.Text)
	case pki.URIName:
		return wrongURI(n.Text)
	case pki.IPAddress:
		// RFC 5280, section 4.2.1.6: "For IP version 4, as specified in [RFC791],
		// the octet string MUST contain exactly four octets. For IP version 6
		// ... exactly sixteen octets."
		if len(n.Value) != 4 && len(n.Value) != 16 {
			return "not an address of 4 or 16 octets"
		}
		return ""
	}
	return "a kind that is not checked"
}

// wrongMailbox says why a text is no "Local-part@Domain" (RFC 5321, section
// 4.1.2), which is all that RFC 5280, section 4.2.1.6 allows: "no phrase (such as
// a common name) before it, no comment (text surrounded in parentheses) after
// it, and it is not surrounded by \"<\" and \">\"". Quoted local parts, which
// nobody has, are refused: readers disagree about them.
func wrongMailbox(text string) string {
	local, _, ok := pki.CutMailbox(text)
	switch {
	case !ok || strings.HasPrefix(local, `"`):
		return "not an e-mail address"
	case len(local) > 64: // RFC 5321, section 4.5.3.1.1
		return "more than 64 octets before the @"
	case strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, ".."):
		return "a dot in the wrong place"
	case strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "a character that is in no e-mail address"
	}
	return wrongHost(text[len(local)+1:])
}

// wrongHost says why a text is no domain name.
//
// RFC 5280, section 4.2.1.6: "The name MUST be in the "preferred name syntax", as
// specified by Section 3.5 of [RFC1034] and as modified by Section 2.1 of
// [RFC1123]": labels of letters, digits and hyphens that neither begin nor end
// with a hyphen. An authority that asks nobody whether the applicant holds a
// whole domain gives no "*".
func wrongHost(text string) string {
	if _, ok := pki.CanonicalHost(text); !ok || strings.HasSuffix(text, ".") || strings.ContainsAny(text, "*_") {
		return "not a domain name"
	}
	for label := range strings.SplitSeq(text, ".") {
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return "a label that begins or ends with a hyphen"
		}
		for i := range len(label) {
			if label[i] >= 0x80 {
				return "letters beyond ASCII: write the domain name as A-labels (xn--)"
			}
		}
	}
	return ""
}

// wrongURI says why a text is no URI for a certificate.
//
// RFC 5280, section 4.2.1.6: it "MUST NOT be a relative URI", it "MUST include both
// a scheme (e.g., "http" or "ftp") and a scheme-specific-part", and a URI with an
// authority "MUST include a fully qualified domain name or IP address as the host".
func wrongURI(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "not a URI"
	case u.Scheme == "" || u.Opaque == "" && u.Host == "" && u.Path == "":
		return "a relative URI"
	case u.User != nil:
		return "a URI with a user's name"
	case u.Opaque != "": // "urn:…": without an authority
		return ""
	case u.Hostname() == "":
		return "a URI without a host"
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ""
	}
	return wrongHost(u.Hostname())
}

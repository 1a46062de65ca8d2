package pki

import (
	"bytes"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/net/idna"
)

// Within reports whether n lies within the subtree of base: base's relative
// names are the first of n's (RFC 5280, section 7.1). Every name lies within
// the empty one.
func (n Name) Within(base Name) bool {
	if len(n.RDNs) < len(base.RDNs) {
		return false
	}
	for i := range base.RDNs {
		if rdnKey(n.RDNs[i]) != rdnKey(base.RDNs[i]) {
			return false
		}
	}
	return true
}

// maxHost bounds a host name in octets (RFC 1034, section 3.1: 255 on the wire).
const maxHost = 253

// CanonicalHost returns a domain name in the form in which names are compared
// (RFC 5280, section 7.2): lower case, letters beyond ASCII as A-labels,
// without the period that may stand at the end. ok is false for what is no
// domain name: empty labels, labels above 63 octets, more than 253 in all. The
// label "*" and the underscore are let through.
func CanonicalHost(host string) (canonical string, ok bool) {
	host = strings.TrimSuffix(host, ".")
	if len(host) > 4*maxHost || !utf8.ValidString(host) {
		return "", false
	}
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf {
			a, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", false
			}
			host = a
			break
		}
	}
	if len(host) == 0 || len(host) > maxHost {
		return "", false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) == 0 || len(label) > 63 || strings.ContainsFunc(label, notHost) {
			return "", false
		}
	}
	return strings.ToLower(host), true
}

func notHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '*'
}

// CutMailbox takes an e-mail address apart (RFC 5321, section 4.1.2): the local
// part as it is and the host as CanonicalHost gives it, because "the local-part
// of each name is an exact match" and the host is compared without regard to
// case (RFC 5280, section 7.5).
func CutMailbox(address string) (local, host string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || len(address) > 1024 {
		return "", "", false
	}
	local = address[:at]
	quoted := len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"'
	if !quoted && strings.ContainsAny(local, " @<>()[]\\,;:\"\x00") {
		return "", "", false
	}
	host, ok = CanonicalHost(address[at+1:])
	return local, host, ok
}

// UTF8Text reads exactly one DER UTF8String.
func UTF8Text(der []byte) (string, bool) {
	s := cryptobyte.String(der)
	var text cryptobyte.String
	if !s.ReadASN1(&text, asn1.UTF8String) || !s.Empty() || !utf8.Valid(text) {
		return "", false
	}
	return string(text), true
}

// Equal compares two names by RFC 5280, section 7: directory names by 7.1, DNS
// names by 7.2, URIs by 7.4, e-mail addresses by 7.5, other kinds octet by
// octet.
func (g GeneralName) Equal(o GeneralName) bool {
	if g.Kind != o.Kind {
		return false
	}
	switch g.Kind {
	case DirectoryName:
		return g.Name != nil && o.Name != nil && g.Name.Equal(*o.Name)
	case DNSName:
		a, okA := CanonicalHost(g.Text)
		b, okB := CanonicalHost(o.Text)
		return g.Text == o.Text || okA && okB && a == b
	case RFC822Name:
		la, ha, okA := CutMailbox(g.Text)
		lb, hb, okB := CutMailbox(o.Text)
		return g.Text == o.Text || okA && okB && la == lb && ha == hb
	case URIName:
		return g.Text == o.Text || CanonicalURI(g.Text) == CanonicalURI(o.Text)
	case RegisteredID:
		return g.OID == o.OID
	case OtherName:
		return g.OID == o.OID && bytes.Equal(g.Value, o.Value)
	}
	return bytes.Equal(g.Value, o.Value)
}

// CanonicalURI returns a URI in the form in which URIs are compared (RFC 5280,
// section 7.4): scheme and host in lower case, an international host as
// A-labels, percent-encoding normalised, dot segments removed and, for ldap,
// http, https and ftp, the default port left out. Text that is no URI comes
// back as it is.
func CanonicalURI(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return text
	}
	out := strings.ToLower(u.Scheme) + ":"
	if u.Opaque != "" {
		return out + normalPercent(u.Opaque) + tail(u)
	}
	if u.Host != "" {
		out += "//"
		if u.User != nil {
			out += u.User.String() + "@"
		}
		out += canonicalAuthority(u)
	}
	segments := normalPercent(u.EscapedPath())
	if segments != "" || u.Host != "" {
		slash := strings.HasSuffix(segments, "/") || strings.HasSuffix(segments, "/.") || strings.HasSuffix(segments, "/..")
		segments = path.Clean("/" + segments)
		if slash && segments != "/" {
			segments += "/"
		}
	}
	return out + segments + tail(u)
}

func canonicalAuthority(u *url.URL) string {
	host, ok := CanonicalHost(u.Hostname())
	if !ok {
		host = strings.ToLower(u.Hostname())
	}
	port := u.Port()
	switch strings.ToLower(u.Scheme) + ":" + port {
	case "http:80", "https:443", "ftp:21", "ldap:389":
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return host
}

// tail returns query and fragment.
func tail(u *url.URL) string {
	out := ""
	if u.RawQuery != "" || u.ForceQuery {
		out = "?" + normalPercent(u.RawQuery)
	}
	if u.Fragment != "" {
		out += "#" + normalPercent(u.EscapedFragment())
	}
	return out
}

// normalPercent decodes the escapes of unreserved characters and writes the
// others in upper case (RFC 3986, section 6.2.2.2).
func normalPercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
		if hi < 0 || lo < 0 {
			b.WriteByte('%')
			continue
		}
		if c := byte(hi<<4 | lo); unreserved(c) { // two digits
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(s[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || slices.Contains([]byte("-._~"), c)
}

package path

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// names is the state of name constraints (RFC 5280, section 6.1.2 (b) and
// (c)). permitted holds one list for each authority that has any: a name is
// within their intersection if it is within one subtree of its form of each
// list that has subtrees of that form.
type names struct {
	permitted [][]pki.GeneralSubtree
	excluded  []pki.GeneralSubtree
}

// constrained checks the names of every certificate of a chain against the
// constraints of the authorities above it. Constraints of the trust anchor's
// own certificate hold (RFC 5937, section 3).
func (b *builder) constrained(chain []*pki.Certificate) []Failure {
	var out []Failure
	n := &names{excluded: b.o.Excluded}
	if b.o.Permitted != nil {
		n.permitted = append(n.permitted, b.o.Permitted)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		c := chain[i]
		// RFC 5280, section 6.1.3 (b) and (c): "If certificate i is self-issued
		// and it is not the final certificate in the path, skip this step". The
		// anchor is no certificate of the path.
		last := i == len(chain)-1 && b.o.Roots.Contains(c)
		if !last && (i == 0 || !c.IsSelfIssued()) && !n.empty() {
			out = append(out, b.within(n, c, i)...)
		}
		if nc := c.NameConstraints; nc != nil && i > 0 {
			if len(nc.Permitted) > 0 {
				n.permitted = append(n.permitted, nc.Permitted)
			}
			n.excluded = append(n.excluded[:len(n.excluded):len(n.excluded)], nc.Excluded...)
			out = append(out, distances(nc, c, i)...)
		}
		if b.exhausted() {
			return append(out, workFailure(c, i))
		}
	}
	return out
}

func (n *names) empty() bool { return len(n.permitted) == 0 && len(n.excluded) == 0 }

// distances refuses minimum and maximum, which are not processed: "the
// application MUST either process these fields or reject the certificate" (RFC
// 5280, section 4.2.1.10).
func distances(nc *pki.NameConstraints, c *pki.Certificate, i int) []Failure {
	for _, list := range [][]pki.GeneralSubtree{nc.Permitted, nc.Excluded} {
		for _, t := range list {
			if t.Minimum != 0 || t.Maximum >= 0 {
				return []Failure{{
					Reason: ReasonUnsupported, Certificate: c, Index: i, Cite: "RFC 5280, section 4.2.1.10",
					Detail: "nameConstraints with minimum or maximum are not processed",
				}}
			}
		}
	}
	return nil
}

// within checks the names of one certificate.
func (b *builder) within(n *names, c *pki.Certificate, i int) []Failure {
	for _, g := range namesOf(c) {
		if f := b.one(n, g); f != nil {
			f.Certificate, f.Index = c, i
			return []Failure{*f} // one is enough, and a certificate may have many
		}
		if b.exhausted() {
			return nil
		}
	}
	return nil
}

// namesOf lists the names that constraints apply to: the subject where it is
// not empty, the alternative names, and the e-mail addresses of the subject of
// a certificate without alternative names (RFC 5280, section 4.2.1.10).
func namesOf(c *pki.Certificate) []pki.GeneralName {
	var out []pki.GeneralName
	if !c.Subject.IsEmpty() {
		out = append(out, pki.GeneralName{Kind: pki.DirectoryName, Name: &c.Subject, Text: c.Subject.String()})
	}
	if _, ok := c.Extension(oid.SubjectAltName); ok {
		return append(out, c.SubjectAltNames...)
	}
	for _, mail := range c.Subject.All(oid.EmailAddress) {
		out = append(out, pki.GeneralName{Kind: pki.RFC822Name, Text: mail})
	}
	return out
}

// one checks one name: not within any excluded subtree, and within the
// permitted ones of each authority that has some for this form.
func (b *builder) one(n *names, g pki.GeneralName) *Failure {
	bad := func(r Reason, clause, why string) *Failure {
		return &Failure{Reason: r, Cite: "RFC 5280, section " + clause, Detail: fmt.Sprintf("the name %q %s", g.Text, why)}
	}
	form, m := prepare(g)
	relevant := func(t pki.GeneralSubtree) bool { b.work++; return t.Base.Kind == form }
	check := func(t pki.GeneralSubtree, excluding bool) (bool, *Failure) {
		switch {
		case m.unsupported:
			// "the application MUST either process the constraint or reject the
			// certificate", RFC 5280, section 4.2.1.10.
			return false, bad(ReasonUnsupported, "4.2.1.10", "has a form whose constraints are not processed")
		case m.broken != "":
			return false, bad(ReasonNameConstraints, "4.2.1.10", "cannot be compared: "+m.broken)
		}
		in, ok := m.in(t.Base, excluding)
		if !ok {
			return false, bad(ReasonNameConstraints, "4.2.1.10", "meets a constraint that cannot be read")
		}
		return in, nil
	}
	for _, t := range n.excluded {
		if !relevant(t) {
			continue
		}
		if in, f := check(t, true); f != nil {
			return f
		} else if in {
			return bad(ReasonNameConstraints, "6.1.3 (c)", "is in an excluded subtree")
		}
	}
	for _, list := range n.permitted {
		has, found := false, false
		for _, t := range list {
			if !relevant(t) {
				continue
			}
			has = true
			in, f := check(t, false)
			if f != nil {
				return f
			}
			if found = in; found {
				break
			}
		}
		if has && !found {
			return bad(ReasonNameConstraints, "6.1.3 (b)", "is in none of the permitted subtrees")
		}
	}
	return nil
}

// matcher is a name made ready for comparison.
type matcher struct {
	name        pki.GeneralName
	local, host string // of an e-mail address; host of a DNS name or a URI
	broken      string // why the name cannot be compared
	unsupported bool
}

// prepare takes a name apart. form is the form of the constraints that apply:
// those for rfc822Name hold for SmtpUTF8Mailbox (RFC 9598, section 6).
func prepare(g pki.GeneralName) (form pki.GeneralNameKind, m *matcher) {
	m = &matcher{name: g}
	ok := true
	switch g.Kind {
	case pki.DirectoryName:
	case pki.IPAddress:
		if len(g.Value) != 4 && len(g.Value) != 16 {
			m.broken = "an address of the wrong length"
		}
	case pki.DNSName:
		m.host, ok = pki.CanonicalHost(g.Text)
	case pki.RFC822Name:
		m.local, m.host, ok = pki.CutMailbox(g.Text)
	case pki.URIName:
		m.host, ok = uriHost(g.Text)
	case pki.OtherName:
		if g.OID != oid.SmtpUTF8Mailbox {
			m.unsupported = true
			break
		}
		m.local, m.host, ok = smtpMailbox(g.Value)
		if !ok {
			m.broken = "not an e-mail address"
		}
		return pki.RFC822Name, m
	default:
		m.unsupported = true
	}
	if !ok {
		m.broken = "it has no host name"
	}
	return g.Kind, m
}

// uriHost: "If a constraint is applied to the uniformResourceIdentifier name
// form and a subsequent certificate includes ... a uniformResourceIdentifier
// that does not include an authority component with a host name specified as a
// fully qualified domain name ..., then the application MUST reject the
// certificate" (RFC 5280, section 4.2.1.10).
func uriHost(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", false
	}
	if _, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]")); err == nil {
		return "", false
	}
	host, ok := pki.CanonicalHost(u.Hostname())
	return host, ok && strings.Contains(host, ".")
}

// smtpMailbox reads SmtpUTF8Mailbox ::= UTF8String (SIZE (1..MAX)).
func smtpMailbox(der []byte) (local, host string, ok bool) {
	text, ok := pki.UTF8Text(der)
	if !ok {
		return "", "", false
	}
	return pki.CutMailbox(text)
}

// in says whether the name is within a subtree; ok is false for a constraint
// that cannot be read. Where excluding, what might be within is within.
func (m *matcher) in(base pki.GeneralName, excluding bool) (in, ok bool) {
	switch base.Kind {
	case pki.DirectoryName:
		return m.name.Name.Within(*base.Name), true
	case pki.IPAddress:
		return m.inNetwork(base.Value), true
	case pki.DNSName:
		return m.inDomain(base.Text, excluding)
	case pki.RFC822Name:
		if strings.Contains(base.Text, "@") {
			local, host, ok := pki.CutMailbox(base.Text)
			return ok && local == m.local && host == m.host, ok
		}
		return m.atHost(base.Text)
	case pki.URIName:
		return m.atHost(base.Text)
	}
	return false, false
}

// inNetwork: address and mask, 8 or 32 octets.
func (m *matcher) inNetwork(network []byte) bool {
	half := len(network) / 2
	if len(m.name.Value) != half {
		return false
	}
	for i, c := range m.name.Value {
		if (c^network[i])&network[half+i] != 0 {
			return false
		}
	}
	return true
}

// atHost is the rule for URIs and e-mail: a constraint with a period in front
// is satisfied by one or more further labels, any other names the host.
func (m *matcher) atHost(constraint string) (in, ok bool) {
	domain, within := strings.CutPrefix(constraint, ".")
	host, ok := pki.CanonicalHost(domain)
	if !ok {
		return false, false
	}
	if within {
		return strings.HasSuffix(m.host, "."+host), true
	}
	return m.host == host, true
}

// inDomain: "Any DNS name that can be constructed by simply adding zero or more
// labels to the left-hand side of the name satisfies the name constraint" (RFC
// 5280, section 4.2.1.10). The empty constraint takes in every name. A leading
// period, which the clause does not know, is read in the strict way: one label
// more where names are permitted, none needed where they are excluded.
func (m *matcher) inDomain(constraint string, excluding bool) (in, ok bool) {
	domain, dotted := strings.CutPrefix(constraint, ".")
	if excluding {
		domain = strings.TrimPrefix(domain, "*.") // what its author meant
	}
	if domain == "" {
		return true, true
	}
	host, ok := pki.CanonicalHost(domain)
	if !ok {
		return false, false
	}
	if strings.HasSuffix(m.host, "."+host) || m.host == host && (excluding || !dotted) {
		return true, true
	}
	// A wildcard stands for the names that are excluded, too.
	if rest, wild := strings.CutPrefix(m.host, "*"); excluding && wild {
		_, tail, _ := strings.Cut(host, ".")
		return "."+tail == rest, true
	}
	return false, true
}

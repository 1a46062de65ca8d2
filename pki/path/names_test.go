package path_test

import (
	"fmt"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// constrainedRow is one name of a certificate below one constraint.
type constrainedRow struct {
	base, name          []byte
	permitted, excluded bool // whether the name is accepted where the base is permitted, and where it is excluded
}

// directory is a directoryName.
func directory(t *testing.T, dn string) []byte { t.Helper(); return der.Wrap(0xa4, rawName(t, dn)) }

// other is an otherName SmtpUTF8Mailbox.
func smtpUTF8(text string) []byte {
	return der.Wrap(0xa0, oid.SmtpUTF8Mailbox.DER(), der.Wrap(0xa0, der.Wrap(0x0c, []byte(text))))
}

// TestNameConstraints: RFC 5280, section 4.2.1.10, form by form.
func TestNameConstraints(t *testing.T) {
	in, out := func(base, name []byte) constrainedRow { return constrainedRow{base, name, true, false} },
		func(base, name []byte) constrainedRow { return constrainedRow{base, name, false, true} }
	neither := func(base, name []byte) constrainedRow { return constrainedRow{base, name, false, false} }
	other := func(base, name []byte) constrainedRow { return constrainedRow{base, name, true, true} }
	rows := []constrainedRow{
		// DNS: zero or more labels to the left.
		in(dns("example.com"), dns("example.com")),
		in(dns("example.com"), dns("www.EXAMPLE.com")),
		in(dns("EXAMPLE.com"), dns("a.b.example.com.")),
		out(dns("example.com"), dns("badexample.com")),
		out(dns("host.example.com"), dns("example.com")),
		in(dns(""), dns("example.com")),
		neither(dns(".example.com"), dns("example.com")),
		in(dns(".example.com"), dns("a.example.com")),
		in(dns("xn--e1afmkfd.xn--p1ai"), dns("www.xn--e1afmkfd.xn--p1ai")), // пример.рф
		in(dns("example.com"), dns("*.example.com")),
		neither(dns("a.example.com"), dns("*.example.com")), // the wildcard takes in the name
		out(dns("a.b.example.com"), dns("*.example.com")),
		other(dns("example.com"), mail("a@example.net")),
		// E-mail: a mailbox, a host, a domain.
		in(mail("root@example.com"), mail("root@Example.COM")),
		out(mail("root@example.com"), mail("Root@example.com")), // 7.5: the local part is an exact match
		in(mail("example.com"), mail("anybody@example.com")),
		out(mail("example.com"), mail("a@host.example.com")),
		in(mail(".example.com"), mail("a@host.example.com")),
		out(mail(".example.com"), mail("a@example.com")),
		in(mail("example.com"), mail(`"a@b"@example.com`)),
		neither(mail("example.com"), mail("a@example.net <a@example.com>")), // cannot be compared
		neither(mail("example.com"), mail("a@example.net, b@example.com")),
		in(mail("xn--e1afmkfd.xn--p1ai"), smtpUTF8("почта@пример.рф")),
		out(mail("example.com"), smtpUTF8("почта@пример.рф")),
		neither(mail("example.com"), smtpUTF8("no mailbox")),
		// URI: the host; a period in front means one or more labels.
		in(uri("host.example.com"), uri("https://HOST.example.com:8443/x?y")),
		out(uri("host.example.com"), uri("https://a.host.example.com")),
		in(uri(".example.com"), uri("ftp://user@a.b.example.com/")),
		out(uri(".example.com"), uri("http://example.com")),
		neither(uri("example.com"), uri("http://127.0.0.1/example.com")),
		neither(uri("example.com"), uri("http://[::1]/")),
		neither(uri("example.com"), uri("urn:example.com")),
		neither(uri("example.com"), uri("http://localhost/")),
		// Addresses with masks.
		in(ip("c0000200 ffffff00"), ip("c0000207")),
		out(ip("c0000200 ffffff00"), ip("c0000307")),
		in(ip("00000000 00000000"), ip("c0000307")),
		out(ip("00000000 00000000"), ip("20010db8 00000000 00000000 00000001")),
		in(ip("20010db8 00000000 00000000 00000000 ffffffff 00000000 00000000 00000000"), ip("20010db8 00000000 00000000 00000001")),
		// Directory names, in the subject and beside it.
		in(directory(t, "CN=Лист,C=RU"), directory(t, "CN=Лист,C=RU")),
		out(directory(t, "O=Завод,C=RU"), directory(t, "CN=a,O=Фабрика,C=RU")),
		// Forms that are not processed: nothing is said where the form is absent.
		neither(unhex("8803 2a0304"), unhex("8803 2a0304")),
		other(unhex("8803 2a0304"), dns("example.com")),
	}
	for i, r := range rows {
		for _, exclude := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/%q/%q/exclude=%v", i, r.base, r.name, exclude), func(t *testing.T) {
				want := r.permitted
				tree := subtrees([][]byte{r.base}, nil)
				if exclude {
					want, tree = r.excluded, subtrees(nil, [][]byte{r.base})
				}
				exts := [][]byte{ext(oid.SubjectAltName, false, names(r.name))}
				l := newLine(t, -1, [][]byte{tree}, exts)
				if r.base[0] == 0xa4 {
					// The subject is a name of the form, too.
					l = lineFor(t, tree, exts)
				}
				res, err := path.Validate(t.Context(), l.leaf, l.options())
				if (err == nil) != want {
					t.Fatalf("%v, want accepted %v", err, want)
				}
				if err != nil && res.Failures[0].Reason != path.ReasonNameConstraints && res.Failures[0].Reason != path.ReasonUnsupported {
					t.Errorf("refused for %v", res.Failures)
				}
			})
		}
	}
}

// lineFor is a chain whose leaf is CN=Лист,C=RU.
func lineFor(t *testing.T, tree []byte, exts [][]byte) line {
	t.Helper()
	l := newLine(t, -1, [][]byte{tree}, exts)
	key := l.key
	s := newShape(t, "CN=Certificate 0", "CN=лист ,C=ru", key.Public())
	with(exts...)(s)
	l.leaf = parse(t, s.raw(t, key))
	return l
}

// TestNameConstraintsOfChain: what holds for whom.
func TestNameConstraintsOfChain(t *testing.T) {
	type exts = [][]byte
	san := func(name []byte) exts { return exts{ext(oid.SubjectAltName, false, names(name))} }
	only := func(base []byte) []byte { return subtrees([][]byte{base}, nil) }
	for name, tc := range map[string]struct {
		chain    []exts
		rollover int
		opts     func(*path.Options)
		want     path.Reason
	}{
		"intersection":         {chain: []exts{{only(dns("example.com"))}, {only(dns("a.example.com"))}, san(dns("b.example.com"))}, rollover: -1, want: path.ReasonNameConstraints},
		"intersection, within": {chain: []exts{{only(dns("example.com"))}, {only(dns("a.example.com"))}, san(dns("x.a.example.com"))}, rollover: -1},
		"empty intersection":   {chain: []exts{{only(dns("example.com"))}, {only(dns("example.net"))}, san(dns("example.net"))}, rollover: -1, want: path.ReasonNameConstraints},
		"excluded wins":        {chain: []exts{{subtrees([][]byte{dns("example.com")}, [][]byte{dns("a.example.com")})}, san(dns("a.example.com"))}, rollover: -1, want: path.ReasonNameConstraints},
		"an authority's own names are free of its own constraints": {chain: []exts{{only(dns("example.com")), san(dns("example.net"))[0]}, san(dns("example.com"))}, rollover: -1},
		"an authority below":             {chain: []exts{{only(dns("example.com"))}, san(dns("example.net")), san(dns("example.com"))}, rollover: -1, want: path.ReasonNameConstraints},
		"a key roll-over is free":        {chain: []exts{{only(dns("example.com"))}, san(dns("example.net")), san(dns("example.com"))}, rollover: 1},
		"the last certificate is not":    {chain: []exts{{only(dns("example.com"))}, san(dns("example.net"))}, rollover: 1, want: path.ReasonNameConstraints},
		"permitted by the caller":        {chain: []exts{{}, san(dns("example.com"))}, rollover: -1, opts: func(o *path.Options) { o.Permitted = given(dns("example.net")) }, want: path.ReasonNameConstraints},
		"excluded by the caller":         {chain: []exts{{}, san(dns("example.com"))}, rollover: -1, opts: func(o *path.Options) { o.Excluded = given(dns("example.com")) }, want: path.ReasonNameConstraints},
		"excluded by the caller, others": {chain: []exts{{}, san(dns("example.net"))}, rollover: -1, opts: func(o *path.Options) { o.Excluded = given(dns("example.com")) }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t, tc.rollover, tc.chain...)
			o := l.options()
			if tc.opts != nil {
				tc.opts(&o)
			}
			expect(t, l.leaf, o, tc.want)
		})
	}
}

// given reads a subtree as a certificate has it.
func given(base []byte) []pki.GeneralSubtree {
	return []pki.GeneralSubtree{{Base: pki.GeneralName{Kind: pki.DNSName, Text: string(base[2:])}, Maximum: -1}}
}

// TestManyNames: constraints and names that multiply end at the bound, and the
// answer is open.
func TestManyNames(t *testing.T) {
	var bases, sans [][]byte
	for i := range 1024 {
		bases = append(bases, dns(fmt.Sprintf("a%d.example.com", i)))
	}
	for i := range 1024 {
		sans = append(sans, dns(fmt.Sprintf("b%d.a%d.example.com", i, 1023-i%2)))
	}
	l := newLine(t, -1, [][]byte{subtrees(bases, nil)}, [][]byte{subtrees(bases, nil)}, [][]byte{ext(oid.SubjectAltName, false, names(sans...))})
	expect(t, l.leaf, l.options(), path.ReasonLimit)
}

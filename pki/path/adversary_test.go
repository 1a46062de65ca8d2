package path_test

import (
	"fmt"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// mapping is a policyMappings extension.
func mapping(pairs ...oid.OID) pki.Extension {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for i := 0; i+1 < len(pairs); i += 2 {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { pairs[i].Add(b); pairs[i+1].Add(b) })
		}
	})
	return pki.Extension{ID: oid.PolicyMappings, Critical: true, Value: b.BytesOrPanic()}
}

// TestPolicyMappings: RFC 5280, section 6.1.4 (a).
func TestPolicyMappings(t *testing.T) {
	for name, tc := range map[string]struct {
		sub, leaf pki.Extension
		want      path.Reason
	}{
		"harmless":         {sub: mapping("1.2.3", "1.2.4")},
		"from anyPolicy":   {sub: mapping("1.2.3", "1.2.4", oid.AnyPolicy, "1.2.4"), want: path.ReasonPolicy},
		"to anyPolicy":     {sub: mapping("1.2.3", oid.AnyPolicy), want: path.ReasonPolicy},
		"empty":            {sub: mapping(), want: path.ReasonMalformed},
		"of an end entity": {leaf: mapping("1.2.3", oid.AnyPolicy), want: path.ReasonMalformed}, // RFC 5280, section 4.2.1.5
	} {
		t.Run(name, func(t *testing.T) {
			with := func(e pki.Extension) func(*pki.CertificateTemplate) {
				return func(c *pki.CertificateTemplate) {
					if e.ID != "" {
						c.ExtraExtensions = []pki.Extension{e}
					}
				}
			}
			c := chainWith(t, with(tc.sub), with(tc.leaf))
			expect(t, c.Leaf.Cert, options(c), tc.want)
		})
	}
}

// TestAvoid: of two paths the one through the certificate to avoid is not taken.
func TestAvoid(t *testing.T) {
	c := testpki.NewChain(t)
	twin := testpki.IssueKey(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), c.Root, c.Sub.Key)
	o := options(c)
	o.Intermediates.Add(twin.Cert)
	for _, avoid := range []*pki.Certificate{c.Sub.Cert, twin.Cert} {
		o.Avoid = avoid.Equal
		res, err := path.Validate(t.Context(), c.Leaf.Cert, o)
		if err != nil || res.Chain[1].Equal(avoid) {
			t.Errorf("%v: through the certificate to avoid", err)
		}
	}
	o.Avoid = func(*pki.Certificate) bool { return true } // anchors are not asked for
	expect(t, c.Leaf.Cert, o, path.ReasonNoChain)
	expect(t, c.Sub.Cert, o, "")
}

// TestMemo: the answer does not depend on what was validated before.
func TestMemo(t *testing.T) {
	c := testpki.NewChain(t)
	der := append([]byte(nil), c.Leaf.Cert.Raw...)
	der[len(der)-1] ^= 1
	bad, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	o := options(c)
	o.Memo = &path.Memo{}
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			expect(t, c.Leaf.Cert, o, "")
			expect(t, bad, o, path.ReasonSignature)
		})
	}
}

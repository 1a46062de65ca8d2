package verify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// shared is the one cache of all tests that verify through judge or a world: what
// it learned from one attack must not help the next.
var shared = verify.NewCache()

// sameWithout verifies once more without a cache: not one word of the report may
// depend on it. Sources that count their questions are not asked again.
func sameWithout(t testing.TB, v *verify.Verifier, report *verify.Report, again func(*verify.Verifier) (*verify.Report, error)) {
	t.Helper()
	if _, given := v.Revocation.(*revocation.Static); v.Issuers != nil || v.Accreditation != nil || v.SignaturePolicy != nil || v.Revocation != nil && !given {
		return
	}
	plain := *v
	plain.Cache = nil
	want, err := again(&plain)
	consistent(t, want, err)
	a, b := reportJSON(t, report), reportJSON(t, want)
	if !bytes.Equal(a, b) {
		t.Errorf("with a cache:\n%s\nwithout:\n%s", a, b)
	}
}

func reportJSON(t testing.TB, r *verify.Report) []byte {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judgeCached is judge with a cache.
func judgeCached(t testing.TB, v *verify.Verifier, sig []byte, content string) *verify.Report {
	t.Helper()
	var r io.Reader
	if content != "" {
		r = strings.NewReader(content)
	}
	report, err := v.Verify(t.Context(), bytes.NewReader(sig), r)
	consistent(t, report, err)
	return report
}

// TestCacheConfusion: a cache that knows a valid signature, and an invalid one,
// takes nothing similar for the same.
func TestCacheConfusion(t *testing.T) {
	c := testpki.NewChain(t)
	sig := message{signer: c.Leaf}.sign(t)
	otherSignature := parsed(t, flip(c.Leaf.Cert.Raw, -1))                     // the same TBS
	otherContent := parsed(t, flip(c.Leaf.Cert.Raw, serialAt(t, c.Leaf.Cert))) // the same signature
	twin := testpki.Issue(t, testpki.CA(t, "CN=Test root,O=Test,C=RU"), nil)   // the same name, another key
	twinSub := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), twin)
	forged := func(cert *pki.Certificate) []byte {
		return message{signer: &testpki.Entity{Cert: cert, Key: c.Leaf.Key}}.sign(t)
	}
	cases := []struct {
		name    string
		sig     []byte
		change  func(*verify.Verifier)
		verdict verify.Verdict
		reason  verify.Reason
	}{
		{"genuine", sig, nil, verify.VerdictValid, ""},
		{"certificate with another signature", forged(otherSignature), nil, verify.VerdictInvalid, verify.ChainGeneral},
		{"certificate with another content", forged(otherContent), nil, verify.VerdictInvalid, verify.ChainGeneral},
		{"another root of that name", sig, func(v *verify.Verifier) {
			v.Roots, v.Intermediates = pki.NewPool(twin.Cert), pki.NewPool(c.Sub.Cert)
		}, verify.VerdictInvalid, verify.ChainGeneral},
		{"another authority of that name", sig, func(v *verify.Verifier) {
			v.Roots, v.Intermediates = pki.NewPool(twin.Cert), pki.NewPool(twinSub.Cert)
		}, verify.VerdictIndeterminate, verify.NoCertificateChain},
		{"no anchor any more", sig, func(v *verify.Verifier) { v.Roots = pki.NewPool() }, verify.VerdictIndeterminate, verify.NoCertificateChain},
		{"expired since", sig, func(v *verify.Verifier) { v.Now = func() time.Time { return testpki.End.AddDate(0, 0, 1) } }, verify.VerdictInvalid, verify.OutOfBoundsNoPOE},
		{"revoked since", sig, func(v *verify.Verifier) {
			v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -2), pki.ReasonKeyCompromise))
		}, verify.VerdictRevoked, ""},
		{"lists of another key", sig, func(v *verify.Verifier) {
			v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{testpki.CRL(t, twin, &pki.CRLTemplate{}), testpki.CRL(t, twinSub, &pki.CRLTemplate{})}}
		}, verify.VerdictIndeterminate, verify.TryLater},
		{"lists with another signature", sig, func(v *verify.Verifier) {
			v.Revocation = &revocation.Static{}
			for _, l := range lists(t, c).Lists {
				bad, err := pki.ParseCRL(flip(l.Raw, -1))
				if err != nil {
					t.Fatal(err)
				}
				v.Revocation.(*revocation.Static).Lists = append(v.Revocation.(*revocation.Static).Lists, bad)
			}
		}, verify.VerdictIndeterminate, verify.TryLater},
		{"no lists", sig, func(v *verify.Verifier) { v.Revocation = nil }, verify.VerdictIndeterminate, verify.TryLater},
		{"algorithm withdrawn by the policy", sig, func(v *verify.Verifier) {
			p := verify.DefaultPolicy()
			for i := range p.Algorithms {
				p.Algorithms[i].Until = testpki.Start
			}
			v.Policy = p
		}, verify.VerdictInvalid, verify.CryptoConstraintsNoPOE},
	}
	// In both orders: what was learned first must not count for what comes next.
	cache := verify.NewCache()
	for round := range 3 {
		for i := range cases {
			tc := cases[i]
			if round == 1 {
				tc = cases[len(cases)-1-i]
			}
			v := verifier(t, c)
			v.Cache = cache
			if tc.change != nil {
				tc.change(v)
			}
			report := judgeCached(t, v, tc.sig, document)
			if report.Verdict() != tc.verdict || tc.reason != "" && report.Reason != tc.reason {
				t.Errorf("round %d, %s: %v %s, want %v %s", round, tc.name, report.Verdict(), report.Reason, tc.verdict, tc.reason)
			}
			sameWithout(t, v, report, func(v *verify.Verifier) (*verify.Report, error) {
				return v.Verify(t.Context(), bytes.NewReader(tc.sig), strings.NewReader(document))
			})
		}
	}
}

// TestCacheFlood: more certificates than are remembered push the others out, and
// nothing else happens.
func TestCacheFlood(t *testing.T) {
	c := testpki.NewChain(t)
	sig := message{signer: c.Leaf, more: []*pki.Certificate{c.Sub.Cert}}.sign(t)
	v := verifier(t, c)
	v.Cache = verify.NewCache()
	want(t, judgeCached(t, v, sig, document), verify.VerdictValid, "")
	raw := c.Leaf.Cert.Raw
	at := serialAt(t, c.Leaf.Cert)
	for i := range 2*limits.CachedCertificates + 10 {
		der := bytes.Clone(raw)
		der[at+1], der[at+2] = byte(i>>8), byte(i)
		verify.CachedCertificate(t, v.Cache, der)
	}
	if n := verify.CacheLen(v.Cache); n > 2*limits.CachedCertificates {
		t.Errorf("%d certificates are held", n)
	}
	want(t, judgeCached(t, v, sig, document), verify.VerdictValid, "")
}

// TestCacheForms: what a set of rules says of a certificate is not taken for what
// it says of another one, or another set of that one.
func TestCacheForms(t *testing.T) {
	c := testpki.NewChain(t)
	only := func(broken *pki.Certificate) *profile.Set {
		return &profile.Set{Name: "q", Rules: []profile.Rule{{ID: "r", Title: "T", Cite: "C", Severity: pki.Error, Check: func(c *pki.Certificate) []profile.Problem {
			if c.Equal(broken) {
				return []profile.Problem{{Field: "subject", Detail: "no SNILS"}}
			}
			return nil
		}}}}
	}
	sets := map[*pki.Certificate]*profile.Set{c.Leaf.Cert: only(c.Leaf.Cert), c.Sub.Cert: only(c.Sub.Cert), c.Root.Cert: only(c.Root.Cert)}
	for _, cache := range []*verify.Cache{verify.NewCache(), nil} {
		for range 3 {
			for broken, set := range sets {
				for cert := range sets {
					list := verify.CachedForms(cache, set, cert)
					if len(list) != 1 || (list[0].Outcome == profile.Broken) != (cert == broken) {
						t.Errorf("%s by the rule about %s: %+v", cert.Subject, broken.Subject, list)
					}
				}
			}
		}
	}
}

// TestCachePools: every message has its own certificates, whatever other messages
// had before it.
func TestCachePools(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	var all []*pki.Certificate
	for range 7 {
		all = append(all, testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), root).Cert)
	}
	a, b := all[0], all[1]
	cache := verify.NewCache()
	for range 3 {
		for _, certs := range [][]*pki.Certificate{
			nil, {a}, {b}, {a, b}, {b, a}, all[:3], all[:4], all[1:5], all[:5], slices.Concat(all[:4], all[5:6]), all[:6], all,
		} {
			if got := verify.CachedPool(cache, certs).All(); !slices.Equal(got, certs) {
				t.Errorf("%d certificates, and those of another message: %d", len(certs), len(got))
			}
		}
	}
}

// TestVerifyGOST: the caller's function decides about the signature of the message,
// and about nothing else.
func TestVerifyGOST(t *testing.T) {
	c := testpki.NewChain(t)
	for _, plain := range []bool{false, true} {
		sig := message{signer: c.Leaf, plain: plain}.sign(t)
		for _, answer := range []bool{true, false} {
			v := verifier(t, c)
			asked := 0
			v.VerifyGOST = func(pub *gost3410.PublicKey, digest, sig []byte) bool {
				if asked++; !pub.Equal(c.Leaf.Cert.PublicKey) {
					t.Error("asked about a signature that is not the message's")
				}
				return answer && gost3410.Verify(pub, digest, sig)
			}
			r := judgeCached(t, v, sig, document)
			if asked == 0 || (r.Verdict() == verify.VerdictValid) != answer {
				t.Errorf("plain %v, answer %v: asked %d times, %v %s", plain, answer, asked, r.Verdict(), r.Reason)
			}
		}
	}
}

// TestCacheTogether: goroutines with one cache and different trust do not
// disturb each other.
func TestCacheTogether(t *testing.T) {
	c, other := testpki.NewChain(t), testpki.NewChain(t)
	sig := message{signer: c.Leaf}.sign(t)
	v, stranger := verifier(t, c), verifier(t, other)
	v.Cache = verify.NewCache()
	stranger.Cache, stranger.Intermediates = v.Cache, pki.NewPool(c.Sub.Cert)
	done := make(chan [2]verify.Verdict)
	const goroutines = 4
	for range goroutines {
		go func() {
			var worst [2]verify.Verdict
			for range 20 {
				for k, v := range []*verify.Verifier{v, stranger} {
					r, err := v.Verify(t.Context(), bytes.NewReader(sig), strings.NewReader(document))
					if r == nil {
						t.Error(err)
						continue
					}
					worst[k] = r.Verdict()
				}
			}
			done <- worst
		}()
	}
	for range goroutines {
		if w := <-done; w[0] != verify.VerdictValid || w[1] == verify.VerdictValid {
			t.Errorf("%v of the one, %v of the other", w[0], w[1])
		}
	}
}

// parsed parses a certificate.
func parsed(t testing.TB, der []byte) *pki.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// flip changes one octet; -1 is the last.
func flip(der []byte, at int) []byte {
	out := bytes.Clone(der)
	if at < 0 {
		at += len(out)
	}
	out[at] ^= 1
	return out
}

// serialAt is where an octet in the middle of the serial number is.
func serialAt(t testing.TB, c *pki.Certificate) int {
	t.Helper()
	at := bytes.Index(c.Raw, c.RawSerial)
	if at < 0 || len(c.RawSerial) < 8 {
		t.Fatal("no serial number to change")
	}
	return at + 4
}

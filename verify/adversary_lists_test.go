package verify_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
)

// withList gives the root's list without entries and one of sub.
func withList(tmpl func(w *world) *pki.CRLTemplate) func(*testing.T) *world {
	return func(t *testing.T) *world {
		w := newWorld(t, nil, nil, nil)
		w.crl(t, w.root, &pki.CRLTemplate{})
		w.crl(t, w.sub, tmpl(w))
		return w
	}
}

// withEntry is withList with an entry for the leaf.
func withEntry(at time.Time, reason int) func(*testing.T) *world {
	return withList(func(w *world) *pki.CRLTemplate {
		return &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, at, reason)}}
	})
}

// withScope is withList with an issuing distribution point.
func withScope(p pki.IssuingDistributionPoint) func(*testing.T) *world {
	return withList(func(*world) *pki.CRLTemplate { return &pki.CRLTemplate{IDP: &p} })
}

func uriName(s string) []pki.GeneralName {
	return []pki.GeneralName{{Kind: pki.URIName, Text: s, Value: []byte(s)}}
}

func dirName(t *testing.T, dn string) []pki.GeneralName {
	n := testpki.Name(t, dn)
	return []pki.GeneralName{{Kind: pki.DirectoryName, Name: &n}}
}

// TestAdversaryEntries: what an entry, or its absence, proves and when.
func TestAdversaryEntries(t *testing.T) {
	hour, day := time.Hour, 24*time.Hour
	now := testpki.Now
	runCases(t, map[string]adversaryCase{
		"revoked":                    {withEntry(now.Add(-hour), pki.ReasonKeyCompromise), verify.VerdictRevoked, verify.RevokedReason},
		"revoked without reason":     {withEntry(now.Add(-hour), pki.ReasonAbsent), verify.VerdictRevoked, verify.RevokedReason},
		"hold":                       {withEntry(now.Add(-hour), pki.ReasonCertificateHold), verify.VerdictRevoked, verify.RevokedReason},
		"superseded":                 {withEntry(now.Add(-hour), pki.ReasonSuperseded), verify.VerdictRevoked, verify.RevokedReason},
		"revoked at the very moment": {withEntry(now, pki.ReasonKeyCompromise), verify.VerdictRevoked, verify.RevokedReason},
		"intermediate revoked": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.sub.Cert)}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictRevoked, verify.RevokedCANoPOE},
		"intermediate on hold": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(w.sub.Cert, now.Add(-hour), pki.ReasonCertificateHold)}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictRevoked, verify.RevokedCANoPOE},
		"root's own list has the root": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.root.Cert)}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictValid, ""}, // an anchor is trusted because somebody said so
		"other serial": {withList(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.sub.Cert)}}
		}), verify.VerdictValid, ""},
		"no list of the root": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"no list of the sub": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"stale": {withList(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(-3 * day), NextUpdate: now.Add(-day)}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"stale and revoked": {withList(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(-3 * day), NextUpdate: now.Add(-day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-4*day), 1)}}
		}), verify.VerdictRevoked, verify.RevokedReason},
		"stale hold": {withList(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(-3 * day), NextUpdate: now.Add(-day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-4*day), 6)}}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"from the future": {withList(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(hour), NextUpdate: now.Add(day)}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"later list says revoked later": {withList(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(2 * day), NextUpdate: now.Add(3 * day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(day), 1)}}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"later list says revoked before": {withList(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ThisUpdate: now.Add(2 * day), NextUpdate: now.Add(3 * day), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-day), 1)}}
		}), verify.VerdictRevoked, verify.RevokedReason},
	})
}

// TestAdversaryScopes: lists that do not cover the certificate or cannot be
// understood.
func TestAdversaryScopes(t *testing.T) {
	runCases(t, map[string]adversaryCase{
		"user certificates only":      {withScope(pki.IssuingDistributionPoint{OnlyUserCerts: true}), verify.VerdictValid, ""},
		"CA certificates only":        {withScope(pki.IssuingDistributionPoint{OnlyCACerts: true}), verify.VerdictIndeterminate, verify.TryLater},
		"attribute certificates only": {withScope(pki.IssuingDistributionPoint{OnlyAttributeCerts: true}), verify.VerdictIndeterminate, verify.TryLater},
		"some reasons only":           {withScope(pki.IssuingDistributionPoint{OnlySomeReasons: 1 << 1}), verify.VerdictIndeterminate, verify.TryLater},
		"indirect":                    {withScope(pki.IssuingDistributionPoint{IndirectCRL: true}), verify.VerdictValid, ""}, // of the issuer itself
		"another distribution point":  {withScope(pki.IssuingDistributionPoint{FullName: uriName("http://a.example/1.crl")}), verify.VerdictIndeterminate, verify.TryLater},
		"delta alone": {withList(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{Number: big.NewInt(2), BaseNumber: big.NewInt(1)}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"delta alone says revoked": {withList(func(w *world) *pki.CRLTemplate {
			return &pki.CRLTemplate{Number: big.NewInt(2), BaseNumber: big.NewInt(1), Entries: []pki.RevokedEntry{revokedEntry(w.leaf.Cert)}}
		}), verify.VerdictRevoked, verify.RevokedReason},
		"unknown critical extension": {withList(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ExtraExtensions: []pki.Extension{{ID: "1.2.3.4", Critical: true, Value: []byte{5, 0}}}}
		}), verify.VerdictIndeterminate, verify.TryLater},
		"unknown extension": {withList(func(*world) *pki.CRLTemplate {
			return &pki.CRLTemplate{ExtraExtensions: []pki.Extension{{ID: "1.2.3.4", Value: []byte{5, 0}}}}
		}), verify.VerdictValid, ""},
		"list for the authority's certificate names users only": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlyUserCerts: true}})
			w.crl(t, w.sub, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"distribution point by the issuer's name": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{FullName: dirName(t, "CN=Sub")}})
			return w
		}, verify.VerdictValid, ""},
		"the right distribution point": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, func(c *pki.CertificateTemplate) {
				c.CRLDistributionPoints = []string{"http://a.example/1.crl", "http://a.example/2.crl"}
			})
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{FullName: uriName("http://a.example/2.crl")}})
			return w
		}, verify.VerdictValid, ""},
		"a sibling distribution point": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, func(c *pki.CertificateTemplate) { c.CRLDistributionPoints = []string{"http://a.example/1.crl"} })
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{FullName: uriName("http://a.example/2.crl")}})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
	})
}

// TestAdversaryListKeys: lists of other keys, and several lists of one.
func TestAdversaryListKeys(t *testing.T) {
	hour, now := time.Hour, testpki.Now
	runCases(t, map[string]adversaryCase{
		"another key under the name": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil), &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"another key with the right key identifier": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			tmpl := testpki.CA(t, "CN=Sub")
			tmpl.SubjectKeyID = w.sub.Cert.SubjectKeyID
			w.crl(t, testpki.Issue(t, tmpl, nil), &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.leaf.Cert)}})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater}, // a forged list neither clears nor condemns
		"the leaf signs its own list": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			tmpl := testpki.CA(t, "CN=Sub")
			w.crl(t, testpki.IssueKey(t, tmpl, nil, w.leaf.Key), &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"held, then released": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{ThisUpdate: now.Add(-20 * hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-30*hour), 6)}})
			w.crl(t, w.sub, &pki.CRLTemplate{Number: big.NewInt(2), ThisUpdate: now.Add(-hour)})
			return w
		}, verify.VerdictValid, ""},
		"good, then held": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{ThisUpdate: now.Add(-20 * hour)})
			w.crl(t, w.sub, &pki.CRLTemplate{Number: big.NewInt(2), ThisUpdate: now.Add(-hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-2*hour), 6)}})
			return w
		}, verify.VerdictRevoked, verify.RevokedReason},
		"revoked, then not listed": {func(t *testing.T) *world {
			w := newWorld(t, nil, nil, nil)
			w.crl(t, w.root, &pki.CRLTemplate{})
			w.crl(t, w.sub, &pki.CRLTemplate{ThisUpdate: now.Add(-20 * hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.leaf.Cert, now.Add(-30*hour), 1)}})
			w.crl(t, w.sub, &pki.CRLTemplate{Number: big.NewInt(2), ThisUpdate: now.Add(-hour)})
			return w
		}, verify.VerdictRevoked, verify.RevokedReason}, // a revocation cannot be taken back
	})
}

// TestAdversarySeparateListKey: lists of a key that only signs lists.
func TestAdversarySeparateListKey(t *testing.T) {
	// separate makes sub sign certificates only; issuer certifies the other key.
	separate := func(t *testing.T, by func(w *world) *testpki.Entity, change tmplFunc, entries ...func(w *world) pki.RevokedEntry) *world {
		w := newWorld(t, nil, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageCertSign }, nil)
		tmpl := testpki.Leaf(t, "CN=Sub")
		tmpl.KeyUsage = pki.KeyUsageCRLSign
		if change != nil {
			change(tmpl)
		}
		lister := testpki.Issue(t, tmpl, by(w))
		w.bag = append(w.bag, lister.Cert)
		list := &pki.CRLTemplate{}
		for _, e := range entries {
			list.Entries = append(list.Entries, e(w))
		}
		w.crl(t, w.root, &pki.CRLTemplate{})
		w.crl(t, lister, list)
		return w
	}
	root := func(w *world) *testpki.Entity { return w.root }
	leaf := func(w *world) pki.RevokedEntry { return revokedEntry(w.leaf.Cert) }
	runCases(t, map[string]adversaryCase{
		"certified by the root": {func(t *testing.T) *world { return separate(t, root, nil) }, verify.VerdictValid, ""},
		"says revoked":          {func(t *testing.T) *world { return separate(t, root, nil, leaf) }, verify.VerdictRevoked, verify.RevokedReason},
		"without cRLSign": {func(t *testing.T) *world {
			return separate(t, root, func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageDigitalSignature })
		}, verify.VerdictIndeterminate, verify.TryLater},
		"expired": {func(t *testing.T) *world {
			return separate(t, root, func(c *pki.CertificateTemplate) { c.NotAfter = testpki.Now.Add(-time.Hour) })
		}, verify.VerdictIndeterminate, verify.TryLater},
		"certified by a stranger": {func(t *testing.T) *world {
			other := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
			return separate(t, func(*world) *testpki.Entity { return other }, nil)
		}, verify.VerdictIndeterminate, verify.TryLater},
		"certified by a neighbour": {func(t *testing.T) *world {
			var neighbour *testpki.Entity
			w := separate(t, func(w *world) *testpki.Entity {
				neighbour = testpki.Issue(t, testpki.CA(t, "CN=Neighbour"), w.root)
				return neighbour
			}, nil)
			w.bag = append(w.bag, neighbour.Cert)
			w.crl(t, neighbour, &pki.CRLTemplate{})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"revoked itself": {func(t *testing.T) *world {
			w := separate(t, root, nil)
			w.given.Lists = w.given.Lists[1:]
			w.crl(t, w.root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{revokedEntry(w.bag[1])}})
			return w
		}, verify.VerdictIndeterminate, verify.TryLater},
		"vouches for itself": {func(t *testing.T) *world {
			// Issued by sub, whose key signs no lists: its own list is the only one.
			return separate(t, func(w *world) *testpki.Entity { return w.sub }, nil)
		}, verify.VerdictIndeterminate, verify.TryLater},
	})
}

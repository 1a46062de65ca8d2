package verify

import (
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// Whether an algorithm may be used is a function of time (EN 319 102-1, section
// 5.2.8): the policy has a table. An algorithm that the table does not have is
// refused at any time; one that came to its end is refused without a proof that
// it was used before.

// refusal is the reason for which the policy refuses an algorithm at the
// moment; empty: it does not.
func (p *Policy) refusal(name string, at time.Time) Reason {
	switch {
	case name == "" || p.Allowed(name, at): // one without a name is refused where it is computed
		return ""
	case p.Withdrawn(name, at):
		return CryptoConstraintsNoPOE
	}
	return CryptoConstraints
}

// ends says whether the policy has an end for the algorithm.
func (p *Policy) ends(name string) bool {
	until, known := p.sunset(name)
	return known && !until.IsZero()
}

// knows says whether the policy's table has the algorithms of a certificate.
func (p *Policy) knows(c *pki.Certificate) bool {
	for _, name := range certificateNames(c) {
		if _, known := p.sunset(name); name != "" && !known {
			return false
		}
	}
	return true
}

// certificateNames are the algorithms of a certificate's key and of the digest
// under its signature.
func certificateNames(c *pki.Certificate) []string {
	return []string{alg.KeyAlgorithmName(c.PublicKey), alg.DigestName(c.SignatureAlgorithm)}
}

// withdrawn says which algorithms the policy refuses at the moment, for paths and
// evidence; one without a name is refused where it is computed.
func (r *run) withdrawn(at time.Time) func(string) bool {
	return func(name string) bool { return name != "" && !r.pol.Allowed(name, at) }
}

// legacyWarning says that an algorithm was accepted which has an end. The
// anchor's own signature proves nothing and is not judged.
func (r *run) legacyWarning(out *Outcome, chain []*pki.Certificate, at time.Time) {
	for i, c := range chain {
		names := certificateNames(c)
		if i == len(chain)-1 {
			names = names[:1]
		}
		for _, name := range names {
			if name != "" && r.pol.ends(name) && r.pol.Allowed(name, at) {
				out.warn(stageChain, "legacy-algorithm", "EN 319 102-1, 5.2.8", c.Subject.String()+": "+
					r.Lang.pick("алгоритм отменён: ", "the algorithm is withdrawn: ")+name)
				return
			}
		}
	}
}

// outlived: a certificate whose signature rests on an algorithm that was in force
// at the proven time and is not today must itself be proven to be older than the
// withdrawal (EN 319 102-1, section 5.6.2): anybody may have made it since.
func (r *run) outlived(out *Outcome, chain []*pki.Certificate, p purpose) {
	for i, c := range chain[:len(chain)-1] {
		if i == 0 && p.bound || r.Roots.Contains(c) {
			continue
		}
		for _, name := range []string{alg.DigestName(c.SignatureAlgorithm), alg.KeyAlgorithmName(chain[i+1].PublicKey)} {
			if r.pol.refusal(name, p.at) == "" && r.pol.refusal(name, p.proofs.of(c.Raw, r.at)) != "" {
				out.fail(stageChain, "legacy-algorithm", "EN 319 102-1, 5.6.2", CryptoConstraintsNoPOE, c.Subject.String()+": "+r.Lang.sprintf(
					"сертификат подписан отменённым алгоритмом (%s), и не доказано, что он старше отмены",
					"the certificate is signed with a withdrawn algorithm (%s), and nothing proves that it is older than the withdrawal", name))
				return
			}
		}
	}
}

// digestInForce: whether a withdrawn digest may be used depends on the time, and
// the claimed time proves nothing (EN 319 102-1, section 5.2.8).
func (r *run) digestInForce(s *Signature, si *cms.SignerInfo, at time.Time) {
	const id, cite = "legacy-algorithm", "EN 319 102-1, 5.2.8"
	for _, a := range []alg.Identifier{si.DigestAlgorithm, si.SignatureAlgorithm} {
		name := alg.DigestName(a)
		detail := r.Lang.sprintf("хэш-функция отменена: %s", "withdrawn digest: %s", a.OID.Name())
		switch reason := r.pol.refusal(name, at); {
		case reason != "":
			s.fail(stageAcceptance, id, cite, reason, detail)
			return
		case name != "" && r.pol.ends(name):
			s.warn(stageAcceptance, id, cite, detail)
			return
		}
	}
}

// algorithmsOf judges the algorithm of an object and the key that signed it.
func (r *run) algorithmsOf(o *Outcome, sig alg.Identifier, signer *pki.Certificate) {
	const id, cite = "algorithms", "EN 319 102-1, 5.2.8"
	key := ""
	if signer != nil && signer.PublicKey != nil {
		if !r.pol.AllowTest && alg.IsTestKey(signer.PublicKey) {
			o.fail(stageAcceptance, id, "RFC 9215, section 4.2", CryptoConstraints, alg.KeyName(signer.PublicKey))
			return
		}
		key = alg.KeyAlgorithmName(signer.PublicKey)
	}
	detail := r.Lang.pick("алгоритм отменён: ", "the algorithm is withdrawn: ") + sig.OID.Name()
	for _, name := range []string{alg.DigestName(sig), key} {
		switch reason := r.pol.refusal(name, r.at); {
		case reason != "":
			o.fail(stageAcceptance, id, cite, reason, detail)
			return
		case name != "" && r.pol.ends(name):
			o.warn(stageAcceptance, id, cite, detail)
			return
		}
	}
	o.pass(stageAcceptance, id, cite, sig.OID.Name())
}

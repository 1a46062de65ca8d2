package sign

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// bag is evidence to choose from.
type bag struct {
	certs   []*pki.Certificate
	lists   []*pki.RevocationList
	answers []answer
}

// answer is one OCSP response as it was given and as it was read.
type answer struct {
	raw      []byte
	response *ocsp.Response // nil if it cannot be read
}

func newBag(e cms.Evidence, more []*pki.Certificate) *bag {
	b := &bag{lists: e.CRLs}
	b.addCertificates(e.Certificates)
	b.addCertificates(more)
	for _, raw := range e.OCSP {
		if slices.ContainsFunc(b.answers, func(a answer) bool { return bytes.Equal(a.raw, raw) }) {
			continue
		}
		a := answer{raw: raw}
		if r, err := ocsp.ParseResponse(raw); err == nil {
			a.response = r
			b.addCertificates(r.Certificates)
		}
		b.answers = append(b.answers, a)
	}
	return b
}

func (b *bag) addCertificates(list []*pki.Certificate) {
	for _, c := range list {
		if !slices.ContainsFunc(b.certs, c.Equal) {
			b.certs = append(b.certs, c)
		}
	}
}

// issuer returns the certificate that c was signed with, nil if it is not at
// hand. A self-signed certificate has none.
func (b *bag) issuer(c *pki.Certificate) *pki.Certificate {
	if c.IsSelfIssued() && c.CheckSignatureFrom(c) == nil {
		return nil
	}
	tried := 0
	for _, p := range b.certs {
		if p.Equal(c) || !p.Subject.Equal(c.Issuer) || !keyIDsAgree(c.AuthorityKeyID, p.SubjectKeyID) {
			continue
		}
		if c.CheckSignatureFrom(p) == nil {
			return p
		}
		if tried++; tried == limits.SignerCandidates {
			break
		}
	}
	return nil
}

// named returns the certificates that si names as its signer's, as many as are
// tried: anybody can add more with the same issuer and serial number.
func named(si *cms.SignerInfo, certs []*pki.Certificate) (out []*pki.Certificate) {
	for _, c := range certs {
		if si.Matches(c) && len(out) < limits.SignerCandidates {
			out = append(out, c)
		}
	}
	return out
}

// keyIDsAgree says whether two key identifiers are not known to differ.
func keyIDsAgree(a, b []byte) bool { return len(a) == 0 || len(b) == 0 || bytes.Equal(a, b) }

// link is one certificate of a support with the revocation data about it.
type link struct {
	cert  *pki.Certificate
	lists []*pki.RevocationList
	ocsp  [][]byte
}

// support is what the decision about one certificate rests on. links begins
// with that certificate and its issuers; the responders of OCSP answers, with
// what is above them, follow.
type support struct{ links []link }

// support collects what belongs to leaf. The number of links is bounded: an
// honest support has four to six.
func (b *bag) support(leaf *pki.Certificate) *support {
	s := &support{}
	queue := []*pki.Certificate{leaf}
	for len(queue) > 0 && len(s.links) < limits.PathLength {
		c := queue[0]
		queue = queue[1:]
		if slices.ContainsFunc(s.links, func(l link) bool { return l.cert.Equal(c) }) {
			continue
		}
		issuer := b.issuer(c)
		l := link{cert: c}
		var responders []*pki.Certificate
		if issuer != nil {
			l.lists = b.listsOf(c, issuer)
			l.ocsp, responders = b.answersAbout(c, issuer)
			queue = append([]*pki.Certificate{issuer}, queue...)
		}
		s.links = append(s.links, l)
		queue = append(queue, responders...)
	}
	return s
}

// listsOf returns the lists in which c would stand.
func (b *bag) listsOf(c, issuer *pki.Certificate) (out []*pki.RevocationList) {
	for _, l := range b.lists {
		if l.Issuer.Equal(c.Issuer) && keyIDsAgree(l.AuthorityKeyID, issuer.SubjectKeyID) {
			out = append(out, l)
		}
	}
	return out
}

// answersAbout returns the OCSP answers about c, and their responders.
func (b *bag) answersAbout(c, issuer *pki.Certificate) (raw [][]byte, responders []*pki.Certificate) {
	m := ocsp.NewMatcher(c, issuer)
	for _, a := range b.answers {
		if a.response == nil || !slices.ContainsFunc(a.response.Singles, func(s ocsp.Single) bool { return m.Matches(s.ID) }) {
			continue
		}
		raw = append(raw, a.raw)
		for _, p := range b.certs {
			if isResponder(a.response, p) {
				responders = append(responders, p)
			}
		}
	}
	return raw, responders
}

// isResponder says whether the response names c as its signer's certificate.
func isResponder(r *ocsp.Response, c *pki.Certificate) bool {
	if r.ResponderName != nil {
		return r.ResponderName.Equal(c.Subject)
	}
	// RFC 6960, section 4.2.1: KeyHash is the "SHA-1 hash of responder's public key".
	id, err := alg.KeyIdentifier(c.RawSubjectPublicKeyInfo)
	return err == nil && bytes.Equal(id, r.ResponderKeyHash)
}

// proven says whether there is revocation data about the first certificate, or
// none is possible because nobody issued it.
func (s *support) proven() bool {
	l := s.links[0]
	return len(l.lists)+len(l.ocsp) > 0 || l.cert.IsSelfIssued()
}

// evidence returns all that s holds, each once.
func (s *support) evidence() (e cms.Evidence) {
	for _, l := range s.links {
		e.Certificates = append(e.Certificates, l.cert)
		for _, list := range l.lists {
			if !slices.Contains(e.CRLs, list) {
				e.CRLs = append(e.CRLs, list)
			}
		}
		for _, raw := range l.ocsp {
			if !slices.ContainsFunc(e.OCSP, func(b []byte) bool { return bytes.Equal(b, raw) }) {
				e.OCSP = append(e.OCSP, raw)
			}
		}
	}
	return e
}

// references returns complete-certificate-refs and complete-revocation-refs.
func (s *support) references(id alg.Identifier) ([]cms.Attribute, error) {
	var refs cms.EvidenceRefs
	for i, l := range s.links {
		// RFC 5126, section 6.2.1: "up to (but not including) the signer's certificate".
		if i > 0 {
			ref, err := cms.NewCertificateRef(id, l.cert)
			if err != nil {
				return nil, err
			}
			refs.Certificates = append(refs.Certificates, ref)
		}
		var about cms.RevocationRefs
		for _, list := range l.lists {
			ref, err := cms.NewCRLRef(id, list)
			if err != nil {
				return nil, err
			}
			about.CRLs = append(about.CRLs, ref)
		}
		for _, raw := range l.ocsp {
			ref, err := cms.NewOCSPRef(id, raw)
			if err != nil {
				return nil, err
			}
			about.OCSP = append(about.OCSP, ref)
		}
		refs.Revocations = append(refs.Revocations, about)
	}
	return refs.Attributes()
}

// mark notes all that s holds.
func (s *support) mark(used map[string]bool) {
	for _, l := range s.links {
		used[string(l.cert.Raw)] = true
		for _, list := range l.lists {
			used[string(list.Raw)] = true
		}
		for _, raw := range l.ocsp {
			used[string(raw)] = true
		}
	}
}

// addLeftovers adds what of b is not used: certificates as links of their own,
// revocation data to the first.
func (s *support) addLeftovers(b *bag, used map[string]bool) {
	for _, l := range b.lists {
		if !used[string(l.Raw)] {
			s.links[0].lists = append(s.links[0].lists, l)
		}
	}
	for _, a := range b.answers {
		if !used[string(a.raw)] {
			s.links[0].ocsp = append(s.links[0].ocsp, a.raw)
		}
	}
	for _, c := range b.certs {
		if !used[string(c.Raw)] {
			s.links = append(s.links, link{cert: c})
		}
	}
}

// authority returns the token and the certificate it verifies with.
func authority(raw []byte, b *bag) (*tsp.Token, *pki.Certificate, error) {
	token, err := tsp.ParseToken(raw)
	if err != nil {
		return nil, nil, err
	}
	si := token.Signed.Signers[0]
	for _, c := range named(si, slices.Concat(token.Signed.Certificates, b.certs)) {
		if _, err := token.Signed.CheckSigner(0, c); err == nil {
			return token, c, nil
		}
	}
	return nil, nil, fmt.Errorf("sign: time stamp: %w", cms.ErrNoCertificate)
}

// completeToken returns the token with the evidence about its authority in its
// unsigned attributes, or nil where it has such attributes or nothing is known.
func completeToken(raw []byte, b *bag) ([]byte, error) {
	token, tsa, err := authority(raw, b)
	if err != nil {
		return nil, err
	}
	si := token.Signed.Signers[0]
	refs, err := si.EvidenceRefs()
	if err != nil {
		return nil, err
	}
	values, err := si.EvidenceValues()
	if err != nil || refs != nil || len(values.Certificates)+len(values.CRLs)+len(values.OCSP) > 0 {
		return nil, err
	}
	with := &bag{certs: slices.Clone(b.certs), lists: b.lists, answers: b.answers}
	with.addCertificates(token.Signed.Certificates)
	s := with.support(tsa)
	if !s.proven() {
		return nil, nil
	}
	id := alg.Identifier{OID: token.Info.HashAlgorithm.OID}
	list, err := s.references(id)
	if err != nil {
		return nil, err
	}
	more, err := cms.ValuesAttributes(s.evidence())
	if err != nil {
		return nil, err
	}
	return withTokenAttributes(raw, append(list, more...)...)
}

// withTokenAttributes adds unsigned attributes to the signature of a token.
func withTokenAttributes(raw []byte, list ...cms.Attribute) ([]byte, error) {
	var content bytes.Buffer
	sd, err := cms.ReadSigned(bytes.NewReader(raw), &content, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("sign: time stamp: %w", err)
	}
	si, err := sd.Signers[0].AddUnsignedAttributes(list...)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = sd.Rewrite(&out, cms.Edit{Signers: []*cms.SignerInfo{si}}, &content)
	return out.Bytes(), err
}

// notCarried returns what of b is nowhere in the message: not in SignedData,
// not in values of a signer, not in a token.
func (j *raising) notCarried(b *bag) (cms.Evidence, error) {
	have := make(map[string]bool)
	note := func(e cms.Evidence) {
		for _, c := range e.Certificates {
			have[string(c.Raw)] = true
		}
		for _, l := range e.CRLs {
			have[string(l.Raw)] = true
		}
		for _, raw := range e.OCSP {
			if basic, err := cms.BasicOCSP(raw); err == nil {
				have[string(basic)] = true
				if r, err := ocsp.ParseResponse(basic); err == nil {
					for _, c := range r.Certificates {
						have[string(c.Raw)] = true
					}
				}
			}
		}
	}
	note(j.sd.Evidence)
	for i, si := range j.sd.Signers {
		// What cannot be read is not counted as carried.
		values, _ := si.EvidenceValues() //nolint:errcheck // see above
		note(values)
		stamps, err := j.sd.Stamps(i)
		if err != nil {
			return cms.Evidence{}, err
		}
		for _, s := range stamps {
			token, err := tsp.ParseToken(s.Token)
			if err != nil {
				continue // nothing in it is counted
			}
			note(token.Signed.Evidence)
			values, _ := token.Signed.Signers[0].EvidenceValues() //nolint:errcheck // see above
			note(values)
		}
	}
	return b.without(have)
}

// without returns what of b is not in have.
func (b *bag) without(have map[string]bool) (out cms.Evidence, err error) {
	for _, c := range b.certs {
		if !have[string(c.Raw)] {
			out.Certificates = append(out.Certificates, c)
		}
	}
	for _, l := range b.lists {
		if !have[string(l.Raw)] {
			out.CRLs = append(out.CRLs, l)
		}
	}
	for _, a := range b.answers {
		basic, err := cms.BasicOCSP(a.raw)
		if err != nil {
			return cms.Evidence{}, err
		}
		if !have[string(basic)] {
			out.OCSP = append(out.OCSP, a.raw)
		}
	}
	return out, nil
}

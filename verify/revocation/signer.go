package revocation

import (
	"bytes"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// noteLinked is said where the list of another key of the authority counts.
const noteLinked = "the list is signed with another key of the authority, which a self-issued certificate links to the key that issued the certificate"

// signedBy finds who signed l: the key that issued the certificate, another key
// of that authority, or the authority that a distribution point names. It
// returns the path of the signer, the trust anchor last.
func (o *asker) signedBy(l *pki.RevocationList) (chain []*pki.Certificate, note string, err error) {
	same := o.Memo.sameIssuer(l, o.cert)
	if same {
		if err = o.Memo.check(l, o.issuer); err == nil {
			return o.issuerChain(), "", nil
		}
	} else {
		err = &listError{ErrListOtherKey, "no certificate of " + l.Issuer.String() + " leads to the trust anchor", "RFC 5280, section 6.3.3 (f)"}
	}
	if len(o.Chain) == 0 {
		return nil, "", err
	}
	tried := 0
	for i, c := range o.candidates(l) {
		if c.Equal(o.issuer) {
			continue
		}
		if tried++; tried > limits.ListIssuers || i > limits.PathCandidates {
			break
		}
		checked := o.Memo.check(l, c)
		if checked != nil {
			if !same {
				err = checked
			}
			continue
		}
		if chain, note = o.maySign(l, c, same); chain != nil {
			return chain, note, nil
		}
		if !same {
			err = &listError{ErrListOtherKey, "the path of " + c.Subject.String() + " is not valid or its status is not known", "RFC 5280, section 6.3.3 (f)"}
		}
	}
	return nil, "", err
}

// issuerChain is the path above the certificate.
func (o *asker) issuerChain() []*pki.Certificate {
	if len(o.Chain) > 0 {
		return o.Chain
	}
	return []*pki.Certificate{o.issuer}
}

// candidates are certificates that have the name of the issuer of l: those of the
// path of the certificate first, then those with the key identifier.
func (o *asker) candidates(l *pki.RevocationList) []*pki.Certificate {
	var out []*pki.Certificate
	for _, c := range o.Chain {
		if c.Subject.Equal(l.Issuer) {
			out = append(out, c)
		}
	}
	return append(out, o.Memo.pool(o.Responders).FindByNameAndKey(l.Issuer, l.AuthorityKeyID)...)
}

// maySign decides whether c, whose key signed l, may sign lists about the
// certificate, and returns its path.
func (o *asker) maySign(l *pki.RevocationList, c *pki.Certificate, same bool) ([]*pki.Certificate, string) {
	if i := o.inChain(c); i >= 0 {
		if !same || o.selfIssuedUpTo(i) {
			return o.Chain[i:], noteIf(same)
		}
		return nil, ""
	}
	if !same {
		return o.validated(l, c), ""
	}
	if signsListsOnly(c) {
		return o.serves(c), ""
	}
	switch {
	case bytes.Equal(c.RawSubjectPublicKeyInfo, o.issuer.RawSubjectPublicKeyInfo):
		return o.validated(l, c), "" // another certificate of the key that issued the certificate
	case o.linked(c):
		return o.validated(l, c), noteLinked
	}
	return nil, ""
}

func noteIf(same bool) string {
	if same {
		return noteLinked
	}
	return ""
}

// inChain returns the place of c in the path, or -1. Another certificate of the
// same key has a path and rights of its own.
func (o *asker) inChain(c *pki.Certificate) int { return slices.IndexFunc(o.Chain, c.Equal) }

// selfIssuedUpTo says whether the path goes from the issuer of the certificate to
// o.Chain[i] by self-issued certificates alone: new keys of one authority.
func (o *asker) selfIssuedUpTo(i int) bool {
	for _, c := range o.Chain[:i] {
		if !c.IsSelfIssued() {
			return false
		}
	}
	return true
}

// linked says whether a self-issued certificate links the key of c with the key
// that issued the certificate: one of the two keys certified the other (RFC 4210,
// section 4.4). The name alone links nothing: authorities that renewed their key
// keep one list for each, and the list of one key says nothing of the
// certificates of the other.
func (o *asker) linked(c *pki.Certificate) bool {
	if c.IsSelfIssued() && o.Memo.signed(c, o.issuer) {
		return true
	}
	for i, x := range o.Memo.pool(o.Responders).FindBySubject(c.Subject) {
		if i >= limits.ListIssuers {
			break
		}
		if x.IsSelfIssued() && bytes.Equal(x.RawSubjectPublicKeyInfo, o.issuer.RawSubjectPublicKeyInfo) && o.Memo.signed(x, c) {
			return true
		}
	}
	return false
}

// signsListsOnly says whether c is the certificate of a separate key for lists.
// A key that signs certificates too has a list of its own.
func signsListsOnly(c *pki.Certificate) bool {
	return c.HasKeyUsage && c.KeyUsage&pki.KeyUsageCRLSign != 0 && c.KeyUsage&pki.KeyUsageCertSign == 0
}

// serves decides whether c, a key for lists alone, may sign lists for the
// certificate below o.Chain, once per authority. Stricter than RFC 5280, section
// 6.3.3 (f), the authority must have issued c itself, or, where the authority's
// own key may not sign lists, whoever certified the authority.
func (o *asker) serves(c *pki.Certificate) []*pki.Certificate {
	k := o.signerKey(c, o.Chain[0])
	if chain, known := o.Memo.signers[k]; known {
		return chain
	}
	o.Memo.remember(k, nil) // a list about its own signer decides nothing here
	by := o.Chain[:1]
	if a := o.Chain[0]; a.HasKeyUsage && a.KeyUsage&pki.KeyUsageCRLSign == 0 {
		by = o.Chain[:min(2, len(o.Chain))]
	}
	res, err := path.Validate(o.ctx, c, o.pathOptions(o.At, by...))
	if err != nil || len(res.Chain) != 2 {
		return nil
	}
	// The separate key's own status, by lists of its issuer's key alone.
	own := o.Options
	own.Moment, own.Chain, own.AllowStale, own.AllowLater = o.At, nil, false, false
	if o.depth >= limits.StatusDepth || check(o.ctx, c, res.Chain[1], o.src, own, o.depth+1).Status != Good {
		return nil
	}
	chain := append([]*pki.Certificate{c}, o.Chain[o.inChain(res.Chain[1]):]...)
	o.Memo.remember(k, chain)
	return chain
}

// validated returns the path of c, who signed l, to the trust anchor of the
// certificate, if it is valid and nobody in it is revoked. RFC 5280, section
// 6.3.3 (f): "Obtain and validate the certification path for the issuer of the
// complete CRL. The trust anchor for the certification path MUST be the same as
// the trust anchor used to validate the target certificate."
func (o *asker) validated(l *pki.RevocationList, c *pki.Certificate) []*pki.Certificate {
	anchor := o.Chain[len(o.Chain)-1]
	k := o.signerKey(c, anchor)
	if c.Equal(o.cert) && o.Memo.busy[k] && !o.Memo.sameIssuer(l, o.cert) {
		// The list about its own signer: the status of c is what is being asked.
		// The authority that issued c says by a distribution point in c itself
		// that the list of c has it, and then nothing else can be known of it.
		return append([]*pki.Certificate{c}, o.Chain...)
	}
	if chain, known := o.Memo.signers[k]; known {
		return chain
	}
	if o.depth >= limits.StatusDepth || o.Memo.busy[k] || !o.Memo.mayValidate() {
		return nil
	}
	o.Memo.enter(k)
	chain := o.findPath(l, c, anchor)
	delete(o.Memo.busy, k)
	if len(o.Memo.busy) == 0 || chain != nil {
		// What was refused while another question was open may be answered later.
		o.Memo.remember(k, chain)
	}
	return chain
}

// findPath validates the path of c and asks about the status of everybody in it
// who is not in the path of the certificate, which the caller asks about.
func (o *asker) findPath(l *pki.RevocationList, c, anchor *pki.Certificate) []*pki.Certificate {
	at := o.At
	if o.Moment.Before(o.At) && l.ThisUpdate.Before(at) && at.After(c.NotAfter) {
		at = l.ThisUpdate // old evidence: its signer was valid when it signed
	}
	po := o.pathOptions(at, anchor)
	po.LeafKeyUsage = pki.KeyUsageCRLSign
	po.Intermediates = o.Memo.pool(o.Responders)
	po.Extra = []*pki.Pool{pki.NewPool(o.Chain...)}
	res, err := path.Validate(o.ctx, c, po)
	if err != nil {
		return nil
	}
	for i, x := range res.Chain[:len(res.Chain)-1] {
		if o.inChain(x) >= 0 {
			continue
		}
		own := o.Options
		own.Moment, own.Chain, own.AllowStale, own.AllowLater = at, res.Chain[i+1:], false, false
		a := check(o.ctx, x, res.Chain[i+1], o.src, own, o.depth+1)
		if a.Status != Good || a.RevokedLater && !honourable(a.Reason) {
			return nil // who has a key that was compromised writes any thisUpdate
		}
	}
	return res.Chain
}

// pathOptions are those for the path of a signer.
func (o *asker) pathOptions(at time.Time, anchors ...*pki.Certificate) path.Options {
	return path.Options{
		Roots: pki.NewPool(anchors...), At: at, AllowTest: o.AllowTest, AllowLegacy: o.AllowLegacy,
		Withdrawn: o.Withdrawn, AllowDSA: o.AllowDSA, Memo: o.Memo.pathMemo(),
	}
}

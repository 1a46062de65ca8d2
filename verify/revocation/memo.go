package revocation

import (
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// Memo remembers which lists were signed by which issuers, and who may sign
// them, and bounds the work for one message. The zero value is empty and ready;
// it is not safe for concurrent use.
type Memo struct {
	// Facts, if not nil, is asked before a signature is checked, and learns what
	// is found. It may serve many Memos at once.
	Facts *Facts

	outcomes  map[memoKey]error
	issuers   map[issuerKey]bool
	signers   map[signerKey][]*pki.Certificate // nil: may not
	busy      map[signerKey]bool               // being asked about
	links     map[linkKey]bool
	pools     []certPool
	paths     path.Memo
	judged    int // OCSP responses
	validated int // paths of signers
}

type (
	memoKey struct {
		list   *pki.RevocationList
		issuer *pki.Certificate
	}
	issuerKey struct {
		list *pki.RevocationList
		name string // DER
	}
	linkKey  struct{ cert, issuer *pki.Certificate }
	certPool struct {
		certs []*pki.Certificate
		pool  *pki.Pool
	}
	// signerKey: whether a certificate may sign the lists of an authority, or of
	// those below a trust anchor, at a moment.
	signerKey struct {
		cert, authority *pki.Certificate
		at, moment      time.Time
	}
)

func (o *asker) signerKey(c, authority *pki.Certificate) signerKey {
	return signerKey{c, authority, o.At.Round(0).UTC(), o.Moment.Round(0).UTC()}
}

// mayJudge counts one more OCSP response and says whether it may be judged.
func (m *Memo) mayJudge() bool {
	m.judged++
	return m.judged <= limits.OCSPJudged
}

// mayValidate counts one more path of a signer of lists.
func (m *Memo) mayValidate() bool {
	m.validated++
	return m.validated <= limits.ListPaths
}

// check is CheckList, once for each pair.
func (m *Memo) check(l *pki.RevocationList, issuer *pki.Certificate) error {
	k := memoKey{l, issuer}
	err, ok := m.outcomes[k]
	if ok {
		return err
	}
	if len(m.outcomes) >= limits.ListChecks {
		return &listError{ErrListUnusable, "more lists than are examined", "RFC 5280, section 6.3.3"}
	}
	if m.outcomes == nil {
		m.outcomes = map[memoKey]error{}
	}
	err = m.Facts.checkList(l, issuer)
	m.outcomes[k] = err
	return err
}

// sameIssuer says whether the issuer of l is that of cert. Comparing names takes
// time, and a message may have many lists and many certificates.
func (m *Memo) sameIssuer(l *pki.RevocationList, cert *pki.Certificate) bool {
	k := issuerKey{l, string(cert.RawIssuer)}
	same, ok := m.issuers[k]
	if !ok {
		same = m.Facts.sameIssuer(l, cert)
		if m.issuers == nil {
			m.issuers = map[issuerKey]bool{}
		}
		if len(m.issuers) < limits.ListChecks {
			m.issuers[k] = same
		}
	}
	return same
}

// pathMemo is the memo for the paths of signers.
func (m *Memo) pathMemo() *path.Memo {
	m.paths.Facts = m.Facts.paths()
	return &m.paths
}

// signed says whether issuer signed c.
func (m *Memo) signed(c, issuer *pki.Certificate) bool {
	k := linkKey{c, issuer}
	ok, known := m.links[k]
	if known || len(m.links) >= limits.ListChecks {
		return ok
	}
	if m.links == nil {
		m.links = map[linkKey]bool{}
	}
	ok = c.CheckSignatureFrom(issuer) == nil
	m.links[k] = ok
	return ok
}

// pool is a pool of the certificates, made once for the same ones: those of a
// message are asked about for each of its signers.
func (m *Memo) pool(certs []*pki.Certificate) *pki.Pool {
	if len(certs) == 0 {
		return nil
	}
	for _, p := range m.pools {
		if slices.Equal(p.certs, certs) {
			return p.pool
		}
	}
	p := certPool{slices.Clone(certs), pki.NewPool(certs...)}
	if len(m.pools) >= limits.ListIssuers {
		m.pools = m.pools[1:]
	}
	m.pools = append(m.pools, p)
	return p.pool
}

func (m *Memo) enter(k signerKey) {
	if m.busy == nil {
		m.busy = map[signerKey]bool{}
	}
	m.busy[k] = true
}

func (m *Memo) remember(k signerKey, chain []*pki.Certificate) {
	if m.signers == nil {
		m.signers = map[signerKey][]*pki.Certificate{}
	}
	m.signers[k] = chain
}

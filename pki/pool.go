package pki

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"slices"
	"strconv"
)

// Pool is a set of certificates with lookup of issuers. The zero value is an
// empty pool. It is not safe for use while Add runs.
type Pool struct {
	list   []*Certificate
	byHash map[[32]byte]bool
	byKey  map[string][]*Certificate // subject key identifier
	byName map[string][]*Certificate // Name.key of the subject
	keyIDs map[*Certificate]string   // Certificate.KeyID, which may cost a hash
	byBoth map[string][]*Certificate // both, joined by bothKey
}

// NewPool returns a pool of the certificates; nil ones and repetitions are left out.
func NewPool(certs ...*Certificate) *Pool {
	p := new(Pool)
	for _, c := range certs {
		p.Add(c)
	}
	return p
}

// Add adds c unless the pool has it or it is nil.
func (p *Pool) Add(c *Certificate) {
	if c == nil || p.Contains(c) {
		return
	}
	if p.byHash == nil {
		p.byHash = map[[32]byte]bool{}
		p.byKey = map[string][]*Certificate{}
		p.byName = map[string][]*Certificate{}
		p.keyIDs = map[*Certificate]string{}
		p.byBoth = map[string][]*Certificate{}
	}
	p.byHash[sha256.Sum256(c.Raw)] = true
	p.list = append(p.list, c)
	name := c.Subject.key()
	if id := c.KeyID(); len(id) > 0 {
		p.keyIDs[c] = string(id)
		p.byKey[string(id)] = append(p.byKey[string(id)], c)
		both := bothKey(name, id)
		p.byBoth[both] = append(p.byBoth[both], c)
	}
	p.byName[name] = append(p.byName[name], c)
}

// All returns the certificates in the order in which they were added.
func (p *Pool) All() []*Certificate {
	if p == nil {
		return nil
	}
	return slices.Clone(p.list)
}

// Len returns the number of certificates.
func (p *Pool) Len() int {
	if p == nil {
		return 0
	}
	return len(p.list)
}

// Contains reports whether the very same certificate is in the pool.
func (p *Pool) Contains(c *Certificate) bool {
	if p == nil || c == nil {
		return false
	}
	return p.byHash[sha256.Sum256(c.Raw)]
}

// bothKey is unambiguous: the length says where the name begins.
func bothKey(name string, id []byte) string { return strconv.Itoa(len(id)) + ":" + string(id) + name }

// FindIssuers returns the candidates for the issuer of c, best first: those
// whose subject is c's issuer and whose key identifier is c's authority key
// identifier, then those with the name alone and no contradicting identifier,
// then those with the name and another identifier (an identifier is a hint,
// RFC 4158, section 3.5.12). A certificate whose subject is not c's issuer is never
// a candidate: RFC 5280, section 6.1.3 (a)(4) would refuse it. Where CAs
// renewed their key under one name, the identifier decides.
func (p *Pool) FindIssuers(c *Certificate) []*Certificate {
	return preferSerial(p.FindByNameAndKey(c.Issuer, c.AuthorityKeyID), c.AuthorityKeyID, c.AuthorityCertSerial)
}

// FindCRLIssuers is FindIssuers for a CRL that its own issuer signed.
func (p *Pool) FindCRLIssuers(l *RevocationList) []*Certificate {
	return preferSerial(p.FindByNameAndKey(l.Issuer, l.AuthorityKeyID), l.AuthorityKeyID, l.AuthorityCertSerial)
}

// preferSerial puts candidates with the serial number first where the
// authority key identifier has no key identifier to decide by.
func preferSerial(list []*Certificate, keyID []byte, serial *big.Int) []*Certificate {
	if len(keyID) > 0 || serial == nil {
		return list
	}
	slices.SortStableFunc(list, func(a, b *Certificate) int {
		return different(a.SerialNumber, serial) - different(b.SerialNumber, serial)
	})
	return list
}

func different(a, b *big.Int) int {
	if a.Cmp(b) == 0 {
		return 0
	}
	return 1
}

// FindByNameAndKey is FindIssuers for the issuer name and authority key
// identifier (nil: absent) of any signed object, such as a CRL.
func (p *Pool) FindByNameAndKey(name Name, keyID []byte) []*Certificate {
	if p == nil {
		return nil
	}
	key := name.key()
	var out []*Certificate
	if len(keyID) > 0 {
		out = slices.Clone(p.byBoth[bothKey(key, keyID)])
	}
	var contradicting []*Certificate
	for _, c := range p.byName[key] {
		switch {
		case len(keyID) == 0 || len(c.SubjectKeyID) == 0:
			if len(keyID) == 0 || p.keyIDs[c] != string(keyID) { // otherwise out has it
				out = append(out, c)
			}
		case !bytes.Equal(c.SubjectKeyID, keyID):
			contradicting = append(contradicting, c)
		}
	}
	return append(out, contradicting...)
}

// FindByKeyID returns the certificates with the key identifier: the extension,
// or the SHA-1 of the key where a certificate has none.
func (p *Pool) FindByKeyID(id []byte) []*Certificate {
	if p == nil || len(id) == 0 {
		return nil
	}
	return slices.Clone(p.byKey[string(id)])
}

// FindBySubject returns the certificates with the subject name.
func (p *Pool) FindBySubject(n Name) []*Certificate {
	if p == nil {
		return nil
	}
	return slices.Clone(p.byName[n.key()])
}

package pfx

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// contents chooses the key, finds its certificate and orders the others.
func (d *decoder) contents() (*Contents, error) {
	defer func() {
		for _, k := range d.keys {
			clear(k.p8)
		}
	}()
	if len(d.keys) == 0 {
		return nil, ErrNoKey
	}
	bag := d.keys[0]
	c := &Contents{FriendlyName: bag.label}
	leaf, err := d.open(bag, c)
	if err != nil {
		return nil, err
	}
	c.Period = bag.period
	if bag.held {
		c.Key, c.NotExportable = Hold(c.Key), true
	}
	others := make([]*pki.Certificate, 0, len(d.certs))
	for i, b := range d.certs {
		if i == leaf {
			c.Certificate = b.cert
			if c.FriendlyName == "" {
				c.FriendlyName = b.label
			}
			continue
		}
		others = append(others, b.cert)
	}
	c.Chain = orderChain(c.Certificate, others)
	return c, nil
}

// open parses the key and returns the index of its certificate, -1 if the file
// has none. The public key decides; localKeyId (RFC 2985, section 5.5.2) only
// tells which certificate is meant, and a key that contradicts it is refused.
func (d *decoder) open(bag keyBag, c *Contents) (int, error) {
	key, err := alg.ParsePKCS8(bag.p8)
	if err == nil {
		for i, b := range d.certs {
			if b.cert.PublicKey != nil && alg.EqualKeys(b.cert.PublicKey, key.Public()) {
				c.Key = key
				return i, nil
			}
		}
	}
	for i, b := range d.certs {
		if len(bag.id) == 0 || !bytes.Equal(b.id, bag.id) || b.cert.PublicKey == nil {
			continue
		}
		k, forErr := alg.ParsePKCS8For(bag.p8, b.cert.PublicKey)
		if forErr != nil {
			return -1, fmt.Errorf("pfx: the key and the certificate of the same localKeyId: %w", forErr)
		}
		c.Key = k
		return i, nil
	}
	if err != nil {
		var unknown *alg.UnknownError
		if errors.As(err, &unknown) {
			return -1, fmt.Errorf("pfx: %w", err)
		}
		return -1, damaged("%v", err)
	}
	c.Key = key
	return -1, nil
}

// orderChain puts the issuers of leaf first, each after the one that it issued,
// and keeps the order of the rest.
func orderChain(leaf *pki.Certificate, others []*pki.Certificate) []*pki.Certificate {
	var chain []*pki.Certificate
	rest := append([]*pki.Certificate(nil), others...)
	for at := leaf; at != nil; {
		next := -1
		for i, c := range rest {
			if bytes.Equal(c.RawSubject, at.RawIssuer) &&
				(at.AuthorityKeyID == nil || c.SubjectKeyID == nil || bytes.Equal(at.AuthorityKeyID, c.SubjectKeyID)) {
				next = i
				break
			}
		}
		if next < 0 {
			break
		}
		at = rest[next]
		chain = append(chain, at)
		rest = append(rest[:next], rest[next+1:]...)
	}
	return append(chain, rest...)
}

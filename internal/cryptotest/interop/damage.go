package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// damage writes the corrupted copy of a row's file: one octet is changed where
// every reader must notice it.
func (c *call) damage(r row, dir string) error {
	m := material{dir: dir}
	b, err := c.read(m.main(r))
	if err != nil {
		return err
	}
	at, err := weakSpot(r, b, c.set)
	if err != nil {
		return fmt.Errorf("%s: %w", m.main(r), err)
	}
	b[at] ^= 1
	m.damaged = true
	return c.write(m.main(r), b)
}

var errNoSpot = errors.New("the file is not built as expected: nothing to corrupt found")

// weakSpot returns the octet to change.
func weakSpot(r row, b []byte, set paramset) (int, error) {
	switch r {
	case p8: // the parameter set's identifier: nothing else in a plain key is protected
		// The neighbour of a last arc may be a set too; the arc of the country,
		// which begins in the second octet, leads nowhere.
		return found(bytes.Index(b, oid.OID(set.oid).DER()), 3)
	case p8Encrypted: // the first octet of the ciphertext: the tag of PrivateKeyInfo
		_, ciphertext, err := alg.ParseEncryptedPKCS8(b)
		if err != nil {
			return 0, err
		}
		return found(bytes.LastIndex(b, ciphertext), 0)
	case pfxASCII, pfxCyrillic: // inside what the MAC covers
		return len(b) / 2, nil
	case ocspResponse: // certificates may stand behind the signature
		resp, err := ocsp.ParseResponse(b)
		if err != nil {
			return 0, err
		}
		return found(bytes.Index(b, resp.Signature), len(resp.Signature)-1)
	default: // the signature value stands at the end
		return len(b) - 1, nil
	}
}

func found(at, offset int) (int, error) {
	if at < 0 {
		return 0, errNoSpot
	}
	return at + offset, nil
}

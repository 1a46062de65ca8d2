package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
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
	case cmsT, cmsXL, cmsA:
		return stampSpot(r, b)
	default: // the signature value stands at the end
		return len(b) - 1, nil
	}
}

// stampSpot is in the signature of the time stamp that the level adds.
func stampSpot(r row, b []byte) (int, error) {
	sd, err := cms.ReadSigned(bytes.NewReader(b), nil, cms.Limits{})
	if err != nil {
		return 0, err
	}
	attrs := sd.Signers[0].Unsigned(levels[r].last)
	if len(attrs) != 1 || len(attrs[0].Values) != 1 {
		return 0, errNoSpot
	}
	token, err := tsp.ParseToken(attrs[0].Values[0])
	if err != nil {
		return 0, err
	}
	signature := token.Signed.Signers[0].Signature
	return found(bytes.Index(b, signature), len(signature)-1)
}

func found(at, offset int) (int, error) {
	if at < 0 {
		return 0, errNoSpot
	}
	return at + offset, nil
}

package xmldsig_test

import (
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/xmldsig"
)

// FuzzParse: no input panics or verifies by accident, and whatever is returned
// as signed is a document.
func FuzzParse(f *testing.F) {
	by := signer(f, "gost2012-256", "cryptopro-a")
	f.Add([]byte(signed(f, document, by)))
	f.Add([]byte(document))
	f.Add([]byte(`<a xmlns:p="u" p:b="&#xD;&#9;"><![CDATA[<]]>&lt;</a>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := xmldsig.Parse(data)
		if err != nil {
			return
		}
		list, err := d.Signatures()
		if err != nil {
			return
		}
		for _, s := range list {
			v, err := s.Verify(by.Cert)
			if err != nil {
				if errors.Unwrap(err) == nil && err.Error() == "" {
					t.Error("an error without a text")
				}
				continue
			}
			for _, x := range v.Signed {
				if x.Element == nil {
					t.Error("nothing is returned as signed")
				}
			}
		}
	})
}

package pkcs11

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzParseURI(f *testing.F) {
	for _, s := range []string{
		"pkcs11:token=a;id=%01%ff;object=%D0%BA?pin-source=file:/a%20b&module-name=softhsm2",
		"pkcs11:serial=1;library-version=1.2;x-a=b?x-c=d&pin-value=%00",
		"pkcs11:?module-path=/a//b&pin-value=1",
		"pkcs11:id=" + strings.Repeat("+", maxURI/2),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURI(text)
		if err != nil {
			return
		}
		again, err := ParseURI(u.String())
		if err != nil {
			t.Fatalf("%q was written as %q: %v", text, u, err)
		}
		if u.String() != again.String() || !bytes.Equal(u.ID, again.ID) {
			t.Errorf("%q was written as %q and then %q", text, u, again)
		}
	})
}

package pkcs11

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	for _, c := range []struct {
		text string
		want URI
	}{
		{"pkcs11:", URI{}},
		// The examples of RFC 7512, section 3, as far as slots are not numbered.
		{"pkcs11:object=my-pubkey;type=public", URI{Object: "my-pubkey", Type: "public"}},
		{"pkcs11:object=my-key;type=private?pin-source=file:/etc/token", URI{Object: "my-key", Type: "private", PINSource: "file:/etc/token"}},
		{
			"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
			URI{Token: "The Software PKCS#11 Softtoken", Manufacturer: "Snake Oil, Inc.", Model: "1.0", Object: "my-certificate", Type: "cert", ID: []byte("\x69\x95\x3e\x5c\xf4\xbd\xec\x91"), PINSource: "file:/etc/token_pin"},
		},
		{"pkcs11:object=my-sign-key;type=private?module-name=mypkcs11", URI{Object: "my-sign-key", Type: "private", ModuleName: "mypkcs11"}},
		{"pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1", URI{Object: "my-sign-key", Type: "private", ModulePath: "/mnt/libmypkcs11.so.1"}},
		{"pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin", URI{Token: "Software PKCS#11 softtoken", Manufacturer: "Snake Oil, Inc.", PINValue: []byte("the-pin")}},
		{"pkcs11:slot-description=Sun%20Metaslot", URI{SlotDescription: "Sun Metaslot"}},
		{"pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23", URI{LibraryManufacturer: "Snake Oil, Inc.", LibraryDescription: "Soft Token Library", LibraryVersion: "1.23"}},
		{"pkcs11:token=my-token;x-vend-aaa=value-1", URI{Token: "my-token"}},
		{"PKCS11:token=%D0%A2%D0%BE%D0%BA%D0%B5%D0%BD", URI{Token: "Токен"}},
	} {
		u, err := ParseURI(c.text)
		if err != nil || !reflect.DeepEqual(*u, c.want) {
			t.Errorf("%s is %+v, %v", c.text, u, err)
			continue
		}
		again, err := ParseURI(u.String())
		c.want.PINValue = nil // never written
		if err != nil || !reflect.DeepEqual(*again, c.want) {
			t.Errorf("%s was written as %s", c.text, u)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for text, attribute := range map[string]string{
		"":                                  "",
		"pkcs15:token=a":                    "",
		"pkcs11:token":                      "",
		"pkcs11:;token=a":                   "",
		"pkcs11:=a":                         "",
		"pkcs11:token=a;token=b":            "token",
		"pkcs11:token=%4":                   "token",
		"pkcs11:token=%zz":                  "token",
		"pkcs11:token=%ff":                  "token",
		"pkcs11:tokn=a":                     "tokn",
		"pkcs11:slot-id=1":                  "slot-id",
		"pkcs11:type=privat":                "type",
		"pkcs11:?pin-sorce=/x":              "pin-sorce",
		"pkcs11:?pin-source=":               "pin-source",
		"pkcs11:?module-name=/a/b":          "module-name",
		"pkcs11:?module-path=a%00b":         "module-path",
		"pkcs11:?pin-source=/a&pin-value=1": "pin-source",
		"pkcs11:token=" + strings.Repeat("a", 9000): "",
	} {
		_, err := ParseURI(text)
		var e *URIError
		if !errors.As(err, &e) || e.Attribute != attribute {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

func TestURIHidesPIN(t *testing.T) {
	u, err := ParseURI("pkcs11:token=a?pin-value=9753")
	if err != nil || strings.Contains(u.String(), "9753") {
		t.Errorf("%v, %v", u, err)
	}
	_, err = ParseURI("pkcs11:token=a?pin-value=9753&pin-value=9753")
	if err == nil || strings.Contains(err.Error(), "9753") {
		t.Error(err)
	}
}

func TestCodes(t *testing.T) {
	ids := map[string]Code{}
	for c, row := range codeTable {
		ru, en := Sentence(c)
		if row.name == "" || ru == "" || en == "" || strings.HasSuffix(ru, ".") || strings.HasSuffix(en, ".") {
			t.Errorf("%v: %q, %q", c, ru, en)
		}
		if other, twice := ids[c.ID()]; twice {
			t.Errorf("%v and %v are both %s", c, other, c.ID())
		}
		ids[c.ID()] = c
	}
	if len(ids) < 50 || CodePINIncorrect.String() != "CKR_PIN_INCORRECT" || CodePINIncorrect.ID() != "pkcs11.pin-incorrect" {
		t.Errorf("%d codes, %v, %s", len(ids), CodePINIncorrect, CodePINIncorrect.ID())
	}
	vendor := Code(0x80000123)
	if ru, en := Sentence(vendor); !strings.Contains(ru, "0x80000123") || !strings.Contains(en, "0x80000123") || vendor.ID() != "pkcs11.code-80000123" {
		t.Errorf("%q, %q, %s", ru, en, vendor.ID())
	}
}

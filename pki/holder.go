package pki

import (
	"strings"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Holder is who a subject name speaks of, read by the rule for qualified
// certificates.
type Holder struct {
	Person       string // surname and given name; CN where both are absent and no organisation is named
	SNILS        string
	INN          string // 12 digits of the person
	Organization string // O, or CN where O is absent and OGRN present
	INNLE        string // 10 digits; also taken from an INN of the form 00 + 10 digits
	OGRN, OGRNIP string
}

// Holder reads the person and the organisation of a subject name. Certificates
// issued before the edition of 2021 carry an organisation's number as "00" and
// ten digits in INN; it is recognised by its own check digit.
func (n Name) Holder() Holder {
	h := Holder{
		SNILS:        n.Get(oid.SNILS),
		INN:          n.Get(oid.INN),
		Organization: n.Get(oid.Organization),
		INNLE:        n.Get(oid.INNLE),
		OGRN:         n.Get(oid.OGRN),
		OGRNIP:       n.Get(oid.OGRNIP),
	}
	if len(h.INN) == 12 && strings.HasPrefix(h.INN, "00") && CheckINNLE(h.INN[2:]) == nil {
		if h.INNLE == "" {
			h.INNLE = h.INN[2:]
		}
		h.INN = ""
	}
	if h.Organization == "" && h.OGRN != "" {
		h.Organization = n.Get(oid.CommonName)
	}
	h.Person = strings.TrimSpace(n.Get(oid.Surname) + " " + n.Get(oid.GivenName))
	if h.Person == "" && h.Organization == "" {
		h.Person = n.Get(oid.CommonName)
	}
	return h
}

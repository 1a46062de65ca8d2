package rfc5280

import (
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// SerialNumber demands a positive serial number of at most 20 octets.
func SerialNumber() profile.Rule {
	return profile.Rule{
		ID:        "rfc5280-serial-number",
		Title:     "the serial number is positive and has at most 20 octets",
		TitleRU:   "серийный номер положителен и не длиннее 20 байт",
		Cite:      "RFC 5280, section 4.1.2.2",
		Severity:  pki.Error,
		Effective: published(),
		Check: func(c *pki.Certificate) []profile.Problem {
			// "The serial number MUST be a positive integer assigned by the CA
			// to each certificate."
			if c.SerialNumber == nil || c.SerialNumber.Sign() <= 0 {
				return []profile.Problem{{Field: "serialNumber", Detail: "zero or negative", DetailRU: "ноль или отрицательное число"}}
			}
			// "Conforming CAs MUST NOT use serialNumber values longer than 20
			// octets."
			if n := len(c.RawSerial); n > 20 {
				return []profile.Problem{{Field: "serialNumber", Detail: fmt.Sprintf("%d octets", n), DetailRU: fmt.Sprintf("байт: %d", n)}}
			}
			return nil
		},
	}
}

// Package oid is the one place where object identifiers are written down: the
// constant, its short name, a title for people and the document that assigns
// it. It also reads and writes the DER of an OBJECT IDENTIFIER (X.690, clause
// 8.19) for arcs of any size, which encoding/asn1 and crypto/x509 do not.
package oid

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// OID is an object identifier in dotted decimal form, such as "2.5.4.3".
// Values are comparable with ==. The zero value "" is not an identifier.
type OID string

// Info describes one known object identifier.
type Info struct {
	OID   OID
	Name  string // short name as used in messages and on the command line
	Title string // what it identifies, in English
	Cite  string // the document that assigns or defines it
}

// maxContent bounds the contents octets of an identifier. Real ones have at
// most about 20 octets; the bound keeps the quadratic cost of converting large
// arcs to decimal small.
const maxContent = 64

// ErrSyntax is returned by Parse for text that is not a dotted object
// identifier or whose encoding would exceed 64 octets.
var ErrSyntax = errors.New("oid: not a dotted object identifier")

// Parse checks dotted decimal text and returns it as an OID. At least two arcs
// are required; the first is 0, 1 or 2 and the second below 40 unless the first
// is 2 (X.660, clause 7.6). Leading zeros are refused.
func Parse(s string) (OID, error) {
	if _, err := content(s); err != nil {
		return "", err
	}
	return OID(s), nil
}

// content returns the contents octets of the identifier (X.690, 8.19.2).
func content(s string) ([]byte, error) {
	if len(s) > 4*maxContent+8 { // at most three digits and a dot an octet
		return nil, ErrSyntax
	}
	if !strings.Contains(s, ".") {
		return nil, ErrSyntax
	}
	out := make([]byte, 0, 16) // most have fewer octets: one allocation
	var first uint64
	for i, more := 0, true; more; i++ {
		var arc string
		arc, s, more = strings.Cut(s, ".")
		if !decimal(arc) {
			return nil, ErrSyntax
		}
		v, err := strconv.ParseUint(arc, 10, 63)
		switch i {
		case 0:
			if err != nil || v > 2 {
				return nil, ErrSyntax
			}
			first = v
			continue
		case 1:
			if first < 2 && (err != nil || v >= 40) {
				return nil, ErrSyntax
			}
			out = appendArc(out, arc, 40*first)
		default:
			out = appendArc(out, arc, 0)
		}
		if len(out) > maxContent {
			return nil, ErrSyntax
		}
	}
	return out, nil
}

func decimal(s string) bool {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// appendArc appends arc+offset in base 128, most significant group first.
func appendArc(out []byte, arc string, offset uint64) []byte {
	if v, err := strconv.ParseUint(arc, 10, 62); err == nil {
		v += offset
		n := 1
		for t := v >> 7; t > 0; t >>= 7 {
			n++
		}
		for i := n - 1; i >= 0; i-- {
			b := byte(v>>(7*i)) & 0x7f
			if i > 0 {
				b |= 0x80
			}
			out = append(out, b)
		}
		return out
	}
	v, _ := new(big.Int).SetString(arc, 10) // decimal digits only: cannot fail
	v.Add(v, new(big.Int).SetUint64(offset))
	n := (v.BitLen() + 6) / 7
	group := new(big.Int)
	for i := n - 1; i >= 0; i-- {
		b := byte(group.Rsh(v, uint(7*i)).Uint64()) & 0x7f // the low 7 bits are wanted
		if i > 0 {
			b |= 0x80
		}
		out = append(out, b)
	}
	return out
}

// Read consumes one DER OBJECT IDENTIFIER from s. It reports whether that
// succeeded: contents of 1 to 64 octets, each arc in the fewest octets (X.690,
// 8.19.2), arcs of any size. After false the state of s is undefined.
func Read(s *cryptobyte.String, out *OID) bool {
	var c cryptobyte.String
	if !s.ReadASN1(&c, asn1.OBJECT_IDENTIFIER) {
		return false
	}
	o, ok := FromContent(c)
	if ok {
		*out = o
	}
	return ok
}

// FromContent decodes the contents octets of an OBJECT IDENTIFIER, without tag
// and length: the form of an implicitly tagged identifier such as the
// registeredID of a GeneralName.
func FromContent(c []byte) (OID, bool) {
	if o, ok := encodings().byContent[string(c)]; ok {
		return o, true
	}
	if len(c) == 0 || len(c) > maxContent || c[len(c)-1]&0x80 != 0 {
		return "", false
	}
	text := make([]byte, 0, 4*len(c))
	for first := true; len(c) > 0; first = false {
		// "the leading octet of the subidentifier shall not have the value 80"
		if c[0] == 0x80 {
			return "", false
		}
		n := 0
		for c[n]&0x80 != 0 {
			n++
		}
		text = appendDecimal(text, c[:n+1], first)
		c = c[n+1:]
	}
	return OID(text), true
}

// appendDecimal appends one subidentifier in decimal; the first one carries
// two arcs (X.690, 8.19.4).
func appendDecimal(text, sub []byte, first bool) []byte {
	if !first {
		text = append(text, '.')
	}
	if len(sub) > 8 {
		v, group := new(big.Int), new(big.Int)
		for _, b := range sub {
			v.Or(v.Lsh(v, 7), group.SetInt64(int64(b&0x7f)))
		}
		if first {
			text = append(text, "2."...)
			v.Sub(v, big.NewInt(80))
		}
		return v.Append(text, 10)
	}
	var v uint64
	for _, b := range sub {
		v = v<<7 | uint64(b&0x7f)
	}
	if first {
		top := min(v/40, 2)
		text = append(strconv.AppendUint(text, top, 10), '.')
		v -= 40 * top
	}
	return strconv.AppendUint(text, v, 10)
}

// Add appends the DER of the identifier to b. An OID that Parse would refuse
// sets b's error.
func (o OID) Add(b *cryptobyte.Builder) {
	if der, ok := encodings().der[o]; ok {
		b.AddBytes(der)
		return
	}
	c, err := content(string(o))
	if err != nil {
		b.SetError(errors.New("oid: cannot encode " + strconv.Quote(string(o))))
		return
	}
	b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(c) })
}

// Content returns the contents octets, or nil if o is not an identifier.
func (o OID) Content() []byte {
	c, err := content(string(o))
	if err != nil {
		return nil
	}
	return c
}

// DER returns the whole encoding with tag and length, or nil if o is not an
// identifier.
func (o OID) DER() []byte {
	c, err := content(string(o))
	if err != nil {
		return nil
	}
	return append([]byte{byte(asn1.OBJECT_IDENTIFIER), byte(len(c))}, c...) // at most 64
}

// Lookup returns what is known about o.
func Lookup(o OID) (Info, bool) {
	i, ok := tables().byOID[o]
	return i, ok
}

// ByName returns the identifier with the short name, letter case ignored.
func ByName(name string) (OID, bool) {
	o, ok := tables().byName[strings.ToLower(name)]
	return o, ok
}

// Name returns the short name, or the dotted text of an unknown identifier.
func (o OID) Name() string {
	if i, ok := Lookup(o); ok {
		return i.Name
	}
	return string(o)
}

// String returns the dotted text.
func (o OID) String() string { return string(o) }

// topics lists the tables: the first step's in one piece, later ones a topic
// each beside their constants.
func topics() [][]Info { return [][]Info{known[:], knownDSA[:]} }

// All returns the table in its order.
func All() []Info { return slices.Concat(topics()...) }

type index struct {
	byOID  map[OID]Info
	byName map[string]OID
}

// encodings has the known identifiers by their contents octets, and their DER,
// which nobody changes: certificates are made of them.
var encodings = sync.OnceValue(func() (e struct {
	byContent map[string]OID
	der       map[OID][]byte
},
) {
	all := All()
	e.byContent, e.der = make(map[string]OID, len(all)), make(map[OID][]byte, len(all))
	for _, i := range all {
		e.byContent[string(i.OID.Content())] = i.OID
		e.der[i.OID] = i.OID.DER()
	}
	return e
})

var tables = sync.OnceValue(func() index {
	x := index{make(map[OID]Info, 2*len(known)), make(map[string]OID, 2*len(known))}
	for _, i := range All() {
		x.byOID[i.OID] = i
		x.byName[strings.ToLower(i.Name)] = i.OID
	}
	return x
})

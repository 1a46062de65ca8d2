package pfx

import (
	"encoding/binary"
	"errors"
	"hash"
	"unicode/utf16"
	"unicode/utf8"
)

// errUTF8 says that a password cannot be a BMPString.
var errUTF8 = errors.New("pfx: the password is not UTF-8 text")

// bmpString returns a password as the older derivation wants it: UTF-16
// big-endian with two zero octets at the end (RFC 7292, appendix B.1).
func bmpString(password []byte) ([]byte, error) {
	if !utf8.Valid(password) {
		return nil, errUTF8
	}
	out := make([]byte, 0, 2*len(password)+2)
	for len(password) > 0 {
		r, n := utf8.DecodeRune(password)
		password = password[n:]
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			out = binary.BigEndian.AppendUint16(out, uint16(hi))
			r = lo
		}
		out = binary.BigEndian.AppendUint16(out, uint16(r))
	}
	return append(out, 0, 0), nil
}

// The purposes of derived octets, RFC 7292, appendix B.3.
const (
	idKey byte = 1
	idIV  byte = 2
	idMAC byte = 3
)

// pkcs12KDF derives n octets from a password (RFC 7292, appendix B.2); the names
// are those of the RFC. password is a BMPString, or empty where the maker of
// the file took no password at all for an empty one.
func pkcs12KDF(newHash func() hash.Hash, id byte, password, salt []byte, iterations, n int) []byte {
	h := newHash()
	v := h.BlockSize()
	d := make([]byte, v)
	for i := range d {
		d[i] = id
	}
	in := append(fill(salt, v), fill(password, v)...) // I = S||P
	defer clear(in)
	var out []byte
	for {
		h.Reset()
		h.Write(d)
		h.Write(in)
		a := h.Sum(nil)
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		out = append(out, a...)
		if len(out) >= n {
			return out[:n]
		}
		b := fill(a, v)[:v]
		for i := 0; i < len(in); i += v {
			addOne(in[i:i+v], b)
		}
	}
}

// fill repeats b to the next multiple of v octets; nothing stays nothing.
func fill(b []byte, v int) []byte {
	out := make([]byte, 0, (len(b)+v-1)/v*v)
	for len(b) > 0 && len(out) < cap(out) {
		out = append(out, b[:min(len(b), cap(out)-len(out))]...)
	}
	return out
}

// addOne sets x to x + b + 1 modulo 2^(8·len), big-endian.
func addOne(x, b []byte) {
	carry := uint(1)
	for i := len(x) - 1; i >= 0; i-- {
		carry += uint(x[i]) + uint(b[i])
		x[i] = byte(carry)
		carry >>= 8
	}
}

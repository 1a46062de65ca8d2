//go:build amd64 && !purego

package gost28147

import "github.com/gosklyuch/gosklyuch/gost/internal/feistel"

// wideTables are those of a set of substitutions for AVX-512 VBMI.
type wideTables = *feistel.Tables

func newWideTables(k *[8][16]byte) wideTables {
	if !feistel.Available() {
		return nil
	}
	return feistel.NewTables(k, false)
}

// wide is the cipher in AVX-512 VBMI, whose time does not depend on key or data.
type wide struct {
	on   bool
	t    wideTables
	keys feistel.Keys // of encryption
}

// useVBMI chooses; tests change it.
var useVBMI = feistel.Available()

// implementations are the ways to compute that this processor has, the best
// last.
func implementations() []string {
	if feistel.Available() {
		return []string{portable, "vbmi"}
	}
	return []string{portable}
}

func newWide(sbox SBox) wide { return wide{on: useVBMI, t: sbox.t.wide} }

func (w *wide) setKey(k *[8]uint32) {
	if w.on {
		w.keys = feistel.Expand(k)
	}
}

func (w *wide) encrypt(n1, n2 uint32) (uint32, uint32) {
	return split(w.t.Block(&w.keys, join(n1, n2)))
}

func (w *wide) decrypt(n1, n2 uint32) (uint32, uint32) {
	keys := w.keys.Reverse()
	defer clear(keys[:])
	return split(w.t.Block(&keys, join(n1, n2)))
}

// sixteen applies the keys X0 to X7 twice.
func (w *wide) sixteen(n1, n2 uint32) (uint32, uint32) {
	return split(w.t.Half(&w.keys, join(n1, n2)))
}

// encryptBlocks encrypts the blocks of buf in place.
func (w *wide) encryptBlocks(buf []byte) { w.t.Blocks(&w.keys, buf, buf) }

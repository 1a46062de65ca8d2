//go:build amd64 && !purego

package streebog

//go:generate go run -C ../../tools/asm ./streebog-tables -out ../../gost/streebog/lookup_amd64.s

// constants are iteration and one state behind it, which is read and not used.
var constants = func() *[13]state {
	c := new([13]state)
	copy(c[:], iteration[:])
	return c
}()

//go:noescape
func compressTables(t *[8][256]uint64, constants *[13]state, h, n, m *state)

// blocksTables is blocksGeneric with compressTables.
func (d *digest) blocksTables(p []byte) {
	for ; len(p) >= BlockSize; p = p[BlockSize:] {
		m := load((*[BlockSize]byte)(p))
		n := bitCount(d.len)
		compressTables(table, constants, &d.h, &n, &m)
		d.sigma.add(&m)
		d.len += BlockSize
	}
}

// chainTables is chainGeneric with compressTables.
func chainTables(keys *roundKeys, h *state, steps []step) {
	if keys != nil {
		*h = keyedGeneric(keys, &steps[0].m)
		steps = steps[1:]
	}
	for i := range steps {
		compressTables(table, constants, h, &steps[i].n, &steps[i].m)
	}
}

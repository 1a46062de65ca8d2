//go:build amd64 && !purego

package streebog

// The implementations whose assembler has one function, for one application of g.

// compress sets h to g_N(h, m).
func compress(h, n, m *state) {
	if chosen == inAVX2 {
		compressAVX2(avx2, h, n, m)
		return
	}
	compressTables(table, constants, h, n, m)
}

// blocksOneByOne is blocksGeneric with compress.
func (d *digest) blocksOneByOne(p []byte) {
	for ; len(p) >= BlockSize; p = p[BlockSize:] {
		m := load((*[BlockSize]byte)(p))
		n := bitCount(d.len)
		compress(&d.h, &n, &m)
		d.sigma.add(&m)
		d.len += BlockSize
	}
}

// chainOneByOne is chainGeneric with compress.
func chainOneByOne(keys *roundKeys, h *state, steps []step) {
	if keys != nil {
		*h = keyed(keys, &steps[0].m)
		steps = steps[1:]
	}
	for i := range steps {
		compress(h, &steps[i].n, &steps[i].m)
	}
}

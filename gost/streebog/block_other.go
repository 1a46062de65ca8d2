//go:build !amd64 || purego

package streebog

// implementations are the ways to compute that this build has, the best last.
func implementations() []string { return []string{portable} }

func (d *digest) wholeBlocks(p []byte) { d.blocksGeneric(p) }

func chain(keys *roundKeys, h *state, steps []step) { chainGeneric(keys, h, steps) }

func keyed(keys *roundKeys, m *state) state { return keyedGeneric(keys, m) }

func expand(keys *roundKeys, h, n *state) { expandGeneric(keys, h, n) }

// initialKeys returns the keys of the first block.
func initialKeys(size int) *roundKeys { return &initialGeneric[size/Size512] }

func iterate(lanes *[maxLanes]iterated, used, n int) { iterateEach(lanes, used, n) }

func sumMany(messages [][]byte, size int, out func(i int, h *state)) {
	sumEach(messages, size, out)
}

func lanes() int { return 1 }

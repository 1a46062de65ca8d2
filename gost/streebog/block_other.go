//go:build !amd64 || purego

package streebog

// implementations are the ways to compute that this build has, the best last.
func implementations() []string { return []string{portable} }

func (d *digest) blocks(p []byte) { d.blocksGeneric(p) }

func compress(h, n, m *state) { compressGeneric(h, n, m) }

func sumMany(messages [][]byte, size int, out func(i int, h *state)) {
	sumEach(messages, size, out)
}

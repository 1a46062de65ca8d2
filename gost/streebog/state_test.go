package streebog

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

// The keys of a first block are taken for first blocks alone: a state that was
// restored may have any h with any length.
func TestFirstBlock(t *testing.T) {
	p := cryptotest.Bytes(1, 3*BlockSize)
	EachImplementation(t, func(t *testing.T) {
		for _, size := range []int{Size256, Size512} {
			for name, d := range map[string]digest{
				"the beginning":              {size: size, h: initial(size)},
				"another h":                  {size: size, h: state{1}},
				"the h of the other size":    {size: size, h: initial(Size256 + Size512 - size)},
				"the first h further on":     {size: size, h: initial(size), len: BlockSize},
				"the first h after 2^61":     {size: size, h: initial(size), len: 1 << 61},
				"a carry into the next word": {size: size, h: state{2}, len: 1<<61 - BlockSize},
				"the length wraps":           {size: size, h: state{3}, len: 1<<64 - BlockSize},
			} {
				for n := BlockSize; n <= len(p); n += BlockSize {
					got, want := d, d
					got.blocks(p[:n])
					want.blocksGeneric(p[:n])
					if got != want {
						t.Errorf("%d bits, %s, %d bytes: another state", 8*size, name, n)
					}
				}
			}
		}
	})
}

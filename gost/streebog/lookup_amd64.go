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

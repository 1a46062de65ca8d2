package streebog

import "encoding/binary"

// portable names the implementation that every machine has.
const portable = "portable"

// Sum256Many sets digests[i] to the Streebog-256 digest of messages[i]. Where
// the processor can, several messages are hashed side by side, which is faster
// than one after the other. It panics if the lengths differ.
func Sum256Many(digests [][Size256]byte, messages [][]byte) {
	if len(digests) != len(messages) {
		panic("streebog: as many digests as messages are needed")
	}
	sumMany(messages, Size256, func(i int, h *state) { put(digests[i][:], h) })
}

// Sum512Many sets digests[i] to the Streebog-512 digest of messages[i], as
// [Sum256Many] does.
func Sum512Many(digests [][Size512]byte, messages [][]byte) {
	if len(digests) != len(messages) {
		panic("streebog: as many digests as messages are needed")
	}
	sumMany(messages, Size512, func(i int, h *state) { put(digests[i][:], h) })
}

// put writes the digest of len(b) bytes. RFC 6986, step 3.6: the 256-bit hash is
// the most significant half.
func put(b []byte, h *state) {
	for i, w := range h[8-len(b)/8:] {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
}

// sumEach hashes one message after the other.
func sumEach(messages [][]byte, size int, out func(i int, h *state)) {
	for i, m := range messages {
		var d digest
		d.init(size)
		d.write(m)
		d.finish()
		out(i, &d.h)
	}
}

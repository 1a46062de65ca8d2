package streebog

import "encoding/binary"

// portable names the implementation that every machine has.
const portable = "portable"

// Sum256Many sets digests[i] to the Streebog-256 digest of messages[i]. It panics
// if the lengths differ. Messages may overlap each other, but not the digests.
//
// It pays where [Lanes] is more than 1. Messages of a KiB take a sixth less time
// than one after the other by twos and a third less from three on, whatever their
// lengths are, because a lane whose message ends takes the next one; messages of
// 64 bytes a fifth less from eight on and nothing less by twos. Groups of some
// dozens are enough. Elsewhere it is as fast as [Sum256]. Two allocations serve
// all messages.
func Sum256Many(digests [][Size256]byte, messages [][]byte) {
	if len(digests) != len(messages) {
		panic("streebog: as many digests as messages are needed") //nolint:forbidigo // a programming error, like an index out of range
	}
	sumMany(messages, Size256, func(i int, h *state) { put(digests[i][:], h) })
}

// Sum512Many sets digests[i] to the Streebog-512 digest of messages[i], as
// [Sum256Many] does.
func Sum512Many(digests [][Size512]byte, messages [][]byte) {
	if len(digests) != len(messages) {
		panic("streebog: as many digests as messages are needed") //nolint:forbidigo // a programming error, like an index out of range
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
		h := sum(m, size)
		out(i, &h)
	}
}

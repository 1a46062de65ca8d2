package journal

import (
	"math/bits"
	"slices"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// Tree is the Merkle tree over the digests of a chain's first records, built
// as in RFC 6962, section 2.1, with Streebog-256 in the place of SHA-256:
//
//	leaf = H(0x00 ‖ digest of the record)
//	node = H(0x01 ‖ left ‖ right)
//
// Only the roots of the complete subtrees, its peaks, are kept: 32 octets for
// each bit that is set in the number of leaves. The zero Tree has no leaves.
type Tree struct {
	size  uint64
	peaks []Digest // from the largest subtree, which holds the first leaves
}

// RFC 6962, section 2.1: "Note that the hash calculations for leaves and nodes
// differ. This domain separation is required to give second preimage
// resistance."
func leafHash(record Digest) Digest {
	var b [1 + streebog.Size256]byte
	copy(b[1:], record[:])
	return streebog.Sum256(b[:])
}

func nodeHash(left, right Digest) Digest {
	var b [1 + 2*streebog.Size256]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+streebog.Size256:], right[:])
	return streebog.Sum256(b[:])
}

// Size returns the number of leaves.
func (t Tree) Size() uint64 { return t.size }

// Add puts the digest of the next record behind the others.
func (t *Tree) Add(record Digest) {
	d := leafHash(record)
	// Every trailing one of the size is a subtree as large as the one that
	// has just become complete.
	for range bits.TrailingZeros64(^t.size) {
		last := len(t.peaks) - 1
		d = nodeHash(t.peaks[last], d)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, d)
	t.size++
}

// Root returns the Merkle tree hash; RFC 6962, section 2.1: "The hash of an
// empty list is the hash of an empty string".
func (t Tree) Root() Digest {
	if len(t.peaks) == 0 {
		return streebog.Sum256(nil)
	}
	last := len(t.peaks) - 1
	d := t.peaks[last]
	for _, p := range slices.Backward(t.peaks[:last]) {
		d = nodeHash(p, d)
	}
	return d
}

// pathBuilder collects the audit path of one leaf while the tree grows.
type pathBuilder struct {
	index uint64 // of the leaf, from 0
	tree  Tree
	at    int // the peak that holds the leaf; -1 before it came
	path  []Digest
}

func newPathBuilder(index uint64) *pathBuilder { return &pathBuilder{index: index, at: -1} }

func (b *pathBuilder) add(record Digest) {
	t := &b.tree
	d := leafHash(record)
	mine := t.size == b.index
	for range bits.TrailingZeros64(^t.size) {
		last := len(t.peaks) - 1
		left := t.peaks[last]
		switch {
		case mine:
			b.path = append(b.path, left)
		case b.at == last:
			b.path = append(b.path, d)
			mine = true
		}
		d = nodeHash(left, d)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, d)
	t.size++
	if mine {
		b.at = len(t.peaks) - 1
	}
}

// finish returns the path in the tree as it stands (RFC 6962, section 2.1.1),
// and whether the leaf is in it.
func (b *pathBuilder) finish() ([]Digest, bool) {
	if b.at < 0 {
		return nil, false
	}
	path := slices.Clone(b.path)
	peaks := b.tree.peaks
	last := len(peaks) - 1
	// The peaks are folded from the right, as Root does; what is right of the
	// leaf's peak is one sibling, what is left of it follows one by one.
	if b.at < last {
		d := peaks[last]
		for _, p := range slices.Backward(peaks[b.at+1 : last]) {
			d = nodeHash(p, d)
		}
		path = append(path, d)
	}
	for _, p := range slices.Backward(peaks[:b.at]) {
		path = append(path, p)
	}
	return path, true
}

// rootFromPath computes the root of a tree with size leaves from the record in
// the place index (from 0) and its audit path; ok is false for a path of the
// wrong length. RFC 9162, section 2.1.3.2, "Verifying an Inclusion Proof".
func rootFromPath(record Digest, index, size uint64, path []Digest) (root Digest, ok bool) {
	if index >= size {
		return root, false
	}
	fn, sn := index, size-1
	r := leafHash(record)
	for _, p := range path {
		if sn == 0 {
			return root, false
		}
		if fn&1 == 1 || fn == sn {
			r = nodeHash(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = nodeHash(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return r, sn == 0
}

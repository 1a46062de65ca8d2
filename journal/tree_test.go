package journal

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// mth is RFC 6962, section 2.1, written down as it stands there: MTH({}) =
// H(), MTH({d0}) = H(0 || d0), MTH(D[n]) = H(1 || MTH(D[0:k]) || MTH(D[k:n]))
// with k the largest power of two smaller than n.
func mth(d []Digest) Digest {
	switch len(d) {
	case 0:
		return streebog.Sum256(nil)
	case 1:
		return streebog.Sum256(append([]byte{0}, d[0][:]...))
	}
	k := split(len(d))
	l, r := mth(d[:k]), mth(d[k:])
	return streebog.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// path is RFC 6962, section 2.1.1: PATH(m, D[n]).
func path(m int, d []Digest) []Digest {
	if len(d) == 1 {
		return nil
	}
	k := split(len(d))
	if m < k {
		return append(path(m, d[:k]), mth(d[k:]))
	}
	return append(path(m-k, d[k:]), mth(d[:k]))
}

func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func leaves(n int) []Digest {
	out := make([]Digest, n)
	for i := range out {
		out[i] = Digest{byte(i), byte(i >> 8), 0xee}
	}
	return out
}

// TestTree compares roots and paths with the definitions, for every size up to
// 40 and every leaf, and tries what no proof may do.
func TestTree(t *testing.T) {
	all := leaves(40)
	var grown Tree
	for n := 0; n <= len(all); n++ {
		if n > 0 {
			grown.Add(all[n-1])
		}
		root := mth(all[:n])
		if grown.Root() != root || grown.Size() != uint64(n) {
			t.Fatalf("root of %d", n)
		}
		for m := range n {
			b := newPathBuilder(uint64(m))
			for _, d := range all[:n] {
				b.add(d)
			}
			got, ok := b.finish()
			want := path(m, all[:n])
			if !ok || len(got) != len(want) {
				t.Fatalf("path of %d in %d: %d digests, want %d", m, n, len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("path of %d in %d differs at %d", m, n, i)
				}
			}
			holds := func(d Digest, index, size int, p []Digest) bool {
				r, ok := rootFromPath(d, uint64(index), uint64(size), p)
				return ok && r == root
			}
			if !holds(all[m], m, n, got) {
				t.Fatalf("the path of %d in %d does not verify", m, n)
			}
			if holds(Digest{1, 2}, m, n, got) || holds(all[m], m, n, append(got, Digest{})) || len(got) > 0 && holds(all[m], m, n, got[1:]) {
				t.Fatalf("a wrong proof of %d in %d verifies", m, n)
			}
			for other := range n + 2 {
				if other != m && holds(all[m], other, n, got) {
					t.Fatalf("the path of %d in %d verifies for %d", m, n, other)
				}
			}
		}
	}
	if b := newPathBuilder(5); func() bool { b.add(all[0]); _, ok := b.finish(); return ok }() {
		t.Error("a path of a leaf that did not come")
	}
}

// TestTreeContinues: a tree from the peaks of signed heads grows as the one
// that was never put down.
func TestTreeContinues(t *testing.T) {
	all := leaves(21)
	var a Tree
	for _, d := range all[:13] {
		a.Add(d)
	}
	c, err := NewChainHead(Head{Node: "n", Seq: 13, Hash: all[12]}, a)
	if err != nil {
		t.Fatal(err)
	}
	b := c.Tree()
	for _, d := range all[13:] {
		b.Add(d)
	}
	if b.Root() != mth(all) || c.Root != mth(all[:13]) || c.Tree().Root() != mth(all[:13]) {
		t.Error("roots differ")
	}
	if _, err := NewChainHead(Head{Node: "n", Seq: 12}, a); err == nil {
		t.Error("a tree of another size")
	}
}

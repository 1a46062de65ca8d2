package journal

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// foreign is a second reading of the package comment: it knows a proof by its
// JSON alone, encodes by itself, and hashes with OpenSSL.
type foreign struct {
	Record struct {
		Node, Time, Actor, Event, Prev, Hash string
		Seq                                  uint64
		Subject                              foreignValue
		Data                                 map[string]foreignValue
	}
	Path  []string
	Heads struct {
		Number                uint64
		Time, Prev, Authority string
		Chains                []struct {
			Node, Hash, Root string
			Seq              uint64
		}
		Signature []byte
	}
}

type foreignValue struct{ Text, Salt, Erased string }

func opensslHash(t *testing.T, b []byte) []byte {
	t.Helper()
	r := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-md_gost12_256", "-binary"}, Stdin: b})
	if r.Err != nil || len(r.Stdout) != 32 {
		t.Fatalf("openssl dgst: %v\n%s", r.Err, r.All())
	}
	return r.Stdout
}

func unhexed(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func foreignText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func foreignTime(t *testing.T, b []byte, s string) []byte {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
}

func (v foreignValue) commitment(t *testing.T) []byte {
	t.Helper()
	if v.Erased != "" {
		return unhexed(t, v.Erased)
	}
	return opensslHash(t, append(unhexed(t, v.Salt), v.Text...))
}

func (f *foreign) record(t *testing.T) []byte {
	t.Helper()
	r := f.Record
	b := foreignText([]byte("gosklyuch journal v2\x00\x00\x00\x00"), r.Node)
	b = binary.BigEndian.AppendUint64(append(b, unhexed(t, r.Prev)...), r.Seq)
	b = foreignText(foreignText(foreignTime(t, b, r.Time), r.Actor), r.Event)
	b = binary.BigEndian.AppendUint32(append(b, r.Subject.commitment(t)...), uint32(len(r.Data)))
	for _, k := range slices.Sorted(maps.Keys(r.Data)) {
		b = append(foreignText(b, k), r.Data[k].commitment(t)...)
	}
	return b
}

func (f *foreign) heads(t *testing.T) []byte {
	t.Helper()
	h := f.Heads
	b := binary.BigEndian.AppendUint64([]byte("gosklyuch journal heads v2\x00\x00\x00\x00\x00\x00"), h.Number)
	b = append(foreignTime(t, b, h.Time), unhexed(t, h.Prev)...)
	b = binary.BigEndian.AppendUint32(append(b, unhexed(t, h.Authority)...), uint32(len(h.Chains)))
	for _, c := range h.Chains {
		b = binary.BigEndian.AppendUint64(foreignText(b, c.Node), c.Seq)
		b = append(append(b, unhexed(t, c.Hash)...), unhexed(t, c.Root)...)
	}
	return b
}

// root follows a path by the definition of RFC 6962, section 2.1.1, from above:
// the last digest is that of the other part of the whole tree. m is the place
// of the leaf, from 0, and n the number of leaves.
func (f *foreign) root(t *testing.T, leaf []byte, m, n int, path []string) []byte {
	t.Helper()
	if n == 1 {
		if len(path) > 0 {
			t.Fatalf("%d digests too many", len(path))
		}
		return opensslHash(t, append([]byte{0}, leaf...))
	}
	if len(path) == 0 {
		t.Fatal("the path is too short")
	}
	k := split(n)
	other, rest := unhexed(t, path[len(path)-1]), path[:len(path)-1]
	if m < k {
		return opensslHash(t, slices.Concat([]byte{1}, f.root(t, leaf, m, k, rest), other))
	}
	return opensslHash(t, slices.Concat([]byte{1}, other, f.root(t, leaf, m-k, n-k, rest)))
}

// TestOpenSSLPaths: the way of every record of a chain to the signed root, with
// OpenSSL's digests.
func TestOpenSSLPaths(t *testing.T) {
	peer.NeedOpenSSL(t)
	key, cert := authority(t, "УЦ")
	const size = 6 // two complete subtrees
	c := chain(t, size)
	heads := sign(t, key, cert, nil, c)
	for n := range size {
		p, err := Prove(seq(c), DefaultNode, uint64(n+1), heads)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var f foreign
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		digest := unhexed(t, f.Record.Hash)
		if got := f.root(t, digest, n, size, f.Path); hex.EncodeToString(got) != f.Heads.Chains[0].Root {
			t.Errorf("record %d: root %x, want %s", n+1, got, f.Heads.Chains[0].Root)
		}
		digest[0]++
		if got := f.root(t, digest, n, size, f.Path); hex.EncodeToString(got) == f.Heads.Chains[0].Root {
			t.Errorf("record %d: another record has the same root", n+1)
		}
	}
}

// TestOpenSSL: a proof holds by what the documentation says and OpenSSL
// computes, digest by digest, and OpenSSL verifies the signature of the heads
// and refuses it for others.
func TestOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	key, cert := authority(t, "УЦ")
	c := chain(t, 7)
	p, err := Prove(seq(c), DefaultNode, 4, sign(t, key, cert, nil, c))
	if err != nil {
		t.Fatal(err)
	}
	if p.Record, err = p.Record.Erase(FieldData("a")); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var f foreign
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	digest := opensslHash(t, f.record(t))
	if hex.EncodeToString(digest) != f.Record.Hash {
		t.Errorf("record: %x, want %s", digest, f.Record.Hash)
	}
	if got := f.root(t, digest, 3, 7, f.Path); hex.EncodeToString(got) != f.Heads.Chains[0].Root {
		t.Errorf("root: %x, want %s", got, f.Heads.Chains[0].Root)
	}
	if got := opensslHash(t, cert.Raw); hex.EncodeToString(got) != f.Heads.Authority {
		t.Errorf("authority: %x, want %s", got, f.Heads.Authority)
	}
	dir := t.TempDir()
	message := f.heads(t)
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pub := write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: cert.RawSubjectPublicKeyInfo}))
	sig := write("sig", f.Heads.Signature)
	good := write("heads", message)
	message[40] ^= 1
	bad := write("other", message)
	peer.MustOpenSSL(t, "dgst", "-md_gost12_256", "-verify", pub, "-signature", sig, good)
	if r := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-md_gost12_256", "-verify", pub, "-signature", sig, bad}}); r.Err == nil {
		t.Error("OpenSSL accepts changed heads")
	}
}

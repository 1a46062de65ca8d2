package gost28147_test

import (
	"bytes"
	"crypto/cipher"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
)

// modes are the streams of the package.
var modes = map[string]newStream{
	"CFB encryption": gost28147.NewCFBEncrypter, "CFB decryption": gost28147.NewCFBDecrypter, "CNT": gost28147.NewCNT,
}

// FuzzImplementations: every implementation gives the same streams and codes as
// the portable one, in any pieces.
func FuzzImplementations(f *testing.F) {
	f.Add([]byte{}, []byte{}, []byte("text"), uint16(3))
	f.Add(bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0xff}, 8), make([]byte, 5000), uint16(1500))
	f.Add([]byte("key"), []byte("iv"), bytes.Repeat([]byte{1, 2, 3}, 1000), uint16(1030))
	f.Fuzz(func(t *testing.T, key, iv, text []byte, piece uint16) {
		key = append(bytes.Clone(key), make([]byte, gost28147.KeySize)...)[:gost28147.KeySize]
		iv = append(bytes.Clone(iv), make([]byte, gost28147.BlockSize)...)[:gost28147.BlockSize]
		defer gost28147.Force(gost28147.Force("portable"))
		for sboxName, sbox := range sboxes {
			meshing := len(text)%2 == 0
			want := results(t, key, sbox, iv, meshing, text, len(text)+1)
			for _, name := range gost28147.Implementations() {
				gost28147.Force(name)
				got := results(t, key, sbox, iv, meshing, text, int(piece)+1)
				for mode := range want {
					if !bytes.Equal(got[mode], want[mode]) {
						t.Fatalf("%s, %s, %s, pieces of %d bytes: another result", name, sboxName, mode, piece)
					}
				}
			}
			gost28147.Force("portable")
		}
	})
}

// results returns what each mode makes of text in pieces, its MAC and its first
// block decrypted.
func results(t *testing.T, key []byte, sbox gost28147.SBox, iv []byte, meshing bool, text []byte, piece int) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for name, mode := range modes {
		s, err := mode(key, sbox, iv, meshing)
		if err != nil {
			t.Fatal(err)
		}
		out := bytes.Clone(text)
		for p := range slices.Chunk(out, piece) {
			s.XORKeyStream(p, p)
		}
		all[name] = out
	}
	mac, err := gost28147.NewMAC(key, sbox, iv, meshing)
	if err != nil {
		t.Fatal(err)
	}
	mac.Write(text)
	all["MAC"] = mac.Sum(nil)
	var b cipher.Block
	if b, err = gost28147.NewCipher(key, sbox); err != nil {
		t.Fatal(err)
	}
	block := append(bytes.Clone(text), make([]byte, gost28147.BlockSize)...)[:gost28147.BlockSize]
	b.Decrypt(block, block)
	all["decryption"] = block
	return all
}

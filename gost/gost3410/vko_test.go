package gost3410_test

import (
	"bytes"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVKOVectors repeats examples 7 and 8 of RFC 7836, Appendix B.
func TestVKOVectors(t *testing.T) { gost3410.EachImplementation(t, testVKOVectors) }

func testVKOVectors(t *testing.T) {
	c := gost3410.TC26A512()
	ukm := unhex(t, "1d80603c8544c727")
	a, err := gost3410.NewPrivateKey(c, unhex(t, `
		c990ecd972fce84ec4db022778f50fcac726f46708384b8d458304962d7147f8
		c2db41cef22c90b102f2968404f9b9be6d47c79692d81826b32b8daca43cb667`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := gost3410.NewPrivateKey(c, unhex(t, `
		48c859f7b6f11585887cc05ec6ef1390cfea739b1a18c0d4662293ef63b79e3b
		8014070b44918590b4b996acfea4edfbbbcccc8c06edd8bf5bda92a51392d0db`))
	if err != nil {
		t.Fatal(err)
	}
	pubA := unhex(t, `
		aab0eda4abff21208d18799fb9a8556654ba783070eba10cb9abb253ec56dcf5
		d3ccba6192e464e6e5bcb6dea137792f2431f6c897eb1b3c0cc14327b1adc0a7
		914613a3074e363aedb204d38d3563971bd8758e878c9db11403721b48002d38
		461f92472d40ea92f9958c0ffa4c93756401b97f89fdbe0b5e46e4a4631cdb5a`)
	pubB := unhex(t, `
		192fe183b9713a077253c72c8735de2ea42a3dbc66ea317838b65fa32523cd5e
		fca974eda7c863f4954d1147f1f2b25c395fce1c129175e876d132e94ed5a651
		04883b414c9b592ec4dc84826f07d0b6d9006dda176ce48c391e3f97d102e03b
		b598bf132a228a45f7201aba08fc524a2d77e43a362ab022ad4028f75bde3b79`)
	if !bytes.Equal(a.PublicKey().Bytes(), pubA) || !bytes.Equal(b.PublicKey().Bytes(), pubB) {
		t.Fatal("public keys differ")
	}
	for _, v := range []struct {
		h    func() hash.Hash
		want string
	}{
		{streebog.New256, "c9a9a77320e2cc559ed72dce6f47e2192ccea95fa648670582c054c0ef36c221"},
		{streebog.New512, `
			79f002a96940ce7bde3259a52e015297adaad84597a0d205b50e3e1719f97bfa
			7ee1d2661fa9979a5aa235b558a7e6d9f88f982dd63fc35a8ec0dd5e242d3bdf`},
	} {
		for _, pair := range [][2]*gost3410.PrivateKey{{a, b}, {b, a}} {
			got, err := pair[0].VKO(pair[1].PublicKey(), ukm, v.h)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, unhex(t, v.want)) {
				t.Errorf("VKO = %x", got)
			}
		}
	}
}

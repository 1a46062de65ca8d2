package gost3410

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"testing"
)

// TestNonceVectors repeats the examples whose nonce is printed.
func TestNonceVectors(t *testing.T) { EachImplementation(t, testNonceVectors) }

func testNonceVectors(t *testing.T) {
	for _, v := range []struct {
		source           string
		curve            Curve
		d, x, y, e, k, r string
		s                string
	}{
		{
			source: "RFC 7091, Section 7; RFC 5832, Section 7", curve: CryptoProTest(),
			d: "7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28",
			x: "7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B",
			y: "26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA",
			e: "2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5",
			k: "77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3",
			r: "41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493",
			s: "1456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40",
		},
		{
			source: "GOST R 34.10-2012, Appendix A.2", curve: TC26Test512(),
			d: "BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B102072E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4",
			x: "115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD5A515856D13314AF69BC5B924C8B4DDFF75C45415C1D9DD9DD33612CD530EFE1",
			y: "37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61EA199441D943FFE7F0C70A2759A3CDB84C114E1F9339FDF27F35ECA93677BEEC",
			e: "3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C5917184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C",
			k: "359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F365886748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1",
			r: "2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD35492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36",
			s: "1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A",
		},
	} {
		t.Run(v.curve.Name(), func(t *testing.T) {
			n := v.curve.Size()
			key, err := NewPrivateKey(v.curve, leBytes(fromHex(t, v.d), n))
			if err != nil {
				t.Fatal(err)
			}
			want := append(leBytes(fromHex(t, v.x), n), leBytes(fromHex(t, v.y), n)...)
			if got := key.PublicKey().Bytes(); !bytes.Equal(got, want) {
				t.Fatalf("public key = %x, want %x", got, want)
			}
			digest := leBytes(fromHex(t, v.e), n)
			e := digestScalar(v.curve, digest)
			sig := make([]byte, 2*n)
			if !signWith(key, &e, scalarOf(fromHex(t, v.k)), sig) {
				t.Fatal("the nonce was refused")
			}
			want = append(fromHex(t, v.s).FillBytes(make([]byte, n)), fromHex(t, v.r).FillBytes(make([]byte, n))...)
			if !bytes.Equal(sig, want) {
				t.Fatalf("signature = %x, want %x", sig, want)
			}
			if !Verify(key.PublicKey(), digest, sig) {
				t.Fatal("the vector does not verify")
			}
		})
	}
}

// TestSignatureVectors verifies the examples of RFC 9215, Appendix D.
func TestSignatureVectors(t *testing.T) { EachImplementation(t, testSignatureVectors) }

func testSignatureVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Source, Curve, D, X, Y, Digest, Signature string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 9 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		c, ok := CurveByName(v.Curve)
		if !ok {
			t.Fatalf("no curve %q", v.Curve)
		}
		n := c.Size()
		key, err := NewPrivateKey(c, leBytes(fromHex(t, v.D), n))
		if err != nil {
			t.Fatal(err)
		}
		pub, err := NewPublicKey(c, append(leBytes(fromHex(t, v.X), n), leBytes(fromHex(t, v.Y), n)...))
		if err != nil {
			t.Fatal(err)
		}
		if !pub.Equal(key.Public()) {
			t.Errorf("%s: the keys do not belong together", v.Source)
		}
		digest, sig := unhex(t, v.Digest), unhex(t, v.Signature)
		if !Verify(pub, digest, sig) {
			t.Errorf("%s: the signature does not verify", v.Source)
		}
		for i := range sig {
			sig[i] ^= 0x10
			if Verify(pub, digest, sig) {
				t.Errorf("%s: accepted with octet %d changed", v.Source, i)
			}
			sig[i] ^= 0x10
		}
	}
}

// TestSignatureRanges checks that no other representative of r or s modulo q
// is taken: s + q and r + q, as far as they fit, 0 and q.
func TestSignatureRanges(t *testing.T) {
	refs := readReferences(t)
	for _, c := range Curves() {
		t.Run(c.Name(), func(t *testing.T) {
			r, n := refs[c.Name()], c.Size()
			key, err := GenerateKey(c)
			if err != nil {
				t.Fatal(err)
			}
			digest := make([]byte, n)
			digest[0] = 7
			sig, err := key.Sign(nil, digest, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !Verify(key.PublicKey(), digest, sig) {
				t.Fatal("own signature refused")
			}
			half := func(i int) *big.Int { return new(big.Int).SetBytes(sig[i*n : (i+1)*n]) }
			limit := new(big.Int).Lsh(big.NewInt(1), uint(8*n))
			tried := 0
			for i := range 2 {
				for _, v := range []*big.Int{
					new(big.Int), r.q, new(big.Int).Sub(limit, big.NewInt(1)),
					new(big.Int).Sub(r.q, half(i)),
					new(big.Int).Add(half(i), r.q), new(big.Int).Add(half(i), new(big.Int).Lsh(r.q, 1)),
				} {
					if v.Cmp(limit) >= 0 || v.Cmp(half(i)) == 0 {
						continue
					}
					bad := bytes.Clone(sig)
					v.FillBytes(bad[i*n : (i+1)*n])
					tried++
					if Verify(key.PublicKey(), digest, bad) {
						t.Errorf("half %d = %x accepted", i, v)
					}
				}
			}
			if tried < 8 {
				t.Errorf("only %d values tried", tried)
			}
			for _, bad := range [][]byte{nil, sig[:2*n-1], append(bytes.Clone(sig), 0), make([]byte, 2*n)} {
				if Verify(key.PublicKey(), digest, bad) {
					t.Errorf("signature of %d octets accepted", len(bad))
				}
			}
			if Verify(key.PublicKey(), digest[1:], sig) || Verify(key.PublicKey(), append(digest, 0), sig) {
				t.Error("digest of a wrong length accepted")
			}
		})
	}
}

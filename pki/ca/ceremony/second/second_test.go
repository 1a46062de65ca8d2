package second

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
)

// TestImports: what this package shared with the first path would be checked by
// itself, so it may import the standard library only.
func TestImports(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, i := range f.Imports {
			if strings.Contains(i.Path.Value, ".") {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
	if seen < 8 {
		t.Errorf("only %d files were read", seen)
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reversed turns a vector as RFC 6986 prints it into octets of a message.
func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[len(b)-1-i]
	}
	return out
}

// TestStreebogRFC are the examples of RFC 6986, section 10.
func TestStreebogRFC(t *testing.T) {
	m1 := "32313039383736353433323130393837363534333231303938373635343332313039383736353433323130393837363534333231303938373635343332313039" +
		"3837363534333231 30"
	m1 = m1[len(m1)-127:] // 63 octets: the digits 0 to 9, over and over
	m2 := "fbe2e5f0eee3c820fbeafaebef20fffbf0e1e0f0f520e0ed20e8ece0ebe5f0f2f120fff0eeec20f120faf2fee5e2202ce8f6f3ede220e8e6eee1e8f0f2d1202c e8f0f2e5e220e5d1"
	for _, v := range []struct {
		name, message, h512, h256 string
	}{
		{
			"M1", m1,
			"486f64c1917879417fef082b3381a4e211c324f074654c38823a7b76f830ad00fa1fbae42b1285c0352f227524bc9ab16254288dd6863dccd5b9f54a1ad0541b",
			"00557be5e584fd52a449b16b0251d05d27f94ab76cbaa6da890b59d8ef1e159d",
		},
		{
			"M2", m2,
			"28fbc9bada033b1460642bdcddb90c3fb3e56c497ccd0f62b8a2ad4935e85f037613966de4ee00531ae60f3b5a47f8dae06915d5f2f194996fcabf2622e6881e",
			"508f7e553c06501d749a66fc28c6cac0b005746d97537fa85d9e40904efed29d",
		},
	} {
		m := reversed(unhex(t, v.message))
		if got := hex.EncodeToString(reversed(Streebog512(m))); got != v.h512 {
			t.Errorf("%s, 512: %s", v.name, got)
		}
		if got := hex.EncodeToString(reversed(Streebog256(m))); got != v.h256 {
			t.Errorf("%s, 256: %s", v.name, got)
		}
	}
}

// testCurve is the example of RFC 7091, section 7.1.
const testCurve = "8000000000000000000000000000000000000000000000000000000000000431 7 " +
	"5fbff498aa938ce739b8e022fbafef40563f6e6a3472fc2a514c0ce9dae23b7e " +
	"8000000000000000000000000000000150fe8a1892976154c59cfc193accf5b3 2 " +
	"8e2a8a0e65147d4bd6316030e16d19c85c97f0a9ca267122b96abbcea7e8fc8"

// TestVerifyRFC is the example of RFC 7091, section 7, and its neighbours.
func TestVerifyRFC(t *testing.T) {
	c, ok := readCurve(testCurve)
	if !ok {
		t.Fatal("the curve is not read")
	}
	number := func(text string) *big.Int { return new(big.Int).SetBytes(unhex(t, text)) }
	q := point{number("7f2b49e270db6d90d8595bec458b50c58585ba1d4e9b788f6689dbd8e56fd80b"), number("26f1b489d6701dd185c8413a977b3cbbaf64d1c593d26627dffb101a87ff77da")}
	digest := reversed(unhex(t, "2dfbc1b372d89a1188c09c52e0eec61fce52032ab1022e8e67ece6672b043ee5"))
	sig := unhex(t, "01456c64ba4642a1653c235a98a60249bcd6d3f746b631df928014f6c5bf9c40"+"41aa28d2f1ab148280cd9ed56feda41974053554a42767b83ad043fd39dc0493")
	if !c.verify(q, digest, sig) {
		t.Fatal("the example does not verify")
	}
	for i := range sig {
		bad := bytes.Clone(sig)
		bad[i] ^= 1
		if i%8 == 0 && c.verify(q, digest, bad) {
			t.Errorf("octet %d of the signature does not matter", i)
		}
	}
	zero := make([]byte, 64)
	order := c.q.Bytes()
	for name, v := range map[string]struct {
		pub         point
		digest, sig []byte
	}{
		"r and s zero":    {q, digest, zero},
		"r is q":          {q, digest, append(bytes.Clone(sig[:32]), order...)},
		"s is q":          {q, digest, append(bytes.Clone(order), sig[32:]...)},
		"short":           {q, digest, sig[:63]},
		"short digest":    {q, digest[:31], sig},
		"other digest":    {q, make([]byte, 32), sig},
		"infinity":        {point{}, digest, sig},
		"off the curve":   {point{q.y, q.x}, digest, sig},
		"above the field": {point{new(big.Int).Add(q.x, c.p), q.y}, digest, sig},
	} {
		if c.verify(v.pub, v.digest, v.sig) {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestNames: simple names only.
func TestNames(t *testing.T) {
	for text, want := range map[string]string{
		"CN=Root CA,O=Test\\, Inc.,C=RU": "[{2.5.4.3 Root CA} {2.5.4.10 Test, Inc.} {2.5.4.6 RU}]",
		"ogrn=1027700132195":             "[{1.2.643.100.1 1027700132195}]",
		"2.5.4.12=Ж":                     "[{2.5.4.12 Ж}]",
	} {
		got, err := Attributes(text)
		if err != nil || strings.TrimSpace(fmt.Sprint(got)) != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "CN", "CN=", "XX=1", "CN=a+O=b", `CN="a"`, `CN=a\`, `CN=\41`, "CN=a;O=b", "CN=#0c01"} {
		if got, err := Attributes(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

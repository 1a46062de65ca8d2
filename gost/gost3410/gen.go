//go:build ignore

// Command gen writes the point arithmetic of each curve from
// weierstrass.tmpl and edwards.tmpl, one file a curve with concrete types, so
// that no field operation goes through an interface, and from the dispatch
// templates the choice between the portable code and the assembler's.
//
//	go run gen.go
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"math/big"
	"os"
	"strings"
	"text/template"
)

// curve is one parameter set as its standard prints it. The integers are
// hexadecimal. d is empty for curves without the twisted Edwards form.
type curve struct {
	prefix, file, title, field string
	n                          int
	montgomery                 bool
	assembly                   bool // tools/asm writes its point operations for amd64
	p, a, b, q, x, y, d, u, v  string
}

var curves = []curve{
	{
		// RFC 4357, Section 11.4; RFC 7091, Section 7.1.
		prefix: "testA", file: "curve_test256.go", title: "the 256-bit test set", field: "F255p1073", n: 4,
		p: "8000000000000000000000000000000000000000000000000000000000000431", a: "7",
		b: "5FBFF498AA938CE739B8E022FBAFEF40563F6E6A3472FC2A514C0CE9DAE23B7E",
		q: "8000000000000000000000000000000150FE8A1892976154C59CFC193ACCF5B3",
		x: "2", y: "8E2A8A0E65147D4BD6316030E16D19C85C97F0A9CA267122B96ABBCEA7E8FC8",
	},
	{
		// RFC 4357, Section 11.4.
		prefix: "cpA", file: "curve_cpa.go", title: "CryptoPro-A", field: "F256m617", n: 4, assembly: true,
		p: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97",
		a: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD94", b: "A6",
		q: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893",
		x: "1", y: "8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14",
	},
	{
		prefix: "cpB", file: "curve_cpb.go", title: "CryptoPro-B", field: "F255p3225", n: 4, assembly: true,
		p: "8000000000000000000000000000000000000000000000000000000000000C99",
		a: "8000000000000000000000000000000000000000000000000000000000000C96",
		b: "3E1AF419A269A5F866A7D3C25C3DF80AE979259373FF2B182F49D4CE7E1BBC8B",
		q: "800000000000000000000000000000015F700CFFF1A624E5E497161BCC8A198F",
		x: "1", y: "3FA8124359F96680B83D1C3EB2C070E5C545C9858D03ECFB744BF8D717717EFC",
	},
	{
		prefix: "cpC", file: "curve_cpc.go", title: "CryptoPro-C", field: "F256C", n: 4, montgomery: true, assembly: true,
		p: "9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B",
		a: "9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D7598", b: "805A",
		q: "9B9F605F5A858107AB1EC85E6B41C8AA582CA3511EDDFB74F02F3A6598980BB9",
		x: "0", y: "41ECE55743711A8C3CBF3783CD08C0EE4D4DC440D4641A8F366E550DFDB3BB67",
	},
	{
		// RFC 7836, Appendix A.2.
		prefix: "tcA", file: "curve_tca.go", title: "tc26-256-A", field: "F256m617", n: 4, assembly: true,
		p: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97",
		a: "C2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335",
		b: "295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513",
		d: "0605F6B7C183FA81578BC39CFAD518132B9DF62897009AF7E522C32D6DC7BFFB",
		q: "400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67",
		x: "91E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28",
		y: "32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C",
		u: "0D", v: "60CA1E32AA475B348488C38FAB07649CE7EF8DBE87F22E81F92B2592DBA300E7",
	},
	{
		// RFC 9215, Appendix E; GOST R 34.10-2012, Appendix A.2.
		prefix: "testB", file: "curve_test512.go", title: "the 512-bit test set", field: "F512T", n: 8, montgomery: true,
		p: "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15DF1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373",
		a: "7",
		b: "1CFF0806A31116DA29D8CFA54E57EB748BC5F377E49400FDD788B649ECA1AC4361834013B2AD7322480A89CA58E0CF74BC9E540C2ADD6897FAD0A3084F302ADC",
		q: "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15DA82F2D7ECB1DBAC719905C5EECC423F1D86E25EDBE23C595D644AAF187E6E6DF",
		x: "24D19CC64572EE30F396BF6EBBFD7A6C5213B3B3D7057CC825F91093A68CD762FD60611262CD838DC6B60AA7EEE804E28BC849977FAC33B4B530F1B120248A9A",
		y: "2BB312A43BD2CE6E0D020613C857ACDDCFBF061E91E5F2C3F32447C259F39B2C83AB156D77F1496BF7EB3351E1EE4E43DC1A18B91B24640B6DBB92CB1ADD371E",
	},
	{
		// RFC 7836, Appendix A.1.
		prefix: "tcA512", file: "curve_tca512.go", title: "tc26-512-A", field: "F512m569", n: 8, assembly: true,
		p: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC7",
		a: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC4",
		b: "E8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760",
		q: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275",
		x: "3",
		y: "7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4",
	},
	{
		prefix: "tcB512", file: "curve_tcb512.go", title: "tc26-512-B", field: "F511p111", n: 8, assembly: true,
		p: "8000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000006F",
		a: "8000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000006C",
		b: "687D1B459DC841457E3E06CF6F5E2517B97C7D614AF138BCBF85DC806C4B289F3E965D2DB1416D217F8B276FAD1AB69C50F78BEE1FA3106EFB8CCBC7C5140116",
		q: "800000000000000000000000000000000000000000000000000000000000000149A1EC142565A545ACFDB77BD9D40CFA8B996712101BEA0EC6346C54374F25BD",
		x: "2",
		y: "1A8F7EDA389B094C2C071E3647A8940F3C123B697578C213BE6DD9E6C8EC7335DCB228FD1EDF4A39152CBCAAF8C0398828041055F94CEEEC7E21340780FE41BD",
	},
	{
		// RFC 7836, Appendix A.2.
		prefix: "tcC512", file: "curve_tcc512.go", title: "tc26-512-C", field: "F512m569", n: 8, assembly: true,
		p: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC7",
		a: "DC9203E514A721875485A529D2C722FB187BC8980EB866644DE41C68E143064546E861C0E2C9EDD92ADE71F46FCF50FF2AD97F951FDA9F2A2EB6546F39689BD3",
		b: "B4C4EE28CEBC6C2C8AC12952CF37F16AC7EFB6A9F69F4B57FFDA2E4F0DE5ADE038CBC2FFF719D2C18DE0284B8BFEF3B52B8CC7A5F5BF0A3C8D2319A5312557E1",
		d: "9E4F5D8C017D8D9F13A5CF3CDF5BFE4DAB402D54198E31EBDE28A0621050439CA6B39E0A515C06B304E2CE43E79E369E91A0CFC2BC2A22B4CA302DBB33EE7550",
		q: "3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC98CDBA46506AB004C33A9FF5147502CC8EDA9E7A769A12694623CEF47F023ED",
		x: "E2E31EDFC23DE7BDEBE241CE593EF5DE2295B7A9CBAEF021D385F7074CEA043AA27272A7AE602BF2A7B9033DB9ED3610C6FB85487EAE97AAC5BC7928C1950148",
		y: "F5CE40D95B5EB899ABBCCFF5911CB8577939804D6527378B8C108C3D2090FF9BE18E2D33E3021ED2EF32D85822423B6304F726AA854BAE07D0396E9A9ADDC40F",
		u: "12", v: "469AF79D1FB1F5E16B99592B77A01E2A0FDFB0D01794368D9A56117F7B38669522DD4B650CF789EEBF068C5D139732F0905622C04B2BAAE7600303EE73001A3D",
	},
}

func main() {
	log.SetFlags(0)
	for _, name := range []string{"weierstrass.tmpl", "edwards.tmpl"} {
		t := template.Must(template.ParseFiles(name))
		for _, c := range curves {
			if (c.d != "") != (name == "edwards.tmpl") {
				continue
			}
			write(c.file, t, c.data())
		}
	}
	var assembly []map[string]any
	for _, c := range curves {
		if c.assembly {
			assembly = append(assembly, c.data())
		}
	}
	for _, name := range []string{"dispatch_amd64", "dispatch_other"} {
		write(name+".go", template.Must(template.ParseFiles(name+".tmpl")), assembly)
	}
	write("dispatch_amd64_test.go", template.Must(template.ParseFiles("dispatch_test.tmpl")), assembly)
}

func write(file string, t *template.Template, data any) {
	var buf bytes.Buffer
	if err := t.Execute(&buf, data); err != nil {
		log.Fatal(err)
	}
	out, err := format.Source(buf.Bytes())
	if err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		log.Fatal(err)
	}
}

func number(s string) *big.Int {
	x, ok := new(big.Int).SetString(s, 16)
	if !ok {
		log.Fatalf("bad number %q", s)
	}
	return x
}

// data computes what the templates print: field elements in the field's own
// form, and s and t of RFC 7836, Section 5.2.
func (c curve) data() map[string]any {
	p := number(c.p)
	element := func(x *big.Int) string {
		v := new(big.Int).Mod(x, p)
		if c.montgomery {
			v.Mod(v.Lsh(v, uint(64*c.n)), p)
		}
		return limbs(v, c.n)
	}
	if !c.onCurve() {
		log.Fatalf("%s: the base point is not on the curve", c.title)
	}
	minus3 := new(big.Int).Sub(p, number(c.a)).Cmp(big.NewInt(3)) == 0
	d := map[string]any{
		"P": c.prefix, "F": c.field, "Title": c.title, "N": c.n, "Edwards": c.d != "",
		"Step":       8*c.n + 1, // eight rows reach over all digits and the carry
		"Montgomery": c.montgomery, "Prime": limbs(p, c.n),
		"Windows": (64*c.n-1)/6 + 1, "AMinus3": minus3,
		"A": element(number(c.a)), "B": element(number(c.b)),
		"X": element(number(c.x)), "Y": element(number(c.y)),
		"Q": limbs(number(c.q), c.n),
	}
	d["Generic"], d["LoopGeneric"] = "", ""
	if c.assembly {
		d["Generic"] = "Generic"
		if c.n == 4 {
			d["LoopGeneric"] = "Generic"
		}
	}
	if c.d == "" {
		return d
	}
	one, dd, u, v := big.NewInt(1), number(c.d), number(c.u), number(c.v)
	div := func(x *big.Int, n int64) *big.Int {
		return new(big.Int).Mul(x, new(big.Int).ModInverse(big.NewInt(n), p))
	}
	d["D"] = element(dd)
	d["S"] = element(div(new(big.Int).Sub(one, dd), 4))
	d["T"] = element(div(new(big.Int).Add(one, dd), 6))
	d["U"], d["V"] = element(u), element(v)
	d["DT"] = element(new(big.Int).Mul(dd, new(big.Int).Mul(u, v)))
	return d
}

// onCurve catches a slip in the numbers above; the tests check them all.
func (c curve) onCurve() bool {
	p, x, y := number(c.p), number(c.x), number(c.y)
	r := new(big.Int).Mul(x, x)
	r.Add(r, number(c.a)).Mul(r, x).Add(r, number(c.b))
	r.Sub(r, new(big.Int).Mul(y, y)).Mod(r, p)
	return r.Sign() == 0 && p.BitLen() > 64*c.n-2
}

func limbs(x *big.Int, n int) string {
	mask := new(big.Int).SetUint64(^uint64(0))
	out := make([]string, n)
	for i := range out {
		w := new(big.Int).And(new(big.Int).Rsh(x, uint(64*i)), mask)
		out[i] = fmt.Sprintf("%#x", w.Uint64())
	}
	return strings.Join(out, ", ")
}

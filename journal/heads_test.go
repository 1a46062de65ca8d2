package journal

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// authority makes a key and a certificate that carries it.
func authority(t testing.TB, name string) (crypto.Signer, *pki.Certificate) {
	t.Helper()
	return authorityWith(t, name, "gost2012-256", "cryptopro-a")
}

func authorityWith(t testing.TB, name, algorithm, set string) (crypto.Signer, *pki.Certificate) {
	t.Helper()
	key, err := alg.GenerateKey(algorithm, set)
	if err != nil {
		t.Fatal(err)
	}
	return key, certificate(t, name, key, day, day.AddDate(1, 0, 0))
}

func certificate(t testing.TB, name string, key crypto.Signer, from, to time.Time) *pki.Certificate {
	t.Helper()
	dn, err := pki.ParseDN("CN=" + name)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: dn, NotBefore: from, NotAfter: to,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sign states the ends of chains behind the heads of before.
func sign(t testing.TB, key crypto.Signer, c *pki.Certificate, before *SignedHeads, chains ...[]Record) SignedHeads {
	t.Helper()
	h := Heads{Number: 1, Time: day, Authority: AuthorityDigest(c)}
	if before != nil {
		h.Number, h.Prev = before.Number+1, before.Digest()
	}
	for _, records := range chains {
		var tree Tree
		for _, r := range records {
			tree.Add(r.Hash)
		}
		ch, err := NewChainHead(records[len(records)-1].Head(), tree)
		if err != nil {
			t.Fatal(err)
		}
		h.Chains = append(h.Chains, ch)
	}
	s, err := h.Sign(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func values[T any](list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// TestHeadsCanonical writes the encoding by hand.
func TestHeadsCanonical(t *testing.T) {
	var tree Tree
	tree.Add(Digest{7})
	c, err := NewChainHead(Head{Node: "n1", Seq: 1, Hash: Digest{7}}, tree)
	if err != nil {
		t.Fatal(err)
	}
	h := Heads{Number: 2, Time: time.Unix(1, 2), Prev: Digest{0xaa}, Authority: Digest{0xbb}, Chains: []ChainHead{c}}
	root := tree.Root()
	want := hex.EncodeToString([]byte("gosklyuch journal heads v2")) + strings.Repeat("00", 6) +
		"0000000000000002" + "000000003b9aca02" + "aa" + strings.Repeat("00", 31) + "bb" + strings.Repeat("00", 31) +
		"00000001" + "00000002" + "6e31" + "0000000000000001" + "07" + strings.Repeat("00", 31) + hex.EncodeToString(root[:])
	if got := hex.EncodeToString(h.Canonical()); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

func TestSignedHeads(t *testing.T) {
	key, cert := authority(t, "УЦ")
	other, _ := authority(t, "Other")
	c := chain(t, 11)
	s := sign(t, key, cert, nil, c)
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseSignedHeads(b)
	if err != nil || got.Verify(cert.PublicKey) != nil || got.Digest() != s.Digest() {
		t.Fatalf("%s: %v", b, err)
	}
	if err := s.Verify(other.Public()); !errors.Is(err, ErrHeadsSignature) {
		t.Errorf("another key: %v", err)
	}
	for name, f := range map[string]func(*SignedHeads){
		"number": func(s *SignedHeads) { s.Number, s.Prev = 2, Digest{1} }, "number alone": func(s *SignedHeads) { s.Number = 2 },
		"prev": func(s *SignedHeads) { s.Prev = Digest{1} }, "time": func(s *SignedHeads) { s.Time = s.Time.Add(1) },
		"authority": func(s *SignedHeads) { s.Authority[0]++ }, "hash": func(s *SignedHeads) { s.Chains[0].Hash[0]++ },
		"node": func(s *SignedHeads) { s.Chains[0].Node = "nain" }, "signature": func(s *SignedHeads) { s.Signature[3]++ },
		"no chain": func(s *SignedHeads) { s.Chains = nil }, "algorithm": func(s *SignedHeads) { s.Algorithm = []byte{0x30, 0} },
		"root": func(s *SignedHeads) { s.Chains[0].Root[0]++ }, "peaks": func(s *SignedHeads) { s.Chains[0].peaks[0][0]++ },
		"few peaks": func(s *SignedHeads) { s.Chains[0].peaks = s.Chains[0].peaks[1:] },
	} {
		x, err := ParseSignedHeads(b)
		if err != nil {
			t.Fatal(err)
		}
		f(&x)
		if err := x.Verify(cert.PublicKey); !errors.Is(err, ErrHeads) && !errors.Is(err, ErrHeadsSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "unknown member": strings.Replace(string(b), "{", `{"x":1,`, 1), "version": strings.Replace(string(b), `"v":2`, `"v":3`, 1),
		"two": string(b) + "{}", "prev of the first": strings.Replace(string(b), `"prev":"0`, `"prev":"1`, 1),
		"no prev of the second": strings.Replace(string(b), `"number":1`, `"number":2`, 1), "time": strings.Replace(string(b), "2026-", "26-", 1), "root": strings.Replace(string(b), `"root":"`, `"root":"00`, 1),
		"order": strings.Replace(string(b), `"chains":[`, `"chains":[{"node":"z","seq":0,"hash":"`+Digest{}.String()+`","root":"`+Tree{}.Root().String()+`","peaks":[]},`, 1),
	} {
		if _, err := ParseSignedHeads([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestVerifyHeads(t *testing.T) {
	key, cert := authority(t, "УЦ")
	_, other := authority(t, "Other")
	c := chain(t, 9)
	var all []SignedHeads
	var before *SignedHeads
	for _, n := range []int{2, 5, 9} {
		s := sign(t, key, cert, before, c[:n])
		all, before = append(all, s), &s
	}
	last, err := VerifyHeads(values(all...), cert)
	if err != nil || last.Number != 3 {
		t.Fatalf("%d, %v", last.Number, err)
	}
	shrunk := sign(t, key, cert, &all[1], c[:3])
	// What the key's holder could sign and never would.
	resign := func(f func(h *Heads)) SignedHeads {
		h := all[1].Heads
		h.Chains = slices.Clone(h.Chains)
		f(&h)
		s, err := h.Sign(nil, key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	jumped := resign(func(h *Heads) { h.Number = 3 })
	unlinked := resign(func(h *Heads) { h.Prev[0]++ })
	forgotten := resign(func(h *Heads) { h.Chains = nil })
	shorter := resign(func(h *Heads) { h.Chains = sign(t, key, cert, nil, c[:1]).Chains })
	for name, tt := range map[string]struct {
		list []SignedHeads
		at   uint64
	}{
		"first missing":  {all[1:], 1},
		"middle missing": {[]SignedHeads{all[0], all[2]}, 2},
		"shrunk":         {[]SignedHeads{all[0], all[1], shrunk}, 3},
		"twice":          {[]SignedHeads{all[0], all[0]}, 2},
		"jumped":         {[]SignedHeads{all[0], jumped}, 2},
		"unlinked":       {[]SignedHeads{all[0], unlinked}, 2},
		"chain gone":     {[]SignedHeads{all[0], forgotten}, 2},
		"chain shorter":  {[]SignedHeads{all[0], shorter}, 2},
	} {
		_, err := VerifyHeads(values(tt.list...), cert)
		var h *HeadsError
		if !errors.As(err, &h) || h.Number != tt.at || !errors.Is(err, ErrHeads) || !IsDamage(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := VerifyHeads(values(all...), other); !errors.Is(err, ErrAuthority) {
		t.Errorf("another authority: %v", err)
	}
	// The same key under a certificate of another period.
	for name, period := range map[string][2]time.Time{
		"before": {day.Add(time.Second), day.AddDate(1, 0, 0)}, "after": {day.AddDate(-1, 0, 0), day.Add(-time.Second)},
	} {
		c := certificate(t, "УЦ", key, period[0], period[1])
		if _, err := VerifyHeads(values(sign(t, key, c, nil, chain(t, 1))), c); !errors.Is(err, ErrHeads) {
			t.Errorf("signed %s the period: %v", name, err)
		}
	}
	for _, at := range []time.Time{day, day.Truncate(time.Second)} {
		c := certificate(t, "УЦ", key, at, at)
		if _, err := VerifyHeads(values(sign(t, key, c, nil, chain(t, 1))), c); err != nil {
			t.Errorf("signed in the only second of the period: %v", err)
		}
	}
}

// TestVerifySigned rewrites a chain from some record on, every digest and the
// head included, as one can who holds the whole ledger: the signed statements
// tell, and name the range.
func TestVerifySigned(t *testing.T) {
	key, cert := authority(t, "УЦ")
	c := chain(t, 20)
	var said []ChainHead
	for _, n := range []int{4, 11, 16} {
		said = append(said, sign(t, key, cert, nil, c[:n]).Chains[0])
	}
	head := c[19].Head()
	if got, err := VerifySigned(seq(c), head, values(said...)); err != nil || got != head {
		t.Fatalf("%v, %v", got, err)
	}
	for _, tt := range []struct{ at, first, last uint64 }{
		{1, 1, 4}, {4, 1, 4}, {5, 5, 8}, {8, 5, 8}, {9, 9, 10}, {11, 11, 11}, {12, 12, 16}, {16, 12, 16}, {17, 0, 0},
	} {
		forged := slices.Clone(c)
		for i := int(tt.at) - 1; i < len(forged); i++ {
			if i == int(tt.at)-1 {
				forged[i].Event = "forged"
			}
			if i > 0 {
				forged[i].Prev = forged[i-1].Hash
			}
			forged[i] = rehash(forged[i])
		}
		_, err := VerifySigned(seq(forged), forged[19].Head(), values(said...))
		if tt.first == 0 { // behind the last statement nothing is known
			if err != nil {
				t.Errorf("record %d: %v", tt.at, err)
			}
			continue
		}
		var d *DamageError
		if !errors.As(err, &d) || d.Kind != Changed || d.Seq != tt.first || d.Last != tt.last {
			t.Errorf("record %d rewritten: %v, want %d to %d", tt.at, err, tt.first, tt.last)
		}
	}
	// Head and records cut off together.
	_, err := VerifySigned(seq(c[:14]), c[13].Head(), values(said...))
	var d *DamageError
	if !errors.As(err, &d) || d.Kind != Truncated || d.Seq != 15 {
		t.Errorf("truncated: %v", err)
	}
	if _, err := VerifySigned(seq(c), head, values(said[1], said[0])); !errors.Is(err, ErrHeads) {
		t.Errorf("statements out of order: %v", err)
	}
}

func TestProof(t *testing.T) {
	key, cert := authority(t, "УЦ")
	_, other := authority(t, "Other")
	c := chain(t, 13)
	heads := sign(t, key, cert, nil, c[:11])
	for n := uint64(1); n <= 11; n++ {
		p, err := Prove(seq(c), DefaultNode, n, heads)
		if err != nil {
			t.Fatal(err)
		}
		p.Record, err = p.Record.Erase(p.Record.Fields()...) // discloses nothing
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseProof(b)
		if err != nil || q.Verify(cert) != nil || q.Record.Seq != n || bytes.Contains(b, []byte(`"text"`)) {
			t.Fatalf("%s: %v", b, err)
		}
	}
	for _, n := range []uint64{0, 12, 14} {
		if _, err := Prove(seq(c), DefaultNode, n, heads); !errors.Is(err, ErrNotCovered) {
			t.Errorf("record %d: %v", n, err)
		}
	}
	if _, err := Prove(seq(c), "other", 1, heads); !errors.Is(err, ErrNotCovered) {
		t.Errorf("an unknown chain: %v", err)
	}
	cut := slices.Delete(slices.Clone(c), 3, 4)
	var d *DamageError
	if _, err := Prove(seq(cut), DefaultNode, 7, heads); !errors.As(err, &d) || d.Seq != 4 {
		t.Errorf("a damaged chain: %v", err)
	}
	good, err := Prove(seq(c), DefaultNode, 6, heads)
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Verify(other); !errors.Is(err, ErrAuthority) {
		t.Errorf("another authority: %v", err)
	}
	for name, f := range map[string]func(*Proof){
		"subject": func(p *Proof) { p.Record.Subject = "x" }, "other record": func(p *Proof) { p.Record = c[6] },
		"later record": func(p *Proof) { p.Record = c[12] },
		"rehashed":     func(p *Proof) { p.Record.Event = "x"; p.Record = rehash(p.Record) },
		"renumbered":   func(p *Proof) { p.Record.Seq = 7; p.Record = rehash(p.Record) },
		"path":         func(p *Proof) { p.Path[0][0]++ }, "short": func(p *Proof) { p.Path = p.Path[1:] }, "long": func(p *Proof) { p.Path = append(p.Path, Digest{}) },
		"heads": func(p *Proof) { p.Heads.Time = p.Heads.Time.Add(1) },
	} {
		p := good
		p.Path, p.Record.Data = slices.Clone(good.Path), map[string]string{"a": "1", "b": "2"}
		f(&p)
		if err := p.Verify(cert); !errors.Is(err, ErrProof) && !errors.Is(err, ErrHeadsSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestErase: what is erased is nowhere in the record, and every digest stays.
func TestErase(t *testing.T) {
	r, err := Head{Node: DefaultNode}.Next(Entry{Time: day, Event: "issue", Subject: "SECRET1", Data: map[string]string{"name": "SECRET2", "profile": "citizen"}})
	if err != nil {
		t.Fatal(err)
	}
	secret := r.data["name"].salt
	salt := hex.EncodeToString(secret[:])
	if got := r.Fields(); !slices.Equal(got, []string{"subject", "data.name", "data.profile"}) {
		t.Fatalf("%v", got)
	}
	e, err := r.Erase(FieldSubject, FieldData("name"))
	if err != nil || !e.Intact() || e.Head() != r.Head() {
		t.Fatalf("%+v, %v", e, err)
	}
	if r.Subject != "SECRET1" || r.Data["name"] != "SECRET2" || !r.Intact() {
		t.Error("the record itself was changed")
	}
	b, err := e.Line()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("SECRET")) || bytes.Contains(b, []byte(salt)) || !bytes.Contains(b, []byte("citizen")) {
		t.Errorf("%s", b)
	}
	back, err := ParseRecord(b)
	if err != nil || !back.Intact() || back.Head() != r.Head() {
		t.Errorf("%v", err)
	}
	if v, gone := back.Value(FieldData("name")); v != "" || !gone {
		t.Errorf("value: %q, %v", v, gone)
	}
	if v, gone := back.Value(FieldData("profile")); v != "citizen" || gone {
		t.Errorf("value: %q, %v", v, gone)
	}
	again, err := back.Erase(back.Fields()...)
	if err != nil || !again.Intact() || again.Head() != r.Head() {
		t.Errorf("erased twice: %v", err)
	}
	for _, f := range []string{"", "event", "data.", "data.none", "name"} {
		if _, err := r.Erase(f); !errors.Is(err, ErrNoField) {
			t.Errorf("%q: %v", f, err)
		}
	}
}

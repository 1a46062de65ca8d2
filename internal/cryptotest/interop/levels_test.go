package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// stamper is a time-stamping authority in the test.
type stamper struct {
	*testpki.Entity
	n atomic.Int64
}

func (s *stamper) NextSerial(context.Context) (*big.Int, error) { return big.NewInt(s.n.Add(1)), nil }

func (s *stamper) Stamp(ctx context.Context, hash alg.Identifier, digest []byte) (*tsp.Token, error) {
	a, err := tsp.NewAuthority(tsp.AuthorityOptions{
		Certificate: s.Cert, Signer: s.Key, Policies: []oid.OID{"1.2.3"}, Serials: s,
		Clock: func() (time.Time, error) { return testpki.Now, nil },
	})
	if err != nil {
		return nil, err
	}
	return (&tsp.Requester{Send: a.Respond}).Stamp(ctx, hash, digest)
}

// TestLevels has Bouncy Castle verify our levels T, XL and A with every time
// stamp in them: signatures, tokens, imprints and the hash index are computed
// there by its own code, and damage to what a stamp covers is refused.
func TestLevels(t *testing.T) {
	peer.NeedBouncyCastle(t)
	bc, err := startCastle(t.Context(), t.TempDir(), peer.JarDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bc.close() })
	chain := testpki.NewChain(t)
	tmpl := testpki.Leaf(t, "CN=TSA")
	tmpl.ExtKeyUsage, tmpl.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	tsa := &stamper{Entity: testpki.Issue(t, tmpl, chain.Sub)}
	doc := []byte("document\n")
	for stamps, level := range []sign.Level{1: sign.LevelT, 2: sign.LevelXL, 3: sign.LevelA} {
		if level == sign.LevelBES {
			continue
		}
		t.Run(level.String(), func(t *testing.T) {
			s := &sign.Signer{
				Key: chain.Leaf.Key, Cert: chain.Leaf.Cert, Chain: []*pki.Certificate{chain.Sub.Cert},
				Level: level, Detached: true, TSA: tsa, Now: func() time.Time { return testpki.Now },
				Evidence: func(context.Context, []byte, io.Reader) (cms.Evidence, error) {
					return cms.Evidence{
						Certificates: []*pki.Certificate{chain.Root.Cert, chain.Sub.Cert},
						CRLs:         []*pki.RevocationList{testpki.CRL(t, chain.Root, &pki.CRLTemplate{}), testpki.CRL(t, chain.Sub, &pki.CRLTemplate{})},
					}, nil
				},
			}
			var sig bytes.Buffer
			if err := s.Sign(t.Context(), &sig, bytes.NewReader(doc)); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			ask := func(sig, doc []byte) error {
				for name, b := range map[string][]byte{"s.sig": sig, "d.txt": doc} {
					if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				return bc.ask(dir, "verify-stamps", "s.sig", "d.txt", fmt.Sprint(stamps))
			}
			if err := ask(sig.Bytes(), doc); err != nil {
				t.Fatal(err)
			}
			if ask(sig.Bytes(), []byte("another\n")) == nil {
				t.Error("another document is accepted")
			}
			for _, part := range covered(t, sig.Bytes(), level) {
				bad := bytes.Clone(sig.Bytes())
				bad[bytes.Index(bad, part)+len(part)-10] ^= 1
				if ask(bad, doc) == nil {
					t.Errorf("damage to a part of %d octets is accepted", len(part))
				}
			}
		})
	}
}

// covered returns parts of a signature that some time stamp of its covers.
func covered(t *testing.T, sig []byte, level sign.Level) [][]byte {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(sig), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	si := sd.Signers[0]
	parts := [][]byte{si.Signature}
	if level >= sign.LevelXL {
		parts = append(parts, si.Unsigned(oid.AttrCompleteCertificateRefs)[0].Values[0], si.Unsigned(oid.AttrCompleteRevocationRefs)[0].Values[0])
	}
	if level >= sign.LevelA {
		parts = append(parts, si.Unsigned(oid.AttrCertificateValues)[0].Values[0], si.Unsigned(oid.AttrRevocationValues)[0].Values[0])
	}
	return parts
}

package suites

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// TestCorpusLevels reads the signatures cut out of real PDF files: the levels
// that their names say, the imprint of every time stamp, a value for every
// reference, in signatures and in tokens; and each covered part, changed in one
// bit, is noticed.
func TestCorpusLevels(t *testing.T) {
	n := 0
	walk(t, func(path string, data []byte) {
		name := filepath.Base(path)
		if !strings.HasSuffix(name, ".p7s") {
			return
		}
		n++
		sd, err := cms.ReadSigned(bytes.NewReader(data), nil, cms.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		want := sign.LevelBES
		switch {
		case strings.Contains(name, "XLT1"):
			want = sign.LevelXL
		case strings.Contains(name, "CADEST"):
			want = sign.LevelT
		}
		if got := sign.LevelOf(sd.Signers[0]); got != want {
			t.Errorf("%s: level %s, want %s", name, got, want)
		}
		stampsHold(t, name, sd)
		refsHold(t, name, sd.Signers[0], want == sign.LevelXL)
	}, "10-pdf")
	if n != 5 {
		t.Errorf("%d signatures were looked at, want 5", n)
	}
}

// stampsHold checks the imprints as they are, and with the signature changed.
func stampsHold(t *testing.T, name string, sd *cms.SignedData) {
	stamps, err := sd.Stamps(0)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, s := range stamps {
		token, err := tsp.ParseToken(s.Token)
		if err != nil {
			t.Errorf("%s: %s: %v", name, s.Kind, err)
			continue
		}
		hash := token.Info.HashAlgorithm
		got, err := sd.StampImprint(0, s, hash, nil)
		if err != nil || !bytes.Equal(got, token.Info.HashedMessage) {
			t.Errorf("%s: the imprint of %s is not that of the signature: %v", name, s.Kind, err)
		}
		parts := [][]byte{sd.Signers[0].Signature}
		for _, a := range sd.Signers[0].UnsignedAttrs {
			// What CAdES-C-time-stamp covers besides the signature (RFC 5126,
			// section 6.3.5) names itself in the attribute type.
			if s.Kind == cms.StampCAdESC && (strings.HasPrefix(a.Type.Name(), "complete") || a.Type == cms.StampSignature.OID()) {
				parts = append(parts, a.Values[0])
			}
		}
		for _, part := range parts {
			at := max(bytes.Index(part, []byte{4, 32})+4, 0) // inside a digest: the syntax stays
			part[at] ^= 1
			spoilt, err := cms.ReadSigned(bytes.NewReader(rewritten(t, sd)), nil, cms.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err = spoilt.StampImprint(0, s, hash, nil); err == nil && bytes.Equal(got, token.Info.HashedMessage) {
				t.Errorf("%s: %s holds over %d changed octets", name, s.Kind, len(part))
			}
			part[at] ^= 1
		}
		if s.Kind == cms.StampSignature && strings.Contains(name, "XLT1") {
			refsHold(t, name+" token", token.Signed.Signers[0], true)
		}
	}
}

// rewritten returns the message as it is in memory.
func rewritten(t *testing.T, sd *cms.SignedData) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := sd.Rewrite(&out, cms.Edit{Detach: true}, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// refsHold wants a value for each reference.
func refsHold(t *testing.T, name string, si *cms.SignerInfo, wanted bool) {
	values, err := si.EvidenceValues()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	refs, err := si.EvidenceRefs()
	if err != nil || (refs != nil) != wanted {
		t.Errorf("%s: references %v, %v", name, refs != nil, err)
	}
	if refs == nil {
		return
	}
	if missing, err := refs.Missing(values); err != nil || len(missing) > 0 {
		t.Errorf("%s: missing %q, %v", name, missing, err)
	}
	if missing, err := refs.Missing(cms.Evidence{}); err != nil || len(missing) == 0 {
		t.Errorf("%s: nothing is missing of no values: %v", name, err)
	}
}

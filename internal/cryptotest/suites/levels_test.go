package suites

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
)

// leveled are the signatures that were cut out of PDF files of several
// producers, with the level that their names promise. The authorities' test
// certificates were in force on the day of signing.
var leveled = []struct {
	name, level string
	stamps      int
}{
	{"01_okular_BES", "bes", 0},
	{"05_acrob_BES", "bes", 0},
	{"07_acrob_CADEST", "t", 1},
	{"09_cam_CADEST", "t", 1},
	{"14_acrob_CADES-XLT1", "xl", 2},
}

// byteRange is the entry of a PDF signature that says which octets are signed.
var byteRange = regexp.MustCompile(`/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]`)

// signedOctets are what the signature of a PDF file covers.
func signedOctets(t *testing.T, pdf []byte) []byte {
	t.Helper()
	m := byteRange.FindSubmatch(pdf)
	if m == nil {
		t.Fatal("no ByteRange")
	}
	var n [4]int
	for i := range n {
		v, err := strconv.Atoi(string(m[i+1]))
		if err != nil || v > len(pdf) {
			t.Fatalf("ByteRange %s: %v", m[0], err)
		}
		n[i] = v
	}
	return append(bytes.Clone(pdf[n[0]:n[0]+n[1]]), pdf[n[2]:n[2]+n[3]]...)
}

// authorities are the certificates of the test authorities beside the tokens.
func authorities(t *testing.T, dir string) (cas, others *pki.Pool) {
	t.Helper()
	cas, others = pki.NewPool(), pki.NewPool()
	names, err := filepath.Glob(filepath.Join(dir, "*.cer"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d certificates: %v", len(names), err)
	}
	for _, name := range names {
		der, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := pki.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(name), "ca-") {
			cas.Add(c)
		} else {
			others.Add(c)
		}
	}
	return cas, others
}

// TestLevels: the levels of real signatures are recognized, and every token,
// reference and value in them holds.
func TestLevels(t *testing.T) {
	dir := filepath.Join(root(t), "corpus", "10-pdf")
	cas, others := authorities(t, filepath.Join(root(t), "corpus", "05-ocsp-tsp", "certs"))
	for _, tc := range leveled {
		t.Run(tc.name, func(t *testing.T) {
			sig, err := os.ReadFile(filepath.Join(dir, tc.name+".sig0.p7s"))
			if err != nil {
				t.Fatal(err)
			}
			pdf, err := os.ReadFile(filepath.Join(dir, tc.name+".pdf"))
			if err != nil {
				t.Fatal(err)
			}
			content := signedOctets(t, pdf)
			v := &verify.Verifier{Roots: cas, Intermediates: others, Policy: verify.DefaultPolicy()}
			v.Now = func() time.Time { return time.Date(2024, 7, 16, 15, 0, 0, 0, time.UTC) }
			if tc.level != "xl" {
				v.Policy.UnsafeNoRevocation = true // only XL brings its evidence
			}
			report, err := v.Verify(t.Context(), bytes.NewReader(sig), bytes.NewReader(content))
			if err != nil {
				t.Fatalf("%v", err)
			}
			checkLevel(t, report.Signatures[0], tc.level, tc.stamps)
			tampered(t, v, sig, content)
		})
	}
}

func checkLevel(t *testing.T, s *verify.Signature, level string, stamps int) {
	t.Helper()
	if s.Level != level || s.ClaimedLevel != level || len(s.TimeStamps) != stamps {
		t.Errorf("level %s, claimed %s, %d time stamps", s.Level, s.ClaimedLevel, len(s.TimeStamps))
	}
	if s.BestTime.IsZero() == (stamps > 0) {
		t.Errorf("best time %v", s.BestTime)
	}
	for _, x := range s.TimeStamps {
		if x.Status != verify.Passed {
			t.Errorf("%s: %s", x.Kind, x.Reason)
		}
		if level == "xl" && len(x.Evidence.OCSP) == 0 {
			t.Errorf("%s: no OCSP answer about the authority decided", x.Kind)
		}
	}
	if level != "xl" {
		return
	}
	if len(s.Evidence.OCSP) == 0 {
		t.Error("no OCSP answer about the signer decided")
	}
	references := false
	for _, c := range s.Checks {
		references = references || c.ID == "evidence-references" && c.OK
	}
	if !references {
		t.Error("the references were not found to hold")
	}
}

// tampered changes one octet of each unsigned attribute: what is stamped is
// noticed, and nothing makes the signature's level higher.
func tampered(t *testing.T, v *verify.Verifier, sig, content []byte) {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(sig), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range sd.Signers[0].UnsignedAttrs {
		for _, value := range a.Values {
			at := bytes.Index(sig, value)
			if at < 0 {
				t.Fatalf("%s is not in the file", a.Type.Name())
			}
			bad := bytes.Clone(sig)
			bad[at+len(value)-1] ^= 1
			report, err := v.Verify(t.Context(), bytes.NewReader(bad), bytes.NewReader(content))
			if err == nil && report.Signatures[0].Level == report.Signatures[0].ClaimedLevel {
				t.Errorf("%s was changed and nobody noticed", a.Type.Name())
			}
		}
	}
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// TestMatrix runs every kind of cell with every peer on a 256-bit and a 512-bit
// set. Only certtool's own PFX is left to the command: it derives its keys with
// 600,000 iterations.
func TestMatrix(t *testing.T) {
	peer.NeedOpenSSL(t)
	peer.NeedCerttool(t)
	peer.NeedBouncyCastle(t)
	names := "cryptopro-a,tc26-512-a"
	if testing.Short() {
		names = "cryptopro-a"
	}
	sets, err := chosen(names)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "gosklyuch")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/gosklyuch/gosklyuch/cmd/gosklyuch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	slow := gap{peer: "GnuTLS", dir: fromPeer, rows: []row{pfxASCII, pfxCyrillic}, unoffered: true, note: "left out"}
	m, ver, err := runMatrix(t.Context(), options{program: program, jars: peer.JarDir, jobs: 2, spare: []gap{slow}}, sets)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.failures(); err != nil {
		t.Error(err)
	}
	if strings.Contains(ver, "unknown") {
		t.Errorf("a version is unknown: %s", ver)
	}
	if want := int(rowCount) * 3 * int(directionCount) * len(sets); len(m.outcomes) != want {
		t.Errorf("%d cells were run, not %d", len(m.outcomes), want)
	}
}

// filled returns a matrix of two sets in which everything works, but for the
// declared gaps.
func filled() *matrix {
	m := newMatrix(nil, []paramset{paramsets[0], paramsets[1]}, openSSL{}, bouncyCastle{}, gnuTLS{})
	for r := range rowCount {
		for _, p := range m.peers {
			for d := range directionCount {
				for _, set := range m.sets {
					k := cellKey{r, p.name(), d, set.name}
					m.outcomes[k] = nil
					if g := m.gap(k); g != nil && g.unoffered {
						m.outcomes[k] = errUnoffered
					} else if g != nil {
						m.outcomes[k] = &refusal{"tool", errors.New("exit status 1"), "it says: " + g.pattern}
					}
				}
			}
		}
	}
	return m
}

func TestFailures(t *testing.T) {
	if err := filled().failures(); err != nil {
		t.Fatalf("nothing failed: %v", err)
	}
	wrong := &refusal{"tool", errors.New("exit status 1"), "segmentation fault"}
	for _, test := range []struct {
		name string
		k    cellKey
		err  error
		want string
	}{
		{"a cell fails", cellKey{crl, "OpenSSL", fromUs, "cryptopro-a"}, wrong, "segmentation fault"},
		{"a gap has closed", cellKey{crl, "GnuTLS", fromUs, "cryptopro-b"}, nil, "works now"},
		{"a gap has another error", cellKey{crl, "GnuTLS", fromUs, "cryptopro-b"}, wrong, "not the error"},
		{"a command appears", cellKey{ocspResponse, "GnuTLS", fromPeer, "cryptopro-a"}, nil, "works now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := filled()
			m.outcomes[test.k] = test.err
			if err := m.failures(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	page := filled().page(versionsWord + "OpenSSL 1.")
	if !strings.Contains(page, "|  | GnuTLS | 1/2 [") || !strings.Contains(page, "says “Unsupported curve”") {
		t.Errorf("the gaps are not shown:\n%s", page)
	}
	file := filepath.Join(t.TempDir(), "page.md")
	for _, test := range []struct {
		name, there string
		same        bool
	}{
		{"equal", page, true},
		{"other versions", strings.Replace(page, "OpenSSL 1.", "OpenSSL 2.", 1), true},
		{"another cell", strings.Replace(page, "2/2", "1/2", 1), false},
		{"a line less", strings.TrimSuffix(page, "\n"), false},
		{"a line more", page + "\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := save(file, test.there); err != nil {
				t.Fatal(err)
			}
			if err := compare(file, page); (err == nil) != test.same {
				t.Errorf("compare: %v", err)
			}
		})
	}
	if err := compare(filepath.Join(t.TempDir(), "nothing"), page); err == nil {
		t.Error("a missing file is the same")
	}
}

func TestChosen(t *testing.T) {
	if s, err := chosen("tc26-512-c,cryptopro-a"); err != nil || len(s) != 2 || s[0].name != "tc26-512-c" || !s[0].big {
		t.Errorf("chosen: %v, %v", s, err)
	}
	if _, err := chosen("cryptopro-d"); err == nil {
		t.Error("an unknown set is chosen")
	}
}

func TestGnuTLSNames(t *testing.T) {
	want := map[string]string{
		"cryptopro-a": "CryptoPro-A", "cryptopro-xcha": "CryptoPro-XchA", "tc26-256-b": "TC26-256-B", "tc26-512-a": "TC26-512-A",
	}
	for _, p := range paramsets {
		if w := want[p.name]; w != "" && gnutlsCurve(p) != w {
			t.Errorf("%s: %s", p.name, gnutlsCurve(p))
		}
	}
}

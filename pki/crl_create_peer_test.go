package pki_test

import (
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
)

// TestCRLWriterOpenSSL lets OpenSSL verify streamed lists, and refuse one that
// was changed.
func TestCRLWriterOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, name := range []string{"gost2012-256", "gost2012-512"} {
		tmpl, cert, finish, begin := streamIssuer(t, name)
		dir := t.TempDir()
		f, err := os.Create(filepath.Join(dir, "spool"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w := begin(f)
		for i := range 3000 {
			if err := w.Add(pki.RevokedEntry{Serial: big.NewInt(int64(i) + 1), At: tmpl.ThisUpdate, Reason: i % 7, InvalidityDate: tmpl.ThisUpdate}); err != nil {
				t.Fatal(err)
			}
		}
		out, err := finish(w)
		if err != nil {
			t.Fatal(err)
		}
		ca := filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		changed := slices.Clone(out.Bytes())
		changed[len(changed)/2] ^= 1
		for want, der := range map[string][]byte{"verify OK": out.Bytes(), "verify failure": changed} {
			list := filepath.Join(dir, "list.der")
			if err := os.WriteFile(list, der, 0o600); err != nil {
				t.Fatal(err)
			}
			r := peer.OpenSSL(t, peer.Run{Args: []string{"crl", "-inform", "DER", "-in", list, "-CAfile", ca, "-noout", "-crlnumber"}})
			if !strings.Contains(r.All(), want) && (want == "verify OK" || r.Err == nil) {
				t.Errorf("%s: want %s: %s", name, want, r.All())
			}
		}
	}
}

package second_test

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// FuzzObjects: hostile octets give an answer, and it is no: the fuzzer has no
// key.
func FuzzObjects(f *testing.F) {
	w := newWorld(f)
	text := []byte("text")
	for _, b := range [][]byte{w.root.Raw, w.cert, w.list, detached(f, w, text), {}, {0x30, 0x80}} {
		f.Add(b)
	}
	own := map[string]bool{string(w.root.Raw): true, string(w.cert): true, string(w.list): true}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := second.CheckCertificate(b, w.root.Raw, w.wantCert); err == nil && !own[string(b)] {
			t.Error("a certificate is accepted")
		}
		if err := second.CheckList(b, w.root.Raw, w.wantList); err == nil && !own[string(b)] {
			t.Error("a list is accepted")
		}
		// As issuers, and as what signs itself, nothing is expected but an answer.
		_ = second.CheckCertificate(b, nil, w.want)
		_ = second.CheckCertificate(w.cert, b, w.wantCert)
		_ = second.CheckList(w.list, b, w.wantList)
		_ = second.CheckDetached(b, text, w.root.Raw)
		_, _, _ = second.CheckRequest(b)
	})
}

// FuzzAttributes: what is read has types and values.
func FuzzAttributes(f *testing.F) {
	for _, s := range []string{"CN=Root,C=RU", `O=A\, B`, "2.5.4.3=x", "CN", "="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := second.Attributes(text)
		if err == nil && len(list) == 0 {
			t.Error("no attribute and no error")
		}
		for _, a := range list {
			if a.Type == "" || a.Value == "" {
				t.Errorf("%q: %q", text, list)
			}
		}
	})
}

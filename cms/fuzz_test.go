package cms_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// FuzzReadSigned reads arbitrary messages and checks what can be checked.
func FuzzReadSigned(f *testing.F) {
	id := newIdentity(f, "gost2012-256", "", "CN=S")
	m := message{id: id, content: []byte("content")}
	signer := m.signerInfo(f)
	counter := m
	counter.unsigned = [][]byte{attr(oid.AttrCounterSignature, signer)}
	bare := m
	bare.noAttrs = true
	detached := m
	detached.detached = true
	for _, seed := range [][]byte{
		m.encode(f), m.encodeBER(f, signer), m.encodeBER(f, indefinite(f, signer, true)), counter.encode(f), bare.encode(f), detached.encode(f),
		[]byte(rfc4490),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var content bytes.Buffer
		sd, err := cms.ReadSigned(bytes.NewReader(data), &content, cms.Limits{})
		if err != nil {
			return
		}
		if !sd.Detached && sd.ContentLength != int64(content.Len()) {
			t.Errorf("%d octets of content are %d", content.Len(), sd.ContentLength)
		}
		if sd.Detached && sd.DigestContent(&content) != nil {
			t.Error("an empty document cannot be hashed")
		}
		for i, si := range sd.Signers {
			checks, err := sd.CheckSigner(i, id.cert)
			if err == nil && len(failures(checks)) > 0 {
				t.Errorf("no error, and failures %v", failures(checks))
			}
			_, _, _ = si.SigningTime()
			counters, _ := si.CounterSignatures()
			for _, c := range counters {
				_, _ = si.CheckCounterSigner(c, id.cert)
			}
		}
		rewrite(t, sd)
	})
}

// rewrite writes what was read and reads it again.
func rewrite(t *testing.T, sd *cms.SignedData) {
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, sd.Message(), sd.Signers); err != nil {
		t.Fatal(err)
	}
	again, err := cms.ReadSigned(&out, nil, cms.Limits{})
	if err != nil {
		t.Fatalf("what was read cannot be read again: %v", err)
	}
	if len(again.Signers) != len(sd.Signers) || !again.Detached || again.ContentType != sd.ContentType {
		t.Errorf("%d signers became %d", len(sd.Signers), len(again.Signers))
	}
}

// FuzzReadDigested reads arbitrary messages.
func FuzzReadDigested(f *testing.F) {
	body := der.Wrap(0x30, []byte{2, 1, 0}, alg.Identifier{OID: oid.Streebog256}.DER(),
		der.Wrap(0x30, oidDER(oid.Data), der.Wrap(0xa0, der.Wrap(0x04, []byte("text")))), der.Wrap(0x04, make([]byte, 32)))
	f.Add(der.Wrap(0x30, oidDER(oid.DigestedData), der.Wrap(0xa0, body)))
	f.Fuzz(func(t *testing.T, data []byte) {
		dd, err := cms.ReadDigested(bytes.NewReader(data), io.Discard, cms.Limits{})
		if err == nil && !bytes.Equal(dd.Computed, dd.Digest) {
			t.Error("the digests differ, and there is no error")
		}
	})
}

package cms_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
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

// FuzzCAdES reads arbitrary messages with the attributes of the higher levels
// and does to them all that raising does.
func FuzzCAdES(f *testing.F) {
	l := newLeveled(f)
	doc := []byte("document")
	for _, level := range []sign.Level{sign.LevelT, sign.LevelXL, sign.LevelA} {
		f.Add(l.sign(f, level, doc, level == sign.LevelT))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var content bytes.Buffer
		sd, err := cms.ReadSigned(bytes.NewReader(data), &content, cms.Limits{})
		if err != nil {
			return
		}
		if sd.Detached && sd.DigestContent(bytes.NewReader(nil)) != nil {
			t.Error("an empty document cannot be hashed")
		}
		sd.Again = func() (io.Reader, error) { return bytes.NewReader(content.Bytes()), nil }
		id := alg.Identifier{OID: oid.Streebog256}
		for i, si := range sd.Signers {
			stamps, _ := sd.Stamps(i)
			for _, s := range stamps {
				_, _ = sd.StampImprint(i, s, id, nil)
				if index, err := s.HashIndex(); err == nil {
					_, _ = sd.Coverage(i, index)
				}
				if again, err := si.ReplaceToken(s, der.Wrap(0x30)); err != nil || len(again.UnsignedAttrs) != len(si.UnsignedAttrs) {
					t.Errorf("a token cannot be replaced: %v", err)
				}
			}
			values, _ := si.EvidenceValues()
			if refs, err := si.EvidenceRefs(); err == nil && refs != nil {
				_, _ = refs.Missing(values)
				_, _ = refs.Attributes()
			}
			if index, err := sd.BuildHashIndex(i, id); err == nil {
				c, err := sd.Coverage(i, index)
				if err != nil || len(c.Missing)+len(c.Open) > 0 {
					t.Errorf("a fresh index: missing %q, open %q, %v", c.Missing, c.Open, err)
				}
			}
		}
		reedit(t, sd, content.Bytes())
	})
}

// reedit writes the message with what it carries added to it, and reads it.
func reedit(t *testing.T, sd *cms.SignedData, content []byte) {
	var out bytes.Buffer
	if sd.AddEvidence(sd.Evidence) != nil {
		return
	}
	if err := sd.Rewrite(&out, cms.Edit{}, bytes.NewReader(content)); err != nil {
		var v2 *cms.AttributeError
		if !errors.As(err, &v2) {
			t.Errorf("cannot be written again: %v", err)
		}
		return
	}
	// What was parsed within the limits may be above them as DER, or with each
	// OCSP answer wrapped: only syntax counts.
	again, err := cms.ReadSigned(&out, nil, cms.Limits{})
	var limit *cms.LimitError
	switch {
	case errors.As(err, &limit):
	case err != nil:
		t.Errorf("what was written cannot be read: %v", err)
	case len(again.Signers) != len(sd.Signers) || again.Detached != sd.Detached:
		t.Errorf("%d signers became %d", len(sd.Signers), len(again.Signers))
	}
}

// FuzzParseHashIndex parses arbitrary values of both types.
func FuzzParseHashIndex(f *testing.F) {
	id := alg.Identifier{OID: oid.Streebog256}.DER()
	list := der.Wrap(0x30, der.Wrap(4, make([]byte, 32)))
	f.Add(der.Wrap(0x30, id, list, list, list))
	f.Add(der.Wrap(0x30, list, der.Wrap(0x30), list))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range []oid.OID{oid.AttrATSHashIndexV3, oid.AttrATSHashIndex} {
			x, err := cms.ParseHashIndex(typ, data)
			if err == nil && (!bytes.Equal(x.Raw, data) || x.Type != typ) {
				t.Error("the octets were not kept")
			}
		}
	})
}

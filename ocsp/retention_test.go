package ocsp

import (
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// TestTimeExtensions: archiveCutoff and invalidityDate of an answer, through the
// encoded response.
func TestTimeExtensions(t *testing.T) {
	p := newTestPKI(t, "gost2012-256", "")
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	ok := append([]byte{0x18, 15}, "20200102030405Z"...)
	for name, tc := range map[string]struct {
		value []byte
		want  time.Time
	}{
		"good": {ok, at}, "octets after it": {append(ok[:17:17], 0), time.Time{}}, "UTCTime": {append([]byte{0x17, 13}, "200102030405Z"...), time.Time{}},
		"empty": {nil, time.Time{}}, "no date": {append([]byte{0x18, 15}, "20201302030405Z"...), time.Time{}},
	} {
		id, err := NewCertID(p.leaf.cert, p.ca.cert, alg.Identifier{OID: oid.SHA1})
		if err != nil {
			t.Fatal(err)
		}
		single := Single{ID: id, Status: Good, ThisUpdate: testTime, Extensions: []pki.Extension{
			{ID: oid.OCSPArchiveCutoff, Value: tc.value}, {ID: oid.InvalidityDate, Value: tc.value},
		}}
		der, err := CreateResponse(nil, &ResponseTemplate{Singles: []Single{single}, ProducedAt: testTime}, p.ca.cert, p.ca.key)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseResponse(der)
		if err != nil {
			t.Fatal(err)
		}
		if s := r.Singles[0]; !s.ArchiveCutoff().Equal(tc.want) || !s.InvalidityDate().Equal(tc.want) {
			t.Errorf("%s: %v and %v", name, s.ArchiveCutoff(), s.InvalidityDate())
		}
	}
	if s := (Single{}); !s.ArchiveCutoff().IsZero() || !s.InvalidityDate().IsZero() {
		t.Error("a time out of nothing")
	}
}

// TestCheckSignature: by whom the responderID names, over what was signed.
func TestCheckSignature(t *testing.T) {
	p := newTestPKI(t, "gost2012-256", "")
	der := p.responder(good()).Respond(t.Context(), p.request(t, true).Raw)
	r, err := ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.CheckSignature(p.delegate.cert); err != nil {
		t.Error(err)
	}
	wantKind(t, r.CheckSignature(p.ca.cert), KindNoResponder)
	wantKind(t, r.CheckSignature(nil), KindNoResponder)
	r.Signature[0] ^= 1
	wantKind(t, r.CheckSignature(p.delegate.cert), KindBadSignature)
	if r, err = ParseResponse(CreateErrorResponse(TryLater)); err != nil {
		t.Fatal(err)
	}
	wantKind(t, r.CheckSignature(p.ca.cert), KindErrorStatus)
}

package verify

import (
	"strings"
	"testing"
)

// A remedy must be one that helps: the same reason has several causes.
func TestRemedyNamesTheCause(t *testing.T) {
	failed := func(id string, r Reason) Outcome {
		return Outcome{Status: Indeterminate, Reason: r, Checks: []Check{{ID: id, Action: Fail, Reason: r}}}
	}
	stamp := func(r Reason) []*TimeStamp { return []*TimeStamp{{Outcome: failed("revocation", r)}} }
	tests := []struct {
		name   string
		report Report
		want   string
		not    string
	}{
		{"stamp alone, no document", Report{Kind: KindTimeStamp, Outcome: failed("message-digest", SignedDataNotFound)}, "timestamp verify", "signature"},
		{"stamp alone, other document", Report{Kind: KindTimeStamp, Outcome: failed("message-imprint", HashFailure)}, "right file", "signature"},
		{"signature, no document", Report{Signatures: []*Signature{{Outcome: failed("message-digest", SignedDataNotFound)}}}, "gosklyuch verify DOCUMENT", ""},
		{"expired, no stamp", Report{Signatures: []*Signature{{Outcome: failed("certificate-expired", OutOfBoundsNoPOE)}}}, "with a time stamp", "--crl"},
		{
			"expired, stamp without evidence",
			Report{Signatures: []*Signature{{Outcome: failed("certificate-expired", OutOfBoundsNoPOE), TimeStamps: stamp(TryLater)}}},
			"time-stamping service is revoked: give a revocation list (--crl", "",
		},
		{
			"revoked, stamp without an anchor",
			Report{Signatures: []*Signature{{Outcome: failed("revocation", RevokedNoPOE), TimeStamps: stamp(NoCertificateChain)}}},
			"trust add", "",
		},
		{
			"revoked for good, stamp that fails",
			Report{Signatures: []*Signature{{Outcome: failed("revocation", RevokedReason), TimeStamps: stamp(TryLater)}}},
			"in force", "--crl",
		},
		{"too low a level", Report{Signatures: []*Signature{{Outcome: failed("level", SigConstraints), Level: "t", ClaimedLevel: "t"}}}, "gosklyuch raise", ""},
		{
			"level claimed and not reached",
			Report{Signatures: []*Signature{{Outcome: failed("level", SigConstraints), Level: "bes", ClaimedLevel: "t", TimeStamps: stamp(TryLater)}}},
			"--crl", "raise",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.report
			_ = r.finish()
			got := r.Remedy(English)
			if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(r.Text(English)+got, test.not) {
				t.Errorf("%s: remedy %q; want %q and not %q", r.Reason, got, test.want, test.not)
			}
			if r.Remedy(Russian) == "" || r.Text(Russian) == "" {
				t.Error("no Russian text")
			}
		})
	}
	for r, x := range stampTexts {
		if texts[r] == (text{}) || x.ru == "" || x.en == "" || x.remedyRU == "" || x.remedyEN == "" {
			t.Errorf("%s: unknown reason or a text is missing", r)
		}
	}
}

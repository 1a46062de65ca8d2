package ca_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// allStates are the states in the order of a request's way.
var allStates = []ca.RequestState{ca.Draft, ca.Submitted, ca.InReview, ca.Approved, ca.Rejected, ca.Issued}

// way is a request that a test takes through its states.
type way struct {
	*desk
	s ca.Submission
	e ca.RequestEntry
}

// do carries out one thing that can be done with a request.
func (w *way) do(t *testing.T, what string) (err error) {
	t.Helper()
	signed := func(d ca.Decision, by string, r ca.Role) error {
		a := w.sign(t, w.Statement(w.e, d, by, r), by)
		out, err := w.Decide(t.Context(), w.e.ID, a.Statement, a.Signature, "test")
		if err == nil {
			w.e = out
		}
		return err
	}
	next := func(e ca.RequestEntry, err error) error {
		if err == nil {
			w.e = e
		}
		return err
	}
	switch what {
	case "draft", "submit":
		w.s.Draft = what == "draft"
		w.s.Statement, w.s.Signature = nil, nil
		st, err := w.SubmissionStatement(t.Context(), w.s, "clerk")
		if err != nil {
			t.Fatal(err)
		}
		a := w.sign(t, st, "clerk")
		w.s.Statement, w.s.Signature = a.Statement, a.Signature
		return next(w.Submit(t.Context(), w.s))
	case "review":
		return next(w.ReviewBy(t.Context(), w.e.ID, "anna"))
	case "signed review":
		return signed(ca.DecisionReview, "clerk", ca.RoleOperator)
	case "anna", "boris", "vera":
		return signed(ca.DecisionApprove, what, ca.RoleApprover)
	case "signed reject":
		return signed(ca.DecisionReject, "anna", ca.RoleApprover)
	case "reject":
		return next(w.RejectBy(t.Context(), w.e.ID, "", "anna"))
	case "issue":
		_, err := w.IssueApproved(t.Context(), w.e.ID, "test")
		return err
	}
	t.Fatalf("nothing is called %q", what)
	return nil
}

// TestEveryTransition tries everything that can be done with a request in every
// state: what is not in the table is refused and changes nothing.
func TestEveryTransition(t *testing.T) {
	things := []string{"draft", "submit", "review", "signed review", "vera", "signed reject", "reject", "issue"}
	type edges map[string]ca.RequestState
	ways := map[string]map[ca.RequestState][]string{
		"citizen": { // two approvals
			ca.Draft: {"draft"}, ca.Submitted: {"submit"}, ca.InReview: {"submit", "review"}, ca.Approved: {"submit", "anna", "boris"},
			ca.Rejected: {"submit", "signed reject"}, ca.Issued: {"submit", "anna", "boris", "issue"},
		},
		"entrepreneur": { // none
			ca.Draft: {"draft"}, ca.Submitted: {"submit"}, ca.InReview: {"submit", "review"}, ca.Approved: {"submit", "anna"},
			ca.Rejected: {"submit", "reject"}, ca.Issued: {"submit", "issue"},
		},
	}
	allowed := map[string]map[ca.RequestState]edges{
		"citizen": {
			ca.Draft:     {"draft": ca.Draft, "submit": ca.Submitted, "signed reject": ca.Rejected, "reject": ca.Rejected},
			ca.Submitted: {"review": ca.InReview, "signed review": ca.InReview, "vera": ca.InReview, "signed reject": ca.Rejected},
			ca.InReview:  {"review": ca.InReview, "signed review": ca.InReview, "vera": ca.InReview, "signed reject": ca.Rejected},
			ca.Approved:  {"signed reject": ca.Rejected, "issue": ca.Issued},
		},
		"entrepreneur": {
			ca.Draft:     {"draft": ca.Draft, "submit": ca.Submitted, "signed reject": ca.Rejected, "reject": ca.Rejected},
			ca.Submitted: {"review": ca.InReview, "signed review": ca.InReview, "vera": ca.Approved, "signed reject": ca.Rejected, "reject": ca.Rejected, "issue": ca.Issued},
			ca.InReview:  {"review": ca.InReview, "signed review": ca.InReview, "vera": ca.Approved, "signed reject": ca.Rejected, "reject": ca.Rejected, "issue": ca.Issued},
			ca.Approved:  {"signed reject": ca.Rejected, "reject": ca.Rejected, "issue": ca.Issued},
		},
	}
	subjects := map[string]string{"citizen": citizenDN, "entrepreneur": ipDN}
	d := newDesk(t, twoPeople())
	d.hire(t, "vera", ca.RoleApprover)
	key := generate(t, "gost2012-256", "")
	for profile, states := range ways {
		for n, state := range allStates {
			for k, thing := range things {
				t.Run(strings.Join([]string{profile, string(state), thing}, "/"), func(t *testing.T) {
					// Another request each time: the common name tells them apart.
					name := strings.Replace(subjects[profile], "CN=", "CN=N"+strings.Repeat("a", n)+strings.Repeat("b", k)+" ", 1)
					w := &way{desk: d, s: ca.Submission{Profile: profile, Request: ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, name)})}}}
					for _, step := range states[state] {
						if err := w.do(t, step); err != nil {
							t.Fatalf("%s: %v", step, err)
						}
					}
					before, err := d.Request(t.Context(), w.e.ID)
					if err != nil || before.State != state {
						t.Fatalf("it is %s, %v", before.State, err)
					}
					err = w.do(t, thing)
					after, lost := d.Request(t.Context(), w.e.ID)
					if lost != nil {
						t.Fatal(lost)
					}
					want, ok := allowed[profile][state][thing]
					switch {
					case ok && (err != nil || after.State != want || after.Version != before.Version+1):
						t.Errorf("to %s, version %d after %d: %v", after.State, after.Version, before.Version, err)
					case ok && !slices.Contains(state.Next(), want):
						t.Errorf("%s is not in Next of %s", want, state)
					case !ok && (err == nil || after.Version != before.Version || after.State != state):
						t.Errorf("it is %s, version %d after %d: %v", after.State, after.Version, before.Version, err)
					case !ok && !errors.Is(err, ca.ErrState) && !errors.Is(err, ca.ErrRequestExists) && !errors.Is(err, ca.ErrApprovalNeeded):
						t.Errorf("refused with %v", err)
					}
				})
			}
		}
	}
}

// TestNext: the states that may follow, all pairs.
func TestNext(t *testing.T) {
	want := map[ca.RequestState]string{
		ca.Draft: "draft submitted rejected", ca.Submitted: "in-review approved rejected issued",
		ca.InReview: "in-review approved rejected issued", ca.Approved: "rejected issued", ca.Rejected: "", ca.Issued: "",
	}
	for _, from := range append(allStates, "", "nonsense") {
		for _, to := range append(allStates, "", "nonsense") {
			if got, should := slices.Contains(from.Next(), to), slices.Contains(strings.Fields(want[from]), string(to)); got != should {
				t.Errorf("%s to %s: %v", from, to, got)
			}
		}
		if _, known := want[from]; from.Known() != known {
			t.Errorf("%q is known: %v", from, from.Known())
		}
	}
}

// TestUnsigned: while nobody is registered a request is reviewed and rejected
// without a signature; once there are people, one of them signs or was
// authenticated.
func TestUnsigned(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	d := &desk{authority: root, people: make(map[string]person)}
	d.use(t, append(ca.Profiles(), twoPeople())...)
	submit := func() ca.RequestEntry {
		e, err := d.Submit(t.Context(), ca.Submission{Profile: "entrepreneur", Note: "from the counter", Request: ca.Request{
			CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, ipDN)}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := submit()
	if e, err := d.Review(t.Context(), e.ID, "root"); err != nil || e.State != ca.InReview {
		t.Fatal(err)
	}
	if e, err := d.Reject(t.Context(), e.ID, "no passport", "root"); err != nil || e.Note != "from the counter\nno passport" {
		t.Fatalf("%q, %v", e.Note, err)
	}
	e = submit()
	d.hire(t, "auditor", ca.RoleAuditor) // reads only: still nobody who could sign
	if _, err := d.Review(t.Context(), e.ID, "root"); err != nil {
		t.Fatal(err)
	}
	d.hire(t, "clerk", ca.RoleOperator)
	_, err := d.Review(t.Context(), e.ID, "clerk")
	wantErr(t, "review", err, ca.ErrUnsigned)
	_, err = d.Reject(t.Context(), e.ID, "", "clerk")
	wantErr(t, "rejection", err, ca.ErrUnsigned)
	if r := d.lastRecord(t); r.Event != "refused" || r.Data["reason"] != "unsigned" {
		t.Errorf("record: %+v", r)
	}
	for _, name := range []string{"auditor", "nobody"} {
		_, err = d.ReviewBy(t.Context(), e.ID, name)
		wantErr(t, "review by "+name, err, ca.ErrRole)
		_, err = d.RejectBy(t.Context(), e.ID, "", name)
		wantErr(t, "rejection by "+name, err, ca.ErrRole)
	}
	_, err = d.RejectBy(t.Context(), e.ID, strings.Repeat("x", limits.RequestNote+1), "clerk")
	var refused *ca.RequestError
	if !errors.As(err, &refused) || refused.Field != "note" {
		t.Errorf("a long note: %v", err)
	}
	review := d.sign(t, d.Statement(e, ca.DecisionReview, "clerk", ca.RoleOperator), "clerk")
	if _, err := d.Decide(t.Context(), e.ID, review.Statement, review.Signature, "test"); err != nil {
		t.Fatal(err)
	}
	_, err = d.Decide(t.Context(), e.ID, review.Statement, review.Signature, "test")
	wantErr(t, "the same review", err, ca.ErrReplayed)
	clerk := d.sign(t, d.Statement(e, ca.DecisionReject, "clerk", ca.RoleOperator), "clerk")
	_, err = d.Decide(t.Context(), e.ID, clerk.Statement, clerk.Signature, "test")
	wantErr(t, "a clerk rejects what approvers decide", err, ca.ErrRole)
	d.hire(t, "anna", ca.RoleApprover)
	anna := d.sign(t, d.Statement(e, ca.DecisionReject, "anna", ca.RoleApprover), "anna")
	e, err = d.DecideNote(t.Context(), e.ID, anna.Statement, anna.Signature, "a forged passport", "test")
	if err != nil || e.State != ca.Rejected || e.Note != "from the counter\na forged passport" || len(e.Approvals) != 2 {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestLapsedApproval: an approval that no longer counts is replaced by another
// person's; the request need not be handed in again.
func TestLapsedApproval(t *testing.T) {
	lapses := map[string]func(t *testing.T, d *desk){
		"removed": func(t *testing.T, d *desk) {
			if _, err := d.RemoveOperator(t.Context(), "anna", "test"); err != nil {
				t.Fatal(err)
			}
		},
		"came back with another key": func(t *testing.T, d *desk) {
			if _, err := d.RemoveOperator(t.Context(), "anna", "test"); err != nil {
				t.Fatal(err)
			}
			d.clock.t = d.clock.t.Add(1e9)
			d.hire(t, "anna", ca.RoleApprover)
		},
		"revoked": func(t *testing.T, d *desk) {
			if _, err := d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, d.people["anna"].cert)}); err != nil {
				t.Fatal(err)
			}
		},
		"on hold": func(t *testing.T, d *desk) {
			if _, err := d.Hold(t.Context(), ca.Revocation{Serial: serialOf(t, d.people["anna"].cert)}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, lapse := range lapses {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, twoPeople())
			d.hire(t, "vera", ca.RoleApprover)
			e := d.submit(t, "citizen", "submitter")
			for _, who := range []string{"anna", "boris"} {
				var err error
				if e, err = d.decide(t, e, ca.DecisionApprove, who); err != nil {
					t.Fatal(err)
				}
			}
			lapse(t, d)
			if _, err := d.IssueApproved(t.Context(), e.ID, "test"); err == nil {
				t.Fatal("it was issued with one approval")
			}
			_, err := d.decide(t, e, ca.DecisionApprove, "boris")
			wantErr(t, "the other one again", err, ca.ErrReplayed)
			_, err = d.decide(t, e, ca.DecisionApprove, "submitter")
			wantErr(t, "the submitter", err, ca.ErrSelfApproval)
			if e, err = d.decide(t, e, ca.DecisionApprove, "vera"); err != nil || e.State != ca.Approved {
				t.Fatal(e.State, err)
			}
			if _, err := d.IssueApproved(t.Context(), e.ID, "test"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTamperedRecord: what somebody writes into the ledger past the program is
// found when the certificate is to be issued.
func TestTamperedRecord(t *testing.T) {
	for name, f := range map[string]func(d *desk, e *ca.RequestEntry){
		"another submitter":     func(_ *desk, e *ca.RequestEntry) { e.Submitter = "clerk" },
		"a submission of other": func(_ *desk, e *ca.RequestEntry) { e.Submission.Statement = e.Approvals[0].Statement },
		"a forged submission":   func(_ *desk, e *ca.RequestEntry) { e.Submission.Signature = e.Approvals[0].Signature },
		"a forged approval":     func(_ *desk, e *ca.RequestEntry) { e.Approvals[1].Signature = e.Approvals[0].Signature },
		"a review as approval": func(d *desk, e *ca.RequestEntry) {
			a := d.sign(t, d.Statement(*e, ca.DecisionReview, "anna", ca.RoleApprover), "anna")
			a.Decision = ca.DecisionApprove
			e.Approvals = append(e.Approvals[1:], a)
		},
		"a rejection as approval": func(d *desk, e *ca.RequestEntry) {
			a := d.sign(t, d.Statement(*e, ca.DecisionReject, "anna", ca.RoleApprover), "anna")
			a.Decision = ca.DecisionApprove
			e.Approvals[0] = a
		},
		"a review only": func(d *desk, e *ca.RequestEntry) {
			e.Approvals[0] = d.sign(t, d.Statement(*e, ca.DecisionReview, "anna", ca.RoleApprover), "anna")
		},
		"another role":           func(_ *desk, e *ca.RequestEntry) { e.Approvals[0].Role = ca.RoleOperator },
		"another time":           func(_ *desk, e *ca.RequestEntry) { e.Approvals[0].At = e.Approvals[0].At.Add(1e9) },
		"another request":        func(d *desk, e *ca.RequestEntry) { e.CSR = d.submission(t, "citizen").CSR.Raw },
		"another identification": func(_ *desk, e *ca.RequestEntry) { e.IdentificationKind = 2 },
		"another profile":        func(_ *desk, e *ca.RequestEntry) { e.Profile = "citizen@1" },
		"a profile of nobody": func(_ *desk, e *ca.RequestEntry) {
			e.Profile, e.ProfileDigest = "citizen@1", ca.Citizen().Digest()
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, twoPeople())
			e := d.submit(t, "citizen", "submitter")
			for _, who := range []string{"anna", "boris"} {
				var err error
				if e, err = d.decide(t, e, ca.DecisionApprove, who); err != nil {
					t.Fatal(err)
				}
			}
			err := d.ledger.Update(t.Context(), func(tx ca.Tx) error {
				e, err := tx.Request(e.ID)
				if err != nil {
					return err
				}
				f(d, &e)
				if err := tx.SaveRequest(e); err != nil {
					return err
				}
				_, err = tx.Append(journal.Entry{Time: d.clock.now(), Event: "test"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.IssueApproved(t.Context(), e.ID, "test"); err == nil {
				t.Error("it was issued")
			}
		})
	}
}

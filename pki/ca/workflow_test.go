package ca_test

import (
	"bytes"
	"crypto"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// A person is an operator with a key.
type person struct {
	name string
	cert *pki.Certificate
	key  crypto.Signer
}

// desk is an authority whose citizens need two approvals.
type desk struct {
	*authority
	people map[string]person
}

// twoPeople is the citizen's profile under the two-person rule.
func twoPeople() ca.Profile {
	p := ca.Citizen()
	p.Version = 2
	p.Approvals = ca.ApprovalRule{Count: 2, Roles: []ca.Role{ca.RoleApprover}}
	return p
}

func newDesk(t *testing.T, profiles ...ca.Profile) *desk {
	t.Helper()
	key := generate(t, "gost2012-256", "cryptopro-a")
	a := newRoot(t, key, 0)
	d := &desk{authority: a, people: make(map[string]person)}
	d.use(t, append(ca.Profiles(), profiles...)...)
	for name, roles := range map[string][]ca.Role{
		"submitter": {ca.RoleOperator, ca.RoleApprover}, "anna": {ca.RoleApprover}, "boris": {ca.RoleApprover},
		"clerk": {ca.RoleOperator}, "auditor": {ca.RoleAuditor},
	} {
		d.hire(t, name, roles...)
	}
	return d
}

// use opens the same authority with other profiles.
func (d *desk) use(t *testing.T, list ...ca.Profile) {
	t.Helper()
	set, err := ca.NewProfileSet(list)
	if err != nil {
		t.Fatal(err)
	}
	d.Issuer, err = ca.New(t.Context(), ca.Config{
		Certificate: d.cert, Key: d.key, Ledger: d.ledger, Rules: sets.All(), Settings: settings(), Now: d.clock.now, Profiles: set,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) hire(t *testing.T, name string, roles ...ca.Role) person {
	t.Helper()
	key := generate(t, "gost2012-256", "")
	p := person{name: name, key: key, cert: d.issue(t, "tsa", "CN="+name, key)}
	if _, err := d.AddOperator(t.Context(), ca.NewOperator{Name: name, Roles: roles, Certificate: p.cert, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	d.people[name] = p
	return p
}

func (d *desk) submission(t *testing.T, profile string) ca.Submission {
	t.Helper()
	r := csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})
	return ca.Submission{Request: ca.Request{CSR: r, Actor: "test"}, Profile: profile}
}

// submit hands a request in, signed by somebody.
func (d *desk) submit(t *testing.T, profile, by string) ca.RequestEntry {
	t.Helper()
	s := d.submission(t, profile)
	st, err := d.SubmissionStatement(t.Context(), s, by)
	if err != nil {
		t.Fatal(err)
	}
	a := d.sign(t, st, by)
	s.Statement, s.Signature = a.Statement, a.Signature
	e, err := d.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (d *desk) sign(t *testing.T, s ca.Statement, by string) ca.Approval {
	t.Helper()
	a, err := s.Sign(nil, d.people[by].cert, d.people[by].key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (d *desk) decide(t *testing.T, e ca.RequestEntry, decision ca.Decision, by string) (ca.RequestEntry, error) {
	t.Helper()
	a := d.sign(t, d.Statement(e, decision, by, ca.RoleApprover), by)
	return d.Decide(t.Context(), e.ID, a.Statement, a.Signature, "test")
}

// lastRecord returns the record that was written last.
func (d *desk) lastRecord(t *testing.T) journal.Record {
	t.Helper()
	var last journal.Record
	err := d.ledger.View(t.Context(), func(tx ca.ReadTx) error {
		for r, err := range tx.Journal("main", 0) {
			if err != nil {
				return err
			}
			last = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func TestTwoPeople(t *testing.T) {
	d := newDesk(t, twoPeople())
	e := d.submit(t, "citizen", "submitter")
	if e.State != ca.Submitted || e.Profile != "citizen@2" || e.Submitter != "submitter" || e.Version != 1 {
		t.Fatalf("%+v", e)
	}
	_, err := d.IssueRequest(t.Context(), "citizen", ca.Request{CSR: parsed(t, e)})
	wantErr(t, "past the rule", err, ca.ErrApprovalNeeded)
	_, err = d.IssueApproved(t.Context(), e.ID, "test")
	wantErr(t, "before anybody", err, ca.ErrState)
	if e, err = d.ReviewBy(t.Context(), e.ID, "clerk"); err != nil || e.State != ca.InReview {
		t.Fatal(e.State, err)
	}
	if e, err = d.decide(t, e, ca.DecisionApprove, "anna"); err != nil || e.State != ca.InReview {
		t.Fatal(e.State, err)
	}
	_, err = d.IssueApproved(t.Context(), e.ID, "test")
	wantErr(t, "after one", err, ca.ErrState)
	if e, err = d.decide(t, e, ca.DecisionApprove, "boris"); err != nil || e.State != ca.Approved {
		t.Fatal(e.State, err)
	}
	cert, err := d.IssueApproved(t.Context(), e.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	if r := d.lastRecord(t); r.Event != "issue" || r.Data["request"] != e.ID || r.Data["profile"] != "citizen@2" ||
		r.Data["profileDigest"] != twoPeople().Digest() {
		t.Errorf("record: %+v", r)
	}
	done, err := d.Request(t.Context(), e.ID)
	if err != nil || done.State != ca.Issued || done.Serial != serialOf(t, cert) || len(done.Approvals) != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	_, err = d.IssueApproved(t.Context(), e.ID, "test")
	wantErr(t, "twice", err, ca.ErrState)
}

func parsed(t *testing.T, e ca.RequestEntry) *pki.CertificateRequest {
	t.Helper()
	r, err := pki.ParseRequest(e.CSR)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDecisionRefused: forged, replayed, stale, foreign and cross-role
// statements are refused, put on record, and change nothing.
func TestDecisionRefused(t *testing.T) {
	d := newDesk(t, twoPeople())
	other := d.submit(t, "citizen", "submitter")
	e := d.submit(t, "citizen", "submitter")
	stranger := person{name: "anna", key: generate(t, "gost2012-256", "")}
	stranger.cert = d.issue(t, "tsa", "CN=anna", stranger.key)
	if _, err := d.decide(t, e, ca.DecisionApprove, "boris"); err != nil {
		t.Fatal(err)
	}
	base := func() ca.Statement { return d.Statement(e, ca.DecisionApprove, "anna", ca.RoleApprover) }
	by := func(change func(s *ca.Statement), who string) ca.Approval {
		s := base()
		s.Operator = who
		change(&s)
		return d.sign(t, s, who)
	}
	forged := by(func(*ca.Statement) {}, "anna")
	forged.Signature = bytes.Clone(forged.Signature)
	forged.Signature[len(forged.Signature)-3] ^= 1
	strange, err := base().Sign(nil, stranger.cert, stranger.key)
	if err != nil {
		t.Fatal(err)
	}
	swapped := by(func(*ca.Statement) {}, "anna")
	swapped.Statement = d.Statement(e, ca.DecisionReject, "anna", ca.RoleApprover).Text()
	large := by(func(*ca.Statement) {}, "anna")
	large.Signature = append(bytes.Clone(large.Signature), make([]byte, limits.ApprovalSignature)...)
	long := by(func(*ca.Statement) {}, "anna")
	long.Statement = append(bytes.Clone(long.Statement), make([]byte, limits.Statement)...)
	elsewhere := newDesk(t, twoPeople())
	for _, tt := range []struct {
		name   string
		a      ca.Approval
		want   error
		reason string
	}{
		{"forged", forged, ca.ErrStatement, "statement: signature"},
		{"another key under the name", strange, ca.ErrStatement, "statement: signature"},
		{"a signature of another statement", swapped, ca.ErrStatement, "statement: signature"},
		{"oversized signature", large, ca.ErrStatement, "statement: signature"},
		{"oversized statement", long, ca.ErrStatement, "statement: text"},
		{"no signature", ca.Approval{Statement: base().Text()}, ca.ErrStatement, "statement: signature"},
		{"nothing", ca.Approval{}, ca.ErrStatement, "statement: text"},
		{"another request", by(func(s *ca.Statement) { s.Request = other.ID }, "anna"), ca.ErrStatement, "statement: request"},
		{"another authority", by(func(s *ca.Statement) {
			s.Authority = elsewhere.Statement(e, ca.DecisionApprove, "anna", ca.RoleApprover).Authority
		}, "anna"), ca.ErrStatement, "statement: authority"},
		{"another profile", by(func(s *ca.Statement) { s.Profile = "citizen@1" }, "anna"), ca.ErrStatement, "statement: profile"},
		{"another digest", by(func(s *ca.Statement) { s.ProfileDigest = strings.Repeat("0", 64) }, "anna"), ca.ErrStatement, "statement: profile-digest"},
		{"other days", by(func(s *ca.Statement) { s.Days = 1000 }, "anna"), ca.ErrStatement, "statement: days"},
		{"another identification", by(func(s *ca.Statement) { s.Identification = 2 }, "anna"), ca.ErrStatement, "statement: identification"},
		{"stale", by(func(s *ca.Statement) { s.Time = s.Time.Add(-25 * time.Hour) }, "anna"), ca.ErrStatement, "statement: time"},
		{"from the future", by(func(s *ca.Statement) { s.Time = s.Time.Add(time.Hour) }, "anna"), ca.ErrStale, "stale"},
		{"replayed", by(func(*ca.Statement) {}, "boris"), ca.ErrReplayed, "replayed"},
		{"the submitter", by(func(*ca.Statement) {}, "submitter"), ca.ErrSelfApproval, "self-approval"},
		{"a clerk", by(func(*ca.Statement) {}, "clerk"), ca.ErrRole, "role"},
		{"a clerk as operator", by(func(s *ca.Statement) { s.Role = ca.RoleOperator }, "clerk"), ca.ErrRole, "role"},
		{"the auditor", by(func(*ca.Statement) {}, "auditor"), ca.ErrRole, "role"},
		{"a submission as approval", by(func(s *ca.Statement) { s.Decision = ca.DecisionSubmit }, "anna"), ca.ErrRole, "role"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "stale" { // its time must be one of the operator's certificate
				d.clock.t = d.clock.t.Add(48 * time.Hour)
				defer func() { d.clock.t = d.clock.t.Add(-48 * time.Hour) }()
				s := base()
				s.Time = s.Time.Add(-25 * time.Hour)
				tt.a, tt.want, tt.reason = d.sign(t, s, "anna"), ca.ErrStale, "stale"
			}
			before, err := d.Request(t.Context(), e.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.Decide(t.Context(), e.ID, tt.a.Statement, tt.a.Signature, "test")
			wantErr(t, tt.name, err, tt.want)
			if r := d.lastRecord(t); r.Event != "refused" || r.Subject != e.ID || r.Data["reason"] != tt.reason {
				t.Errorf("record: %s %s %v", r.Event, r.Subject, r.Data)
			}
			if after, err := d.Request(t.Context(), e.ID); err != nil || after.Version != before.Version {
				t.Errorf("it was changed: %+v, %v", after, err)
			}
		})
	}
	if e, err = d.decide(t, e, ca.DecisionApprove, "anna"); err != nil || e.State != ca.Approved {
		t.Fatalf("the right one: %s, %v", e.State, err)
	}
}

func TestSubmitRefused(t *testing.T) {
	d := newDesk(t, twoPeople())
	s := d.submission(t, "citizen")
	_, err := d.Submit(t.Context(), s)
	wantErr(t, "nobody vouches", err, ca.ErrSubmitter)
	signed := func(by string, change func(*ca.Statement)) ca.Submission {
		q := d.submission(t, "citizen")
		st, err := d.SubmissionStatement(t.Context(), q, by)
		if err != nil {
			t.Fatal(err)
		}
		change(&st)
		a := d.sign(t, st, by)
		q.Statement, q.Signature = a.Statement, a.Signature
		return q
	}
	_, err = d.Submit(t.Context(), signed("anna", func(*ca.Statement) {}))
	wantErr(t, "an approver submits", err, ca.ErrRole)
	_, err = d.Submit(t.Context(), signed("clerk", func(s *ca.Statement) { s.Decision = ca.DecisionApprove }))
	wantErr(t, "an approval as submission", err, ca.ErrRole)
	good := signed("clerk", func(*ca.Statement) {})
	good.Days = 30
	_, err = d.Submit(t.Context(), good)
	wantErr(t, "other days than signed", err, ca.ErrStatement)
	good.Days = 0
	if _, err = d.Submit(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	_, err = d.Submit(t.Context(), good)
	wantErr(t, "twice", err, ca.ErrRequestExists)
	s.Note = strings.Repeat("x", limits.RequestNote+1)
	_, err = d.Submit(t.Context(), s)
	var refused *ca.RequestError
	if !errors.As(err, &refused) || refused.Field != "note" {
		t.Errorf("a long note: %v", err)
	}
	s.Note, s.Profile = "", "nonsense"
	_, err = d.Submit(t.Context(), s)
	wantErr(t, "profile", err, ca.ErrProfile)
	if _, err := d.Submit(t.Context(), ca.Submission{}); err == nil {
		t.Error("nothing is accepted")
	}
	s.Profile, s.Authenticated, s.Submitter = "citizen", true, "est:client"
	if e, err := d.Submit(t.Context(), s); err != nil || e.Submitter != "est:client" {
		t.Errorf("authenticated: %+v, %v", e, err)
	}
}

// TestRecheckedAtIssue: what was approved is checked again when it is issued.
func TestRecheckedAtIssue(t *testing.T) {
	approved := func(t *testing.T) (*desk, ca.RequestEntry) {
		d := newDesk(t, twoPeople())
		e := d.submit(t, "citizen", "submitter")
		for _, who := range []string{"anna", "boris"} {
			var err error
			if e, err = d.decide(t, e, ca.DecisionApprove, who); err != nil {
				t.Fatal(err)
			}
		}
		return d, e
	}
	save := func(t *testing.T, d *desk, id string, f func(*ca.RequestEntry)) {
		t.Helper()
		err := d.ledger.Update(t.Context(), func(tx ca.Tx) error {
			e, err := tx.Request(id)
			if err != nil {
				return err
			}
			f(&e)
			if err := tx.SaveRequest(e); err != nil {
				return err
			}
			_, err = tx.Append(journal.Entry{Time: d.clock.now(), Event: "test"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		f    func(t *testing.T, d *desk, e ca.RequestEntry)
		want error
	}{
		{"an approver was removed", func(t *testing.T, d *desk, _ ca.RequestEntry) {
			if _, err := d.RemoveOperator(t.Context(), "anna", "test"); err != nil {
				t.Fatal(err)
			}
		}, ca.ErrRole},
		{"an approver's certificate was revoked", func(t *testing.T, d *desk, _ ca.RequestEntry) {
			if _, err := d.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, d.people["anna"].cert)}); err != nil {
				t.Fatal(err)
			}
		}, ca.ErrStatement},
		{"the profile was changed", func(t *testing.T, d *desk, _ ca.RequestEntry) {
			p := twoPeople()
			p.Months = 36
			d.use(t, append(ca.Profiles(), p)...)
		}, ca.ErrProfileChanged},
		{"the approvals are old", func(_ *testing.T, d *desk, _ ca.RequestEntry) { d.clock.t = d.clock.t.AddDate(0, 0, 31) }, ca.ErrStale},
		{"an approval was taken out", func(t *testing.T, d *desk, e ca.RequestEntry) {
			save(t, d, e.ID, func(e *ca.RequestEntry) { e.Approvals = e.Approvals[:1] })
		}, ca.ErrApprovalNeeded},
		{"one approval twice", func(t *testing.T, d *desk, e ca.RequestEntry) {
			save(t, d, e.ID, func(e *ca.RequestEntry) { e.Approvals[1] = e.Approvals[0] })
		}, ca.ErrApprovalNeeded},
		{"a name was changed", func(t *testing.T, d *desk, e ca.RequestEntry) {
			save(t, d, e.ID, func(e *ca.RequestEntry) { e.Approvals[1].Operator = "clerk" })
		}, ca.ErrStatement},
		{"the days were changed", func(t *testing.T, d *desk, e ca.RequestEntry) {
			save(t, d, e.ID, func(e *ca.RequestEntry) { e.Days = 900 })
		}, ca.ErrStatement},
		{"the submitter was changed to an approver", func(t *testing.T, d *desk, e ca.RequestEntry) {
			save(t, d, e.ID, func(e *ca.RequestEntry) { e.Submitter = "anna" })
		}, ca.ErrSelfApproval},
		{"the key was blocked", func(t *testing.T, d *desk, e ca.RequestEntry) {
			id, err := alg.KeyIdentifier(parsed(t, e).RawSubjectPublicKeyInfo)
			if err != nil {
				t.Fatal(err)
			}
			err = d.ledger.Update(t.Context(), func(tx ca.Tx) error {
				_, err := tx.Append(journal.Entry{Time: d.clock.now(), Event: "test"})
				return errors.Join(tx.BlockKey(id), err)
			})
			if err != nil {
				t.Fatal(err)
			}
		}, ca.ErrKeyBlocked},
		{"an unknown request", func(t *testing.T, d *desk, e ca.RequestEntry) {
			if _, err := d.IssueApproved(t.Context(), strings.Repeat("0", 64), "test"); !errors.Is(err, ca.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, e := approved(t)
			tt.f(t, d, e)
			_, err := d.IssueApproved(t.Context(), e.ID, "test")
			wantErr(t, tt.name, err, tt.want)
			if tt.want != nil {
				if after, err := d.Request(t.Context(), e.ID); err != nil || after.State == ca.Issued {
					t.Errorf("it was issued: %+v, %v", after, err)
				}
			}
		})
	}
}

// TestRequestStates walks along every edge of the state machine that there is, and one
// that there is not from each state.
func TestRequestStates(t *testing.T) {
	d := newDesk(t)
	draft := d.submission(t, "citizen")
	draft.Draft, draft.Note = true, "first"
	e, err := d.Submit(t.Context(), draft)
	if err != nil || e.State != ca.Draft {
		t.Fatal(e.State, err)
	}
	_, err = d.ReviewBy(t.Context(), e.ID, "clerk")
	wantErr(t, "review of a draft", err, ca.ErrState)
	_, err = d.decide(t, e, ca.DecisionApprove, "anna")
	wantErr(t, "approval of a draft", err, ca.ErrState)
	_, err = d.IssueApproved(t.Context(), e.ID, "test")
	wantErr(t, "issue of a draft", err, ca.ErrState)
	draft.Draft, draft.Days = false, 30
	if e, err = d.Submit(t.Context(), draft); err != nil || e.State != ca.Submitted || e.Version != 2 || e.Days != 30 {
		t.Fatalf("%+v, %v", e, err)
	}
	_, err = d.Submit(t.Context(), draft)
	wantErr(t, "back to a submission", err, ca.ErrRequestExists)
	if e, err = d.decide(t, e, ca.DecisionApprove, "anna"); err != nil || e.State != ca.Approved {
		t.Fatal(e.State, err)
	}
	_, err = d.ReviewBy(t.Context(), e.ID, "clerk")
	wantErr(t, "review of an approved one", err, ca.ErrState)
	_, err = d.decide(t, e, ca.DecisionApprove, "boris")
	wantErr(t, "approval of an approved one", err, ca.ErrState)
	if e, err = d.decide(t, e, ca.DecisionReject, "boris"); err != nil || e.State != ca.Rejected {
		t.Fatal(e.State, err)
	}
	for what, f := range map[string]func() error{
		"issue":  func() error { _, err := d.IssueApproved(t.Context(), e.ID, "test"); return err },
		"reject": func() error { _, err := d.RejectBy(t.Context(), e.ID, "", "clerk"); return err },
		"review": func() error { _, err := d.ReviewBy(t.Context(), e.ID, "clerk"); return err },
	} {
		wantErr(t, what+" of a rejected one", f(), ca.ErrState)
	}
	// Nobody has to agree: a submitted request may be issued, or refused by hand.
	q := d.submission(t, "citizen")
	if e, err = d.Submit(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if _, err := d.IssueApproved(t.Context(), e.ID, "test"); err != nil {
		t.Fatal(err)
	}
	if e, err = d.Submit(t.Context(), d.submission(t, "citizen")); err != nil {
		t.Fatal(err)
	}
	if e, err = d.RejectBy(t.Context(), e.ID, "why", "clerk"); err != nil || e.State != ca.Rejected || e.Note != "why" {
		t.Fatal(e.State, err)
	}
	list, next, err := d.RequestPage(t.Context(), ca.RequestFilter{State: ca.Rejected}, "", 1)
	if err != nil || len(list) != 1 || next == "" {
		t.Fatalf("%d, %q, %v", len(list), next, err)
	}
	list, next, err = d.RequestPage(t.Context(), ca.RequestFilter{State: ca.Rejected}, next, 10)
	if err != nil || len(list) != 1 || next != "" {
		t.Fatalf("%d, %q, %v", len(list), next, err)
	}
	found, err := d.FindRequest(t.Context(), e.ID[:12])
	if err != nil || found.ID != e.ID {
		t.Errorf("%v", err)
	}
	for _, prefix := range []string{"", e.ID[:7], strings.Repeat("0", 20)} {
		_, err := d.FindRequest(t.Context(), prefix)
		wantErr(t, prefix, err, ca.ErrNotFound)
	}
}

func TestOperators(t *testing.T) {
	d := newDesk(t)
	key := generate(t, "gost2012-256", "")
	cert := d.issue(t, "citizen", citizenDN, key)
	good := ca.NewOperator{Name: "ivan", Roles: []ca.Role{ca.RoleApprover}, Certificate: cert}
	for name, tt := range map[string]struct {
		change func(n *ca.NewOperator)
		want   error
	}{
		"no name":       {func(n *ca.NewOperator) { n.Name = "" }, ca.ErrOperator},
		"a line feed":   {func(n *ca.NewOperator) { n.Name = "a\nb" }, ca.ErrOperator},
		"no role":       {func(n *ca.NewOperator) { n.Roles = nil }, ca.ErrOperator},
		"unknown role":  {func(n *ca.NewOperator) { n.Roles = []ca.Role{"root"} }, ca.ErrOperator},
		"a role twice":  {func(n *ca.NewOperator) { n.Roles = slices.Repeat(n.Roles, 2) }, ca.ErrOperator},
		"no key":        {func(n *ca.NewOperator) { n.Certificate = nil }, ca.ErrOperator},
		"the authority": {func(n *ca.NewOperator) { n.Certificate = d.cert }, ca.ErrOperator},
		"a taken name":  {func(n *ca.NewOperator) { n.Name = "anna" }, ca.ErrOperatorExists},
		"a taken key":   {func(n *ca.NewOperator) { n.Certificate = d.people["anna"].cert }, ca.ErrOperatorExists},
	} {
		n := good
		tt.change(&n)
		_, err := d.AddOperator(t.Context(), n)
		wantErr(t, name, err, tt.want)
	}
	if _, err := d.AddOperator(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	// The same person, another key, another name.
	twin := ca.NewOperator{Name: "vanya", Roles: good.Roles, Certificate: d.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", ""))}
	_, err := d.AddOperator(t.Context(), twin)
	wantErr(t, "the same SNILS", err, ca.ErrOperatorExists)
	if _, err := d.RemoveOperator(t.Context(), "ivan", "test"); err != nil {
		t.Fatal(err)
	}
	_, err = d.RemoveOperator(t.Context(), "ivan", "test")
	wantErr(t, "removed twice", err, ca.ErrNotFound)
	if _, err := d.AddOperator(t.Context(), twin); err != nil {
		t.Errorf("after the removal: %v", err)
	}
	list, err := d.Operators(t.Context())
	if err != nil || len(list) != 7 || list[0].Name != "anna" {
		t.Errorf("%d operators, %v", len(list), err)
	}
	d.clock.t = d.clock.t.AddDate(0, 16, 0)
	_, err = d.AddOperator(t.Context(), good)
	wantErr(t, "an expired certificate", err, ca.ErrOperator)
}

func TestProfileLimitsKeys(t *testing.T) {
	p := ca.Citizen()
	p.Keys, p.Version = []string{"gost2012-256"}, 2
	d := newDesk(t, p)
	d.issue(t, "citizen@2", citizenDN, generate(t, "gost2012-256", ""))
	_, err := d.IssueRequest(t.Context(), "citizen", ca.Request{CSR: csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
	var refused *ca.RequestError
	if !errors.As(err, &refused) || refused.Field != "publicKey" {
		t.Errorf("got %v", err)
	}
	_, err = d.IssueRequest(t.Context(), "citizen@1", ca.Request{CSR: csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
	wantErr(t, "around it by an earlier version", err, ca.ErrSuperseded)
}

// TestSuperseded: an earlier version of a profile is no way past the people that
// the later one asks for, and not by a request that was handed in before either.
func TestSuperseded(t *testing.T) {
	d := newDesk(t)
	s := d.submission(t, "citizen@1")
	waiting, err := d.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	third := ca.Entrepreneur()
	third.Version, third.Months = 3, 12
	other := d.submission(t, "entrepreneur@1")
	other.CSR = csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, ipDN)})
	harmless, err := d.Submit(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	d.use(t, append(ca.Profiles(), twoPeople(), third)...)
	r := ca.Request{CSR: d.submission(t, "").CSR, Actor: "test"}
	_, err = d.IssueRequest(t.Context(), "citizen@1", r)
	wantErr(t, "issue", err, ca.ErrSuperseded)
	if rec := d.lastRecord(t); rec.Event != "refused" || rec.Data["reason"] != "superseded" || rec.Subject != ca.RequestID(r.CSR) {
		t.Errorf("record: %+v", rec)
	}
	_, err = d.IssueRequest(t.Context(), "citizen@2", r)
	wantErr(t, "the later one", err, ca.ErrApprovalNeeded)
	_, err = d.Prepare(t.Context(), ca.Citizen(), r)
	wantErr(t, "prepare", err, ca.ErrSuperseded)
	changed := ca.SubCA()
	changed.Policies = nil
	_, err = d.Prepare(t.Context(), changed, ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, "CN=x")})})
	wantErr(t, "prepare by a profile that only looks like the authority's", err, ca.ErrProfileChanged)
	_, err = d.Submit(t.Context(), d.submission(t, "citizen@1"))
	wantErr(t, "submit", err, ca.ErrSuperseded)
	err = d.Bulk(t.Context(), slices.Values([]ca.BulkItem{{CSR: r.CSR.Raw, Profile: "citizen@1"}}), "test", func(r ca.BulkResult) error { return r.Err })
	wantErr(t, "bulk", err, ca.ErrSuperseded)
	_, err = d.IssueApproved(t.Context(), waiting.ID, "test")
	wantErr(t, "handed in before", err, ca.ErrSuperseded)
	c, err := d.IssueApproved(t.Context(), harmless.ID, "test")
	if err != nil || !c.NotAfter.Equal(d.clock.t.AddDate(0, 15, 0)) {
		t.Errorf("handed in before, and nobody more is asked for: %v", err)
	}
}

// TestOneKeyOneName: a key is the same key under every identifier of its curve,
// and a person the same with every certificate that has their INN.
func TestOneKeyOneName(t *testing.T) {
	d := newDesk(t)
	curves := []string{"cryptopro-a", "cryptopro-xcha", "tc26-256-b"}
	base := generate(t, "gost2012-256", curves[0]).(*gost3410.PrivateKey)
	for n, name := range curves {
		c, ok := gost3410.CurveByName(name)
		if !ok {
			t.Fatal(name)
		}
		key, err := gost3410.NewPrivateKey(c, base.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.AddOperator(t.Context(), ca.NewOperator{Name: "twin" + strconv.Itoa(n), Roles: []ca.Role{ca.RoleApprover}, Certificate: d.issue(t, "tsa", "CN="+name, key)})
		if want := ca.ErrOperatorExists; n > 0 {
			wantErr(t, name, err, want)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	person := func(name, subject string) error {
		c := d.issue(t, "tsa", subject, generate(t, "gost2012-256", ""))
		_, err := d.AddOperator(t.Context(), ca.NewOperator{Name: name, Roles: []ca.Role{ca.RoleApprover}, Certificate: c})
		return err
	}
	if err := person("petr", "CN=a,INN=500100732259"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "the same INN", person("pyotr", "CN=b,SNILS=11223344595,INN=500100732259"), ca.ErrOperatorExists)
	if err := person("ivan", "CN=b,SNILS=11223344595"); err != nil {
		t.Errorf("another number: %v", err)
	}
}

// TestKeyPeriodOfOperator: a statement counts within the period of the
// operator's key, which may be shorter than the certificate's.
func TestKeyPeriodOfOperator(t *testing.T) {
	short := ca.TSA()
	short.Name, short.KeyMonths = "short", 1
	d := newDesk(t, twoPeople(), short)
	key := generate(t, "gost2012-256", "")
	vera := person{name: "vera", key: key, cert: d.issue(t, "short", "CN=vera", key)}
	if _, err := d.AddOperator(t.Context(), ca.NewOperator{Name: "vera", Roles: []ca.Role{ca.RoleApprover}, Certificate: vera.cert}); err != nil {
		t.Fatal(err)
	}
	d.people["vera"] = vera
	d.clock.t = vera.cert.PrivateKeyNotAfter.Add(time.Second)
	e := d.submit(t, "citizen", "submitter")
	_, err := d.decide(t, e, ca.DecisionApprove, "vera")
	var refused *ca.StatementError
	if !errors.As(err, &refused) || refused.Field != "time" {
		t.Errorf("after the key's period: %v", err)
	}
	d.clock.t = vera.cert.PrivateKeyNotAfter
	if _, err := d.decide(t, e, ca.DecisionApprove, "vera"); err != nil {
		t.Errorf("on its last second: %v", err)
	}
}

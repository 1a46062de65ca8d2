package ledgertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// RawState is the state of a ledger as somebody sees it who can write the store
// itself. Keys are in hexadecimal digits where they are octets; values are JSON.
type RawState struct {
	Entries      map[string]string
	Listed       map[string]bool // serial numbers in the index of the next list
	Certificates map[string]string
	Blocked      map[string]bool
	Lists        map[uint64]string
	Requests     map[string]string
	Operators    map[string]string
}

func (r RawState) clone() *RawState {
	return &RawState{
		maps.Clone(r.Entries), maps.Clone(r.Listed), maps.Clone(r.Certificates), maps.Clone(r.Blocked), maps.Clone(r.Lists),
		maps.Clone(r.Requests), maps.Clone(r.Operators),
	}
}

// TamperState changes what the ledger at a place keeps, while nobody has it open.
type TamperState func(t *testing.T, dir string, edit func(*RawState))

// stateDesk is an authority that did a little of everything, on two nodes.
type stateDesk struct {
	now                          time.Time
	key                          *ecdsa.PrivateKey
	cert                         *pki.Certificate
	valid, held, revoked, broken string // serial numbers in hexadecimal digits, padded
	request, issued              string
}

// RunStateTampering edits the state behind a ledger's back in every way that
// [ca.VerifyState] promises to find, and demands what is named.
func RunStateTampering(t *testing.T, open OpenNode, tamper TamperState) {
	dir := t.TempDir()
	d := newStateDesk(t, open, dir)
	var whole RawState
	tamper(t, dir, func(r *RawState) { whole = *r.clone() })
	restore := func(r *RawState) { *r = *whole.clone() }
	for _, tt := range d.attacks() {
		t.Run(tt.name, func(t *testing.T) {
			tamper(t, dir, func(r *RawState) {
				restore(r)
				tt.edit(r)
				if same(r, &whole) {
					t.Fatal("the attack changes nothing")
				}
			})
			l := open(t, dir, "n1")
			_, err := ca.VerifyState(t.Context(), l)
			_, journalErr := ca.VerifyJournal(t.Context(), l)
			if cerr := errors.Join(l.Close(), journalErr); cerr != nil {
				t.Error(cerr) // the journal itself is whole
			}
			var s *ca.StateError
			if !errors.As(err, &s) || s.Kind != tt.kind || tt.of != "" && s.Name != strings.TrimLeft(tt.of, "0") && s.Name != tt.of || s.Field != tt.field {
				t.Errorf("got %v, want %s %s %s", err, tt.kind, tt.of, tt.field)
			}
		})
	}
	tamper(t, dir, restore)
	l := open(t, dir, "n2")
	defer l.Close() //nolint:errcheck // read only
	got, err := ca.VerifyState(t.Context(), l)
	if err != nil || got.Certificates != 5 || got.Requests != 2 || got.Operators != 2 || got.Unproven != 0 || len(got.Chains) != 2 {
		t.Errorf("the whole state: %+v, %v", got, err)
	}
}

func same(a, b *RawState) bool {
	return maps.Equal(a.Entries, b.Entries) && maps.Equal(a.Listed, b.Listed) && maps.Equal(a.Certificates, b.Certificates) &&
		maps.Equal(a.Blocked, b.Blocked) && maps.Equal(a.Lists, b.Lists) && maps.Equal(a.Requests, b.Requests) && maps.Equal(a.Operators, b.Operators)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newStateDesk(t *testing.T, open OpenNode, dir string) *stateDesk {
	t.Helper()
	d := &stateDesk{now: now, key: must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	clock := func() time.Time { return d.now }
	name := must[pki.Name](t)(pki.ParseDN("CN=Root,O=Test,C=RU"))
	d.cert = must[*pki.Certificate](t)(ca.NewRoot(d.key, ca.RootOptions{Subject: name, Rules: sets.All(), Now: clock}))
	on := func(node string, f func(i *ca.Issuer)) {
		t.Helper()
		l := open(t, dir, node)
		if err := ca.Found(t.Context(), l, d.cert, "test", d.now); err != nil {
			t.Fatal(err)
		}
		f(must[*ca.Issuer](t)(ca.New(t.Context(), ca.Config{Certificate: d.cert, Key: d.key, Ledger: l, Rules: sets.All(), Now: clock})))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(time.Minute)
	}
	request := func(subject string) *pki.CertificateRequest {
		key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		return must[*pki.CertificateRequest](t)(pki.ParseRequest(must[[]byte](t)(pki.CreateRequest(rand.Reader, &pki.RequestTemplate{
			Subject: must[pki.Name](t)(pki.ParseDN(subject)),
		}, crypto.Signer(key)))))
	}
	var certs []*pki.Certificate
	var serials []ca.Serial
	on("n1", func(i *ca.Issuer) {
		for range 4 {
			c := must[*pki.Certificate](t)(i.IssueRequest(t.Context(), "ocsp", ca.Request{CSR: request("CN=Responder,C=RU"), Actor: "test"}))
			certs, serials = append(certs, c), append(serials, must[ca.Serial](t)(ca.SerialFrom(c.SerialNumber)))
		}
		for n, name := range []string{"anna", "boris"} {
			must[ca.Operator](t)(i.AddOperator(t.Context(), ca.NewOperator{Name: name, Roles: []ca.Role{ca.RoleOperator}, Certificate: certs[n], Actor: "test"}))
		}
	})
	on("n2", func(i *ca.Issuer) { must[ca.Entry](t)(i.Hold(t.Context(), ca.Revocation{Serial: serials[1]})) })
	on("n1", func(i *ca.Issuer) { must[ca.Entry](t)(i.Release(t.Context(), ca.Revocation{Serial: serials[1]})) })
	on("n2", func(i *ca.Issuer) {
		must[ca.Entry](t)(i.Hold(t.Context(), ca.Revocation{Serial: serials[1]}))
		must[ca.Entry](t)(i.Revoke(t.Context(), ca.Revocation{Serial: serials[2], Reason: ca.Superseded, InvalidityDate: d.now.Add(-time.Hour)}))
		must[ca.Entry](t)(i.Revoke(t.Context(), ca.Revocation{Serial: serials[3], Reason: ca.KeyCompromise}))
		must[ca.Operator](t)(i.RemoveOperator(t.Context(), "boris", "test"))
	})
	on("n1", func(i *ca.Issuer) {
		must[ca.CRLEntry](t)(i.CRL(t.Context(), "test"))
		for n, id := range []*string{&d.request, &d.issued} {
			e := must[ca.RequestEntry](t)(i.Submit(t.Context(), ca.Submission{Request: ca.Request{CSR: request("CN=Responder"), Actor: "anna"}, Profile: "ocsp", Submitter: "anna", Authenticated: true}))
			if *id = e.ID; n == 1 {
				must[*pki.Certificate](t)(i.IssueApproved(t.Context(), e.ID, "test"))
			}
		}
	})
	for n, s := range []*string{&d.valid, &d.held, &d.revoked, &d.broken} {
		*s = hex.EncodeToString(serials[n][:])
	}
	return d
}

// stateAttack is one change and what must be named.
type stateAttack struct {
	name      string
	edit      func(r *RawState)
	kind      ca.StateKind
	of, field string
}

// replace changes a value where it has a text.
func replace(m func(r *RawState) map[string]string, key, old, with string) func(*RawState) {
	return func(r *RawState) { m(r)[key] = strings.ReplaceAll(m(r)[key], old, with) }
}

func (d *stateDesk) attacks() []stateAttack {
	entries := func(r *RawState) map[string]string { return r.Entries }
	requests := func(r *RawState) map[string]string { return r.Requests }
	operators := func(r *RawState) map[string]string { return r.Operators }
	cert := func(name, of, field string, edit func(*RawState)) stateAttack {
		return stateAttack{name, edit, ca.StateCertificate, of, field}
	}
	valid := func(of string) func(*RawState) {
		return func(r *RawState) {
			head, _, _ := strings.Cut(r.Entries[of], `,"status":`)
			r.Entries[of] = head + `,"status":"valid"}`
			delete(r.Listed, of)
		}
	}
	return slices.Concat([]stateAttack{
		cert("a revocation taken back", d.revoked, "status", valid(d.revoked)),
		cert("a hold taken back", d.held, "status", valid(d.held)),
		cert("revoked without a record", d.valid, "status", func(r *RawState) {
			replace(entries, d.valid, `"status":"valid"`, `"status":"revoked","revokedAt":"2026-06-02T12:00:00Z","reason":4`)(r)
			r.Listed[d.valid] = true
		}),
		cert("another reason", d.revoked, "reason", replace(entries, d.revoked, `"reason":4`, `"reason":5`)),
		cert("another time", d.revoked, "revokedAt", replace(entries, d.revoked, `"revokedAt":"2026-06-02T12:03`, `"revokedAt":"2026-06-02T12:04`)),
		cert("another invalidity date", d.revoked, "invalidityDate", replace(entries, d.revoked, `"invalidityDate":"2026-06-02T11`, `"invalidityDate":"2026-06-02T10`)),
		cert("off the lists too early", d.revoked, "droppedAfter", func(r *RawState) {
			replace(entries, d.revoked, `"reason":4`, `"reason":4,"droppedAfter":1`)(r)
			delete(r.Listed, d.revoked)
		}),
		cert("out of the index of the next list", d.revoked, "listed", func(r *RawState) { delete(r.Listed, d.revoked) }),
		cert("into the index of the next list", d.valid, "listed", func(r *RawState) { r.Listed[d.valid] = true }),
		cert("another subject", d.valid, "subject", replace(entries, d.valid, "CN=Responder", "CN=Another")),
		cert("another profile", d.valid, "profile", replace(entries, d.valid, `"profile":"ocsp`, `"profile":"tsa`)),
		cert("another end", d.valid, "notAfter", replace(entries, d.valid, `"notAfter":"20`, `"notAfter":"21`)),
		cert("another issue time", d.valid, "issuedAt", replace(entries, d.valid, `"issuedAt":"2026-06-02T12:00`, `"issuedAt":"2026-06-02T12:01`)),
		cert("certificates exchanged", d.valid, "serial", func(r *RawState) { r.Certificates[d.valid] = r.Certificates[d.held] }),
		cert("a certificate removed", d.revoked, "entry", func(r *RawState) {
			delete(r.Entries, d.revoked)
			delete(r.Certificates, d.revoked)
			delete(r.Listed, d.revoked)
		}),
		cert("a certificate without a record", "ff"+d.valid[2:], "serial", func(r *RawState) {
			s := "ff" + d.valid[2:]
			r.Entries[s] = strings.ReplaceAll(r.Entries[d.valid], strings.TrimLeft(d.valid, "0"), s)
			r.Certificates[s] = r.Certificates[d.valid]
		}),
	}, []stateAttack{
		{"the number of the last list", func(r *RawState) {
			r.Lists[9] = strings.Replace(r.Lists[1], `"number":1`, `"number":9`, 1)
			delete(r.Lists, 1)
		}, ca.StateList, "9", "number"},
		{"the last list removed", func(r *RawState) { clear(r.Lists) }, ca.StateList, "0", "number"},
		{"the entries of the last list", func(r *RawState) { r.Lists[1] = strings.Replace(r.Lists[1], `"entries":3`, `"entries":2`, 1) }, ca.StateList, "1", "entries"},
		{"a key set free", func(r *RawState) { clear(r.Blocked) }, ca.StateBlockedKey, "", "entry"},
		{"a key blocked", func(r *RawState) { r.Blocked["00"] = true }, ca.StateBlockedKey, "00", "record"},
		{"a request's state", replace(requests, d.request, `"state":"submitted"`, `"state":"approved"`), ca.StateRequest, d.request, "state"},
		{"a request's version", replace(requests, d.request, `"version":1`, `"version":2`), ca.StateRequest, d.request, "version"},
		{"a request's submitter", replace(requests, d.request, `"submitter":"anna"`, `"submitter":"boris"`), ca.StateRequest, d.request, "submitter"},
		{"a request's content", replace(requests, d.request, `"csr":"MI`, `"csr":"MJ`), ca.StateRequest, d.request, "csr"},
		{"a request removed", func(r *RawState) { delete(r.Requests, d.request) }, ca.StateRequest, d.request, "entry"},
		{"an issued request opened again", replace(requests, d.issued, `"state":"issued"`, `"state":"submitted"`), ca.StateRequest, d.issued, "serial"},
		{"another operator's certificate", func(r *RawState) {
			a, b := member1(r.Operators["anna"], "certificate"), member1(r.Operators["boris"], "certificate")
			replace(operators, "anna", a, b)(r)
		}, ca.StateOperator, "anna", "certificate"},
		{"another role", replace(operators, "anna", `["operator"]`, `["operator","approver"]`), ca.StateOperator, "anna", "certificate"},
		{"an operator put back", func(r *RawState) {
			head, _, _ := strings.Cut(r.Operators["boris"], `,"removed"`)
			r.Operators["boris"] = head + "}"
		}, ca.StateOperator, "boris", "removed"},
		{"an operator added", func(r *RawState) {
			r.Operators["carl"] = strings.Replace(r.Operators["anna"], `"name":"anna"`, `"name":"carl"`, 1)
		}, ca.StateOperator, "carl", "record"},
		{"an operator removed", func(r *RawState) { delete(r.Operators, "anna") }, ca.StateOperator, "anna", "entry"},
		{"an operator since another time", replace(operators, "anna", `"added":"2026`, `"added":"2025`), ca.StateOperator, "anna", "added"},
	})
}

// member1 returns the text of a member of a JSON object.
func member1(text, name string) string {
	_, rest, _ := strings.Cut(text, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

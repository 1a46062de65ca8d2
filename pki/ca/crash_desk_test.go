package ca_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// crashProfile is issued by after one approval.
const crashProfile = "watched"

// crashLists are what the killed authority publishes.
func crashLists() *ca.Lists {
	return &ca.Lists{URLs: []string{"http://crl.example/"}, Partitions: 2, DeltaMinutes: 60}
}

// crashConfig is that of the killed authority. It may be used twice.
func crashConfig(c ca.Config) (ca.Config, error) {
	watched := ca.OCSP()
	watched.Name = crashProfile
	watched.Approvals = ca.ApprovalRule{Count: 1, Roles: []ca.Role{ca.RoleApprover}}
	var err error
	c.Profiles, err = ca.NewProfileSet(append(ca.Profiles(), watched))
	c.Settings.Lists, c.Rules = crashLists(), sets.All()
	return c, err
}

// addDesk gives the authority of a directory an operator and an approver, whose
// keys lie there.
func addDesk(t *testing.T, dir string) {
	t.Helper()
	d, err := ca.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	p8, err := os.ReadFile(filepath.Join(dir, "key.p8"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := alg.ParsePKCS8(p8)
	if err != nil {
		t.Fatal(err)
	}
	l, err := boltstore.Open(t.Context(), filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := crashConfig(ca.Config{Certificate: d.Certificate, Key: key, Ledger: l, Settings: d.Settings})
	if err != nil {
		t.Fatal(err)
	}
	i, err := ca.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{Issuer: i, cert: d.Certificate, key: key, ledger: l}
	for name, role := range map[string]ca.Role{"clerk": ca.RoleOperator, "anna": ca.RoleApprover} {
		own := generate(t, "ecdsa-p256", "")
		cert := a.issue(t, "ocsp", "CN="+name, own)
		if _, err := i.AddOperator(t.Context(), ca.NewOperator{Name: name, Roles: []ca.Role{role}, Certificate: cert, Actor: "test"}); err != nil {
			t.Fatal(err)
		}
		p8, err := alg.MarshalPKCS8(own)
		if err != nil {
			t.Fatal(err)
		}
		writeFiles(t, dir, map[string][]byte{name + ".p8": p8, name + ".cer": cert.Raw})
	}
}

// crashDesk does what the desk of a killed authority does.
type crashDesk struct {
	*ca.Issuer
	dir         string
	clerk, anna person
}

// newCrashDesk reads what addDesk left.
func newCrashDesk(i *ca.Issuer, dir string) (*crashDesk, error) {
	d := &crashDesk{Issuer: i, dir: dir}
	for name, p := range map[string]*person{"clerk": &d.clerk, "anna": &d.anna} {
		p8, err := os.ReadFile(filepath.Join(dir, name+".p8"))
		if err != nil {
			return nil, err
		}
		der, err := os.ReadFile(filepath.Join(dir, name+".cer"))
		if err != nil {
			return nil, err
		}
		p.name = name
		if p.key, err = alg.ParsePKCS8(p8); err != nil {
			return nil, err
		}
		if p.cert, err = pki.ParseCertificate(der); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// request makes one that nobody has seen.
func (d *crashDesk) request(n int) (*pki.CertificateRequest, error) {
	key, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		return nil, err
	}
	name, err := pki.ParseDN(fmt.Sprintf("CN=Client %d of %d", n, os.Getpid()))
	if err != nil {
		return nil, err
	}
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: name}, key)
	if err != nil {
		return nil, err
	}
	return pki.ParseRequest(der)
}

// step does one thing and says so, line by line.
func (d *crashDesk) step(ctx context.Context, n int, request *pki.CertificateRequest) error {
	switch n % 7 {
	case 0:
		return d.approve(ctx, n)
	case 1:
		return d.bulk(ctx, n)
	case 2:
		p, err := d.Publish(ctx, filepath.Join(d.dir, "lists"), n%2 == 0, "crash")
		if errors.Is(err, ca.ErrNoBase) { // killed between the ledger and the folder
			p, err = d.Publish(ctx, filepath.Join(d.dir, "lists"), false, "crash")
		}
		if err == nil {
			fmt.Printf("crl %d\n", p.Number)
		}
		return err
	case 3:
		return d.erase(ctx)
	case 4:
		return d.revoked(ctx, request)
	case 5:
		e, err := d.CRL(ctx, "crash")
		if err == nil {
			fmt.Printf("crl %d\n", e.Number)
		}
		return err
	}
	h, err := d.SignHeads(ctx, "crash")
	if err == nil {
		fmt.Printf("heads %d\n", h.Number)
	}
	return err
}

// revoked issues two certificates and revokes one.
func (d *crashDesk) revoked(ctx context.Context, request *pki.CertificateRequest) error {
	for n := range 2 {
		c, err := d.IssueRequest(ctx, "ocsp", ca.Request{CSR: request, Actor: "crash"})
		if err != nil {
			return err
		}
		fmt.Printf("issued %s\n", c.SerialHex())
		if n == 1 {
			continue
		}
		s, err := ca.SerialFrom(c.SerialNumber)
		if err != nil {
			return err
		}
		if _, err := d.Revoke(ctx, ca.Revocation{Serial: s, Reason: ca.Superseded, Actor: "crash"}); err != nil {
			return err
		}
		fmt.Printf("revoked %s\n", s)
	}
	return nil
}

// approve takes a request from submission to its certificate.
func (d *crashDesk) approve(ctx context.Context, n int) error {
	csr, err := d.request(n)
	if err != nil {
		return err
	}
	s := ca.Submission{Request: ca.Request{CSR: csr, Actor: "crash"}, Profile: crashProfile}
	st, err := d.SubmissionStatement(ctx, s, d.clerk.name)
	if err != nil {
		return err
	}
	signed, err := st.Sign(nil, d.clerk.cert, d.clerk.key)
	if err != nil {
		return err
	}
	s.Statement, s.Signature = signed.Statement, signed.Signature
	e, err := d.Submit(ctx, s)
	if err != nil {
		return err
	}
	fmt.Printf("submitted %s\n", e.ID)
	if signed, err = d.Statement(e, ca.DecisionApprove, d.anna.name, ca.RoleApprover).Sign(nil, d.anna.cert, d.anna.key); err != nil {
		return err
	}
	if _, err := d.Decide(ctx, e.ID, signed.Statement, signed.Signature, "crash"); err != nil {
		return err
	}
	fmt.Printf("approved %s\n", e.ID)
	cert, err := d.IssueApproved(ctx, e.ID, "crash")
	if err == nil {
		fmt.Printf("issued %s\n", cert.SerialHex())
	}
	return err
}

func (d *crashDesk) bulk(ctx context.Context, n int) error {
	var items []ca.BulkItem
	for k := range 5 {
		csr, err := d.request(10*n + k)
		if err != nil {
			return err
		}
		items = append(items, ca.BulkItem{CSR: csr.Raw, Profile: "ocsp"})
	}
	return d.Bulk(ctx, slices.Values(items), "crash", func(r ca.BulkResult) error {
		if r.Err != nil {
			return r.Err
		}
		_, err := fmt.Printf("issued %s\n", r.Serial)
		return err
	})
}

// erase takes the name out of the last record about a certificate.
func (d *crashDesk) erase(ctx context.Context) error {
	var last uint64
	err := d.Ledger().View(ctx, func(tx ca.ReadTx) error {
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		end := heads[journal.DefaultNode].Seq
		for r, err := range tx.Journal(journal.DefaultNode, end-min(end, 12)) {
			if err != nil {
				return err
			}
			if r.Event == "issue" && r.Data["name"] != "" {
				last = r.Seq
			}
		}
		return nil
	})
	if err != nil || last == 0 {
		return err
	}
	_, err = ca.EraseRecord(ctx, d.Ledger(), journal.Erasure{
		Node: journal.DefaultNode, Seq: last, Fields: []string{journal.FieldData("name")}, Time: time.Now(), Actor: "crash", Reason: "asked for",
	})
	if err == nil {
		fmt.Printf("erased %d\n", last)
	}
	return err
}

// deskDone is what the killed processes said about requests and erasures.
type deskDone struct {
	submitted, approved []string
	erased              []uint64
}

// read takes one line; ok is false for a line about something else.
func (d *deskDone) read(what, arg string) (ok bool, err error) {
	switch what {
	case "submitted":
		d.submitted = append(d.submitted, arg)
	case "approved":
		d.approved = append(d.approved, arg)
	case "erased":
		n, err := strconv.ParseUint(arg, 10, 64)
		d.erased = append(d.erased, n)
		return true, err
	default:
		return false, nil
	}
	return true, nil
}

// check looks for all of it on the ledger.
func (d *deskDone) check(tx ca.ReadTx) error {
	for _, id := range d.submitted {
		e, err := tx.Request(id)
		if err != nil {
			return fmt.Errorf("submitted %s: %w", id, err)
		}
		if e.State == ca.Issued {
			if _, err := tx.Entry(e.Serial); err != nil {
				return fmt.Errorf("request %s is issued as %s: %w", id, e.Serial, err)
			}
		}
	}
	for _, id := range d.approved {
		if e, err := tx.Request(id); err != nil || len(e.Approvals) != 1 || e.State != ca.Approved && e.State != ca.Issued {
			return fmt.Errorf("approved %s: %s with %d approvals, %w", id, e.State, len(e.Approvals), err)
		}
	}
	for _, seq := range d.erased {
		for r, err := range tx.Journal(journal.DefaultNode, seq-1) {
			if err != nil {
				return err
			}
			if _, gone := r.Value(journal.FieldData("name")); r.Seq != seq || !gone {
				return fmt.Errorf("record %d was erased: %+v", seq, r)
			}
			break
		}
	}
	return nil
}

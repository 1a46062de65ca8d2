package ceremony

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

func parsePublic(spki []byte) (crypto.PublicKey, error) { return alg.ParsePublicKey(spki) }

// wantIssued adds what an issuer and a profile say about a certificate.
func (r *run) wantIssued(w *second.Want, by *authority, p ca.Profile, days int) {
	w.NotAfter = r.plan.date.AddDate(0, 0, days)
	if w.NotAfter.After(by.cert.NotAfter) {
		w.NotAfter = by.cert.NotAfter
	}
	w.KeyNotAfter = w.NotAfter
	if p.KeyMonths > 0 {
		w.KeyNotAfter = addMonths(r.plan.date, p.KeyMonths)
	}
	if p.CA && (p.KeyMonths == 0 || !w.KeyNotAfter.Before(w.NotAfter)) {
		w.KeyNotAfter = threeQuarters(r.plan.date, w.NotAfter)
	}
	if w.KeyNotAfter.After(w.NotAfter) {
		w.KeyNotAfter = w.NotAfter
	}
	w.CA, w.PathLen = p.CA, p.MaxPathLen
	for bit := range 9 {
		if p.KeyUsage&(1<<bit) != 0 {
			w.KeyUsage = append(w.KeyUsage, bit)
		}
	}
	for _, o := range p.ExtKeyUsage {
		w.ExtKeyUsage = append(w.ExtKeyUsage, string(o))
	}
	w.CRLURLs, w.OCSPURLs, w.IssuerURLs, w.OCSPNoCheck = by.settings.CRLURLs, by.settings.OCSPURLs, by.settings.IssuerURLs, p.OCSPNoCheck
	if p.OCSPNoCheck {
		w.OCSPURLs = nil // a responder is not asked about itself
	}
}

// addMonths ends on the last day of a shorter month.
func addMonths(from time.Time, n int) time.Time {
	end := from.AddDate(0, n, 0)
	if end.Day() != from.Day() {
		end = end.AddDate(0, 0, -end.Day())
	}
	return end
}

// withIssuer opens an authority for one operation of a step; random is what it
// reads.
func (r *run) withIssuer(ctx context.Context, a *authority, index int, input []byte, f func(*ca.Issuer) error) (err error) {
	key, err := r.key(ctx, a)
	if err != nil {
		return err
	}
	l, err := r.o.OpenLedger(ctx, r.path(a.folder))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	profiles, err := ca.ReadProfiles(r.path(a.folder))
	if err != nil {
		return err
	}
	i, err := ca.New(ctx, ca.Config{
		Certificate: a.cert, Key: key.Signer, Ledger: l, Rules: r.o.Rules, Profiles: profiles, Settings: a.settings,
		Rand: r.random(index, input), Now: r.now,
	})
	if err != nil {
		return err
	}
	return f(i)
}

// issue issues a certificate, or takes it from the ledger if a run that broke
// off has issued it: a step prepares the same serial number each time. It sets
// that in w.
func (r *run) issue(ctx context.Context, by *authority, p ca.Profile, q ca.Request, w *second.Want, input []byte) (cert *pki.Certificate, err error) {
	err = r.withIssuer(ctx, by, 0, input, func(i *ca.Issuer) error {
		prepared, err := i.Prepare(ctx, p, q)
		if err != nil {
			return err
		}
		w.Serial = prepared.Serial().Big()
		var raw []byte
		err = i.Ledger().View(ctx, func(tx ca.ReadTx) (err error) { raw, err = tx.Certificate(prepared.Serial()); return err })
		switch {
		case err == nil:
			cert, err = pki.ParseCertificate(raw)
		case errors.Is(err, ca.ErrNotFound):
			cert, err = i.Issue(ctx, prepared)
		}
		return err
	})
	return cert, err
}

// doCertificate issues for a request in a file.
func (r *run) doCertificate(ctx context.Context, s *CertificateStep) error {
	b, err := r.input(s.Request)
	if err != nil {
		return err
	}
	raw, err := oneRequest(b)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Request, err)
	}
	r.say("запрос %s:", "request %s:", filepath.Base(s.Request))
	r.digestLines(DigestOf(b))
	spki, subject, err := second.CheckRequest(raw)
	if err != nil {
		return err
	}
	csr, err := pki.ParseRequest(raw)
	if err != nil {
		return err
	}
	return r.certificate(ctx, s, spki, subject, b, func() (*pki.CertificateRequest, error) { return csr, nil })
}

// oneRequest returns the DER of a file with one request.
func oneRequest(b []byte) ([]byte, error) {
	blocks, err := der.Decode(b)
	if err != nil {
		return nil, err
	}
	if len(blocks) != 1 {
		return nil, errors.New("one request is expected")
	}
	return blocks[0].Bytes, nil
}

// doCross issues for the name and key of another authority.
func (r *run) doCross(ctx context.Context, s *CertificateStep) error {
	of := r.authorities[s.Of]
	spki := of.cert.RawSubjectPublicKeyInfo
	subject, err := second.Attributes(of.cert.Subject.String())
	if err != nil {
		return err
	}
	return r.certificate(ctx, s, spki, subject, spki, func() (*pki.CertificateRequest, error) {
		key, err := r.key(ctx, of)
		if err != nil {
			return nil, err
		}
		return r.request(of.cert.Subject, key)
	})
}

// certificate issues a certificate unless it is there, and checks it in either
// case.
func (r *run) certificate(ctx context.Context, s *CertificateStep, spki []byte, subject []second.Attribute, input []byte, request func() (*pki.CertificateRequest, error)) error {
	by := r.authorities[s.Authority]
	p, err := r.profile(s.Profile)
	if err != nil {
		return err
	}
	w := second.Want{Subject: subject, PublicKey: spki, NotBefore: r.plan.date, KeyNotBefore: r.plan.date}
	r.wantIssued(&w, by, p, s.Days)
	name := filepath.Join("certs", s.Name+".cer")
	have, err := r.exists(name)
	if err != nil {
		return err
	}
	var cert *pki.Certificate
	if have {
		cert, err = r.certificateOf(name)
	} else {
		var csr *pki.CertificateRequest
		if csr, err = request(); err == nil {
			cert, err = r.issue(ctx, by, p, ca.Request{CSR: csr, Days: s.Days, Actor: r.actor()}, &w, input)
		}
	}
	if err != nil {
		return err
	}
	if err := r.checkCertificate(ctx, name, cert, by.cert, w); err != nil {
		return err
	}
	if !have {
		if err := r.write(name, cert.Raw); err != nil {
			return err
		}
	}
	return r.output(name, s.Name+".cer", cert)
}

// doLists signs lists for periods that follow each other.
func (r *run) doLists(ctx context.Context, s *ListStep) error {
	a := r.authorities[s.Authority]
	number, err := r.firstNumber(ctx, a, s)
	if err != nil {
		return err
	}
	for n := range s.Count {
		w := second.WantList{
			Number:     new(big.Int).SetUint64(number + uint64(n)),
			ThisUpdate: r.plan.date.AddDate(0, 0, n*s.Days), NextUpdate: r.plan.date.AddDate(0, 0, (n+1)*s.Days+s.Overlap),
		}
		if err := r.list(ctx, a, n, w); err != nil {
			return err
		}
	}
	return nil
}

// firstNumber returns the number of the first list of a step. What the folder
// says is written down when it is asked for first, since the lists change it.
func (r *run) firstNumber(ctx context.Context, a *authority, s *ListStep) (uint64, error) {
	name := filepath.Join("crl", "step-"+strconv.Itoa(r.step)+".number")
	have, err := r.exists(name)
	if err != nil {
		return 0, err
	}
	if have {
		text, err := readFile(r.path(name))
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseUint(string(text), 10, 62)
		if err != nil {
			return 0, fmt.Errorf("%s: not a number", name)
		}
		return n, nil
	}
	last, err := r.lastNumber(ctx, a)
	if err != nil {
		return 0, err
	}
	if s.Number != 0 && uint64(s.Number) != last+1 {
		return 0, fmt.Errorf("%w: %d in the plan, the next one of %s is %d", ErrListNumber, s.Number, s.Authority, last+1)
	}
	return last + 1, r.write(name, []byte(strconv.FormatUint(last+1, 10)))
}

func (r *run) lastNumber(ctx context.Context, a *authority) (uint64, error) {
	l, err := r.o.OpenLedger(ctx, r.path(a.folder))
	if err != nil {
		return 0, err
	}
	var last ca.CRLEntry
	err = l.View(ctx, func(tx ca.ReadTx) error {
		if last, err = tx.LastCRL(); errors.Is(err, ca.ErrNotFound) {
			return nil
		}
		return err
	})
	return last.Number, errors.Join(err, l.Close())
}

// list signs one list unless it is there, and checks it in either case.
func (r *run) list(ctx context.Context, a *authority, index int, w second.WantList) error {
	file := a.name + "-" + w.Number.String() + ".crl"
	name := filepath.Join("crl", file)
	have, err := r.exists(name)
	if err != nil {
		return err
	}
	var raw []byte
	if have {
		raw, err = readFile(r.path(name))
	} else {
		raw, err = r.signList(ctx, a, index, &w)
	}
	if err != nil {
		return err
	}
	l, err := pki.ParseCRL(raw)
	if err != nil {
		return &CheckError{firstPath, name, err}
	}
	if have { // what was revoked then is what the list says, which both paths must read alike
		for e, err := range l.Entries() {
			if err != nil {
				return err
			}
			w.Revoked = append(w.Revoked, e.Serial)
		}
	}
	if err := r.checkAll(name, func() error { return l.CheckSignatureFrom(a.cert) },
		func(c Check) error { return c.List(ctx, raw, a.cert.Raw, w) }); err != nil {
		return err
	}
	if !have {
		if err := r.write(name, raw); err != nil {
			return err
		}
	}
	r.say("список № %d: с %s по %s, отозвано %d", "list No. %d: from %s to %s, %d revoked", w.Number, stamp(w.ThisUpdate), stamp(w.NextUpdate), len(w.Revoked))
	r.public = append(r.public, publicFile{name, file})
	r.digests(name, raw)
	return nil
}

// signList signs a list, or takes it from the ledger if a run that broke off has
// signed it.
func (r *run) signList(ctx context.Context, a *authority, index int, w *second.WantList) (raw []byte, err error) {
	err = r.withIssuer(ctx, a, index, nil, func(i *ca.Issuer) error {
		err := i.Ledger().View(ctx, func(tx ca.ReadTx) error {
			for e, err := range tx.Listed() {
				if err != nil {
					return err
				}
				w.Revoked = append(w.Revoked, e.Serial.Big())
			}
			last, err := tx.LastCRL()
			if err == nil && last.Number == w.Number.Uint64() {
				raw = last.DER
			} else if errors.Is(err, ca.ErrNotFound) {
				err = nil
			}
			return err
		})
		if err != nil || raw != nil {
			return err
		}
		entry, err := i.CRLAhead(ctx, w.ThisUpdate, w.NextUpdate, r.actor())
		raw = entry.DER
		return err
	})
	return raw, err
}

// output puts a certificate on the transcript and among the public files.
func (r *run) output(name, public string, c *pki.Certificate) error {
	r.public = append(r.public, publicFile{name, public})
	r.say("серийный номер %s, действует с %s по %s, ключ до %s", "serial number %s, valid from %s to %s, key until %s",
		c.SerialHex(), stamp(c.NotBefore), stamp(c.NotAfter), stamp(c.PrivateKeyNotAfter))
	r.digests(name, c.Raw)
	return nil
}

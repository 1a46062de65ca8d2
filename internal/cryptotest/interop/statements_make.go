package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
	"github.com/gosklyuch/gosklyuch/server"
)

// A publisher is an authority on the embedded ledger that makes statements by
// the library, with the code that `ca serve` and `ca publish` run.
type publisher struct {
	c       *call
	started time.Time
	ledger  ca.Ledger
	issuer  *ca.Issuer
	root    *pki.Certificate
	key     crypto.Signer
	ocspKey crypto.Signer
	ocsp    *pki.Certificate
	certs   map[string]*pki.Certificate
}

func (p *publisher) close() {
	if p.ledger != nil {
		p.ledger.Close() //nolint:errcheck // nobody reads it again
	}
}

func (p *publisher) newKey() (crypto.Signer, error) {
	return alg.GenerateKey("gost2012-"+p.c.set.bits(), p.c.set.name)
}

// open founds the authority and issues the certificates.
func (p *publisher) open() (err error) {
	if p.key, err = p.newKey(); err != nil {
		return err
	}
	name, err := pki.ParseDN("CN=Publishing CA,C=RU")
	if err != nil {
		return err
	}
	if p.root, err = ca.NewRoot(p.key, ca.RootOptions{Subject: name, Rules: sets.All()}); err != nil {
		return err
	}
	if p.ledger, err = boltstore.Open(p.c.ctx, filepath.Join(p.c.work, statementDir, ca.LedgerFile)); err != nil {
		return err
	}
	if err := ca.Found(p.c.ctx, p.ledger, p.root, "interop", time.Now()); err != nil {
		return err
	}
	p.issuer, err = ca.New(p.c.ctx, ca.Config{
		Certificate: p.root, Key: p.key, Ledger: p.ledger, Rules: sets.All(),
		Settings: ca.Settings{Lists: &ca.Lists{URLs: []string{"http://crl.example/"}, Partitions: 2, DeltaMinutes: 60}},
	})
	if err != nil {
		return err
	}
	return p.issueAll()
}

// issueAll issues one certificate for each state; the stranger's is not on the
// ledger.
func (p *publisher) issueAll() (err error) {
	p.certs = map[string]*pki.Certificate{"root": p.root}
	for _, name := range []string{"good", "stolen", "held", "later"} {
		if p.certs[name], _, err = p.issue("citizen", "CN=Иванов Иван,SN=Иванов,G=Иван,SNILS=11223344595,INN=500100732259,C=RU"); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if p.ocsp, p.ocspKey, err = p.issue("ocsp", "CN=OCSP,C=RU"); err != nil {
		return err
	}
	tmpl := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(4711), Subject: p.certs["good"].Subject, NotBefore: p.started, NotAfter: p.started.AddDate(0, 1, 0),
		MaxPathLen: -1, KeyUsage: pki.KeyUsageDigitalSignature,
	}
	der, err := pki.CreateCertificate(nil, tmpl, p.root, p.certs["good"].PublicKey, p.key)
	if err != nil {
		return err
	}
	if p.certs["stranger"], err = pki.ParseCertificate(der); err != nil {
		return err
	}
	for name, cert := range p.certs {
		if err := p.c.write(statementDir+"/"+name+".cer", cert.Raw); err != nil {
			return err
		}
		if err := p.c.pem(statementDir, name+".cer"); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) issue(profile, subject string) (*pki.Certificate, crypto.Signer, error) {
	key, err := p.newKey()
	if err != nil {
		return nil, nil, err
	}
	name, err := pki.ParseDN(subject)
	if err != nil {
		return nil, nil, err
	}
	der, err := pki.CreateRequest(nil, &pki.RequestTemplate{Subject: name}, key)
	if err != nil {
		return nil, nil, err
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, nil, err
	}
	cert, err := p.issuer.IssueRequest(p.c.ctx, profile, ca.Request{CSR: csr, Actor: "interop"})
	return cert, key, err
}

func (p *publisher) revoke(name string, reason ca.Reason) error {
	s, err := ca.SerialFrom(p.certs[name].SerialNumber)
	if err != nil {
		return err
	}
	r := ca.Revocation{Serial: s, Reason: reason, Actor: "interop"}
	if reason == ca.CertificateHold {
		_, err = p.issuer.Hold(p.c.ctx, r)
	} else {
		_, err = p.issuer.Revoke(p.c.ctx, r)
	}
	return err
}

// makeAll writes the statements: the empty list before anything is revoked,
// the delta list after one more revocation, the long list at the end.
func (p *publisher) makeAll(all []statement) error {
	if _, err := p.publish(false, map[string]string{ca.CompleteList: "empty.crl"}); err != nil {
		return err
	}
	if err := errors.Join(p.revoke("stolen", ca.KeyCompromise), p.revoke("held", ca.CertificateHold)); err != nil {
		return err
	}
	dir, err := p.publish(false, map[string]string{ca.CompleteList: "complete.crl"})
	if err != nil {
		return err
	}
	if err := p.copyPartition(dir); err != nil {
		return err
	}
	for n := range all {
		if !all[n].isList() {
			if err := p.respond(&all[n]); err != nil {
				return fmt.Errorf("%s: %w", all[n].file, err)
			}
		}
	}
	if err := p.revoke("later", ca.Superseded); err != nil {
		return err
	}
	if _, err := p.publish(true, map[string]string{"ca-delta.crl": "delta.crl"}); err != nil {
		return err
	}
	if err := p.writeLong(statementDir+"/many.crl", manyEntries); err != nil || !all[len(all)-1].large {
		return err
	}
	return p.writeLong(statementDir+"/large.crl", largeEntries)
}

// publish publishes and copies files out of the folder of publication.
func (p *publisher) publish(delta bool, copies map[string]string) (dir string, err error) {
	dir = filepath.Join(p.c.work, statementDir, "published")
	if _, err := p.issuer.Publish(p.c.ctx, dir, delta, "interop"); err != nil {
		return "", err
	}
	for from, to := range copies {
		b, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			return "", err
		}
		if err := p.c.write(statementDir+"/"+to, b); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// copyPartition takes the list that the stolen certificate names.
func (p *publisher) copyPartition(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, filepath.Base(p.certs["stolen"].CRLDistributionPoints[0])))
	if err != nil {
		return err
	}
	return p.c.write(statementDir+"/partition.crl", b)
}

// respond makes the response of a statement.
func (p *publisher) respond(s *statement) error {
	var ids []ocsp.CertID
	for _, a := range s.asks {
		id, err := ocsp.NewCertID(p.certs[a.cert], p.root, s.ocspIdentifier())
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	var nonce []byte
	if s.nonce {
		nonce = []byte("0123456789abcdef0123456789abcdef")
	}
	req, err := ocsp.NewBatchRequest(ids, nonce)
	if err != nil {
		return err
	}
	if s.nonce {
		if err := p.c.write(statementDir+"/request.der", req.Raw); err != nil {
			return err
		}
	}
	r := &ocsp.Responder{Issuer: p.root, Certificate: p.ocsp, Signer: p.ocspKey, Source: p.issuer, ByName: s.file == "byname.ors"}
	if s.file == "direct.ors" {
		r.Certificate, r.Signer = nil, p.key
	}
	var answerer server.Answerer = r
	if s.file == "ahead.ors" {
		cache := server.NewOCSPCache(r, time.Minute, nil)
		if _, err := cache.Produce(p.c.ctx, p.root, one(p.certs["good"].SerialNumber), s.ocspIdentifier()); err != nil {
			return err
		}
		r.Source = silent{} // from now on only the answer that was kept can come
		answerer = cache
	}
	out, err := answerer.Answer(p.c.ctx, req.Raw)
	if err != nil {
		return err
	}
	return p.c.write(s.path(false), out.DER)
}

// one is a sequence of one number.
func one(n *big.Int) iter.Seq2[*big.Int, error] {
	return func(yield func(*big.Int, error) bool) { yield(n, nil) }
}

// silent knows nothing.
type silent struct{}

func (silent) Status(context.Context, *big.Int) (ocsp.Answer, error) {
	return ocsp.Answer{}, errors.New("nobody should be asked")
}

// writeLong writes a list of n entries in a stream; the stolen certificate
// comes last.
func (p *publisher) writeLong(name string, n int) (err error) {
	spool, err := os.CreateTemp(p.c.work, "spool")
	if err != nil {
		return err
	}
	defer spool.Close() //nolint:errcheck // the folder goes
	tmpl := &pki.CRLTemplate{Number: big.NewInt(1000), ThisUpdate: p.started, NextUpdate: p.started.AddDate(0, 0, 7)}
	w, err := pki.NewCRLWriter(tmpl, p.root, p.key, spool)
	if err != nil {
		return err
	}
	for i := range n - 1 {
		serial := new(big.Int).Lsh(big.NewInt(1), 150)
		if err := w.Add(pki.RevokedEntry{Serial: serial.Add(serial, big.NewInt(int64(i))), At: p.started, Reason: int(ca.Superseded)}); err != nil {
			return err
		}
	}
	if err := w.Add(pki.RevokedEntry{Serial: p.certs["stolen"].SerialNumber, At: p.started, Reason: int(ca.KeyCompromise)}); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(p.c.work, name))
	if err != nil {
		return err
	}
	_, err = w.Finish(nil, out)
	return errors.Join(err, out.Close())
}

package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// finish does the steps, signs the transcript and destroys what is to be
// destroyed. Where a run that broke off has signed it, all that is left is the
// destruction: everything else is checked, and no key is needed.
func (r *run) finish(ctx context.Context) (*Result, error) {
	_, err := os.Stat(r.path(signatureFile))
	r.readOnly = err == nil
	if err := r.steps(ctx); err != nil {
		return nil, err
	}
	text := r.transcript.Bytes()
	if r.readOnly {
		err = r.compare(ctx)
	} else {
		err = r.sign(ctx, text)
	}
	if err != nil {
		return nil, err
	}
	if err := r.destroyKeys(ctx); err != nil {
		return nil, err
	}
	return &Result{Transcript: text, Digest: DigestOf(text)}, nil
}

// compare compares the transcript with the one that is there, and checks the
// signature of that.
func (r *run) compare(ctx context.Context) error {
	old, err := readFile(r.path(transcriptFile))
	if err != nil {
		return r.missing(transcriptFile, err)
	}
	if !bytes.Equal(old, r.transcript.Bytes()) {
		return ErrChanged
	}
	sig, err := readFile(r.path(signatureFile))
	if err != nil {
		return r.missing(signatureFile, err)
	}
	return r.checkTranscript(ctx, old, sig)
}

// sign signs the transcript and checks the signature on both paths.
func (r *run) sign(ctx context.Context, text []byte) error {
	a := r.authorities[r.plan.Sign]
	key, err := r.key(ctx, a)
	if err != nil {
		return err
	}
	r.step = 0 // no step's stream
	sig, err := r.detached(text, key, a.cert, a.chain)
	if err != nil {
		return err
	}
	if err := r.checkTranscript(ctx, text, sig); err != nil {
		return err
	}
	if err := r.write(transcriptFile, text); err != nil {
		return err
	}
	return r.write(signatureFile, sig) // the last: its presence says that there is a transcript
}

// detached signs a text as detached CMS at the time of the ceremony.
func (r *run) detached(text []byte, key *Key, cert *pki.Certificate, chain []*pki.Certificate) ([]byte, error) {
	digests, _, err := cms.Digest(bytes.NewReader(text), alg.HashForKey(cert.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	digest, err := digests.Sum(alg.HashForKey(cert.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	si, err := cms.BuildSigner(r.random(0, text), cms.SignerRequest{Key: key.Signer, Certificate: cert, Digest: digest, SigningTime: r.plan.date})
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	var out bytes.Buffer
	var m cms.Message
	m.AddCertificates(append([]*pki.Certificate{cert}, chain...)...)
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{si}); err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	return out.Bytes(), nil
}

func (r *run) checkTranscript(ctx context.Context, text, sig []byte) error {
	cert := r.authorities[r.plan.Sign].cert
	return r.checkAll(signatureFile, func() error { return checkDetached(text, sig, cert) },
		func(c Check) error { return c.Detached(ctx, sig, text, cert.Raw) })
}

// checkDetached checks a detached signature on the first path.
func checkDetached(text, sig []byte, cert *pki.Certificate) error {
	sd, err := cms.ReadSigned(bytes.NewReader(sig), nil, cms.Limits{})
	if err != nil {
		return err
	}
	if !sd.Detached || sd.ContentType != oid.Data || len(sd.Signers) != 1 {
		return errors.New("one detached signature is expected")
	}
	if err := sd.DigestContent(bytes.NewReader(text), alg.HashForKey(cert.PublicKey)); err != nil {
		return err
	}
	_, err = sd.CheckSigner(0, cert)
	return err
}

// publish gives the finished folder its name.
func (r *run) publish() error {
	if err := os.Remove(r.path(lockFile)); err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	// An empty folder of that name may be there; one with content is an error.
	if err := os.Remove(r.o.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ceremony: %w", err)
	}
	if err := os.Rename(r.dir, r.o.Dir); err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	if err := files.SyncDir(filepath.Dir(filepath.Clean(r.o.Dir))); err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	return nil
}

// verify checks a finished folder.
func verify(ctx context.Context, p *Plan, o Options) (*Result, error) {
	r := newRun(p, o, o.Dir)
	r.readOnly = true
	text, err := readFile(r.path(planFile))
	if err != nil {
		return nil, r.missing(planFile, err)
	}
	if DigestOf(text) != p.digest {
		return nil, ErrOtherPlan
	}
	if err := r.loadState(); err != nil {
		return nil, err
	}
	if err := r.steps(ctx); err != nil {
		return nil, err
	}
	if err := r.compare(ctx); err != nil {
		return nil, err
	}
	old := r.transcript.Bytes()
	out := &Result{Transcript: old, Digest: DigestOf(old), Checked: true}
	out.Witnesses, err = r.witnesses(old)
	return out, err
}

// A Witness is a participant whose signature stands beside the transcript.
type Witness struct {
	Name string
	File string // in the folder
}

func witnessFile(n int) string { return fmt.Sprintf("witness-%d.sig", n+1) }

// witnessCertificate returns the certificate of a participant, DER.
func (r *run) witnessCertificate(n int) ([]byte, error) {
	b, err := r.input(r.plan.Participants[n].Certificate)
	if err != nil {
		return nil, err
	}
	return oneCertificate(b)
}

// witnesses checks the signatures that are there.
func (r *run) witnesses(text []byte) (out []Witness, err error) {
	for i, who := range r.plan.Participants {
		sig, err := readFile(r.path(witnessFile(i)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := r.checkWitness(i, text, sig); err != nil {
			return nil, err
		}
		out = append(out, Witness{who.Name, witnessFile(i)})
	}
	return out, nil
}

func (r *run) checkWitness(n int, text, sig []byte) error {
	raw, err := r.witnessCertificate(n)
	if err != nil {
		return err
	}
	cert, err := pki.ParseCertificate(raw)
	if err != nil {
		return err
	}
	return r.checkAll(witnessFile(n), func() error { return checkDetached(text, sig, cert) },
		func(Check) error { return second.CheckDetached(sig, text, raw) })
}

// AddWitness countersigns the transcript of a finished ceremony, which is
// checked before, with the key of a participant, and puts the signature beside
// it. participant is a number from 1 or the name in the plan. key must be that
// of the certificate that the plan names, and of GOST R 34.10-2012.
func AddWitness(ctx context.Context, o Options, participant string, key *Key, now time.Time) (*Witness, error) {
	p, out, err := Verify(ctx, o)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(p.Participants, func(w Participant) bool { return w.Name == participant })
	for i := range p.Participants {
		if fmt.Sprint(i+1) == strings.TrimSpace(participant) {
			n = i
		}
	}
	if n < 0 || p.Participants[n].Certificate == "" {
		return nil, fmt.Errorf("%w: %q", ErrParticipant, participant)
	}
	r := newRun(p, o, o.Dir)
	raw, err := r.witnessCertificate(n)
	if err != nil {
		return nil, err
	}
	cert, err := pki.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	if cert.PublicKey == nil || !alg.EqualKeys(cert.PublicKey, key.Signer.Public()) {
		return nil, fmt.Errorf("%w: %q: the key is not that of the certificate in the plan", ErrParticipant, participant)
	}
	r.plan = &Plan{digest: p.digest, date: now.UTC().Truncate(time.Second), Participants: p.Participants}
	sig, err := r.detached(out.Transcript, key, cert, nil)
	if err != nil {
		return nil, err
	}
	if err := r.checkWitness(n, out.Transcript, sig); err != nil {
		return nil, err
	}
	return &Witness{p.Participants[n].Name, witnessFile(n)}, r.write(witnessFile(n), sig)
}

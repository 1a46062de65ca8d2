// Package sign creates signatures of documents: CAdES-BES in CMS (RFC 5652,
// RFC 5126), attached or detached, alone, beside the signatures of others
// (co-signing) or over them (countersigning).
//
// It refuses what no verifier would accept: a key that does not belong to its
// certificate, a certificate outside its validity or outside the period in
// which its private key may be used, and a document that is not the one that
// the signatures already there are about.
//
// Documents stream; their size does not matter. Output begins before it is
// known whether all goes well, so the caller writes to a temporary file and
// renames it.
package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// Level is how much evidence a signature carries for the time after the
// signer's certificate has expired (ETSI EN 319 122-1).
type Level uint8

// The levels.
const (
	LevelBES Level = iota // the signature alone
	LevelT                // with a time stamp over it
	LevelXL               // with certificates and revocation data, time-stamped
	LevelA                // with an archive time stamp
)

// String returns the name of the level as the command line spells it.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

var levelNames = [...]string{"bes", "t", "xl", "a"}

// Signer makes signatures with one key. The zero value of each field but Key
// and Cert is a safe default.
type Signer struct {
	Key   crypto.Signer
	Cert  *pki.Certificate
	Chain []*pki.Certificate // issuers; all but self-issued ones are put into the signature

	Level    Level
	Detached bool // the signature does not contain the document
	Stream   bool // attached: write BER with indefinite lengths, in one pass over a pipe

	TSA      tsp.Client   // required above LevelBES
	Evidence EvidenceFunc // required above LevelT
	// Approve is that of a Raiser, for levels above LevelBES.
	Approve func(ctx context.Context, sig []byte, content io.Reader) error

	Now      func() time.Time // nil: time.Now; the claimed signing time
	Rand     io.Reader        // nil: crypto/rand
	SpoolDir string           // where an attached document from a pipe is kept meanwhile; "": the system's
}

// Errors that callers branch on.
var (
	// ErrKeyMismatch says that Key is not the key of Cert.
	ErrKeyMismatch = errors.New("sign: the key does not belong to the certificate")

	// ErrKeyUsage says that the certificate does not allow signing documents.
	ErrKeyUsage = errors.New("sign: the certificate's key usage has neither digitalSignature nor nonRepudiation")

	// ErrNoDocument says that a detached signature cannot be co-signed without
	// the document.
	ErrNoDocument = errors.New("sign: the signature is detached: the document is needed")
)

// LevelError says that a level cannot be made, or not in one pass.
type LevelError struct {
	Level  Level
	Stream bool // Signer.Stream was set
}

// Error names the level.
func (e *LevelError) Error() string {
	if e.Stream {
		return fmt.Sprintf("sign: a signature of level %s cannot be written in one pass", e.Level)
	}
	return fmt.Sprintf("sign: %s is not a level that can be made here", e.Level)
}

// PeriodError says that the moment of signing is outside a period.
type PeriodError struct {
	PrivateKey          bool // the privateKeyUsagePeriod, not the validity of the certificate
	NotBefore, NotAfter time.Time
	At                  time.Time
}

// Error names the period and the date that was missed.
func (e *PeriodError) Error() string {
	what := "the certificate is"
	if e.PrivateKey {
		what = "the private key of the certificate may be used"
	}
	const layout = "2006-01-02 15:04:05 MST"
	if !e.NotBefore.IsZero() && e.At.Before(e.NotBefore) {
		return fmt.Sprintf("sign: %s not valid before %s", what, e.NotBefore.UTC().Format(layout))
	}
	if e.PrivateKey {
		return fmt.Sprintf("sign: %s until %s only", what, e.NotAfter.UTC().Format(layout))
	}
	return fmt.Sprintf("sign: %s expired since %s", what, e.NotAfter.UTC().Format(layout))
}

// OtherContentError says that a signature which is already there is about
// another document.
type OtherContentError struct {
	Signer int   // counted from 0
	Err    error // a *cms.DigestMismatchError where both digests are known
}

// Error names the signer.
func (e *OtherContentError) Error() string {
	return fmt.Sprintf("sign: signature %d is about another document: %v", e.Signer+1, e.Err)
}

// Unwrap returns the cause.
func (e *OtherContentError) Unwrap() error { return e.Err }

func (s *Signer) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Signer) rand() io.Reader {
	if s.Rand != nil {
		return s.Rand
	}
	return rand.Reader
}

// Check says whether the signer could sign now: the level is supported, the
// key belongs to the certificate, and the certificate's validity, private key
// usage period and key usage allow it. Sign, CoSign and CounterSign begin with it.
func (s *Signer) Check() error {
	if s.Level != LevelBES {
		if s.Stream && !s.Detached {
			return &LevelError{Level: s.Level, Stream: true}
		}
		if err := s.raiser().check(); err != nil {
			return err
		}
	}
	switch {
	case s.Key == nil || s.Cert == nil:
		return errors.New("sign: key and certificate are needed")
	case s.Cert.PublicKey == nil:
		return fmt.Errorf("sign: the public key of the certificate: %w", s.Cert.PublicKeyError)
	case !alg.EqualKeys(s.Key.Public(), s.Cert.PublicKey):
		return ErrKeyMismatch
	}
	return checkPeriods(s.Cert, s.now())
}

// checkPeriods checks what the certificate says about the time and the purpose
// of signing.
func checkPeriods(c *pki.Certificate, at time.Time) error {
	// RFC 5280, section 4.1.2.5: notBefore through notAfter, inclusive.
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return &PeriodError{NotBefore: c.NotBefore, NotAfter: c.NotAfter, At: at}
	}
	// The extension privateKeyUsagePeriod, 2.5.29.16: "allows the certificate
	// issuer to specify a different validity period for the private key than the
	// certificate" (RFC 3280, section 4.2.1.4).
	from, to := c.PrivateKeyNotBefore, c.PrivateKeyNotAfter
	if (!from.IsZero() && at.Before(from)) || (!to.IsZero() && at.After(to)) {
		return &PeriodError{PrivateKey: true, NotBefore: from, NotAfter: to, At: at}
	}
	// RFC 5280, section 4.2.1.3: both bits say that the key verifies signatures
	// other than those on certificates and CRLs.
	const signing = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	if c.HasKeyUsage && c.KeyUsage&signing == 0 {
		return ErrKeyUsage
	}
	return nil
}

// request returns what cms needs to make a SignerInfo.
func (s *Signer) request() cms.SignerRequest {
	return cms.SignerRequest{Key: s.Key, Certificate: s.Cert, SigningTime: s.now()}
}

// addCertificates puts the signer's certificate and its chain into m, without
// the root: a verifier has to have that from elsewhere.
func (s *Signer) addCertificates(m *cms.Message) {
	m.AddCertificates(s.Cert)
	for _, c := range s.Chain {
		if !c.IsSelfIssued() {
			m.AddCertificates(c)
		}
	}
}

// build makes the SignerInfo for content with these digests.
func (s *Signer) build(q cms.SignerRequest, d cms.Digests) (*cms.SignerInfo, error) {
	var err error
	if q.Digest, err = d.Sum(alg.HashForKey(s.Cert.PublicKey)); err != nil {
		return nil, err
	}
	return cms.BuildSigner(s.rand(), q)
}

// Sign signs content and writes the signature to w: DER, or BER where Stream
// is set. An attached document that can be sought in is read once (twice with
// an ECDSA key, whose signatures have no fixed length); one from a pipe is
// spooled to a temporary file with mode 0600, unless Stream is set.
func (s *Signer) Sign(ctx context.Context, w io.Writer, content io.Reader) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Level != LevelBES {
		return s.signRaised(ctx, w, content)
	}
	q := s.request()
	var m cms.Message
	s.addCertificates(&m)
	if s.Detached {
		d, _, err := cms.Digest(withContext(ctx, content), alg.HashForKey(s.Cert.PublicKey))
		if err != nil {
			return fmt.Errorf("sign: document: %w", err)
		}
		si, err := s.build(q, d)
		if err != nil {
			return err
		}
		return cms.WriteDetached(w, m, []*cms.SignerInfo{si})
	}
	template, fixed, err := cms.SignerTemplate(q)
	if err != nil {
		return err
	}
	finish := func(d cms.Digests) ([]*cms.SignerInfo, error) {
		si, err := s.build(q, d)
		return []*cms.SignerInfo{si}, err
	}
	templates := []*cms.SignerInfo{template}
	if s.Stream {
		return cms.WriteStream(w, m, withContext(ctx, content), templates, finish)
	}
	seeker, length := remaining(content)
	switch {
	case seeker == nil:
		return s.signSpooled(ctx, w, m, q, content)
	case fixed:
		return cms.WriteAttached(w, m, withContext(ctx, content), length, templates, finish)
	}
	return s.signTwice(ctx, w, m, q, content, seeker)
}

// raiser returns what takes a signature from BES to the level.
func (s *Signer) raiser() *Raiser {
	return &Raiser{Level: s.Level, TSA: s.TSA, Evidence: s.Evidence, Approve: s.Approve, SpoolDir: s.SpoolDir}
}

// signRaised makes a signature above BES: the document is hashed first and
// read again for the output, because the time stamps are asked for in between.
func (s *Signer) signRaised(ctx context.Context, w io.Writer, content io.Reader) (err error) {
	spool := newSpool(s.SpoolDir)
	defer func() { err = errors.Join(err, spool.Close()) }()
	again := spool.Reader
	own := alg.HashForKey(s.Cert.PublicKey)
	if seeker, _ := remaining(content); seeker != nil {
		start, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil {
			return fmt.Errorf("sign: document: %w", err)
		}
		again = func() (io.Reader, error) {
			_, err := seeker.Seek(start, io.SeekStart)
			return withContext(ctx, content), err
		}
	} else {
		content = io.TeeReader(content, spool)
	}
	first, length, err := cms.Digest(withContext(ctx, content), own)
	if err != nil {
		return fmt.Errorf("sign: document: %w", err)
	}
	sd, err := s.skeleton(first, again)
	if err != nil {
		return err
	}
	job := &raising{Raiser: s.raiser(), sd: sd, document: again}
	if err := job.run(ctx); err != nil {
		return err
	}
	if s.Detached {
		return sd.Rewrite(w, job.edit(), nil)
	}
	document, err := again()
	if err != nil {
		return err
	}
	// The file may have changed while the authority was asked.
	h, err := alg.NewHash(own)
	if err != nil {
		return err
	}
	sd.Detached, sd.ContentLength = false, length
	if err := sd.Rewrite(w, job.edit(), io.TeeReader(document, h)); err != nil {
		return err
	}
	if sum, err := first.Sum(own); err != nil || !bytes.Equal(sum, h.Sum(nil)) {
		return cms.ErrContentChanged
	}
	return nil
}

// skeleton makes the signature at level BES without its content.
func (s *Signer) skeleton(d cms.Digests, document func() (io.Reader, error)) (*cms.SignedData, error) {
	si, err := s.build(s.request(), d)
	if err != nil {
		return nil, err
	}
	var m cms.Message
	s.addCertificates(&m)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{si}); err != nil {
		return nil, err
	}
	sd, err := cms.ReadSigned(&out, nil, cms.Limits{})
	if err != nil {
		return nil, err
	}
	if s.Level == LevelT {
		return sd, nil
	}
	return sd, aboutContent(sd, document)
}

// remaining returns content as a seeker and how many octets are left in it, or
// nil where it cannot be sought in.
func remaining(content io.Reader) (io.Seeker, int64) {
	seeker, ok := content.(io.Seeker)
	if !ok {
		return nil, 0
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0
	}
	if _, err := seeker.Seek(at, io.SeekStart); err != nil || end < at {
		return nil, 0
	}
	return seeker, end - at
}

// signTwice reads the content once for the digest and once to write it, for
// keys whose signatures have no fixed length.
func (s *Signer) signTwice(ctx context.Context, w io.Writer, m cms.Message, q cms.SignerRequest, content io.Reader, seeker io.Seeker) error {
	at, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("sign: document: %w", err)
	}
	first, length, err := cms.Digest(withContext(ctx, content), alg.HashForKey(s.Cert.PublicKey))
	if err != nil {
		return fmt.Errorf("sign: document: %w", err)
	}
	si, err := s.build(q, first)
	if err != nil {
		return err
	}
	if _, err := seeker.Seek(at, io.SeekStart); err != nil {
		return fmt.Errorf("sign: document: %w", err)
	}
	signers := []*cms.SignerInfo{si}
	return cms.WriteAttached(w, m, withContext(ctx, content), length, signers, func(second cms.Digests) ([]*cms.SignerInfo, error) {
		if !first.Equal(second) {
			return nil, cms.ErrContentChanged
		}
		return signers, nil
	})
}

// signSpooled keeps the content of a pipe until its length is known.
func (s *Signer) signSpooled(ctx context.Context, w io.Writer, m cms.Message, q cms.SignerRequest, content io.Reader) (err error) {
	spool := newSpool(s.SpoolDir)
	defer func() { err = errors.Join(err, spool.Close()) }()
	tee := io.TeeReader(withContext(ctx, content), spool)
	d, length, err := cms.Digest(tee, alg.HashForKey(s.Cert.PublicKey))
	if err != nil {
		return fmt.Errorf("sign: document: %w", err)
	}
	si, err := s.build(q, d)
	if err != nil {
		return err
	}
	kept, err := spool.Reader()
	if err != nil {
		return err
	}
	return cms.WriteAttached(w, m, kept, length, []*cms.SignerInfo{si}, nil)
}

// contextReader ends reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func withContext(ctx context.Context, r io.Reader) io.Reader { return &contextReader{ctx, r} }

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

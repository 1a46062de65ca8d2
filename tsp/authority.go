package tsp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// SerialSource gives the serial numbers of tokens. RFC 3161, section 2.4.2:
// each "MUST be unique for each TimeStampToken issued by a given TSA", also
// "after a possible interruption (e.g., crash) of the service": what was
// returned once is never returned again, by this process or the next. An error
// means that no token is issued.
type SerialSource interface {
	NextSerial(ctx context.Context) (*big.Int, error)
}

// AuthorityOptions says what an authority is. Certificate, Signer, Policies and
// Serials are required.
type AuthorityOptions struct {
	Certificate *pki.Certificate   // of Signer, with the extended key usage timeStamping
	Signer      crypto.Signer      // may be called by several goroutines only if Parallel is set
	Chain       []*pki.Certificate // put beside Certificate where a request has certReq

	// Policies are what tokens may be issued under; the first is that of a
	// request which names none.
	Policies []oid.OID
	// Digests are the algorithms of imprints that are accepted; nil means
	// Streebog-256 and Streebog-512.
	Digests []oid.OID
	Serials SerialSource

	// Accuracy is stated in each token, to the microsecond; zero states none.
	// From one second up genTime has whole seconds, below it milliseconds.
	Accuracy time.Duration
	// Ordering states that tokens can be ordered by genTime alone, which then
	// has microseconds and is later in each token than in the one before.
	Ordering bool
	// Parallel says that Signer may be used by several goroutines at once.
	Parallel bool

	// Clock is the source of time; nil means time.Now. An error is answered
	// with timeNotAvailable.
	Clock func() (time.Time, error)
	// Rand is for signatures; nil means crypto/rand.
	Rand io.Reader
}

// Authority answers requests (RFC 3161, section 2.1). It may be used
// concurrently.
type Authority struct {
	o    AuthorityOptions
	name []byte // tsa, a GeneralName

	mu   sync.Mutex
	last time.Time  // the latest genTime
	sign sync.Mutex // held where Parallel is not set
}

// maxStepBack is how far the clock may fall behind the last token before the
// authority stops: NTP slews, it does not step by more than this.
const maxStepBack = time.Second

// minAccuracy is the finest accuracy that can be written.
const minAccuracy = time.Microsecond

// NewAuthority checks everything that would otherwise make each token worthless:
// that the certificate is that of the key and of a time-stamping authority (RFC
// 3161, section 2.3) and in force now, and that digests and policies are known.
func NewAuthority(o AuthorityOptions) (*Authority, error) {
	if o.Certificate == nil || o.Signer == nil || o.Serials == nil {
		return nil, errors.New("tsp: an authority needs its certificate, its key and a source of serial numbers")
	}
	if o.Clock == nil {
		o.Clock = func() (time.Time, error) { return time.Now(), nil }
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Digests == nil {
		o.Digests = []oid.OID{oid.Streebog256, oid.Streebog512}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	name, err := directoryName(o.Certificate.Subject)
	if err != nil {
		return nil, fmt.Errorf("tsp: the authority's name: %w", err)
	}
	a := &Authority{o: o, name: name}
	now, err := a.now()
	if err != nil {
		return nil, err
	}
	return a, inForce(o.Certificate, now)
}

// check refuses options that no token could be issued with.
func (o *AuthorityOptions) check() error {
	if !alg.EqualKeys(o.Certificate.PublicKey, o.Signer.Public()) {
		return fmt.Errorf("tsp: the authority's certificate: %w", alg.ErrKeyMismatch)
	}
	if detail := usageFault(o.Certificate); detail != "" {
		return &Error{Kind: KindUsage, Cite: "RFC 3161, section 2.3", Detail: detail}
	}
	if f, bad := pki.FirstError(o.Certificate.Findings); bad {
		return fmt.Errorf("tsp: the authority's certificate: %s: %s", f.Field, f.Detail)
	}
	if len(o.Policies) == 0 {
		return errors.New("tsp: an authority needs at least one policy")
	}
	for _, p := range o.Policies {
		if _, err := oid.Parse(string(p)); err != nil {
			return fmt.Errorf("tsp: policy: %w", err)
		}
	}
	for _, d := range o.Digests {
		if _, err := alg.NewHash(alg.Identifier{OID: d}); err != nil {
			return fmt.Errorf("tsp: digest: %w", err)
		}
		// RFC 3161, section 2.4.1: an authority that "knows that the hash
		// algorithm is weak" should refuse it.
		if d == oid.SHA1 || d == oid.GOST341194 {
			return fmt.Errorf("tsp: digest: %s is too weak for a time stamp", d.Name())
		}
	}
	if o.Accuracy < 0 || o.Accuracy > 0 && o.Accuracy < minAccuracy {
		return fmt.Errorf("tsp: an accuracy of %v cannot be written", o.Accuracy)
	}
	return nil
}

// inForce: a token whose genTime lies outside the validity of the certificate
// is refused by everyone (RFC 5280, section 4.1.2.5); the same for the period
// of the private key, where the certificate states one.
func inForce(c *pki.Certificate, at time.Time) error {
	outside := func(from, to time.Time) bool {
		return !from.IsZero() && at.Before(from) || !to.IsZero() && at.After(to)
	}
	if outside(c.NotBefore, c.NotAfter) || outside(c.PrivateKeyNotBefore, c.PrivateKeyNotAfter) {
		return &Error{
			Kind: KindTime, Cite: "RFC 5280, section 4.1.2.5",
			Detail: "the authority's certificate or its key is not in force at " + at.Format(time.RFC3339),
		}
	}
	return nil
}

// now reads the clock.
func (a *Authority) now() (time.Time, error) {
	t, err := a.o.Clock()
	if err != nil {
		return time.Time{}, fmt.Errorf("tsp: clock: %w", err)
	}
	// A clock before the certificate was made was never set.
	if t.Before(a.o.Certificate.NotBefore) {
		return time.Time{}, fmt.Errorf("%w: %s is before the authority's certificate", errClock, t.UTC().Format(time.RFC3339))
	}
	return t.UTC(), nil
}

// errClock is in the chain where the clock cannot be right.
var errClock = errors.New("tsp: the clock is wrong")

// next returns the time and the serial number of the next token, both in one
// order.
func (a *Authority) next(ctx context.Context) (at time.Time, serial *big.Int, f failure, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, err = a.genTime(); err != nil {
		return at, nil, failTimeNotAvailable, err
	}
	if err := inForce(a.o.Certificate, at); err != nil {
		return at, nil, failSystemFailure, fmt.Errorf("tsp: %w", err)
	}
	serial, err = a.o.Serials.NextSerial(ctx)
	if err == nil && serial.Sign() <= 0 {
		err = errors.New("not positive")
	}
	if err != nil {
		return at, nil, failSystemFailure, fmt.Errorf("tsp: serial number: %w", err)
	}
	return at, serial, 0, nil
}

// genTime returns the time of the next token. A clock that was set back would
// state a time at which the token did not exist, so none is issued until it has
// caught up. The caller holds mu.
func (a *Authority) genTime() (time.Time, error) {
	now, err := a.now()
	if err != nil {
		return time.Time{}, err
	}
	if now.Before(a.last.Add(-maxStepBack)) {
		return time.Time{}, fmt.Errorf("%w: it was set back by %v", errClock, a.last.Sub(now))
	}
	now = now.Truncate(a.unit())
	// RFC 3161, section 2.4.2: with ordering "every time-stamp token from the
	// same TSA can always be ordered based on the genTime field".
	if a.o.Ordering && !now.After(a.last) {
		now = a.last.Add(a.unit())
	}
	if now.After(a.last) {
		a.last = now
	}
	return now, nil
}

// unit is the precision of genTime: "when there is no need to have a precision
// better than the second, then GeneralizedTime with a precision limited to one
// second SHOULD be used" (RFC 3161, section 2.4.2).
func (a *Authority) unit() time.Duration {
	switch {
	case a.o.Ordering:
		return time.Microsecond
	case a.o.Accuracy > 0 && a.o.Accuracy < time.Second:
		return time.Millisecond
	}
	return time.Second
}

// Health says why the authority could issue no token now; nil if it could. No
// serial number is used up.
func (a *Authority) Health() error {
	now, err := a.now()
	if err != nil {
		return err
	}
	return inForce(a.o.Certificate, now)
}

// Answered is a response with what a server needs to log: nothing of it says
// who asked or for what.
type Answered struct {
	DER     []byte   // of the TimeStampResp, never empty
	Status  Status   // Granted or Rejection
	Failure string   // name of the one bit of failInfo; "" if granted
	Serial  *big.Int // of the token; nil if none
}

// Answer answers one TimeStampReq with one TimeStampResp, of whatever status.
// The error explains a rejection: an [*Error] where the request is at fault,
// any other where the authority failed.
func (a *Authority) Answer(ctx context.Context, request []byte) (Answered, error) {
	req, err := ParseRequest(request)
	if err != nil {
		if errors.Is(err, errVersion) {
			return rejected(failBadRequest, "only version 1 is supported"), err
		}
		return rejected(failBadDataFormat, "the request is not a TimeStampReq"), err
	}
	if f, text := a.refusal(req); text != "" {
		return rejected(f, text), &Error{Kind: KindStatus, Status: Rejection, Failure: []string{f.name()}, Detail: text}
	}
	if err := ctx.Err(); err != nil {
		return rejected(failSystemFailure, "the service is busy"), err
	}
	at, serial, f, err := a.next(ctx)
	if err != nil {
		return rejected(f, "the service has no time or no number to give"), err
	}
	token, err := a.token(req, serial, at)
	if err != nil {
		return rejected(failSystemFailure, "the service is out of order"), fmt.Errorf("tsp: token: %w", err)
	}
	return Answered{DER: grant(token), Status: Granted, Serial: serial}, nil
}

// Respond is Answer for a [Requester] in the same process.
func (a *Authority) Respond(ctx context.Context, request []byte) ([]byte, error) {
	out, err := a.Answer(ctx, request)
	var refused *Error
	if err != nil && !errors.As(err, &refused) {
		return nil, err // the response would hide why
	}
	return out.DER, nil
}

// refusal says why a request that could be read gets no token; "" if it does.
func (a *Authority) refusal(req *Request) (failure, string) {
	if !slices.Contains(a.o.Digests, req.HashAlgorithm.OID) {
		return failBadAlg, "the digest algorithm is not accepted"
	}
	// No digest that is accepted has parameters; some write NULL (RFC 5754,
	// section 2).
	if p := req.HashAlgorithm.Params; len(p) != 0 && !bytes.Equal(p, []byte{5, 0}) {
		return failBadAlg, "the digest algorithm has parameters"
	}
	// RFC 3161, section 2.4.2: "otherwise an error (unacceptedPolicy) MUST be
	// returned".
	if req.Policy != "" && !slices.Contains(a.o.Policies, req.Policy) {
		return failUnacceptedPolicy, "the policy is not supported"
	}
	// RFC 3161, section 2.4.1: an extension that is not recognized, "whether
	// it is marked critical or not critical", gets no token.
	if len(req.Extensions) > 0 {
		return failUnacceptedExtension, "no extension is supported"
	}
	return 0, ""
}

// token issues one token.
func (a *Authority) token(req *Request, serial *big.Int, at time.Time) ([]byte, error) {
	info := Info{
		Policy: a.o.Policies[0], HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage,
		Serial: serial, GenTime: at, Ordering: a.o.Ordering, Nonce: req.Nonce, TSA: a.name,
		Accuracy: Accuracy{Present: a.o.Accuracy > 0, Value: a.o.Accuracy},
	}
	if req.Policy != "" {
		info.Policy = req.Policy
	}
	content, err := info.encode()
	if err != nil {
		return nil, err
	}
	h, err := alg.NewHash(alg.HashForKey(a.o.Certificate.PublicKey))
	if err != nil {
		return nil, err
	}
	h.Write(content)
	if !a.o.Parallel {
		a.sign.Lock()
		defer a.sign.Unlock()
	}
	// RFC 5816, section 2.2.1: ESSCertIDv2 in signingCertificateV2 where the
	// digest is not SHA-1; BuildSigner writes that one.
	si, err := cms.BuildSigner(a.o.Rand, cms.SignerRequest{
		Key: a.o.Signer, Certificate: a.o.Certificate, ContentType: oid.TSTInfo, Digest: h.Sum(nil), SigningTime: at,
	})
	if err != nil {
		return nil, err
	}
	m := cms.Message{ContentType: oid.TSTInfo}
	// RFC 3161, section 2.4.1: without certReq "the certificates field from
	// the SignedData structure MUST not be present".
	if req.CertReq {
		m.AddCertificates(a.o.Certificate)
		m.AddCertificates(a.o.Chain...)
	}
	var out bytes.Buffer
	if err := cms.WriteAttached(&out, m, bytes.NewReader(content), int64(len(content)), []*cms.SignerInfo{si}, nil); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

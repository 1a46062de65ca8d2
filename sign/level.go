package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// EvidenceFunc returns what proves the signatures of sig at this moment: the
// certificates up to the anchors, for signers and time-stamping authorities, and
// what says that they are not revoked. sig is the whole message without its
// content, as DER, at the level reached so far; content reads the document from
// its beginning and must not be kept. An error stops the raising: whoever verifies
// here makes sure that nothing is raised that does not hold.
type EvidenceFunc func(ctx context.Context, sig []byte, content io.Reader) (cms.Evidence, error)

// Raiser raises signatures to a level. What is signed stays octet for octet;
// only unsigned attributes, and for LevelA the certificates and revocation data
// of the message, are added to.
type Raiser struct {
	Level    Level        // LevelT, LevelXL or LevelA
	TSA      tsp.Client   // required
	Evidence EvidenceFunc // required above LevelT
	SpoolDir string       // as in Signer

	// Approve, if not nil, sees the result before it is written, as Evidence
	// sees what it is made of; an error stops it from being written.
	Approve func(ctx context.Context, sig []byte, content io.Reader) error
}

// Errors that callers branch on.
var (
	// ErrNothingToRaise says that every signature has the level already. (For
	// LevelA there is always one more archive time stamp to add.)
	ErrNothingToRaise = errors.New("sign: every signature has that level already")

	// ErrNoTSA says that a level above BES needs a time-stamping authority.
	ErrNoTSA = errors.New("sign: a signature with a time stamp needs a time-stamping authority")

	// ErrNoEvidence says that a level above T needs evidence.
	ErrNoEvidence = errors.New("sign: a signature with evidence needs a source of evidence")
)

// EvidenceError says that what was collected does not suffice for a level.
type EvidenceError struct {
	Signer int // counted from 0
	Why    string
}

// Error names the signature and what is missing.
func (e *EvidenceError) Error() string {
	return fmt.Sprintf("sign: signature %d: %s", e.Signer+1, e.Why)
}

// LevelOf returns the level whose attributes si has. Nothing is verified: what
// the attributes are worth is for package verify to say.
func LevelOf(si *cms.SignerInfo) Level {
	has := func(types ...oid.OID) bool {
		for _, t := range types {
			if len(si.Unsigned(t)) == 0 {
				return false
			}
		}
		return true
	}
	// ETSI EN 319 122-1, clause 5.5.3, and RFC 5126, section 4.4.
	switch {
	case has(oid.AttrArchiveTimeStampV3), has(oid.AttrArchiveTimeStampV2):
		return LevelA
	case has(oid.AttrCompleteCertificateRefs, oid.AttrCompleteRevocationRefs, oid.AttrCertificateValues) &&
		(has(oid.AttrEscTimeStamp) || has(oid.AttrCertCRLTimeStamp)):
		return LevelXL
	case has(oid.AttrSignatureTimeStamp):
		return LevelT
	}
	return LevelBES
}

// check refuses a Raiser that cannot reach its level.
func (r *Raiser) check() error {
	switch {
	case r.Level < LevelT || r.Level > LevelA:
		return &LevelError{Level: r.Level}
	case r.TSA == nil:
		return ErrNoTSA
	case r.Level > LevelT && r.Evidence == nil:
		return ErrNoEvidence
	}
	return nil
}

// Raise reads the signature sig, raises every signer below the level to it, step
// by step through the levels between, and writes the message to w as DER,
// attached or detached as it was. For LevelA a signature that has it gets one
// more archive time stamp, over all that is there.
//
// content is the document of a detached signature, needed above LevelT; for an
// attached one it must be nil. A document that the signatures are not about is an
// [*OtherContentError]. Nothing is written before all time stamps are made.
func (r *Raiser) Raise(ctx context.Context, w io.Writer, sig, content io.Reader) (err error) {
	if err := r.check(); err != nil {
		return err
	}
	kept := newSpool(r.SpoolDir)
	defer func() { err = errors.Join(err, kept.Close()) }()
	sd, err := cms.ReadSigned(withContext(ctx, sig), kept, cms.Limits{})
	if err != nil {
		return fmt.Errorf("sign: existing signature: %w", err)
	}
	detached := sd.Detached
	switch {
	case detached && content != nil:
		if _, err := io.Copy(kept, withContext(ctx, content)); err != nil {
			return fmt.Errorf("sign: document: %w", err)
		}
	case detached && r.Level > LevelT:
		return ErrNoDocument
	case !detached && content != nil:
		return errors.New("sign: the signature holds its document, and another was given")
	}
	if !detached || content != nil {
		if err := aboutContent(sd, kept.Reader); err != nil {
			return err
		}
	}
	job := &raising{Raiser: r, sd: sd, document: kept.Reader}
	if err := job.run(ctx); err != nil {
		return err
	}
	if detached {
		return sd.Rewrite(w, job.edit(), nil)
	}
	document, err := kept.Reader()
	if err != nil {
		return err
	}
	return sd.Rewrite(w, job.edit(), withContext(ctx, document))
}

// aboutContent refuses a document that some signature is not about.
func aboutContent(sd *cms.SignedData, document func() (io.Reader, error)) error {
	r, err := document()
	if err != nil {
		return err
	}
	var mismatch *cms.DigestMismatchError
	if err := sd.DigestContent(r); errors.As(err, &mismatch) {
		return &OtherContentError{Err: err}
	} else if err != nil {
		return err
	}
	for i := range sd.Signers {
		if err := sameContent(sd, i); err != nil {
			return &OtherContentError{Signer: i, Err: err}
		}
	}
	return nil
}

// raising is one message on its way up. Signers of sd are replaced in place.
type raising struct {
	*Raiser
	sd       *cms.SignedData
	document func() (io.Reader, error)

	evidence *bag             // of the message as it is, nil: to be asked for
	used     map[string]bool  // what of evidence belongs to a signer or an authority
	digests  []alg.Identifier // of archive time stamps
}

// edit is what Rewrite adds besides what sd has.
func (j *raising) edit() cms.Edit { return cms.Edit{Digests: j.digests} }

// run raises all signers one level after the other: evidence is asked for once
// a level, for the whole message.
func (j *raising) run(ctx context.Context) error {
	if len(j.sd.Signers) == 0 {
		return errors.New("sign: the message has no signature")
	}
	raised := false
	steps := [...]func(context.Context, int) error{LevelT: j.toT, LevelXL: j.toXL, LevelA: j.toA}
	for level := LevelT; level <= j.Level; level++ {
		j.evidence = nil
		for i, si := range j.sd.Signers {
			// An archive time stamp is renewed by another; all else is made once.
			if at := LevelOf(si); at >= level && level != LevelA {
				continue
			}
			if err := steps[level](ctx, i); err != nil {
				return err
			}
			raised = true
		}
	}
	if !raised {
		return ErrNothingToRaise
	}
	return j.approve(ctx)
}

// approve shows the result to the caller.
func (j *raising) approve(ctx context.Context) error {
	if j.Approve == nil {
		return nil
	}
	skeleton, document, err := j.show(ctx)
	if err != nil {
		return err
	}
	return j.Approve(ctx, skeleton, document)
}

// show returns the message as it is, without its content, and the content.
func (j *raising) show(ctx context.Context) ([]byte, io.Reader, error) {
	var skeleton bytes.Buffer
	e := j.edit()
	e.Detach = true
	if err := j.sd.Rewrite(&skeleton, e, nil); err != nil {
		return nil, nil, err
	}
	document, err := j.document()
	if err != nil {
		return nil, nil, err
	}
	return skeleton.Bytes(), withContext(ctx, document), nil
}

// hash returns the digest for the time stamps of a signer: his own, unless
// that is one that has been withdrawn.
func (j *raising) hash(i int) alg.Identifier {
	id := alg.Identifier{OID: j.sd.Signers[i].DigestAlgorithm.OID}
	if d, ok := alg.SignatureDigest(j.sd.Signers[i].DigestAlgorithm); ok {
		id = alg.Identifier{OID: d.OID}
	}
	if _, err := alg.NewHash(id); err != nil || id.OID == oid.GOST341194 || id.OID == oid.SHA1 {
		id = alg.Identifier{OID: oid.Streebog256}
	}
	return id
}

// stamp has digest stamped and returns the token.
func (j *raising) stamp(ctx context.Context, id alg.Identifier, digest []byte) (*tsp.Token, error) {
	token, err := j.TSA.Stamp(ctx, id, digest)
	if err != nil {
		return nil, fmt.Errorf("sign: time stamp: %w", err)
	}
	// A client is the caller's; that its token is about this signature is not
	// left to it.
	if !bytes.Equal(token.Info.HashedMessage, digest) {
		return nil, errors.New("sign: time stamp: the token is about other octets")
	}
	return token, nil
}

// addStamp adds a time stamp of the kind to signer i.
func (j *raising) addStamp(ctx context.Context, i int, kind cms.StampKind) error {
	id := j.hash(i)
	digest, err := j.sd.StampImprint(i, cms.Stamp{Kind: kind}, id, nil)
	if err != nil {
		return err
	}
	token, err := j.stamp(ctx, id, digest)
	if err != nil {
		return err
	}
	return j.add(i, cms.Attribute{Type: kind.OID(), Values: [][]byte{token.Raw}})
}

// add adds unsigned attributes to signer i.
func (j *raising) add(i int, list ...cms.Attribute) error {
	si, err := j.sd.Signers[i].AddUnsignedAttributes(list...)
	if err != nil {
		return err
	}
	j.sd.Signers[i] = si
	return nil
}

// toT adds signature-time-stamp.
func (j *raising) toT(ctx context.Context, i int) error {
	return j.addStamp(ctx, i, cms.StampSignature)
}

// collect asks for the evidence of the message as it is, once a level.
func (j *raising) collect(ctx context.Context) (*bag, error) {
	if j.evidence != nil {
		return j.evidence, nil
	}
	skeleton, document, err := j.show(ctx)
	if err != nil {
		return nil, err
	}
	found, err := j.Evidence(ctx, skeleton, document)
	if err != nil {
		return nil, err
	}
	j.evidence, j.used = newBag(found, j.sd.Certificates), nil
	return j.evidence, nil
}

// toXL makes CAdES-X Long Type 1: the authorities' evidence goes into the
// tokens of the signature time stamps, the signer's into references and values,
// and a time stamp covers the references.
func (j *raising) toXL(ctx context.Context, i int) error {
	b, err := j.collect(ctx)
	if err != nil {
		return err
	}
	si := j.sd.Signers[i]
	if len(si.Unsigned(oid.AttrCompleteCertificateRefs))+len(si.Unsigned(oid.AttrCompleteRevocationRefs)) == 0 {
		if err := j.completeTokens(i, b, cms.StampSignature); err != nil {
			return err
		}
	}
	if err := j.addReferences(i, b); err != nil {
		return err
	}
	return j.addStamp(ctx, i, cms.StampCAdESC)
}

// signerCertificate returns the certificate with which signature i verifies.
func (j *raising) signerCertificate(i int, b *bag) (*pki.Certificate, error) {
	for _, c := range named(j.sd.Signers[i], b.certs) {
		if _, err := j.sd.CheckSigner(i, c); err == nil {
			return c, nil
		}
	}
	return nil, &EvidenceError{Signer: i, Why: "the signature verifies with none of the certificates at hand"}
}

// addReferences adds what of complete-certificate-refs, complete-revocation-refs,
// certificate-values and revocation-values is not there.
func (j *raising) addReferences(i int, b *bag) error {
	cert, err := j.signerCertificate(i, b)
	if err != nil {
		return err
	}
	s := b.support(cert)
	if !s.proven() {
		return &EvidenceError{Signer: i, Why: "there is no revocation data for the signer's certificate " + cert.Subject.String()}
	}
	if err := j.addLeftovers(s, b); err != nil {
		return err
	}
	si := j.sd.Signers[i]
	refs, err := si.EvidenceRefs()
	if err != nil {
		return err
	}
	var list []cms.Attribute
	if refs == nil {
		if list, err = s.references(j.hash(i)); err != nil {
			return err
		}
	}
	if len(si.Unsigned(oid.AttrCertificateValues))+len(si.Unsigned(oid.AttrRevocationValues)) == 0 {
		values := s.evidence()
		if refs != nil {
			if missing, err := refs.Missing(values); err != nil || len(missing) > 0 {
				return &EvidenceError{Signer: i, Why: fmt.Sprintf("what the signature refers to was not found: %v %v", missing, err)}
			}
		}
		more, err := cms.ValuesAttributes(values)
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	if len(list) == 0 {
		return nil
	}
	return j.add(i, list...)
}

// addLeftovers gives the first signer that is raised the evidence that belongs
// neither to a signer nor to an authority by any rule that support knows: it
// decided all the same.
func (j *raising) addLeftovers(s *support, b *bag) error {
	if j.used != nil {
		return nil
	}
	j.used = make(map[string]bool)
	for i := range j.sd.Signers {
		if cert, err := j.signerCertificate(i, b); err == nil {
			b.support(cert).mark(j.used)
		}
		stamps, err := j.sd.Stamps(i)
		if err != nil {
			return err
		}
		for _, stamp := range stamps {
			if _, tsa, err := authority(stamp.Token, b); err == nil {
				b.support(tsa).mark(j.used)
			}
		}
	}
	s.addLeftovers(b, j.used)
	return nil
}

// completeTokens puts the evidence about an authority into the unsigned
// attributes of its tokens: "the unsigned attribute shall be added to the
// signedData of the relevant time-stamp token" (RFC 5126, section 6.3.3). Tokens
// that have such attributes stay as they are, and so do those of authorities
// about which nothing is known. No other time stamp may cover the tokens yet.
func (j *raising) completeTokens(i int, b *bag, kind cms.StampKind) error {
	stamps, err := j.sd.Stamps(i)
	if err != nil {
		return err
	}
	for n := range stamps {
		// Replacing one token may change the order of the attributes.
		if stamps, err = j.sd.Stamps(i); err != nil {
			return err
		}
		for k, s := range stamps {
			if k < n || s.Kind != kind {
				continue
			}
			token, err := completeToken(s.Token, b)
			if err != nil {
				return err
			}
			if token == nil {
				continue
			}
			si, err := j.sd.Signers[i].ReplaceToken(s, token)
			if err != nil {
				return err
			}
			j.sd.Signers[i] = si
			break
		}
	}
	return nil
}

// toA adds archive-time-stamp-v3 over everything that is there. First all
// evidence that is not in the signature yet is put where EN 319 122-1, clause
// 5.5.3 wants it: into certificates and crls of the root SignedData.
func (j *raising) toA(ctx context.Context, i int) error {
	b, err := j.collect(ctx)
	if err != nil {
		return err
	}
	if LevelOf(j.sd.Signers[i]) < LevelA {
		if err := j.completeTokens(i, b, cms.StampCAdESC); err != nil {
			return err
		}
	}
	missing, err := j.notCarried(b)
	if err != nil {
		return err
	}
	if err := j.sd.AddEvidence(missing); err != nil {
		return err
	}
	id := j.hash(i)
	index, err := j.sd.BuildHashIndex(i, id)
	if err != nil {
		return err
	}
	digest, err := j.sd.ArchiveImprint(i, index, j.contentDigest)
	if err != nil {
		return err
	}
	token, err := j.stamp(ctx, id, digest)
	if err != nil {
		return err
	}
	raw, err := withTokenAttributes(token.Raw, cms.Attribute{Type: index.Type, Values: [][]byte{index.Raw}})
	if err != nil {
		return err
	}
	// EN 319 122-1, clause 5.5.3: the identifier of the hash algorithm "should be
	// included in the SignedData.digestAlgorithms set".
	j.digests = append(j.digests, id)
	return j.add(i, cms.Attribute{Type: oid.AttrArchiveTimeStampV3, Values: [][]byte{raw}})
}

// contentDigest returns a digest of the document.
func (j *raising) contentDigest(id alg.Identifier) ([]byte, error) {
	if sum, ok := j.sd.ContentDigest(id); ok {
		return sum, nil
	}
	document, err := j.document()
	if err != nil {
		return nil, err
	}
	d, _, err := cms.Digest(document, id)
	if err != nil {
		return nil, err
	}
	return d.Sum(id)
}

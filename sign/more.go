package sign

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CoSign adds a signature beside those in existing and writes the result to w,
// attached or detached as existing is. Signatures, certificates and revocation
// data that are there are kept octet for octet.
//
// content is the document of a detached signature. For an attached one it may
// be nil; where it is given it must be what existing contains. If the document
// is not the one that the existing signatures are about, the error is an
// [*OtherContentError].
func (s *Signer) CoSign(ctx context.Context, w io.Writer, existing, content io.Reader) error {
	return s.extend(ctx, w, existing, func(sd *cms.SignedData, kept *spool) ([]*cms.SignerInfo, error) {
		own := alg.HashForKey(s.Cert.PublicKey)
		switch {
		case content != nil:
			var mismatch *cms.DigestMismatchError
			if err := sd.DigestContent(withContext(ctx, content), own); errors.As(err, &mismatch) {
				return nil, &OtherContentError{Err: err}
			} else if err != nil {
				return nil, err
			}
		case sd.Detached:
			return nil, ErrNoDocument
		}
		for i := range sd.Signers {
			if err := sameContent(sd, i); err != nil {
				return nil, &OtherContentError{Signer: i, Err: err}
			}
		}
		q := s.request()
		q.ContentType = sd.ContentType
		var err error
		if q.Digest, err = ownDigest(sd, kept, own); err != nil {
			return nil, err
		}
		si, err := cms.BuildSigner(s.rand(), q)
		return append(sd.Signers, si), err
	})
}

// ownDigest returns the digest of the content by id, from the spool where no
// other signer uses that algorithm.
func ownDigest(sd *cms.SignedData, kept *spool, id alg.Identifier) ([]byte, error) {
	if sum, ok := sd.ContentDigest(id); ok {
		return sum, nil
	}
	r, err := kept.Reader()
	if err != nil {
		return nil, err
	}
	d, _, err := cms.Digest(r, id)
	if err != nil {
		return nil, err
	}
	return d.Sum(id)
}

// ArchivedError says that a signature has an archive time stamp of the second
// version. It covers all certificates and unsigned attributes of the message, so
// that anything added breaks it (RFC 5126, section 6.4.1).
type ArchivedError struct{ Signer int } // counted from 0

// Error names the signature.
func (e *ArchivedError) Error() string {
	return fmt.Sprintf("sign: signature %d has an archive-time-stamp-v2, which anything added would break", e.Signer+1)
}

// sameContent says whether signature i is about the content of sd. Where it
// has signed attributes the digest among them tells, else only the signature
// value itself.
func sameContent(sd *cms.SignedData, i int) error {
	si := sd.Signers[i]
	if si.RawSignedAttrs != nil {
		checks, err := sd.CheckSigner(i, nil)
		for _, c := range checks {
			if c.ID == cms.CheckMessageDigest {
				return c.Err
			}
		}
		return err // no digest: an algorithm that is not known, or a broken attribute
	}
	err := cms.ErrNoCertificate
	for _, cert := range sd.Candidates(si) {
		if _, err = sd.CheckSigner(i, cert); err == nil {
			return nil
		}
	}
	return err
}

// CounterSign signs signature index of existing, counted from 0, and writes
// the result to w (RFC 5652, section 11.4). It refuses to sign a signature whose
// value does not verify with the certificate that existing contains for it.
func (s *Signer) CounterSign(ctx context.Context, w io.Writer, existing io.Reader, index int) error {
	return s.extend(ctx, w, existing, func(sd *cms.SignedData, _ *spool) ([]*cms.SignerInfo, error) {
		if index < 0 || index >= len(sd.Signers) {
			return nil, fmt.Errorf("sign: there is no signature %d: the file has %d", index+1, len(sd.Signers))
		}
		if err := checkValue(sd, index); err != nil {
			return nil, fmt.Errorf("sign: signature %d: %w", index+1, err)
		}
		counter, err := cms.BuildCounterSigner(s.rand(), sd.Signers[index], s.request())
		if err != nil {
			return nil, err
		}
		if sd.Signers[index], err = sd.Signers[index].AddCounterSignature(counter); err != nil {
			return nil, err
		}
		return sd.Signers, nil
	})
}

// checkValue returns an error if some certificate for signature i is there and
// the value verifies with none.
func checkValue(sd *cms.SignedData, i int) error {
	var failed error
	for _, cert := range sd.Candidates(sd.Signers[i]) {
		checks, err := sd.CheckSigner(i, cert)
		if err == nil {
			return nil
		}
		ok := false
		for _, c := range checks {
			if c.ID == cms.CheckSignatureValue {
				ok, failed = c.OK, c.Err
			}
		}
		if ok {
			return nil
		}
	}
	return failed
}

// extend reads existing, lets change make the signers that the result shall
// have, and writes it with the content and everything else that was there.
func (s *Signer) extend(ctx context.Context, w io.Writer, existing io.Reader, change func(*cms.SignedData, *spool) ([]*cms.SignerInfo, error)) (err error) {
	if err := s.Check(); err != nil {
		return err
	}
	// Raising is a step of its own here: it would be about all signatures.
	if s.Level != LevelBES {
		return &LevelError{Level: s.Level}
	}
	kept := newSpool(s.SpoolDir)
	defer func() { err = errors.Join(err, kept.Close()) }()
	sd, err := cms.ReadSigned(withContext(ctx, existing), kept, cms.Limits{})
	if err != nil {
		return fmt.Errorf("sign: existing signature: %w", err)
	}
	for i, si := range sd.Signers {
		if len(si.Unsigned(oid.AttrArchiveTimeStampV2)) > 0 {
			return &ArchivedError{Signer: i}
		}
	}
	signers, err := change(sd, kept)
	if err != nil {
		return err
	}
	m := sd.Message()
	s.addCertificates(&m)
	if sd.Detached {
		return cms.WriteDetached(w, m, signers)
	}
	content, err := kept.Reader()
	if err != nil {
		return err
	}
	return cms.WriteAttached(w, m, content, kept.n, signers, nil)
}

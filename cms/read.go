package cms

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// withDefaults replaces zero fields.
func (l Limits) withDefaults() Limits {
	return Limits{
		Certificates: cmp.Or(l.Certificates, limits.CMSCertificates),
		Revocations:  cmp.Or(l.Revocations, limits.CMSRevocations),
		Signers:      cmp.Or(l.Signers, limits.CMSSigners),
		Attributes:   cmp.Or(l.Attributes, limits.CMSAttributes),
		Element:      cmp.Or(l.Element, limits.CMSElement),
		Total:        cmp.Or(l.Total, limits.CMSTotal),
	}
}

// Identifier octets of the types in a message.
const (
	tagSequence = 0x30
	tagSet      = 0x31
	tagContext0 = 0xa0
	tagContext1 = 0xa1

	smallElement = 4096 // octets of a version, an OID or an AlgorithmIdentifier
)

// fallbackDigests are the digests computed over content in front of which no
// digest was announced: "There MAY be any number of elements in the collection,
// including zero" (RFC 5652, section 5.1).
func fallbackDigests() []alg.Identifier {
	return []alg.Identifier{
		{OID: oid.Streebog256},
		{OID: oid.Streebog512},
		{OID: oid.GOST341194},
		{OID: oid.SHA256},
		{OID: oid.SHA384},
		{OID: oid.SHA512},
	}
}

// ReadSigned reads a signed message from r: DER or BER, bare or as PEM or
// Base64. The content of an attached message is hashed by every algorithm
// that the message announces and written to content (nil: discarded) as it is
// read; nothing has been verified at that moment, so the caller must not act
// on it before the signatures are checked.
//
// Certificates, CRLs and OCSP responses in the message that cannot be parsed
// become Findings. Anything else that breaks the syntax is a [*FormatError] or
// a [*der.SyntaxError], an object of another kind a [*KindError], and a message
// over the limits a [*LimitError].
func ReadSigned(r io.Reader, content io.Writer, l Limits) (*SignedData, error) {
	return Options{Limits: l}.ReadSigned(r, content)
}

// Options is how a message is read and its signatures are checked by a program
// that reads many. The zero value is right for one.
type Options struct {
	Limits Limits
	// Certificate is what pki.ParseCertificate is, perhaps with a memory: of the
	// octets of another certificate it must never return this one. nil:
	// pki.ParseCertificate.
	Certificate func(der []byte) (*pki.Certificate, error)
	// VerifyGOST is that of alg.VerifyMessageBy, for CheckSigner. nil:
	// gost3410.Verify.
	VerifyGOST alg.GOSTVerifier
}

// ReadSigned is the function of that name.
func (o Options) ReadSigned(r io.Reader, content io.Writer) (*SignedData, error) {
	rd, err := open(r, der.KindSignedData)
	if err != nil {
		return nil, err
	}
	l := o.Limits.withDefaults()
	rd.left = l.Total
	sd := &SignedData{Armor: rd.armor, limits: l, verify: o.VerifyGOST, parse: o.Certificate}
	if err := rd.enter(oid.SignedData, "SignedData"); err != nil {
		return nil, err
	}
	steps := []func(*SignedData) error{
		rd.version,
		rd.digestAlgorithms,
		func(sd *SignedData) error { return rd.encapContentInfo(sd, content) },
		rd.certificates,
		rd.revocations,
		rd.signerInfos,
	}
	for _, step := range steps {
		if err := step(sd); err != nil {
			return nil, err
		}
	}
	if err := rd.leave("SignedData"); err != nil {
		return nil, err
	}
	if err := rd.trailing(); err != nil {
		return nil, err
	}
	sd.BER = rd.s.BER()
	sd.sorted = isSorted(signersRaw(sd.Signers))
	return sd, nil
}

// reader walks a message and keeps account of what is held in memory.
type reader struct {
	s     *der.Stream
	left  int64 // octets of limits.Total not used
	armor der.Armor
}

// open recognises the wrapping and the kind of what r holds.
func open(r io.Reader, want der.Kind) (*reader, error) {
	plain, armor, err := der.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("cms: %w", err)
	}
	br, ok := plain.(*bufio.Reader)
	if !ok {
		br = der.NewBuffered(plain)
	}
	head, err := br.Peek(min(smallElement, br.Size()))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cms: %w", err)
	}
	if kind := der.Sniff(head); kind != der.KindUnknown && kind != want {
		return nil, &KindError{Kind: kind, Want: want}
	}
	return &reader{s: der.NewStream(br), left: limits.CMSTotal, armor: armor}, nil
}

// enter opens ContentInfo and the SEQUENCE inside it:
//
//	ContentInfo ::= SEQUENCE {
//	  contentType ContentType,
//	  content [0] EXPLICIT ANY DEFINED BY contentType }
func (rd *reader) enter(want oid.OID, name string) error {
	if err := rd.s.Enter(tagSequence, "ContentInfo"); err != nil {
		return err
	}
	got, err := rd.oid("contentType")
	if err != nil {
		return err
	}
	if got != want {
		return bad("contentType", "%s where %s belongs", got.Name(), want.Name())
	}
	if err := rd.s.Enter(tagContext0, "content"); err != nil {
		return err
	}
	return rd.s.Enter(tagSequence, name)
}

// leave closes what enter opened.
func (rd *reader) leave(name string) error {
	return cmp.Or(rd.s.Leave(name), rd.s.Leave("content"), rd.s.Leave("ContentInfo"))
}

// trailing reads what follows the message. Zeros and white space are padding
// that mail and PDF add; anything else is no part of what was signed, and a
// reader that shows the file might take it for one.
func (rd *reader) trailing() error {
	n, blank, err := rd.s.Trailing(limits.CMSElement)
	if err != nil {
		return fmt.Errorf("cms: after the message: %w", err)
	}
	if n > 0 && !blank {
		return bad("ContentInfo", "%d octets after the end of the message", n)
	}
	return nil
}

// add records a finding.
func (sd *SignedData) add(s pki.Severity, code, field, detail, cite string) {
	sd.Findings = append(sd.Findings, pki.Finding{Severity: s, Code: code, Field: field, Detail: detail, Cite: cite})
}

// raw reads one element into memory.
func (rd *reader) raw(limit int64, field string) ([]byte, error) {
	raw, err := rd.s.Raw(min(limit, rd.left), field)
	rd.left -= int64(len(raw))
	return raw, err
}

// small reads one short element and converts it to DER.
func (rd *reader) small(field string) ([]byte, error) {
	raw, err := rd.raw(smallElement, field)
	if err != nil {
		return nil, err
	}
	out, err := der.ToDER(raw)
	if err != nil {
		return nil, &FormatError{Field: field, Err: err}
	}
	return out, nil
}

func (rd *reader) oid(field string) (oid.OID, error) {
	raw, err := rd.small(field)
	if err != nil {
		return "", err
	}
	s := cryptobyte.String(raw)
	var o oid.OID
	if !oid.Read(&s, &o) || !s.Empty() {
		return "", bad(field, "not an OBJECT IDENTIFIER")
	}
	return o, nil
}

func (rd *reader) integer(field string) (int, error) {
	raw, err := rd.small(field)
	if err != nil {
		return 0, err
	}
	s := cryptobyte.String(raw)
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.INTEGER) || !s.Empty() {
		return 0, bad(field, "not an INTEGER")
	}
	n, ok := der.SmallInteger(content)
	if !ok {
		return 0, bad(field, "not a version number")
	}
	return n, nil
}

// version reads CMSVersion. Its value decides nothing: every part of the
// message says by its tag what it is.
func (rd *reader) version(sd *SignedData) (err error) {
	sd.Version, err = rd.integer("SignedData.version")
	return err
}

// set walks a SET whose elements are handled by each.
func (rd *reader) set(tag byte, field string, most int, each func(h der.Header) error) error {
	if err := rd.s.Enter(tag, field); err != nil {
		return err
	}
	for n := 0; ; n++ {
		h, more, err := rd.s.Next(field)
		if err != nil {
			return err
		}
		if !more {
			return rd.s.Leave(field)
		}
		if n == most {
			return &LimitError{What: field, Max: int64(most)}
		}
		if err := each(h); err != nil {
			return err
		}
	}
}

// optional says whether the next element has the tag.
func (rd *reader) optional(tag byte, field string) (bool, error) {
	h, more, err := rd.s.Next(field)
	return more && h.Tag == tag, err
}

func (rd *reader) digestAlgorithms(sd *SignedData) error {
	const field = "SignedData.digestAlgorithms"
	return rd.set(tagSet, field, limits.CMSDigests, func(der.Header) error {
		id, err := rd.algorithm(field)
		sd.DigestAlgorithms = append(sd.DigestAlgorithms, id)
		return err
	})
}

func (rd *reader) algorithm(field string) (alg.Identifier, error) {
	raw, err := rd.small(field)
	if err != nil {
		return alg.Identifier{}, err
	}
	id, err := alg.ParseIdentifier(raw)
	if err != nil {
		return alg.Identifier{}, &FormatError{Field: field, Err: err}
	}
	return id, nil
}

// encapContentInfo reads
//
//	EncapsulatedContentInfo ::= SEQUENCE {
//	  eContentType ContentType,
//	  eContent [0] EXPLICIT OCTET STRING OPTIONAL }
func (rd *reader) encapContentInfo(sd *SignedData, w io.Writer) error {
	ids := sd.DigestAlgorithms
	if len(ids) == 0 {
		ids = fallbackDigests()
	}
	d := newDigester(ids)
	contentType, detached, err := rd.content(d, w)
	if err != nil {
		return err
	}
	sd.ContentType, sd.Detached = contentType, detached
	if !detached {
		sd.setDigests(d)
	}
	return nil
}

// setDigests takes over what d computed.
func (sd *SignedData) setDigests(d *digester) {
	sd.digests, sd.ContentLength, sd.head = d.sums(), d.n, d.head
}

// content reads EncapsulatedContentInfo and moves the content through d to w.
func (rd *reader) content(d *digester, w io.Writer) (contentType oid.OID, absent bool, err error) {
	const field = "encapContentInfo"
	if err = rd.s.Enter(tagSequence, field); err != nil {
		return "", false, err
	}
	if contentType, err = rd.oid(field + ".eContentType"); err != nil {
		return "", false, err
	}
	present, err := rd.optional(tagContext0, field+".eContent")
	if err != nil {
		return "", false, err
	}
	if present {
		if err := rd.s.Enter(tagContext0, field+".eContent"); err != nil {
			return "", false, err
		}
		octets, err := rd.s.Content(der.TagOctetString, field+".eContent")
		if err != nil {
			return "", false, err
		}
		if err := d.copy(w, octets); err != nil {
			return "", false, contentError(err)
		}
		if err := rd.s.Leave(field + ".eContent"); err != nil {
			return "", false, err
		}
	}
	return contentType, !present, rd.s.Leave(field)
}

// contentError passes on errors of the message as they are and says of others
// where they come from.
func contentError(err error) error {
	var syntax *der.SyntaxError
	if errors.As(err, &syntax) {
		return err
	}
	return fmt.Errorf("cms: content: %w", err)
}

func (rd *reader) signerInfos(sd *SignedData) error {
	const field = "SignedData.signerInfos"
	return rd.set(tagSet, field, sd.limits.Signers, func(der.Header) error {
		raw, err := rd.raw(sd.limits.Element, field)
		if err != nil {
			return err
		}
		si, err := parseSignerInfo(raw, sd.limits, 0)
		if err != nil {
			return fmt.Errorf("%w (signer %d)", err, len(sd.Signers)+1)
		}
		sd.Signers = append(sd.Signers, si)
		return nil
	})
}

// DigestContent hashes the document of a detached signature in one pass, by
// the algorithms of the message, of its signers and of more.
//
// Of an attached signature it checks that r is the content of the message, and
// returns a [*DigestMismatchError] with both digests where it is not.
func (sd *SignedData) DigestContent(r io.Reader, more ...alg.Identifier) error {
	ids := append([]alg.Identifier(nil), more...)
	ids = append(ids, sd.DigestAlgorithms...)
	for _, si := range sd.Signers {
		ids = append(ids, si.DigestAlgorithm)
	}
	d := newDigester(ids)
	if err := d.copy(nil, r); err != nil {
		return fmt.Errorf("cms: document: %w", err)
	}
	if sd.Detached {
		sd.setDigests(d)
		return nil
	}
	for o, sum := range d.sums() {
		if inside, ok := sd.digests[o]; ok && !bytes.Equal(sum, inside) {
			return &DigestMismatchError{Algorithm: o, Computed: sum, Signed: inside}
		}
	}
	return nil
}

// ContentDigest returns the digest of the content by the algorithm id, and
// false if it was not computed.
func (sd *SignedData) ContentDigest(id alg.Identifier) ([]byte, bool) {
	sum, ok := sd.digests[digestOID(id)]
	return sum, ok
}

// Candidates returns the certificates of the message that si names as its
// signer's. There may be several: whoever adds a certificate to a message
// needs no key for it.
func (sd *SignedData) Candidates(si *SignerInfo) []*pki.Certificate {
	var out []*pki.Certificate
	for _, c := range sd.Certificates {
		if si.Matches(c) {
			out = append(out, c)
		}
	}
	return out
}

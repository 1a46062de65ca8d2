package cms

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Message is what a signed message holds besides its content and its signers.
type Message struct {
	ContentType  oid.OID  // eContentType; empty means id-data
	Certificates [][]byte // CertificateChoices, DER; each is written once
	Revocations  [][]byte // RevocationInfoChoice, DER; each is written once

	// Digests are written to digestAlgorithms besides those of the signers: a
	// reader of attached content computes what is announced there, and an archive
	// time stamp may need it.
	Digests []alg.Identifier
}

// Message returns what sd holds besides content and signers, octet for octet,
// so that signers can be added to it.
func (sd *SignedData) Message() Message {
	return Message{
		ContentType:  sd.ContentType,
		Certificates: slices.Clone(sd.certificates),
		Revocations:  slices.Clone(sd.revocations),
		Digests:      sd.knownDigests(),
	}
}

// knownDigests returns those of digestAlgorithms that can be computed, each
// once.
func (sd *SignedData) knownDigests() (out []alg.Identifier) {
	seen := make(map[oid.OID]bool)
	for _, id := range sd.DigestAlgorithms {
		if _, err := alg.NewHash(id); err == nil && !seen[digestOID(id)] {
			seen[digestOID(id)] = true
			out = append(out, id)
		}
	}
	return out
}

// AddCertificates adds certificates.
func (m *Message) AddCertificates(list ...*pki.Certificate) {
	for _, c := range list {
		m.Certificates = append(m.Certificates, c.Raw)
	}
}

// Digests are digests of the content by algorithm.
type Digests map[oid.OID][]byte

// FinishFunc makes the SignerInfos once the content has gone by, in the order
// of the templates that were given.
type FinishFunc func(Digests) ([]*SignerInfo, error)

// WriteDetached writes a message without content as DER. The signers come out
// sorted by their encoding (X.690, section 11.6), not in the order given; so
// they do in the other Write functions.
func WriteDetached(w io.Writer, m Message, signers []*SignerInfo) error {
	return m.frame(signers).writeDetached(w, m.contentType(), signers)
}

func (f *frame) writeDetached(w io.Writer, contentType oid.OID, signers []*SignerInfo) error {
	encap := der.Wrap(tagSequence, oidDER(contentType))
	body := der.Wrap(tagSequence, f.head, encap, f.tail, f.signers(signers))
	_, err := w.Write(der.Wrap(tagSequence, oidDER(oid.SignedData), der.Wrap(tagContext0, body)))
	return err
}

// WriteAttached writes a message with length octets of content as DER, in one
// pass. templates have the algorithms, versions and sizes of the signers that
// finish will return; it fails if those are of another size, and with
// [ErrContentChanged] if content is not as long as was said.
//
// If finish is nil, templates are the signers themselves and the content is
// copied without being hashed: for content that was hashed before and that
// nobody else can have changed, such as a private spool file.
func WriteAttached(w io.Writer, m Message, content io.Reader, length int64, templates []*SignerInfo, finish FinishFunc) error {
	f := m.frame(templates)
	f.length = length
	return f.writeAttached(w, m.contentType(), content, templates, finish)
}

func (f *frame) writeAttached(w io.Writer, eContentType oid.OID, content io.Reader, templates []*SignerInfo, finish FinishFunc) error {
	length := f.length
	contentType := oidDER(eContentType)
	octets := der.AppendHeader(nil, der.TagOctetString, length)
	explicit := der.AppendHeader(nil, tagContext0, int64(len(octets))+length)
	encapLength := int64(len(contentType)+len(explicit)+len(octets)) + length
	encap := der.AppendHeader(nil, tagSequence, encapLength)
	signerInfos := f.signers(templates)
	bodyLength := int64(len(f.head)+len(encap)+len(f.tail)+len(signerInfos)) + encapLength
	body := der.AppendHeader(nil, tagSequence, bodyLength)
	outer := der.AppendHeader(nil, tagContext0, int64(len(body))+bodyLength)
	signedData := oidDER(oid.SignedData)
	info := der.AppendHeader(nil, tagSequence, int64(len(signedData)+len(outer)+len(body))+bodyLength)

	bw := bufio.NewWriterSize(w, 4096)
	for _, b := range [][]byte{info, signedData, outer, body, f.head, encap, contentType, explicit, octets} {
		if _, err := bw.Write(b); err != nil {
			return err
		}
	}
	if err := bw.Flush(); err != nil {
		return err
	}
	signers, err := f.known(w, content, length, templates, finish)
	if err != nil {
		return err
	}
	if n, err := content.Read(make([]byte, 1)); n > 0 || (err != nil && err != io.EOF) {
		return cmpErr(err, ErrContentChanged)
	}
	set := f.signers(signers)
	if len(set) != len(signerInfos) {
		return fmt.Errorf("cms: the signers have %d octets where %d were announced", len(set), len(signerInfos))
	}
	_, err = w.Write(append(f.tail, set...))
	return err
}

// cmpErr returns err unless it is nil or io.EOF, else other.
func cmpErr(err, other error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return other
}

// WriteStream writes a message whose content has an unknown length, in one
// pass, as BER: ContentInfo, SignedData and eContent have indefinite lengths
// (X.690, section 8.1.3.6), and the content is an OCTET STRING in pieces.
// Everything that is signed is DER all the same.
func WriteStream(w io.Writer, m Message, content io.Reader, templates []*SignerInfo, finish FinishFunc) error {
	f := m.frame(templates)
	head := slices.Concat(
		[]byte{tagSequence, 0x80}, oidDER(oid.SignedData), []byte{tagContext0, 0x80}, []byte{tagSequence, 0x80},
		f.head, []byte{tagSequence, 0x80}, oidDER(m.contentType()), []byte{tagContext0, 0x80},
		[]byte{der.TagOctetStringConstructed, 0x80})
	if _, err := w.Write(head); err != nil {
		return err
	}
	signers, err := f.content(&pieceWriter{w: w}, content, -1, finish)
	if err != nil {
		return err
	}
	eoc := make([]byte, 6) // of eContent, of its [0] and of encapContentInfo
	_, err = w.Write(slices.Concat(eoc, f.tail, f.signers(signers), eoc))
	return err
}

// pieceWriter writes each p as one piece of an OCTET STRING.
type pieceWriter struct {
	w      io.Writer
	header []byte
}

func (p *pieceWriter) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil // an empty piece would be legal and useless
	}
	p.header = der.AppendHeader(p.header[:0], der.TagOctetString, int64(len(b)))
	if _, err := p.w.Write(p.header); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

func (m Message) contentType() oid.OID {
	if m.ContentType == "" {
		return oid.Data
	}
	return m.ContentType
}

// frame holds the parts of SignedData around the content.
type frame struct {
	head    []byte // version, digestAlgorithms
	tail    []byte // certificates, crls
	digests []alg.Identifier

	length    int64 // of the content of an attached message
	keepOrder bool  // of the signers
}

// frame encodes everything but content and signers.
func (m Message) frame(signers []*SignerInfo) *frame {
	f := new(frame)
	var ids [][]byte
	for _, si := range signers {
		if !slices.ContainsFunc(f.digests, si.DigestAlgorithm.Equivalent) {
			f.digests = append(f.digests, si.DigestAlgorithm)
			ids = append(ids, si.DigestAlgorithm.DER())
		}
	}
	for _, id := range m.Digests {
		if !slices.ContainsFunc(f.digests, func(d alg.Identifier) bool { return digestOID(d) == digestOID(id) }) {
			f.digests = append(f.digests, id)
			ids = append(ids, id.DER())
		}
	}
	version := []byte{byte(asn1.INTEGER), 1, m.version(signers)}
	f.head = append(version, setOf(tagSet, ids)...)
	f.addSets(distinct(m.Certificates), distinct(m.Revocations))
	return f
}

// addSets encodes certificates and crls in the order given.
func (f *frame) addSets(certs, lists [][]byte) {
	if len(certs) > 0 {
		f.tail = append(f.tail, der.Wrap(tagContext0, certs...)...)
	}
	if len(lists) > 0 {
		f.tail = append(f.tail, der.Wrap(tagContext1, lists...)...)
	}
}

// version returns CMSVersion by the rules of RFC 5652, section 5.1.
func (m Message) version(signers []*SignerInfo) byte {
	has := func(list [][]byte, tag byte) bool {
		return slices.ContainsFunc(list, func(b []byte) bool { return len(b) > 0 && b[0] == tag })
	}
	switch {
	case has(m.Certificates, 0xa3), has(m.Revocations, tagContext1):
		return 5
	case has(m.Certificates, 0xa2):
		return 4
	case has(m.Certificates, tagContext1), m.contentType() != oid.Data,
		slices.ContainsFunc(signers, func(si *SignerInfo) bool { return si.Version == 3 }):
		return 3
	}
	return 1
}

// distinct returns list without repetitions, sorted.
func distinct(list [][]byte) [][]byte {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, bytes.Compare)
	return slices.CompactFunc(sorted, bytes.Equal)
}

// signers returns the SET OF SignerInfo.
func (f *frame) signers(list []*SignerInfo) []byte {
	if f.keepOrder {
		return der.Wrap(tagSet, signersRaw(list)...)
	}
	return setOf(tagSet, signersRaw(list))
}

// known writes content of a known length.
func (f *frame) known(w io.Writer, content io.Reader, length int64, templates []*SignerInfo, finish FinishFunc) ([]*SignerInfo, error) {
	if finish != nil {
		return f.content(w, io.LimitReader(content, length), length, finish)
	}
	// io.CopyN lets the system copy from file to file.
	if _, err := io.CopyN(w, content, length); err != nil {
		return nil, cmpErr(err, ErrContentChanged)
	}
	return templates, nil
}

// content writes the content and returns the signers made for it. length is
// -1 if it is not known.
func (f *frame) content(w io.Writer, r io.Reader, length int64, finish FinishFunc) ([]*SignerInfo, error) {
	d := newDigester(f.digests)
	if err := d.copy(w, r); err != nil {
		return nil, err
	}
	if length >= 0 && d.n != length {
		return nil, ErrContentChanged
	}
	signers, err := finish(d.sums())
	if err == nil && len(signers) == 0 {
		err = errors.New("cms: no signer")
	}
	return signers, err
}

// Digest hashes content by the algorithms of ids, for a caller that needs the
// digests before it writes, and returns how long the content was.
func Digest(content io.Reader, ids ...alg.Identifier) (Digests, int64, error) {
	d := newDigester(ids)
	if err := d.copy(nil, content); err != nil {
		return nil, 0, err
	}
	return d.sums(), d.n, nil
}

// Sum returns the digest by the algorithm id.
func (d Digests) Sum(id alg.Identifier) ([]byte, error) {
	if sum, ok := d[digestOID(id)]; ok {
		return sum, nil
	}
	return nil, fmt.Errorf("cms: the content was not hashed by %s", id.OID.Name())
}

// Equal says whether d and o have the same digests.
func (d Digests) Equal(o Digests) bool {
	return maps.EqualFunc(d, o, bytes.Equal)
}

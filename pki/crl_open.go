package pki

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// listFile is where a list lies that is not in memory.
type listFile struct {
	r               io.ReaderAt
	size            int64 // of the list, without what follows it
	tbsOff, tbsSize int64 // the TBSCertList with tag and length
}

// OpenRevocationList reads a DER certificate revocation list of size octets
// from r and leaves its entries there: the list is walked once in a stream, and
// what is kept in memory is a thirty-second of it. All methods work as after
// [ParseCRL]; Raw and RawTBS are nil, [RevocationList.Reader] reads the octets.
//
// r must allow concurrent reads (os.File does), stay open and not change for as
// long as the list is used: who replaces a list on disk renames a new file over
// it. PEM and Base64 are not read; use ParseCRL for them. Octets after the list
// are recorded and left out. The bound is limits.CRLFileBytes, 1 GiB.
func OpenRevocationList(r io.ReaderAt, size int64) (*RevocationList, error) {
	if size < 0 || size > limits.CRLFileBytes {
		return nil, fmt.Errorf("pki: crl: larger than %d octets", limits.CRLFileBytes)
	}
	l := &RevocationList{file: &listFile{r: r}, digests: &listDigests{}}
	if err := l.open(size); err != nil {
		return nil, wrap(err)
	}
	return l, nil
}

// Size returns the octets of the list.
func (l *RevocationList) Size() int64 {
	if l.file != nil {
		return l.file.size
	}
	return int64(len(l.Raw))
}

// Reader returns the octets of the list, from memory or from its file.
func (l *RevocationList) Reader() *io.SectionReader {
	if l.file != nil {
		return io.NewSectionReader(l.file.r, 0, l.file.size)
	}
	return io.NewSectionReader(bytes.NewReader(l.Raw), 0, int64(len(l.Raw)))
}

// InFile says whether the entries are read from a file at each use.
func (l *RevocationList) InFile() bool { return l.file != nil }

// open reads everything but the entries into memory and walks those.
func (l *RevocationList) open(size int64) error {
	r, f := new(recorder), l.file
	outer, err := f.header(0, size, asn1.SEQUENCE, "crl")
	if err != nil {
		return err
	}
	f.size = outer.total()
	if extra := size - f.size; extra > 0 {
		trailing(r, extra)
	}
	tbs, err := f.header(outer.head, f.size, asn1.SEQUENCE, "crl.tbs")
	if err != nil {
		return err
	}
	f.tbsOff, f.tbsSize = outer.head, tbs.total()
	end := f.tbsOff + f.tbsSize
	if err := l.readSigned(end, r); err != nil {
		return err
	}
	at, err := l.openHead(f.tbsOff+tbs.head, end, r)
	if err != nil {
		return err
	}
	tail, err := f.part(at, end, "tbsCertList.crlExtensions")
	if err != nil {
		return err
	}
	if err := l.parseTail(tail, r); err != nil {
		return err
	}
	if err := l.walk(r); err != nil {
		return err
	}
	l.finish(r)
	return nil
}

// openHead reads the fields before the entries, which begin at off, finds the
// entries and returns the place after them.
func (l *RevocationList) openHead(off, end int64, r *recorder) (int64, error) {
	f := l.file
	head, err := f.part(off, min(end, off+limits.CRLHeadBytes), "tbsCertList")
	if err != nil {
		return 0, err
	}
	s := cryptobyte.String(head)
	if err := l.parseHead(&s, r); err != nil {
		return 0, err
	}
	at := off + int64(len(head)-len(s))
	if !s.PeekASN1Tag(asn1.SEQUENCE) {
		return at, nil
	}
	entries, err := f.header(at, end, asn1.SEQUENCE, "tbsCertList.revokedCertificates")
	if err != nil {
		return 0, err
	}
	if entries.length == 0 {
		emptyEntries(r)
	}
	l.store.file, l.store.off, l.store.size = f.r, at+entries.head, entries.length
	return at + entries.total(), nil
}

// readSigned reads what follows the TBSCertList: the algorithm and the signature.
func (l *RevocationList) readSigned(off int64, r *recorder) error {
	rest, err := l.file.part(off, l.file.size, "crl.signatureValue")
	if err != nil {
		return err
	}
	// The two elements stand for the list, with an empty TBSCertList.
	o, err := parseSigned(der.Wrap(uint8(asn1.SEQUENCE), der.Wrap(uint8(asn1.SEQUENCE)), rest), "crl", r)
	if err != nil {
		return err
	}
	l.SignatureAlgorithm, l.Signature, l.signatureUnused = o.algorithm, o.signature, o.unused
	return nil
}

// header reads the identifier and length of the element at off, which must be of
// the tag and end before end.
func (f *listFile) header(off, end int64, tag asn1.Tag, field string) (derHeader, error) {
	buf := make([]byte, min(8, end-off))
	if err := readFull(f.r, buf, off); err != nil {
		return derHeader{}, fmt.Errorf("%s: %w", field, err)
	}
	h, ok := readHeader(buf)
	if !ok || h.tag != tag || h.total() > end-off {
		return derHeader{}, der.Bad(field, "not a DER element of its type, or cut off")
	}
	return h, nil
}

// part reads the octets from off to end into memory.
func (f *listFile) part(off, end int64, field string) ([]byte, error) {
	if end-off > limits.CRLHeadBytes {
		return nil, der.Bad(field, fmt.Sprintf("larger than %d octets", limits.CRLHeadBytes))
	}
	buf := make([]byte, end-off)
	if err := readFull(f.r, buf, off); err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return buf, nil
}

// listDigests remembers the digests of the TBSCertList: a list may be tried with
// the keys of several issuers, and hashing is what that costs.
type listDigests struct {
	mu   sync.Mutex
	sums map[oid.OID][]byte
}

// digest hashes the TBSCertList once for each algorithm, of which the signature
// names one.
func (l *RevocationList) digest(d alg.Identifier) ([]byte, error) {
	m := l.digests
	m.mu.Lock()
	defer m.mu.Unlock()
	if sum, ok := m.sums[d.OID]; ok {
		return sum, nil
	}
	h, err := alg.NewHash(d)
	if err != nil {
		return nil, err
	}
	if l.file == nil {
		h.Write(l.RawTBS)
	} else if _, err := io.CopyBuffer(h, struct{ io.Reader }{io.NewSectionReader(l.file.r, l.file.tbsOff, l.file.tbsSize)},
		make([]byte, limits.CRLWindowBytes)); err != nil {
		return nil, err
	}
	if m.sums == nil {
		m.sums = map[oid.OID][]byte{}
	}
	m.sums[d.OID] = h.Sum(nil)
	return m.sums[d.OID], nil
}

// ErrListTooLarge says that a list in a file is signed with an algorithm that
// needs the whole list in memory, and that it is too large for that.
var ErrListTooLarge = errors.New("pki: crl: too large for its signature algorithm")

// CheckSignatureFrom verifies the signature of the list with issuer's key and
// nothing else. Errors are as for Certificate.CheckSignatureFrom, and those of
// reading the file of a list that was opened by [OpenRevocationList].
func (l *RevocationList) CheckSignatureFrom(issuer *Certificate) error {
	d, ok := alg.SignatureDigest(l.SignatureAlgorithm)
	usable := issuer.PublicKey != nil && l.signatureUnused == 0 && l.SignatureAlgorithm.Equivalent(l.TBSSignatureAlgorithm)
	if !usable || l.digests == nil || !ok {
		tbs := l.RawTBS
		if l.file != nil && usable {
			if l.file.tbsSize > limits.CRLWholeBytes {
				return ErrListTooLarge
			}
			tbs = make([]byte, l.file.tbsSize)
			if err := readFull(l.file.r, tbs, l.file.tbsOff); err != nil {
				return fmt.Errorf("pki: crl: %w", err)
			}
		}
		return checkSignature(issuer, l.SignatureAlgorithm, l.TBSSignatureAlgorithm, l.signatureUnused, tbs, l.Signature)
	}
	sum, err := l.digest(d)
	if err != nil {
		return fmt.Errorf("pki: crl: %w", err)
	}
	if err := alg.VerifyDigest(issuer.PublicKey, l.SignatureAlgorithm, alg.Identifier{}, sum, l.Signature); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	return nil
}

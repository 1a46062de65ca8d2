package pki

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// entryStore holds the entries of a list: in memory or in a file, cut into
// windows of whole entries. Of each window a filter of its serial numbers is
// kept, so that looking for a certificate reads the few windows that may have
// it, and looking for many costs no more than the list has entries.
type entryStore struct {
	mem     []byte      // the entries, where the list is in memory
	file    io.ReaderAt // or the file that they are in, from off on
	off     int64
	size    int64
	seed    maphash.Seed
	windows []entryWindow
}

// entryWindow is a run of whole entries.
type entryWindow struct {
	off, size int64
	first     int // number of the first entry
	// issuerAt is where the entry is whose certificateIssuer is in force at the
	// start of the window; -1: that of the list is.
	issuerAt int64
	filter   *serialFilter // nil: not known what is in it
}

// serialFilter is a Bloom filter of the serial numbers of a window.
type serialFilter [limits.CRLFilterWords]uint64

// places are the four bits of a hash.
func places(h uint64) [4]uint64 {
	const mask = limits.CRLFilterWords*64 - 1
	return [4]uint64{h & mask, h >> 16 & mask, h >> 32 & mask, h >> 48 & mask}
}

func (f *serialFilter) add(h uint64) {
	for _, p := range places(h) {
		f[p/64] |= 1 << (p % 64)
	}
}

func (f *serialFilter) has(h uint64) bool {
	for _, p := range places(h) {
		if f[p/64]&(1<<(p%64)) == 0 {
			return false
		}
	}
	return true
}

// hash is that of a serial number's contents octets.
func (s *entryStore) hash(serial []byte) uint64 { return maphash.Bytes(s.seed, minimal(serial)) }

// read returns n octets from off. A slice of the list itself where it is in
// memory; else buf is used if it is large enough.
func (s *entryStore) read(off, n int64, buf []byte) ([]byte, error) {
	if s.file == nil {
		return s.mem[off : off+n], nil
	}
	if int64(len(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if err := readFull(s.file, buf, s.off+off); err != nil {
		return nil, err
	}
	return buf, nil
}

// readFull fills buf from off on. Fewer octets are an error.
func readFull(r io.ReaderAt, buf []byte, off int64) error {
	switch n, err := r.ReadAt(buf, off); {
	case n == len(buf):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	default:
		return err
	}
}

// cut reads the whole entries from off on, about limits.CRLWindowBytes, and at
// least one.
func (s *entryStore) cut(off int64, buf []byte) (cryptobyte.String, error) {
	b, err := s.read(off, min(limits.CRLWindowBytes, s.size-off), buf)
	if err != nil {
		return nil, err
	}
	whole := 0
	for whole < len(b) {
		h, ok := readHeader(b[whole:])
		if whole == 0 && ok && h.total() > int64(len(b)) {
			if h.total() > min(limits.CRLEntryBytes, s.size-off) {
				return nil, errEntry
			}
			return s.read(off, h.total(), nil)
		}
		if !ok || h.total() > int64(len(b)-whole) {
			break
		}
		whole += int(h.total())
	}
	if whole == 0 || s.size-off == int64(len(b)) && whole != len(b) {
		return nil, errEntry
	}
	return b[:whole], nil
}

var errEntry = errors.New("not a valid entry")

// derHeader is the identifier and length of an element with a low tag.
type derHeader struct {
	tag          asn1.Tag
	head, length int64
}

func (h derHeader) total() int64 { return h.head + h.length }

// readHeader reads the start of an element of any length below 2^40 octets: DER,
// X.690, 10.1.
func readHeader(b []byte) (h derHeader, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return h, false
	}
	h.tag = asn1.Tag(b[0])
	if b[1] < 0x80 {
		h.head, h.length = 2, int64(b[1])
		return h, true
	}
	n := int(b[1] & 0x7f)
	if n == 0 || n > 5 || len(b) < 2+n || b[2] == 0 {
		return h, false
	}
	for _, c := range b[2 : 2+n] {
		h.length = h.length<<8 | int64(c)
	}
	h.head = int64(2 + n)
	return h, h.length >= 0x80
}

// walk counts the entries, cuts them into windows and looks for what forbids the
// use of the list: "If a CRL contains a critical CRL entry extension that the
// application cannot process, then the application MUST NOT use that CRL",
// RFC 5280, 5.3.
func (l *RevocationList) walk(r *recorder) error {
	w := &walker{l: l, r: r, issuerAt: -1}
	s := &l.store
	s.seed = maphash.MakeSeed()
	var buf []byte
	if s.file != nil {
		buf = make([]byte, limits.CRLWindowBytes)
	}
	for off := int64(0); off < s.size; {
		b, err := s.cut(off, buf)
		switch {
		case errors.Is(err, errEntry):
			return der.Bad(fmt.Sprintf("tbsCertList.revokedCertificates[%d]", l.count), err.Error())
		case err != nil:
			return fmt.Errorf("tbsCertList.revokedCertificates: %w", err)
		}
		win := entryWindow{off: off, size: int64(len(b)), first: l.count, issuerAt: w.issuerAt}
		if s.size > limits.CRLWindowBytes {
			win.filter = new(serialFilter)
		}
		if err := w.window(b, &win); err != nil {
			return err
		}
		s.windows = append(s.windows, win)
		off += win.size
	}
	return nil
}

// walker is the state of one walk.
type walker struct {
	l        *RevocationList
	r        *recorder
	issuerAt int64
	old, bad bool // the finding was made
}

func (w *walker) window(b cryptobyte.String, win *entryWindow) error {
	l, whole := w.l, len(b)
	var e rawEntry
	for !b.Empty() {
		at := win.off + int64(whole-len(b))
		if !nextEntry(&b, &e) {
			return der.Bad(fmt.Sprintf("tbsCertList.revokedCertificates[%d]", l.count), errEntry.Error())
		}
		l.count++
		if win.filter != nil {
			win.filter.add(l.store.hash(e.serial))
		}
		if e.extensions == nil {
			continue
		}
		if l.Version == 1 && !w.old {
			w.old = true
			w.r.add(Error, "extensions-in-old-version", "tbsCertList.revokedCertificates", "version 1 with entry extensions", "RFC 5280, 5.1.2.1")
		}
		issuer, ok := l.walkExtensions(e.extensions)
		if !ok {
			return der.Bad(fmt.Sprintf("tbsCertList.revokedCertificates[%d].crlEntryExtensions", l.count-1), "not a list of extensions")
		}
		if issuer {
			w.issuerAt = at
			w.checkIssuer(e.extensions)
		}
	}
	return nil
}

// checkIssuer records a certificateIssuer that cannot be read: whose the entries
// after it are is not known then.
func (w *walker) checkIssuer(extensions cryptobyte.String) {
	if _, err := entryIssuer(extensions); err != nil && !w.bad {
		w.bad = true
		w.r.add(Error, "extension-malformed", fmt.Sprintf("tbsCertList.revokedCertificates[%d]", w.l.count-1), err.Error(), "RFC 5280, 5.3.3")
	}
}

// walkExtensions looks for critical extensions that are not processed and says
// whether a certificateIssuer is there.
func (l *RevocationList) walkExtensions(s cryptobyte.String) (issuer, ok bool) {
	for !s.Empty() {
		var one, id, value cryptobyte.String
		if !s.ReadASN1(&one, asn1.SEQUENCE) || !one.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) {
			return false, false
		}
		critical := false
		if one.PeekASN1Tag(asn1.BOOLEAN) {
			if !one.ReadASN1(&value, asn1.BOOLEAN) || len(value) != 1 {
				return false, false
			}
			critical = value[0] != 0
		}
		if !one.ReadASN1(&value, asn1.OCTET_STRING) || !one.Empty() {
			return false, false
		}
		if knownEntryExtension(id) {
			issuer = issuer || id[2] == 29
			continue
		}
		if critical && !l.addUnhandled(id) {
			return false, false
		}
	}
	return issuer, true
}

// addUnhandled records a critical extension, each identifier once.
func (l *RevocationList) addUnhandled(id []byte) bool {
	o, ok := oid.FromContent(append([]byte(nil), id...))
	if !ok {
		return false
	}
	for _, x := range l.UnhandledCritical {
		if x == o {
			return true
		}
	}
	if len(l.UnhandledCritical) < limits.Extensions {
		l.UnhandledCritical = append(l.UnhandledCritical, o)
	}
	return true
}

// issuerAt reads the certificateIssuer of the entry at off; nil for -1.
func (l *RevocationList) issuerAt(off int64) (*Name, error) {
	if off < 0 {
		return nil, nil
	}
	b, err := l.store.cut(off, nil)
	if err != nil {
		return nil, err
	}
	s := b
	var e rawEntry
	if !nextEntry(&s, &e) || e.extensions == nil {
		return nil, errEntry
	}
	return entryIssuer(e.extensions)
}

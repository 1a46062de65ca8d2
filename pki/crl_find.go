package pki

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Find looks for the entry of a certificate that the issuer of the CRL issued.
// The encoded list is scanned without building entries. For certificates of
// other issuers on an indirect CRL use FindFor.
func (l *RevocationList) Find(serial *big.Int) (RevokedEntry, bool, error) {
	return l.FindFor(l.Issuer, serial)
}

// FindFor looks for the entry of the certificate with the issuer and serial
// number. On an indirect CRL the certificateIssuer extension of an entry counts
// for it and for all that follow (RFC 5280, section 5.3.3); before the first one the issuer
// is that of the CRL. Where a serial occurs more than once, an entry that revokes has
// precedence over one with the reason removeFromCRL.
func (l *RevocationList) FindFor(issuer Name, serial *big.Int) (RevokedEntry, bool, error) {
	if serial == nil {
		return RevokedEntry{}, false, errors.New("pki: crl: no serial number to look for")
	}
	f := finder{l: l, issuer: issuer, want: integerContent(serial), own: issuer.Equal(l.Issuer)}
	h := l.store.hash(f.want)
	for i := range l.store.windows {
		w := &l.store.windows[i]
		if w.filter != nil && !w.filter.has(h) {
			continue
		}
		entry, found, err := f.window(w)
		if err != nil || found {
			return entry, found, err
		}
	}
	return f.removed, f.isRemoved, nil
}

// finder looks for one certificate.
type finder struct {
	l         *RevocationList
	issuer    Name
	own       bool // issuer is that of the list
	want      []byte
	removed   RevokedEntry // with the reason removeFromCRL
	isRemoved bool
}

// window looks through one window for an entry that revokes.
func (f *finder) window(w *entryWindow) (RevokedEntry, bool, error) {
	bad := func(i int, err error) (RevokedEntry, bool, error) {
		return RevokedEntry{}, false, fmt.Errorf("pki: crl: entry %d: %w", i, err)
	}
	current, err := f.l.issuerAt(w.issuerAt) // nil: the issuer of the CRL
	if err != nil {
		return bad(w.first, err)
	}
	matches := f.own
	if current != nil {
		matches = current.Equal(f.issuer)
	}
	b, err := f.l.store.read(w.off, w.size, nil)
	if err != nil {
		return bad(w.first, err)
	}
	s := cryptobyte.String(b)
	var e rawEntry
	for i := w.first; !s.Empty(); i++ {
		if !nextEntry(&s, &e) {
			return bad(i, errEntry)
		}
		if e.extensions != nil && bytes.Contains(e.extensions, certificateIssuerID) {
			name, err := entryIssuer(e.extensions)
			if err != nil {
				return bad(i, err)
			}
			if name != nil {
				current, matches = name, name.Equal(f.issuer)
			}
		}
		if !matches || !bytes.Equal(minimal(e.serial), f.want) {
			continue
		}
		entry, err := e.decode(current)
		if err != nil {
			return bad(i, err)
		}
		if entry.Reason != ReasonRemoveFromCRL {
			return entry, true, nil
		}
		f.removed, f.isRemoved = entry, true
	}
	return RevokedEntry{}, false, nil
}

// Entries yields every entry in order, decoded one at a time. After an error
// the iteration ends.
func (l *RevocationList) Entries() iter.Seq2[RevokedEntry, error] {
	return func(yield func(RevokedEntry, error) bool) {
		var current *Name
		for i := range l.store.windows {
			w := &l.store.windows[i]
			b, err := l.store.read(w.off, w.size, nil)
			if err != nil {
				yield(RevokedEntry{}, fmt.Errorf("pki: crl: entry %d: %w", w.first, err))
				return
			}
			if !yieldEntries(b, w.first, &current, yield) {
				return
			}
		}
	}
}

// yieldEntries yields the entries of one window; current is the certificate
// issuer in force. It reports whether there may be more.
func yieldEntries(s cryptobyte.String, i int, current **Name, yield func(RevokedEntry, error) bool) bool {
	for ; !s.Empty(); i++ {
		var raw rawEntry
		if !nextEntry(&s, &raw) {
			yield(RevokedEntry{}, fmt.Errorf("pki: crl: entry %d: %w", i, errEntry))
			return false
		}
		entry, err := raw.decode(*current)
		if err != nil {
			yield(RevokedEntry{}, fmt.Errorf("pki: crl: entry %d: %w", i, err))
			return false
		}
		*current = entry.Issuer
		if !yield(entry, nil) {
			return false
		}
	}
	return true
}

// certificateIssuerID is the DER of the identifier of certificateIssuer.
var certificateIssuerID = []byte{0x06, 0x03, 0x55, 0x1d, 0x1d}

// decode builds the entry; current is the certificate issuer in force.
func (e *rawEntry) decode(current *Name) (RevokedEntry, error) {
	serial, _, ok := der.Integer(e.serial, limits.SerialBytes)
	if !ok {
		return RevokedEntry{}, der.Bad("userCertificate", "not an INTEGER of 1 to 64 octets")
	}
	at, _, ok := der.ParseTime(e.timeTag, e.time)
	if !ok {
		return RevokedEntry{}, der.Bad("revocationDate", "neither UTCTime nor GeneralizedTime")
	}
	out := RevokedEntry{Serial: serial, At: at, Reason: ReasonAbsent, Issuer: current}
	if e.extensions == nil {
		return out, nil
	}
	r := new(recorder)
	list, err := readExtensions(e.extensions, "crlEntryExtensions", r)
	if err != nil {
		return RevokedEntry{}, err
	}
	if f, bad := FirstError(r.list); bad {
		return RevokedEntry{}, der.Bad(f.Field, f.Detail)
	}
	out.Extensions = list
	for _, x := range list {
		if err := out.process(x); err != nil {
			return RevokedEntry{}, err
		}
	}
	return out, nil
}

func (out *RevokedEntry) process(x Extension) error {
	switch x.ID {
	case oid.ReasonCode:
		// CRLReason ::= ENUMERATED, RFC 5280, 5.3.1.
		content, err := der.Single(x.Value, asn1.ENUM, "reasonCode")
		if err != nil {
			return err
		}
		n, ok := der.SmallInteger(content)
		if !ok {
			return der.Bad("reasonCode", "not a small ENUMERATED")
		}
		out.Reason = n
	case oid.InvalidityDate:
		s := cryptobyte.String(x.Value)
		t, err := readTime(&s, "invalidityDate", new(recorder))
		if err != nil {
			return err
		}
		if !s.Empty() {
			return der.Bad("invalidityDate", "octets after the time")
		}
		out.InvalidityDate = t
	case oid.CertificateIssuer:
		name, err := directoryName(x.Value)
		if err != nil {
			return err
		}
		out.Issuer = name
	}
	return nil
}

// entryIssuer returns the certificateIssuer among encoded extensions, or nil.
func entryIssuer(extensions cryptobyte.String) (*Name, error) {
	r := new(recorder)
	list, err := readExtensions(extensions, "crlEntryExtensions", r)
	if err != nil {
		return nil, err
	}
	if f, bad := FirstError(r.list); bad {
		return nil, der.Bad(f.Field, f.Detail)
	}
	x, ok := findExtension(list, oid.CertificateIssuer)
	if !ok {
		return nil, nil
	}
	return directoryName(x.Value)
}

// directoryName returns the directory name among GeneralNames: "CRL issuers
// MUST include in this extension the distinguished name (DN) from the issuer
// field of the certificate", RFC 5280, 5.3.3.
func directoryName(value []byte) (*Name, error) {
	s, err := der.Single(value, asn1.SEQUENCE, "certificateIssuer")
	if err != nil {
		return nil, err
	}
	names, err := readGeneralNames(s, "certificateIssuer", new(recorder))
	if err != nil {
		return nil, err
	}
	for _, g := range names {
		if g.Kind == DirectoryName {
			return g.Name, nil
		}
	}
	return nil, der.Bad("certificateIssuer", "no directory name")
}

// integerContent returns the contents octets of the DER INTEGER n.
func integerContent(n *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(n)
	s := cryptobyte.String(b.BytesOrPanic()) // a number has no invalid encoding
	var content cryptobyte.String
	s.ReadASN1(&content, asn1.INTEGER)
	return content
}

// minimal drops leading octets of an INTEGER that X.690, 8.3.2 forbids.
func minimal(c []byte) []byte {
	for len(c) > 1 && (c[0] == 0 && c[1]&0x80 == 0 || c[0] == 0xff && c[1]&0x80 != 0) {
		c = c[1:]
	}
	return c
}

// IsDelta reports whether the list is a delta CRL (RFC 5280, section 5.2.4).
func (l *RevocationList) IsDelta() bool {
	_, ok := findExtension(l.Extensions, oid.DeltaCRLIndicator)
	return ok
}

// Extension returns the first list extension with the identifier.
func (l *RevocationList) Extension(id oid.OID) (Extension, bool) {
	return findExtension(l.Extensions, id)
}

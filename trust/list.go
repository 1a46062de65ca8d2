package trust

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/xmldsig"
)

// Errors of reading a trust-service list.
var (
	// ErrNotList says that the document is no trust-service list.
	ErrNotList = errors.New("trust: not a trust-service list")
	// ErrUnsigned says that no signature of the list covers the whole of it.
	ErrUnsigned = errors.New("trust: no signature covers the whole list")
)

// List is the list of accredited authorities that the Ministry of Digital
// Development publishes (63-FZ, article 8, clause 4): who was accredited when,
// and which keys are whose.
type List struct {
	Version     int         `json:"version"`
	Date        time.Time   `json:"date"`   // of publication
	Signer      string      `json:"signer"` // Streebog-256 of the signer's certificate
	Pinned      string      `json:"pinned"` // that of the pinned certificate which vouches for it
	Digest      string      `json:"digest"` // Streebog-256 of the file
	Imported    time.Time   `json:"imported"`
	Authorities []Authority `json:"authorities"`

	// Findings are deviations that were passed over, such as a certificate in
	// the list that cannot be read. They are not kept in the store.
	Findings []pki.Finding `json:"-"`

	keys map[string][]int // authorities by key
	pin  *pki.Certificate // what Pinned names
}

// Authority is one entry of the list (УдостоверяющийЦентр).
type Authority struct {
	Name          string   `json:"name"`
	ShortName     string   `json:"shortName,omitempty"`
	INN           string   `json:"inn,omitempty"`
	OGRN          string   `json:"ogrn,omitempty"`
	Registry      string   `json:"registryNumber,omitempty"`
	TransferredTo []string `json:"transferredTo,omitempty"` // OGRN of who took over its powers
	Statuses      []Status `json:"statuses"`                // by date
	Keys          []Key    `json:"keys"`
}

// Status is one entry of an authority's history.
type Status struct {
	State State     `json:"state"`
	Text  string    `json:"text"` // as the list has it
	Since time.Time `json:"since"`
}

// Key is one certificate of an authority's key.
type Key struct {
	Hash    string `json:"hash"`              // SHA-256 of the key's bits, lower-case hexadecimal
	Complex string `json:"complex,omitempty"` // the installation (Псевдоним), for people only
	Class   string `json:"class,omitempty"`   // class of its tools, as written

	// Certificate is nil for a list that was read from the store.
	Certificate *pki.Certificate `json:"-"`
}

// ReadList reads a trust-service list, an XML document with an enveloped
// signature of GOST R 34.10-2012, and accepts it if a pinned certificate vouches
// for its signer at the moment at (see Pins). What is returned is read from the
// octets that were signed. Whether the signer's certificate was revoked is not
// asked.
func ReadList(ctx context.Context, data []byte, pins *Pins, at time.Time) (*List, error) {
	d, err := xmldsig.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotList, err)
	}
	if d.Root().Local() != "АккредитованныеУдостоверяющиеЦентры" {
		return nil, fmt.Errorf("%w: the document element is %q", ErrNotList, d.Root().Local())
	}
	signatures, err := d.Signatures()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	var failed error
	for _, s := range signatures {
		root, signer, pinned, err := vouched(ctx, s, pins, at)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		l, err := parseList(root)
		if err != nil {
			return nil, err
		}
		l.Signer, l.Pinned, l.Imported = fingerprint(signer), fingerprint(pinned), at.UTC()
		l.pin = pinned
		l.Digest, err = digest(data)
		return l, err
	}
	return nil, failed
}

// vouched returns the document as the signature has it, if the signature covers
// all of it and its signer is one that a pinned certificate vouches for.
func vouched(ctx context.Context, s *xmldsig.Signature, pins *Pins, at time.Time) (root *xmldsig.Element, signer, pinned *pki.Certificate, err error) {
	failed := ErrInvalid
	for _, c := range s.Certificates {
		v, err := s.Verify(c)
		switch {
		case errors.Is(err, xmldsig.ErrSignature): // perhaps another one is the signer's
			failed = fmt.Errorf("%w: %w", ErrInvalid, err)
			continue
		case err != nil:
			return nil, nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		case v.Legacy:
			return nil, nil, nil, fmt.Errorf("%w: it is made with GOST R 34.10-2001 or GOST R 34.11-94", ErrUnsigned)
		case len(v.Signed) != 1 || v.Signed[0].Place != xmldsig.Whole:
			return nil, nil, nil, ErrUnsigned
		}
		pin, err := pins.vouch(ctx, c, s.Certificates, at)
		return v.Signed[0].Element, c, pin, err
	}
	return nil, nil, nil, failed
}

// digest returns the Streebog-256 digest in hexadecimal.
func digest(data []byte) (string, error) {
	h, err := alg.NewHash(streebog())
	if err != nil {
		return "", fmt.Errorf("trust: %w", err)
	}
	if _, err := h.Write(data); err != nil {
		return "", fmt.Errorf("trust: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// A listParser collects what one list has. Names are compared without their
// namespace: editions of the list differ in it.
type listParser struct{ l *List }

// parseList reads the elements of the list.
func parseList(root *xmldsig.Element) (*List, error) {
	p := &listParser{l: &List{}}
	for _, e := range root.Elements() {
		var err error
		switch e.Local() {
		case "Версия":
			p.l.Version, err = strconv.Atoi(strings.TrimSpace(e.Text()))
		case "Дата":
			p.l.Date, err = parseDate(e.Text())
		case "УдостоверяющийЦентр":
			err = p.authority(e)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotList, e.Local(), err)
		}
	}
	if p.l.Date.IsZero() {
		return nil, fmt.Errorf("%w: Дата is missing", ErrNotList)
	}
	if len(p.l.Authorities) == 0 {
		return nil, fmt.Errorf("%w: it names no authority", ErrNotList)
	}
	p.l.index()
	return p.l, nil
}

func (p *listParser) authority(e *xmldsig.Element) error {
	if len(p.l.Authorities) == limits.TrustAuthorities {
		return fmt.Errorf("more than %d authorities", limits.TrustAuthorities)
	}
	var a Authority
	for _, c := range e.Elements() {
		var err error
		switch c.Local() {
		case "Название":
			a.Name, err = textOf(c)
		case "КраткоеНазвание":
			a.ShortName, err = textOf(c)
		case "ИНН":
			a.INN, err = textOf(c)
		case "ОГРН":
			a.OGRN, err = textOf(c)
		case "РеестровыйНомер":
			a.Registry, err = textOf(c)
		case "ПолномочияПереданыУЦсОГРН":
			err = a.transferred(c)
		case "СтатусАккредитации":
			err = a.status(c)
		case "ИсторияСтатусовАккредитации":
			for _, s := range c.Elements() {
				if err == nil && s.Local() == "СтатусАккредитации" {
					err = a.status(s)
				}
			}
		case "ПрограммноАппаратныеКомплексы":
			for _, x := range c.Elements() {
				if err == nil {
					err = p.complex(&a, x)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", a.Name, c.Local(), err)
		}
	}
	slices.SortStableFunc(a.Statuses, func(x, y Status) int { return x.Since.Compare(y.Since) })
	p.l.Authorities = append(p.l.Authorities, a)
	return nil
}

func (a *Authority) transferred(e *xmldsig.Element) error {
	ogrn, err := textOf(e)
	if err == nil && ogrn != "" && len(a.TransferredTo) < limits.TrustKeys {
		a.TransferredTo = append(a.TransferredTo, ogrn)
	}
	return err
}

// status reads {Статус, ДействуетС}. The present status is in the history too,
// as a rule: it is kept once.
func (a *Authority) status(e *xmldsig.Element) error {
	if len(a.Statuses) == limits.TrustStatuses {
		return fmt.Errorf("more than %d entries", limits.TrustStatuses)
	}
	var s Status
	for _, c := range e.Elements() {
		var err error
		switch c.Local() {
		case "Статус":
			s.Text, err = textOf(c)
		case "ДействуетС":
			s.Since, err = parseDate(c.Text())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Local(), err)
		}
	}
	// An entry without a date cannot be ordered, and leaving it out could turn
	// a termination into an accreditation.
	if s.Since.IsZero() || s.Text == "" {
		return errors.New("element Статус or ДействуетС is missing")
	}
	s.State = stateOf(s.Text)
	if !slices.Contains(a.Statuses, s) {
		a.Statuses = append(a.Statuses, s)
	}
	return nil
}

// complex reads one installation: Псевдоним, КлассСредствЭП and
// КлючиУполномоченныхЛиц/Ключ/Сертификаты/ДанныеСертификата.
func (p *listParser) complex(a *Authority, e *xmldsig.Element) error {
	var name, class string
	var err error
	for _, c := range e.Elements() {
		switch c.Local() {
		case "Псевдоним":
			name, err = textOf(c)
		case "КлассСредствЭП":
			class, err = textOf(c)
		}
		if err != nil {
			return err
		}
	}
	for _, keys := range children([]*xmldsig.Element{e}, "КлючиУполномоченныхЛиц", "Ключ", "Сертификаты", "ДанныеСертификата") {
		if len(a.Keys) == limits.TrustKeys {
			return fmt.Errorf("more than %d certificates", limits.TrustKeys)
		}
		k, err := readKey(keys)
		if err != nil {
			if len(p.l.Findings) < limits.Findings {
				p.l.Findings = append(p.l.Findings, pki.Finding{Code: "list-certificate", Field: a.Name, Detail: err.Error(), Severity: pki.Warn})
			}
			continue
		}
		k.Complex, k.Class = name, class
		a.Keys = append(a.Keys, k)
	}
	return nil
}

// children follows a path of names.
func children(list []*xmldsig.Element, names ...string) []*xmldsig.Element {
	for _, name := range names {
		var next []*xmldsig.Element
		for _, e := range list {
			for _, c := range e.Elements() {
				if c.Local() == name {
					next = append(next, c)
				}
			}
		}
		list = next
	}
	return list
}

// readKey reads Данные, the certificate in Base64. What the list says beside it
// (Отпечаток, КомуВыдан …) repeats the certificate; a thumbprint of another
// certificate is an error.
func readKey(e *xmldsig.Element) (Key, error) {
	var k Key
	var thumbprint string
	for _, c := range e.Elements() {
		switch c.Local() {
		case "Отпечаток":
			thumbprint = strings.TrimSpace(c.Text())
		case "Данные":
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Text()), ""))
			if err != nil {
				return k, fmt.Errorf("element Данные: %w", err)
			}
			if k.Certificate, err = pki.ParseCertificate(der); err != nil {
				return k, fmt.Errorf("element Данные: %w", err)
			}
		}
	}
	if k.Certificate == nil {
		return k, errors.New("element Данные is missing")
	}
	if sha1, _, _ := k.Certificate.Thumbprints(); thumbprint != "" && !strings.EqualFold(thumbprint, hex.EncodeToString(sha1)) {
		return k, fmt.Errorf("thumbprint (Отпечаток) %s is not that of the certificate", thumbprint)
	}
	var err error
	k.Hash, err = keyHash(k.Certificate)
	return k, err
}

// keyHash names a key whatever certificate it has: an authority may have several
// for one key, cross certificates among them.
func keyHash(c *pki.Certificate) (string, error) {
	bits, err := alg.PublicKeyBits(c.RawSubjectPublicKeyInfo)
	if err != nil {
		return "", fmt.Errorf("trust: %w", err)
	}
	sum := sha256.Sum256(bits)
	return hex.EncodeToString(sum[:]), nil
}

func (l *List) index() {
	l.keys = map[string][]int{}
	for i, a := range l.Authorities {
		for _, k := range a.Keys {
			if !slices.Contains(l.keys[k.Hash], i) {
				l.keys[k.Hash] = append(l.keys[k.Hash], i)
			}
		}
	}
}

func textOf(e *xmldsig.Element) (string, error) {
	s := strings.Join(strings.Fields(e.Text()), " ")
	if len(s) > limits.TrustName {
		return "", fmt.Errorf("longer than %d octets", limits.TrustName)
	}
	return s, nil
}

// parseDate reads an xs:dateTime or xs:date. The list is Russian: a time
// without an offset is Moscow's.
func parseDate(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	moscow := time.FixedZone("MSK", 3*60*60)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02", "2006-01-02Z07:00"} {
		t, err := time.ParseInLocation(form, s, moscow)
		if err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", s)
}

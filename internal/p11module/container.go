package p11module

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// containerToken is a container of the keys folder as a token: one key pair,
// its certificate and chain. The user's PIN is the container's password; there
// is no security officer and no limit of tries, as the file has none either.
type containerToken struct {
	store *soft.Store
	name  string

	mu  sync.Mutex
	key *secret // nil unless the user is logged in
}

// Names of the objects of a container.
const (
	objPublic      = "public"
	objPrivate     = "private"
	objCertificate = "certificate"
	objChain       = "chain-"
)

func (c *containerToken) show() (*soft.Info, RV) {
	info, err := c.store.Show(c.name)
	if errors.Is(err, soft.ErrNotFound) {
		return nil, rvTokenNotPresent
	}
	return info, softRV(err)
}

func (c *containerToken) describe() (description, RV) {
	info, rv := c.show()
	if rv != RVOK {
		return description{}, rv
	}
	return description{
		label: cut(info.Label, labelSize), serial: containerSerial(info), model: "container",
		flags:  tokenRNG | tokenLoginRequired | tokenUserPINSet | tokenInitialized,
		minPIN: soft.MinPassword,
	}, RVOK
}

// containerSerial is the beginning of the key's identifier, so that a token
// keeps its serial number when the file is renamed.
func containerSerial(info *soft.Info) string {
	return hex.EncodeToString(info.KeyID[:min(8, len(info.KeyID))])
}

// cut shortens text to at most n octets between two characters.
func cut(s string, n int) string {
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// initToken is refused: it would destroy a key that its owner did not mean.
func (c *containerToken) initToken([]byte, string) RV { return rvTokenWriteProtected }

func (c *containerToken) initPIN([]byte) RV { return rvTokenWriteProtected }

func (c *containerToken) login(user uint64, pin []byte) RV {
	if user != userUser {
		return rvUserTypeInvalid
	}
	ctx, cancel := waiting()
	defer cancel()
	opened, err := c.store.Unlock(ctx, c.name, pin)
	if err != nil {
		return softRV(err)
	}
	key, rv := gostKey(opened)
	if rv != RVOK {
		return rv
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key.wipe()
	c.key = &secret{key: key}
	return RVOK
}

func (c *containerToken) logout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key.wipe()
	c.key = nil
}

func (c *containerToken) setPIN(user uint64, old, pin []byte) RV {
	if user != userUser {
		return rvUserTypeInvalid
	}
	ctx, cancel := waiting()
	defer cancel()
	return softRV(c.store.ChangePassword(ctx, c.name, old, pin))
}

func (c *containerToken) load() ([]stored, RV) {
	info, rv := c.show()
	if rv != RVOK {
		return nil, rv
	}
	pub, ok := info.PublicKey.(*gost3410.PublicKey)
	if !ok {
		return nil, rvDeviceError
	}
	pa, rv := publicAttrs(pub)
	if rv != RVOK {
		return nil, rv
	}
	for attr, v := range map[uint64][]byte{
		attrToken: boolean(true), attrPrivate: boolean(false), attrLabel: []byte(info.Label), attrID: info.KeyID,
		attrModifiable: boolean(false), attrCopyable: boolean(false), attrDestroyable: boolean(false),
		attrStartDate: date(info.NotBefore), attrEndDate: date(info.NotAfter),
	} {
		pa[attr] = v
	}
	out := []stored{{name: objPublic, a: pa}}
	c.mu.Lock()
	key := c.key
	c.mu.Unlock()
	if key != nil {
		out = append(out, stored{name: objPrivate, a: containerPrivate(pa), key: key})
	}
	if info.Certificate != nil {
		out = append(out, stored{name: objCertificate, a: containerCertificate(info.Certificate, info.Label, info.KeyID)})
	}
	for i, cert := range info.Chain {
		out = append(out, stored{name: objChain + strconv.Itoa(i), a: containerCertificate(cert, "", cert.KeyID())})
	}
	return out, RVOK
}

// containerPrivate derives the private key's attributes from the public one's.
// The file was written by another program, so whether the key was always
// sensitive is not known and CK_FALSE.
func containerPrivate(pub attrs) attrs {
	a := pub.clone()
	delete(a, attrValue)
	delete(a, attrVerify)
	a[attrClass] = number(classPrivateKey)
	a[attrPrivate], a[attrSensitive], a[attrSign], a[attrDerive] = boolean(true), boolean(true), boolean(true), boolean(true)
	a[attrDestroyable] = boolean(true)
	fillPrivate(a)
	return a
}

func containerCertificate(cert *pki.Certificate, label string, id []byte) attrs {
	a := certificateAttrs(cert)
	if label == "" {
		label = cert.Subject.String()
	}
	a[attrLabel], a[attrID] = []byte(label), id
	a[attrToken], a[attrPrivate] = boolean(true), boolean(false)
	a[attrModifiable], a[attrCopyable], a[attrDestroyable] = boolean(false), boolean(false), boolean(true)
	return a
}

// add takes the key's own certificate; a container has room for nothing else.
func (c *containerToken) add(a attrs, _ *gost3410.PrivateKey) (string, RV) {
	if a.number(attrClass) != classCertificate {
		return "", rvDeviceMemory
	}
	cert, err := pki.ParseCertificate(a[attrValue])
	if err != nil {
		return "", rvAttributeValueInvalid
	}
	ctx, cancel := waiting()
	defer cancel()
	info, rv := c.show()
	if rv != RVOK {
		return "", rv
	}
	if rv := softRV(c.store.InstallCertificate(ctx, c.name, cert, info.Chain)); rv != RVOK {
		return "", rv
	}
	return objCertificate, RVOK
}

func (c *containerToken) update(string, attrs) RV { return rvActionProhibited }

// remove deletes the certificate, or with the private key the whole container.
func (c *containerToken) remove(name string) RV {
	ctx, cancel := waiting()
	defer cancel()
	switch {
	case name == objPrivate:
		c.logout()
		return softRV(c.store.Delete(ctx, c.name))
	case name == objCertificate, strings.HasPrefix(name, objChain):
		return softRV(c.removeCertificate(name))
	}
	return rvActionProhibited
}

func (c *containerToken) removeCertificate(name string) error {
	ctx, cancel := waiting()
	defer cancel()
	info, err := c.store.Show(c.name)
	if err != nil {
		return err
	}
	if name == objCertificate {
		return c.store.InstallCertificate(ctx, c.name, nil, info.Chain)
	}
	i, err := strconv.Atoi(strings.TrimPrefix(name, objChain))
	if err != nil || i >= len(info.Chain) {
		return soft.ErrNotFound
	}
	chain := append(info.Chain[:i:i], info.Chain[i+1:]...)
	return c.store.InstallCertificate(ctx, c.name, info.Certificate, chain)
}

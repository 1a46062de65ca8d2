package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
)

// Key is a private key on a token. It implements [token.Key], and
// [github.com/gosklyuch/gosklyuch/gost/gost3410.KeyAgreer] where the token
// offers a key agreement. Its methods may be called from several goroutines.
type Key struct {
	store *Store
	ctx   context.Context //nolint:containedctx // crypto.Signer has no room for one
	kind  uint            // CKK_…
	id    []byte
	label string
	pub   crypto.PublicKey
	cert  *pki.Certificate
	data  string // CKA_APPLICATION of the data objects of a passive key; empty for an active one

	opening sync.Mutex // held while the password of a passive key is asked for

	mu     sync.Mutex
	handle uint
	always bool // CKA_ALWAYS_AUTHENTICATE
	look   int  // for which handle and always were read
	known  bool
	soft   crypto.Signer // of a passive key while it is unlocked
	gen    int           // in which soft was read
}

// HashingKey is a [Key] on a token that signs only what it has hashed itself.
type HashingKey struct{ *Key }

// Public returns the public key.
func (k *Key) Public() crypto.PublicKey { return k.pub }

// ID returns CKA_ID; for a passive key its key identifier.
func (k *Key) ID() []byte { return bytes.Clone(k.id) }

// Label returns CKA_LABEL of the key or its certificate.
func (k *Key) Label() string { return k.label }

// Certificate returns the certificate of the key that is on the token, nil if
// there is none.
func (k *Key) Certificate() *pki.Certificate { return k.cert }

// Passive says whether the key is used in memory and not in the token.
func (k *Key) Passive() bool { return k.data != "" }

// URI names the key.
func (k *Key) URI() *URI {
	u := k.store.URI()
	u.Object, u.ID, u.Type = k.label, k.ID(), "private"
	if k.Passive() {
		u.Type = "data"
	}
	return u
}

// Keys goes through the keys that can be seen. Before a login most tokens hide
// private keys, so that a key is then one whose public key or certificate is
// there; whether the private key is, turns out when it is used. The URI's
// object and id choose among them.
func (s *Store) Keys(ctx context.Context) iter.Seq2[token.Key, error] {
	return func(yield func(token.Key, error) bool) {
		list, err := use(ctx, s, false, func(x *session) ([]found, error) { return x.keys(ctx, s.uri) })
		for _, f := range list {
			var key token.Key
			if f.err == nil {
				key = f.key.asToken()
			}
			if !yield(key, f.err) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// Key returns the one key that the URI names. Where none can be seen it logs in
// and looks again. The error is [ErrNotFound] or [ErrAmbiguous] if there is not
// exactly one.
func (s *Store) Key(ctx context.Context) (token.Key, error) {
	for _, login := range []bool{false, true} {
		list, err := use(ctx, s, login, func(x *session) ([]found, error) { return x.keys(ctx, s.uri) })
		if err != nil {
			return nil, err
		}
		var keys []*Key
		var errs []error
		for _, f := range list {
			if f.err != nil {
				errs = append(errs, f.err)
			} else {
				keys = append(keys, f.key)
			}
		}
		switch {
		case len(keys) == 1:
			return keys[0].asToken(), nil
		case len(keys) > 1:
			return nil, fmt.Errorf("%w: keys %s", ErrAmbiguous, labels(keys))
		case login && len(errs) > 0:
			return nil, errors.Join(errs...)
		}
	}
	return nil, fmt.Errorf("%w: no key", ErrNotFound)
}

func labels(keys []*Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%q", k.label))
	}
	return strings.Join(out, ", ")
}

// asToken returns the type that tells [alg.SignMessage] what to give the key.
func (k *Key) asToken() token.Key {
	if !k.Passive() && k.store.supportOf(k.kind) == SupportMessage {
		return &HashingKey{k}
	}
	return k
}

// supportOf says how keys of a type sign.
func (s *Store) supportOf(kind uint) Support {
	switch kind {
	case ckkGOSTR3410:
		return support(s.mechs, ckmGOSTR3410, ckmGOSTWithStreebog256)
	case ckkGOSTR3410x512:
		return support(s.mechs, ckmGOSTR3410x512, ckmGOSTWithStreebog512)
	case ckkRSA:
		return support(s.mechs, ckmRSAPKCS, ckmSHA256RSA, ckmSHA384RSA, ckmSHA512RSA)
	case ckkEC:
		return support(s.mechs, ckmECDSA, ckmECDSASHA256, ckmECDSASHA384, ckmECDSASHA512)
	}
	return SupportNone
}

// found is a key, or why one cannot be used.
type found struct {
	key *Key
	err error
}

// entry is a key object or a certificate with what ties it to others.
type entry struct {
	id    []byte
	label string
	kind  uint
	pub   crypto.PublicKey
	err   error // why pub could not be read
	cert  *pki.Certificate
}

// keys lists the keys that fit u.
func (x *session) keys(ctx context.Context, u *URI) ([]found, error) {
	certs, err := x.certificates()
	if err != nil {
		return nil, err
	}
	pubs, err := x.keyObjects(ckoPublicKey)
	if err != nil {
		return nil, err
	}
	privs, err := x.keyObjects(ckoPrivateKey)
	if err != nil {
		return nil, err
	}
	in, err := x.loggedIn()
	if err != nil {
		return nil, err
	}
	if !in {
		privs = append(privs, x.presumed(privs, pubs, certs)...)
	}
	var out []found
	for _, p := range privs {
		out = append(out, x.complete(ctx, p, pubs, certs))
	}
	passive, err := x.passiveKeys(ctx, certs)
	if err != nil {
		return nil, err
	}
	var fit []found
	for _, f := range append(out, passive...) {
		if fits(u.Object, f.key.label) && (u.ID == nil || bytes.Equal(u.ID, f.key.id)) {
			if f.err != nil {
				f.err = fmt.Errorf("pkcs11: key %q: %w", f.key.label, f.err)
			}
			fit = append(fit, f)
		}
	}
	return fit, nil
}

// keyObjects reads the public or private key objects.
func (x *session) keyObjects(class uint) ([]entry, error) {
	list, err := x.find(class)
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, h := range list {
		v, err := x.attributes(h, ckaID, ckaLabel, ckaKeyType)
		if err != nil {
			return nil, err
		}
		e := entry{id: v[0], label: string(v[1]), kind: readUlong(v[2])}
		switch {
		case class == ckoPublicKey:
			e.pub, e.err = x.publicKey(h)
		case e.kind == ckkRSA: // its private object holds the public numbers too
			if n, err := x.attributes(h, ckaModulus, ckaPublicExponent); err == nil {
				if pub, err := rsaPublicKey(n[0], n[1]); err == nil {
					e.pub = pub
				}
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// certificates reads the X.509 certificates. One that cannot be read is passed
// over: it must not hide the keys.
func (x *session) certificates() ([]entry, error) {
	list, err := x.find(ckoCertificate)
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, h := range list {
		v, err := x.attributes(h, ckaID, ckaLabel, ckaValue)
		if err != nil {
			return nil, err
		}
		c, err := pki.ParseCertificate(v[2])
		if err != nil || c.PublicKey == nil {
			continue
		}
		kind, _ := keyKind(c.PublicKey)
		out = append(out, entry{id: v[0], label: string(v[1]), kind: kind, pub: c.PublicKey, cert: c})
	}
	return out, nil
}

// presumed lists the keys whose private part is hidden before the login: public
// keys, and certificates of end entities with an identifier.
func (x *session) presumed(privs, pubs, certs []entry) []entry {
	var out []entry
	seen := func(e entry) bool {
		for _, list := range [][]entry{privs, out} {
			for _, p := range list {
				if bytes.Equal(p.id, e.id) && p.kind == e.kind {
					return true
				}
			}
		}
		return false
	}
	for _, p := range pubs {
		if !seen(p) {
			out = append(out, p)
		}
	}
	for _, c := range certs {
		if len(c.id) > 0 && !c.cert.IsCA && !seen(c) {
			// A passive key is listed with its own data objects.
			if n, err := x.find(ckoData, textAttr(ckaApplication, publicName(c.id))); err == nil && len(n) == 0 {
				out = append(out, entry{id: c.id, label: c.label, kind: c.kind, pub: c.pub})
			}
		}
	}
	return out
}

// complete finds the public key and the certificate of a private key.
func (x *session) complete(ctx context.Context, p entry, pubs, certs []entry) found {
	k := &Key{store: x.Store, ctx: ctx, kind: p.kind, id: p.id, label: p.label, pub: p.pub}
	err := p.err
	for _, list := range [][]entry{pubs, certs} {
		for _, c := range list {
			if k.pub == nil && len(p.id) > 0 && bytes.Equal(c.id, p.id) && c.kind == p.kind {
				k.pub = c.pub
				err = errors.Join(err, c.err)
			}
		}
	}
	if k.pub == nil {
		if err == nil {
			err = errors.New("the token holds neither its public key nor its certificate")
		}
		return found{key: k, err: err}
	}
	k.attachCertificate(certs)
	if x.supportOf(k.kind) == SupportNone {
		return found{key: k, err: fmt.Errorf("%w: signing with %s", ErrUnsupported, alg.KeyName(k.pub))}
	}
	return found{key: k}
}

// attachCertificate chooses the certificate of the key: one with its public key,
// before others one with its CKA_ID, the newest of several.
func (k *Key) attachCertificate(certs []entry) {
	var best entry
	for _, c := range certs {
		if !alg.EqualKeys(c.pub, k.pub) {
			continue
		}
		same, had := bytes.Equal(c.id, k.id), best.cert != nil && bytes.Equal(best.id, k.id)
		if best.cert == nil || same && !had || same == had && c.cert.NotBefore.After(best.cert.NotBefore) {
			best = c
		}
	}
	k.cert = best.cert
	if k.label == "" {
		k.label = best.label
	}
}

// find looks up the private key object after the login.
func (k *Key) find(x *session) (handle uint, always bool, err error) {
	look := x.currentLook()
	k.mu.Lock()
	handle, always = k.handle, k.always
	fresh := k.known && k.look == look
	k.mu.Unlock()
	if fresh {
		return handle, always, nil
	}
	template := []attribute{numberAttr(ckaKeyType, k.kind)}
	if len(k.id) > 0 {
		template = append(template, bytesAttr(ckaID, k.id))
	} else {
		template = append(template, textAttr(ckaLabel, k.label))
	}
	list, err := x.find(ckoPrivateKey, template...)
	if err == nil && len(list) > 1 {
		list, err = x.find(ckoPrivateKey, append(template, textAttr(ckaLabel, k.label))...)
	}
	switch {
	case err != nil:
		return 0, false, err
	case len(list) == 0:
		return 0, false, fmt.Errorf("%w: private key %q", ErrNotFound, k.label)
	case len(list) > 1:
		return 0, false, fmt.Errorf("%w: %d private keys %q with one CKA_ID", ErrAmbiguous, len(list), k.label)
	}
	v, err := x.attributes(list[0], ckaAlwaysAuthenticate)
	if err != nil {
		return 0, false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handle, k.always, k.look, k.known = list[0], isTrue(v[0]), look, true
	return k.handle, k.always, nil
}

func (s *Store) currentLook() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look
}

var (
	_ token.Key            = (*Key)(nil)
	_ crypto.MessageSigner = (*HashingKey)(nil)
	_ io.Closer            = (*Store)(nil)
)

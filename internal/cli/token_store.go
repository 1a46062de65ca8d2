package cli

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// tokenURI reads what names a token: a URI, the token's label, or nothing for
// the only token that there is.
func (a *app) tokenURI(name string) (*pkcs11.URI, error) {
	u := &pkcs11.URI{Token: name}
	if pkcs11.IsURI(name) {
		var err error
		if u, err = pkcs11.ParseURI(name); err != nil {
			return nil, err
		}
	}
	if u.PINValue != nil {
		wipe(u.PINValue)
		return nil, usageError(text{
			"PIN в командной строке (pin-value) видят другие программы и история команд", "a PIN on the command line (pin-value) is seen by other programs and kept in the history",
		}).withHint(text{"положите его в файл: --pin-file ФАЙЛ, или pin-source=ФАЙЛ в URI", "put it into a file: --pin-file FILE, or pin-source=FILE in the URI"})
	}
	return u, nil
}

// moduleName is the module of --module or its variable.
func (a *app) moduleName() string {
	if a.module != "" {
		return a.module
	}
	return a.env("GOSKLYUCH_PKCS11_MODULE")
}

// chooseModule completes a URI that names no module where several are installed:
// with the first that sees the one token which fits. The vendors' own come before
// the general ones, and a token may be seen through both.
func (a *app) chooseModule(ctx context.Context, u *pkcs11.URI) error {
	if u.ModulePath != "" || u.ModuleName != "" || a.moduleName() != "" || len(pkcs11.FindModules()) < 2 {
		return nil
	}
	list, errs := pkcs11.List(ctx, "")
	if len(list) == 0 && len(errs) > 0 {
		return inToken(u, errors.Join(errs...))
	}
	var fit []*pkcs11.TokenInfo
	for _, t := range list {
		seen := slices.ContainsFunc(fit, func(f *pkcs11.TokenInfo) bool { return f.Label == t.Label && f.Serial == t.Serial })
		if fitsToken(u, t) && t.Initialized && !seen {
			fit = append(fit, t)
		}
	}
	switch len(fit) {
	case 0:
		return inToken(u, pkcs11.ErrNotFound)
	case 1:
		u.ModulePath = fit[0].Module
		return nil
	}
	return severalTokens(fit)
}

// severalTokens names the tokens among which a person has to choose.
func severalTokens(list []*pkcs11.TokenInfo) error {
	var names []string
	for _, t := range list {
		names = append(names, strings.TrimSpace(t.Label+" "+t.Serial))
	}
	all := strings.Join(names, ", ")
	return failedf(text{"подходит несколько токенов: %s", "several tokens fit: %s"}, all).withCause(pkcs11.ErrAmbiguous).
		withHint(text{"назовите один по метке или номеру: pkcs11:token=… или pkcs11:serial=…", "name one by its label or serial number: pkcs11:token=… or pkcs11:serial=…"})
}

func fitsToken(u *pkcs11.URI, t *pkcs11.TokenInfo) bool {
	for want, have := range map[*string]string{&u.Token: t.Label, &u.Serial: t.Serial, &u.Manufacturer: t.Manufacturer, &u.Model: t.Model} {
		if *want != "" && *want != have {
			return false
		}
	}
	return true
}

// wholeToken is the URI of a token without the object that it may name.
func wholeToken(u *pkcs11.URI) *pkcs11.URI {
	w := *u
	w.Object, w.ID, w.Type = "", nil, ""
	return &w
}

// tokenConfig says how a token is used: who answers, and whether the last try
// of the PIN may be used. In a dialogue the consent is asked for there.
func (a *app) tokenConfig(u *pkcs11.URI, d *pinDialogue) pkcs11.Config {
	return pkcs11.Config{
		Module: a.moduleName(), PIN: d.get,
		UnsafeFinalTry: a.finalTry || u.PINSource == "" && a.asks(d.pin),
	}
}

// openToken opens the token itself, without the object that the URI may name.
func (a *app) openToken(ctx context.Context, u *pkcs11.URI, d *pinDialogue) (*pkcs11.Store, error) {
	if err := a.checkSecretFiles(d.pin, d.password); err != nil {
		return nil, err
	}
	s, err := pkcs11.Open(ctx, wholeToken(u).String(), a.tokenConfig(u, d))
	if err != nil {
		return nil, inToken(u, err)
	}
	if err := a.greet(ctx, s, u); err != nil {
		s.Close() //nolint:errcheck,gosec // the first error counts
		return nil, err
	}
	return s, nil
}

// greet warns of what the token's flags say about its PIN.
func (a *app) greet(ctx context.Context, s *pkcs11.Store, u *pkcs11.URI) error {
	info, err := s.Info(ctx)
	if err != nil {
		return inToken(u, err)
	}
	if info.UserPIN.ToBeChanged {
		a.warnf(text{"PIN токена %s заводской или истёк: смените его, gosklyuch token pin change", "the PIN of the token %s is the factory's or has expired: change it with gosklyuch token pin change"}, safe(info.Label))
	}
	if !info.PINPad {
		return nil
	}
	if info.UserPIN.FinalTry && !a.finalTry { // the reader asks, and no dialogue of ours
		if err := a.consentFinalTry(); err != nil {
			return inToken(u, err)
		}
	}
	a.noticef(text{"PIN вводится на считывателе", "the PIN is typed at the reader"})
	return nil
}

// A tokenSession is a token with a user logged in.
type tokenSession struct {
	typed *pkcs11.URI   // as a person wrote it
	uri   *pkcs11.URI   // with the module that was chosen
	store *pkcs11.Store // the whole token
	chose *pkcs11.Store // what the URI names on it
	dial  *pinDialogue
}

func (t *tokenSession) close() {
	for _, s := range []*pkcs11.Store{t.chose, t.store} {
		if s != nil {
			s.Close() //nolint:errcheck,gosec // nothing is lost: every operation has ended
		}
	}
	t.dial.wipe()
}

// openTokenSession opens a token, once as a whole and once for the object that
// the URI names. Both share the login.
func (a *app) openTokenSession(ctx context.Context, uri string, d *pinDialogue) (*tokenSession, error) {
	u, err := a.tokenURI(uri)
	if err != nil {
		return nil, err
	}
	if err := a.chooseModule(ctx, u); err != nil {
		return nil, err
	}
	t := &tokenSession{typed: &pkcs11.URI{}, uri: u, dial: d}
	if pkcs11.IsURI(uri) {
		if t.typed, err = pkcs11.ParseURI(uri); err != nil {
			return nil, err
		}
	}
	if t.store, err = a.openToken(ctx, u, d); err != nil {
		return nil, err
	}
	if t.chose, err = pkcs11.Open(ctx, u.String(), a.tokenConfig(u, d)); err != nil {
		t.close()
		return nil, inToken(u, err)
	}
	if u.Token == "" {
		u.Token = t.store.URI().Token // for sentences
	}
	return t, nil
}

// key returns the key that the URI names.
func (t *tokenSession) key(ctx context.Context) (tokenKey, error) {
	k, err := t.chose.Key(ctx)
	if err != nil {
		return nil, inToken(t.uri, err)
	}
	tk, ok := k.(tokenKey)
	if !ok {
		return nil, failedf(text{"ключ %s не с токена", "the key %s is not a token's"}, t.uri)
	}
	return tk, nil
}

// A tokenKey is a *pkcs11.Key or a *pkcs11.HashingKey.
type tokenKey interface {
	token.Key
	Passive() bool
	URI() *pkcs11.URI
}

// openTokenKey opens a key on a token for use. The login comes first: a refused
// PIN is told before a large document is read.
func (a *app) openTokenKey(ctx context.Context, uri string, kind secretKind) (*openedKey, error) {
	t, err := a.openTokenSession(ctx, uri, a.dialogue(kind))
	if err != nil {
		return nil, err
	}
	k, err := a.unlockedTokenKey(ctx, t)
	if err != nil {
		t.close()
		return nil, err
	}
	return k, nil
}

func (a *app) unlockedTokenKey(ctx context.Context, t *tokenSession) (*openedKey, error) {
	objects, err := t.store.Objects(ctx, true)
	if err != nil {
		return nil, inToken(t.uri, err)
	}
	key, err := t.key(ctx)
	if err != nil {
		return nil, err
	}
	k := &openedKey{signer: key, cert: key.Certificate(), chain: chainOn(objects, key.Certificate())}
	var exported []crypto.Signer
	k.private = func() (crypto.Signer, error) {
		own, err := t.chose.Export(ctx, key)
		if err != nil {
			return nil, inToken(t.uri, err)
		}
		exported = append(exported, own)
		return own, nil
	}
	k.close = func() {
		for _, own := range exported {
			alg.Destroy(own)
		}
		t.close()
	}
	if key.Passive() { // its own password is asked for now, as the PIN was
		if err := trySigning(k); err != nil {
			return nil, inToken(t.uri, err)
		}
	}
	return k, nil
}

// maxChain bounds the issuers that are taken from a token.
const maxChain = 8

// chainOn finds the issuers of a certificate among a token's objects.
func chainOn(objects []pkcs11.Object, cert *pki.Certificate) (chain []*pki.Certificate) {
	for n := 0; cert != nil && !cert.IsSelfIssued() && n < maxChain; n++ {
		var issuer *pki.Certificate
		for _, o := range objects {
			if o.Certificate != nil && bytes.Equal(o.Certificate.RawSubject, cert.RawIssuer) && cert.CheckSignatureFrom(o.Certificate) == nil {
				issuer = o.Certificate
				break
			}
		}
		if issuer != nil {
			chain = append(chain, issuer)
		}
		cert = issuer
	}
	return chain
}

// newTokenKey says what key to put on a token and under which label.
type newTokenKey struct {
	label, placement string
	exportable       bool
	algorithmFlags
	set256   string        // the default set of 256-bit keys
	software crypto.Signer // to be stored; nil to make a new one
	secret   secretKind    // protects a passive key
}

// generators are the mechanisms that make a key pair, by the algorithm's first
// letters (PKCS #11 v2.40 and the numbers of TC 26).
var generators = map[string]uint{"gost2012-256": 0x1200, "gost2012-512": 0xD4321005, "rsa-": 0x0000, "ecdsa-": 0x1040}

// place decides where a key works: in the token where it can, else in memory.
func (n *newTokenKey) place(info *pkcs11.TokenInfo) (pkcs11.Placement, error) {
	switch n.placement {
	case "", "auto":
	case "active":
		return pkcs11.Active, nil
	case "passive":
		return pkcs11.Passive, nil
	default:
		return 0, usageErrorf(text{"--placement: «%s», а бывает auto, active или passive", "--placement: %q is none of auto, active, passive"}, n.placement)
	}
	name := n.alg
	if n.software != nil {
		name = alg.KeyName(n.software.Public())
	}
	for prefix, mechanism := range generators {
		if strings.HasPrefix(name, prefix) && supportFor(info, prefix) != pkcs11.SupportNone && (n.software != nil || slices.Contains(info.Mechanisms, mechanism)) {
			return pkcs11.Active, nil
		}
	}
	return pkcs11.Passive, nil
}

func supportFor(info *pkcs11.TokenInfo, family string) pkcs11.Support {
	switch family {
	case "gost2012-256":
		return info.GOST256
	case "gost2012-512":
		return info.GOST512
	case "rsa-":
		return info.RSA
	default:
		return info.ECDSA
	}
}

// storeURI reads --store. It names a token; the key gets its label otherwise.
func storeURI(store string) error {
	if !pkcs11.IsURI(store) {
		return usageErrorf(text{"--store: «%s», а нужен URI pkcs11:…", "--store: %q is no URI pkcs11:…"}, store).
			withHint(text{"например: --store pkcs11:token=МойТокен; список: gosklyuch token list", "for example: --store pkcs11:token=MyToken; the list: gosklyuch token list"})
	}
	return nil
}

// createOnToken makes or stores a key on the token of a session.
func (a *app) createOnToken(ctx context.Context, t *tokenSession, n *newTokenKey) (tokenKey, error) {
	info, err := t.store.Info(ctx)
	if err != nil {
		return nil, inToken(t.uri, err)
	}
	spec := pkcs11.KeySpec{Algorithm: n.alg, ParamSet: n.paramset, Label: n.label, Exportable: n.exportable}
	if spec.Placement, err = n.place(info); err != nil {
		return nil, err
	}
	objects, err := t.store.Objects(ctx, true)
	if err != nil {
		return nil, inToken(t.uri, err)
	}
	for _, o := range objects {
		if o.Label == n.label && (o.Type == "private" || o.Passive) {
			return nil, failedf(text{"на токене уже есть ключ с меткой %s", "there is a key labelled %s on the token already"}, n.label).
				withHint(text{"выберите другое имя", "choose another name"})
		}
	}
	if spec.Placement == pkcs11.Passive {
		if spec.ParamSet == "" {
			spec.ParamSet = n.set(n.set256)
		}
		pw, err := a.newPassword(n.secret, text{"ключ " + n.label, "key " + n.label})
		if err != nil {
			return nil, err
		}
		defer wipe(pw)
		spec.Password = pw
		t.dial.made = bytes.Clone(pw)
	} else if spec.ParamSet == "" && n.set256 == "cryptopro-a" {
		spec.ParamSet = n.set(n.set256)
	}
	var key token.Key
	if n.software != nil {
		key, err = t.store.Import(ctx, n.software, spec)
	} else {
		key, err = t.store.Generate(ctx, spec)
	}
	if err != nil {
		return nil, inToken(t.uri, n.refused(err))
	}
	tk, ok := key.(tokenKey)
	if !ok {
		return nil, failedf(text{"ключ %s не с токена", "the key %s is not a token's"}, n.label)
	}
	return tk, nil
}

// refused names the parameter set where a token gives no better reason than a
// code.
func (n *newTokenKey) refused(err error) error {
	var code *pkcs11.Error
	if n.paramset == "" || !errors.As(err, &code) || refusedCodes[code.Code.ID()] {
		return err
	}
	ru, en := pkcs11.Sentence(code.Code)
	return newError(exitFailed, text{"токен не создал ключ с набором " + n.paramset + ": " + ru, "the token made no key with the set " + n.paramset + ": " + en}).
		withCause(err).withHint(text{"другой набор: --paramset; ключ под паролем: --placement passive", "another set: --paramset; a key under a password: --placement passive"})
}

// objectsOf lists what belongs to a key on its token: both halves of the pair
// or the data objects, and its certificate.
func (t *tokenSession) objectsOf(ctx context.Context, key tokenKey) ([]pkcs11.Object, error) {
	all, err := t.store.Objects(ctx, true)
	if err != nil {
		return nil, inToken(t.uri, err)
	}
	var out []pkcs11.Object
	for _, o := range all {
		own := bytes.Equal(o.ID, key.ID()) && len(o.ID) > 0
		switch o.Type {
		case "cert":
			own = o.Certificate != nil && o.Certificate.PublicKey != nil && alg.EqualKeys(o.Certificate.PublicKey, key.Public())
		case "private", "public":
			own = own && !key.Passive()
		case "data":
			own = own && o.Passive && key.Passive()
		default:
			own = false
		}
		if own {
			out = append(out, o)
		}
	}
	return out, nil
}

// destroyKey removes a key with all that belongs to it.
func (t *tokenSession) destroyKey(ctx context.Context, key tokenKey) (int, error) {
	list, err := t.objectsOf(ctx, key)
	if err != nil {
		return 0, err
	}
	n, err := t.store.Delete(ctx, list, func(pkcs11.Object) bool { return true })
	if err != nil {
		return n, inToken(t.uri, err)
	}
	return n, nil
}

// keyURI is the URI by which a person names a key later: its token and label,
// and the module where he named it.
func (t *tokenSession) keyURI(u *pkcs11.URI) string {
	short := &pkcs11.URI{Token: u.Token, Object: u.Object, ModulePath: t.typed.ModulePath, ModuleName: t.typed.ModuleName}
	if short.Token == "" {
		short.Serial = u.Serial
	}
	if short.Object == "" {
		short.ID = u.ID
	}
	return short.String()
}

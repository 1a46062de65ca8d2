package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// storeFlags say where a new key lives.
type storeFlags struct {
	store, placement string
	exportable       bool
}

func (a *app) addStoreFlags(c *cobra.Command, f *storeFlags) {
	c.Flags().StringVar(&f.store, "store", "", a.t(text{"токен для ключа: pkcs11:token=МЕТКА (по умолчанию контейнер)", "the token for the key: pkcs11:token=LABEL (by default a container)"}))
	c.Flags().StringVar(&f.placement, "placement", "auto", a.t(text{
		"на токене: active (подписывает токен), passive (ключ под паролем, подписывает программа), auto",
		"on a token: active (the token signs), passive (the key is kept under a password and the program signs), auto",
	}))
}

func (a *app) addExportableFlag(c *cobra.Command, f *storeFlags) {
	c.Flags().BoolVar(&f.exportable, "exportable", false, a.t(text{"разрешить выгрузку активного ключа с токена", "let an active key leave the token"}))
}

// A tokenKeyView is one key of a token in JSON.
type tokenKeyView struct {
	URI         string           `json:"uri"`
	Label       string           `json:"label"`
	Key         string           `json:"key"`
	ID          string           `json:"id"`
	Placement   string           `json:"placement"`
	Certificate *certificateView `json:"certificate,omitempty"`
}

func (t *tokenSession) view(k tokenKey) tokenKeyView {
	v := tokenKeyView{URI: t.keyURI(k.URI()), Label: k.Label(), Key: alg.KeyName(k.Public()), ID: fmt.Sprintf("%x", k.ID()), Placement: "active"}
	if k.Passive() {
		v.Placement = "passive"
	}
	if c := k.Certificate(); c != nil {
		view := viewCertificate(c)
		v.Certificate = &view
	}
	return v
}

// keyOnToken makes a key on a token, or stores one there, and shows it.
func (a *app) keyOnToken(ctx context.Context, f *storeFlags, n *newTokenKey, done text, then func(*tokenSession) error) error {
	t, err := a.openNewKeyStore(ctx, f, n)
	if err != nil {
		return err
	}
	defer t.close()
	key, err := a.createOnToken(ctx, t, n)
	if err != nil {
		return err
	}
	if then != nil {
		if err := then(t); err != nil {
			return err
		}
	}
	v := t.view(key)
	if a.json {
		return a.printJSON(v)
	}
	a.sayf(done, v.Key, v.URI)
	if v.Placement == "passive" {
		a.sayf(text{"ключ пассивный: лежит на токене под паролем, подписывает им программа", "the key is passive: it is kept on the token under a password, and the program signs with it"})
	}
	return nil
}

// openNewKeyStore opens the token of --store.
func (a *app) openNewKeyStore(ctx context.Context, f *storeFlags, n *newTokenKey) (*tokenSession, error) {
	if err := storeURI(f.store); err != nil {
		return nil, err
	}
	n.placement, n.exportable = f.placement, f.exportable
	if _, err := n.place(&pkcs11.TokenInfo{}); err != nil { // a flag that is wrong on any token
		return nil, err
	}
	u, err := pkcs11.ParseURI(f.store)
	if err != nil {
		return nil, err
	}
	if u.Object != "" && u.Object != n.label || u.ID != nil || u.Type != "" {
		return nil, usageError(text{"--store называет только токен: метку ключа задаёт --name", "--store names the token alone: the key's label comes from --name"})
	}
	u.Object = ""
	return a.openTokenSession(ctx, u.String(), a.dialogue(n.secret))
}

// listTokenKeys is `key list --store`.
func (a *app) listTokenKeys(ctx context.Context, store string) error {
	if err := storeURI(store); err != nil {
		return err
	}
	t, err := a.openTokenSession(ctx, store, a.dialogue(secretPassword))
	if err != nil {
		return err
	}
	defer t.close()
	if a.given(secretPIN) || t.uri.PINSource != "" { // some tokens show nothing before a login
		if _, err := t.store.Objects(ctx, true); err != nil {
			return inToken(t.uri, err)
		}
	}
	views := []tokenKeyView{}
	for k, err := range t.chose.Keys(ctx) {
		if err != nil {
			a.warnf(text{"%s", "%s"}, a.t(a.sentence(inToken(t.uri, err)).message))
			continue
		}
		if key, ok := k.(tokenKey); ok {
			views = append(views, t.view(key))
		}
	}
	slices.SortStableFunc(views, func(x, y tokenKeyView) int { return strings.Compare(x.Label, y.Label) }) // tokens have no order
	if a.json {
		return a.printJSON(struct {
			Keys []tokenKeyView `json:"keys"`
		}{views})
	}
	if len(views) == 0 {
		a.sayf(text{"ключей не видно; некоторые токены показывают их после входа: --pin-file", "no keys are to be seen; some tokens show them after a login: --pin-file"})
	}
	for _, v := range views {
		subject := ""
		if v.Certificate != nil {
			subject = v.Certificate.Subject
		}
		fmt.Fprintf(a.out, "%s  %s  %s  %s\n", safe(v.Label), v.Key, a.t(placementTexts[v.Placement]), safe(subject))
	}
	return nil
}

var placementTexts = map[string]text{"active": {"активный", "active"}, "passive": {"пассивный", "passive"}}

// withTokenKey runs f with the key that a URI names; nobody logs in for it
// unless the key cannot be seen otherwise.
func (a *app) withTokenKey(ctx context.Context, uri string, f func(*tokenSession, tokenKey) error) error {
	t, err := a.openTokenSession(ctx, uri, a.dialogue(secretPassword))
	if err != nil {
		return err
	}
	defer t.close()
	key, err := t.key(ctx)
	if err != nil {
		return err
	}
	return f(t, key)
}

func (a *app) showTokenKey(ctx context.Context, uri string) error {
	return a.withTokenKey(ctx, uri, func(t *tokenSession, k tokenKey) error {
		v := t.view(k)
		if a.json {
			return a.printJSON(v)
		}
		a.printLines([]line{
			{text{"Метка", "Label"}, v.Label},
			{text{"Ключ", "Key"}, v.Key},
			{text{"Где подписывает", "Where it signs"}, a.t(map[string]text{
				"active":  {"в токене", "in the token"},
				"passive": {"в памяти (на токене лежит под паролем)", "in memory (kept on the token under a password)"},
			}[v.Placement])},
			{text{"Идентификатор", "Identifier"}, v.ID},
			{text{"URI", "URI"}, v.URI},
		})
		if c := k.Certificate(); c != nil {
			a.printCertificate(c)
		}
		return nil
	})
}

// deleteTokenKey removes a key, both halves, and its certificate.
func (a *app) deleteTokenKey(ctx context.Context, uri string, yes bool) error {
	return a.withTokenKey(ctx, uri, func(t *tokenSession, k tokenKey) error {
		if !yes {
			return usageErrorf(text{"удалённый ключ %s нельзя вернуть", "a deleted key cannot be brought back: %s"}, k.Label()).
				withHint(text{"если вы уверены, добавьте --yes", "if you are sure, add --yes"})
		}
		v := t.view(k)
		n, err := t.destroyKey(ctx, k)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(v)
		}
		a.sayf(text{"ключ %s удалён с токена, объектов: %d", "the key %s is deleted from the token, objects: %d"}, safe(v.Label), n)
		return nil
	})
}

// passwdTokenKey changes the password of a passive key.
func (a *app) passwdTokenKey(ctx context.Context, uri string) error {
	return a.withTokenKey(ctx, uri, func(t *tokenSession, k tokenKey) error {
		if !k.Passive() {
			return usageErrorf(text{"у ключа %s нет своего пароля", "the key %s has no password of its own"}, k.Label()).
				withHint(text{"PIN токена меняет gosklyuch token pin change", "the token's PIN is changed by gosklyuch token pin change"})
		}
		if _, err := t.store.Objects(ctx, true); err != nil { // the PIN comes before the passwords
			return inToken(t.uri, err)
		}
		pw, err := a.newPassword(secretNewPassword, text{"ключ " + k.Label(), "key " + k.Label()})
		if err != nil {
			return err
		}
		defer wipe(pw)
		if err := t.chose.ChangePassword(ctx, k, pw); err != nil {
			return inToken(t.uri, err)
		}
		v := t.view(k)
		if a.json {
			return a.printJSON(v)
		}
		a.sayf(text{"пароль сменён: %s (%s)", "the password is changed: %s (%s)"}, safe(v.Label), v.Key)
		return nil
	})
}

// installOnToken puts a certificate beside its key, and its chain.
func (a *app) installOnToken(ctx context.Context, uri string, cert *pki.Certificate, chain []*pki.Certificate) error {
	return a.withTokenKey(ctx, uri, func(t *tokenSession, k tokenKey) error {
		if cert.PublicKey == nil || !alg.EqualKeys(cert.PublicKey, k.Public()) {
			return refusedf(text{"сертификат выдан на другой ключ, не на %s", "the certificate does not belong to the key %s"}, t.view(k).URI).
				withHint(text{"проверьте ключ и файл сертификата", "check the key and the certificate's file"})
		}
		if err := t.store.StoreCertificate(ctx, cert, ""); err != nil {
			return inToken(t.uri, err)
		}
		for _, c := range chain {
			if err := t.store.StoreCertificate(ctx, c, c.Subject.String()); err != nil {
				return inToken(t.uri, err)
			}
		}
		if a.json {
			return a.printJSON(viewCertificate(cert))
		}
		a.sayf(text{"сертификат записан на токен к ключу %s", "the certificate is on the token beside the key %s"}, safe(k.Label()))
		return nil
	})
}

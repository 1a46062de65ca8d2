package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// keyCommand is the noun for private keys.
func (a *app) keyCommand() *cobra.Command {
	return a.group("key", text{"ключи", "keys"},
		a.keyCreateCommand(), a.keyListCommand(), a.keyShowCommand(), a.keyDeleteCommand(), a.keyPasswdCommand(),
		a.keyCheckCommand(), a.keyImportCommand(), a.keyExportCommand())
}

// A keyView is one container in JSON.
type keyView struct {
	Name        string           `json:"name"`
	Label       string           `json:"label,omitempty"`
	Key         string           `json:"key,omitempty"`
	KeyID       string           `json:"keyIdentifier,omitempty"`
	Created     string           `json:"created,omitempty"`
	NotBefore   string           `json:"notBefore,omitempty"`
	NotAfter    string           `json:"notAfter,omitempty"`
	Certificate *certificateView `json:"certificate,omitempty"`
	Error       string           `json:"error,omitempty"`
}

func viewKey(i soft.Info) keyView {
	if i.Err != nil {
		return keyView{Name: i.Name, Error: i.Err.Error()}
	}
	v := keyView{
		Name: i.Name, Label: i.Label, Key: alg.KeyName(i.PublicKey), KeyID: fmt.Sprintf("%x", i.KeyID),
		Created: stamp(i.Created), NotBefore: stamp(i.NotBefore), NotAfter: stamp(i.NotAfter),
	}
	if i.Certificate != nil {
		c := viewCertificate(i.Certificate)
		v.Certificate = &c
	}
	return v
}

// algorithmFlags are --alg and --paramset.
type algorithmFlags struct{ alg, paramset string }

func (a *app) addAlgorithmFlags(c *cobra.Command, f *algorithmFlags, defaultSet string) {
	c.Flags().StringVar(&f.alg, "alg", "gost2012-256", a.t(text{
		"gost2012-256, gost2012-512, ecdsa-p256 или rsa-3072", "gost2012-256, gost2012-512, ecdsa-p256 or rsa-3072",
	}))
	c.Flags().StringVar(&f.paramset, "paramset", "", a.t(text{
		"набор параметров ГОСТ (по умолчанию " + defaultSet + " и tc26-512-a)", "GOST parameter set (by default " + defaultSet + " and tc26-512-a)",
	}))
}

// set returns the parameter set, or the default of the algorithm.
func (f *algorithmFlags) set(default256 string) string {
	switch {
	case f.paramset != "":
		return f.paramset
	case f.alg == "gost2012-256":
		return default256
	case f.alg == "gost2012-512":
		return "tc26-512-a"
	}
	return ""
}

// noSuchKey says that no key has this algorithm and parameter set.
func (f *algorithmFlags) noSuchKey(err error) error {
	return usageErrorf(text{"такого ключа не бывает: %s", "there is no such key: %s"}, strings.TrimSpace(f.alg+" "+f.paramset)).withCause(err).
		withHint(text{"наборы: cryptopro-a -b -c -xcha -xchb, tc26-256-a…d, tc26-512-a…c", "the sets: cryptopro-a -b -c -xcha -xchb, tc26-256-a…d, tc26-512-a…c"})
}

// check refuses an algorithm that no token is to be asked for.
func (f *algorithmFlags) check() error {
	if strings.HasPrefix(f.alg, "rsa-") && f.paramset == "" { // costly to make for a check
		switch f.alg {
		case "rsa-2048", "rsa-3072", "rsa-4096":
			return nil
		}
	}
	key, err := alg.GenerateKey(f.alg, f.paramset)
	if err != nil {
		return f.noSuchKey(err)
	}
	alg.Destroy(key)
	return nil
}

func (a *app) keyCreateCommand() *cobra.Command {
	var name string
	var f algorithmFlags
	var where storeFlags
	c := &cobra.Command{
		Use:     "create --name N",
		Short:   a.t(text{"создать ключ в контейнере или на токене", "make a key in a container or on a token"}),
		Example: "  gosklyuch key create --name ivanov\n  gosklyuch key create --name big --alg gost2012-512 --paramset tc26-512-c\n  gosklyuch key create --name ivanov --store pkcs11:token=MyToken",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if where.store != "" {
				if err := f.check(); err != nil {
					return err
				}
				return a.keyOnToken(cmd.Context(), &where, &newTokenKey{label: name, algorithmFlags: f, set256: "cryptopro-xcha", secret: secretPassword},
					text{"ключ создан (%s): %s", "the key is made (%s): %s"}, nil)
			}
			return a.keyCreate(cmd.Context(), name, f)
		},
	}
	c.Flags().StringVar(&name, "name", "", a.t(text{"имя контейнера или метка ключа на токене", "the container's name, or the key's label on the token"}))
	a.addStoreFlags(c, &where)
	a.addExportableFlag(c, &where)
	a.addAlgorithmFlags(c, &f, "cryptopro-xcha")
	a.required(c, "name")
	return c
}

func (a *app) keyCreate(ctx context.Context, name string, f algorithmFlags) error {
	ks, err := a.keyStore()
	if err != nil {
		return err
	}
	if _, err := ks.Show(name); err == nil {
		return failedf(text{"контейнер %s уже есть", "the container %s exists already"}, name).
			withHint(text{"выберите другое имя", "choose another name"})
	} else if !errors.Is(err, soft.ErrNotFound) {
		return err
	}
	key, err := alg.GenerateKey(f.alg, f.set("cryptopro-xcha"))
	if err != nil {
		return f.noSuchKey(err)
	}
	defer alg.Destroy(key)
	pw, err := a.newPassword(secretPassword, text{"контейнер " + name, "container " + name})
	if err != nil {
		return err
	}
	defer wipe(pw)
	if err := ks.Create(ctx, name, key, pw, soft.Meta{}); err != nil {
		return err
	}
	return a.showKey(ctx, ks, name, text{"ключ создан: %s (%s)", "the key is made: %s (%s)"})
}

// newPassword obtains a new password and holds it against the policy.
func (a *app) newPassword(kind secretKind, what text) ([]byte, error) {
	pw, err := a.newSecret(kind, what)
	if err != nil {
		return nil, err
	}
	if err := soft.CheckPassword(pw); err != nil {
		wipe(pw)
		return nil, weakPassword(err)
	}
	if soft.PasswordWarning(pw) != "" {
		a.warnf(text{"пароль короче %d знаков: лучше длиннее", "the password has fewer than %d characters: a longer one is better"}, soft.RecommendedPassword)
	}
	return pw, nil
}

// weakPassword says what the policy misses.
func weakPassword(err error) error {
	var p *soft.PasswordError
	if !errors.As(err, &p) {
		return err
	}
	var ru, en string
	add := func(on bool, r, e string) {
		if on {
			if ru != "" {
				ru, en = ru+", ", en+", "
			}
			ru, en = ru+r, en+e
		}
	}
	add(p.Short, "короче 8 знаков", "has fewer than 8 characters")
	add(p.Long, "длиннее 1024 байт", "is longer than 1024 bytes")
	add(p.NoDigit, "нет цифры", "has no digit")
	add(p.NoUpper, "нет прописной буквы", "has no upper-case letter")
	add(p.NoLower, "нет строчной буквы", "has no lower-case letter")
	add(p.NotText, "это не текст UTF-8", "is not UTF-8 text")
	return newError(exitRefused, text{"пароль слишком слабый: " + ru, "the password is too weak: it " + en}).
		withHint(text{
			"нужно не меньше 8 знаков с цифрой, прописной и строчной буквой (кириллица подходит)",
			"at least 8 characters with a digit, an upper-case and a lower-case letter (Cyrillic counts)",
		})
}

// showKey prints a container after a change.
func (a *app) showKey(ctx context.Context, ks *soft.Store, name string, m text) error {
	i, err := ks.Show(name)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(viewKey(*i))
	}
	a.sayf(m, i.Name, alg.KeyName(i.PublicKey))
	return nil
}

func (a *app) keyListCommand() *cobra.Command {
	var store string
	c := &cobra.Command{
		Use:   "list [--store pkcs11:…]",
		Short: a.t(text{"показать контейнеры или ключи токена", "list the containers, or a token's keys"}),
		Args:  args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if store != "" {
				return a.listTokenKeys(cmd.Context(), store)
			}
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			list, err := ks.List(cmd.Context())
			if err != nil {
				return err
			}
			views := make([]keyView, 0, len(list))
			for _, i := range list {
				views = append(views, viewKey(i))
			}
			if a.json {
				return a.printJSON(struct {
					Keys []keyView `json:"keys"`
				}{views})
			}
			if len(views) == 0 {
				a.sayf(text{"контейнеров нет; создать: gosklyuch key create --name ИМЯ", "there are no containers; to make one: gosklyuch key create --name NAME"})
			}
			for _, v := range views {
				subject := v.Error
				if v.Certificate != nil {
					subject = v.Certificate.Subject
				}
				fmt.Fprintf(a.out, "%s  %s  %s\n", safe(v.Name), v.Key, safe(subject))
			}
			return nil
		},
	}
	c.Flags().StringVar(&store, "store", "", a.t(text{"токен: pkcs11:token=МЕТКА", "the token: pkcs11:token=LABEL"}))
	return c
}

func (a *app) keyShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show N",
		Short: a.t(text{"показать контейнер или ключ токена (без пароля)", "show a container or a token's key (no password needed)"}),
		Args:  args(1, 1, text{"имя контейнера", "the container's name"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if pkcs11.IsURI(arg[0]) {
				return a.showTokenKey(cmd.Context(), arg[0])
			}
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			i, err := ks.Show(arg[0])
			if err != nil {
				return inKey(arg[0], err)
			}
			v := viewKey(*i)
			if a.json {
				return a.printJSON(v)
			}
			a.printLines([]line{
				{text{"Контейнер", "Container"}, v.Name},
				{text{"Метка", "Label"}, v.Label},
				{text{"Ключ", "Key"}, v.Key},
				{text{"Идентификатор ключа", "Key identifier"}, v.KeyID},
				{text{"Создан", "Created"}, v.Created},
				{text{"Действует с", "Valid from"}, v.NotBefore},
				{text{"Действует по", "Valid until"}, v.NotAfter},
			})
			if i.Certificate != nil {
				a.printCertificate(i.Certificate)
			}
			return nil
		},
	}
}

func (a *app) keyDeleteCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "delete N --yes",
		Short: a.t(text{"удалить контейнер или ключ токена навсегда", "delete a container or a token's key for good"}),
		Args:  args(1, 1, text{"имя контейнера", "the container's name"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if pkcs11.IsURI(arg[0]) {
				return a.deleteTokenKey(cmd.Context(), arg[0], yes)
			}
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			if _, err := ks.Show(arg[0]); err != nil && !errors.Is(err, soft.ErrDamaged) {
				return inKey(arg[0], err)
			}
			if !yes {
				return usageErrorf(text{"удалённый ключ %s нельзя вернуть", "a deleted key cannot be brought back: %s"}, arg[0]).
					withHint(text{"если вы уверены, добавьте --yes", "if you are sure, add --yes"})
			}
			if err := ks.Delete(cmd.Context(), arg[0]); err != nil {
				return inKey(arg[0], err)
			}
			a.sayf(text{"контейнер %s удалён", "the container %s is deleted"}, arg[0])
			if a.json {
				return a.printJSON(keyView{Name: arg[0]})
			}
			return nil
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, a.t(text{"да, удалить", "yes, delete"}))
	return c
}

func (a *app) keyPasswdCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "passwd N",
		Short: a.t(text{"сменить пароль контейнера или пассивного ключа токена", "change the password of a container or of a token's passive key"}),
		Args:  args(1, 1, text{"имя контейнера", "the container's name"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			name := arg[0]
			if pkcs11.IsURI(name) {
				return a.passwdTokenKey(cmd.Context(), name)
			}
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			if _, err := ks.Show(name); err != nil {
				return inKey(name, err)
			}
			what := text{"контейнер " + name, "container " + name}
			old, err := a.secret(secretPassword, what)
			if err != nil {
				return err
			}
			defer wipe(old)
			pw, err := a.newPassword(secretNewPassword, what)
			if err != nil {
				return err
			}
			defer wipe(pw)
			if err := ks.ChangePassword(cmd.Context(), name, old, pw); err != nil {
				return inKey(name, err)
			}
			return a.showKey(cmd.Context(), ks, name, text{"пароль сменён: %s (%s)", "the password is changed: %s (%s)"})
		},
	}
}

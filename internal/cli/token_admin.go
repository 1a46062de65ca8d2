package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

func (a *app) tokenInitCommand() *cobra.Command {
	var label string
	var yes bool
	c := &cobra.Command{
		Use:   "init [TOKEN] --label L",
		Short: a.t(text{"инициализировать токен: метка, PIN администратора, PIN пользователя", "initialise a token: its label, the security officer's PIN and the user's PIN"}),
		Long: a.t(text{
			"Без TOKEN инициализируется пустой токен. Токен с данными стирается только с --yes и его нынешним PIN администратора.",
			"Without TOKEN the blank token is meant. One in use is erased only with --yes and its present security officer's PIN.",
		}),
		Example: "  gosklyuch token init --label ivanov --so-pin-file so --pin-file pin",
		Args:    args(0, 1, text{}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.tokenInit(cmd.Context(), first(arg), label, yes)
		},
	}
	c.Flags().StringVar(&label, "label", "", a.t(text{"новая метка токена", "the token's new label"}))
	c.Flags().BoolVar(&yes, "yes", false, a.t(text{"да, стереть всё, что есть на токене", "yes, erase what is on the token"}))
	a.required(c, "label")
	return c
}

// userPIN says which secret is the user's PIN of a token that is initialised:
// where nothing exists yet it is --pin-file, and --new-pin-file means the same.
func (a *app) userPIN() secretKind {
	if a.given(secretNewPIN) {
		return secretNewPIN
	}
	if a.given(secretPIN) {
		return secretPIN
	}
	return secretNewPIN
}

func (a *app) tokenInit(ctx context.Context, name, label string, yes bool) error {
	u, blank, err := a.initTarget(ctx, name)
	if err != nil {
		return err
	}
	if !blank && !yes {
		return inToken(u, pkcs11.ErrConsent)
	}
	kind := a.userPIN()
	if err := a.checkSecretFiles(secretSOPIN, kind); err != nil {
		return err
	}
	what := text{"токен " + label, "token " + label}
	if len(label) == 0 || len(label) > 32 { // before anybody types a PIN
		return newError(exitUsage, text{"метка токена: от 1 до 32 байт UTF-8 (16 русских букв)", "a token's label has 1 to 32 octets of UTF-8"})
	}
	so, err := a.plainSecret(secretSOPIN, what, blank)
	if err != nil {
		return err
	}
	defer wipe(so)
	pin, err := a.plainSecret(kind, what, true)
	if err != nil {
		return err
	}
	defer wipe(pin)
	info, err := pkcs11.InitToken(ctx, u.String(), pkcs11.Config{Module: a.moduleName(), UnsafeFinalTry: a.finalTry},
		pkcs11.InitOptions{Label: label, SOPIN: so, PIN: pin, UnsafeErase: yes})
	if err != nil {
		return inToken(u, soRefused(err))
	}
	if a.json {
		return a.printJSON(viewToken(info))
	}
	a.sayf(text{"токен инициализирован: %s (номер %s)", "the token is initialised: %s (serial number %s)"}, safe(info.Label), safe(info.Serial))
	return nil
}

// initTarget finds the token to initialise and says whether it is blank.
func (a *app) initTarget(ctx context.Context, name string) (*pkcs11.URI, bool, error) {
	u, err := a.tokenURI(name)
	if err != nil {
		return nil, false, err
	}
	module := u.ModulePath
	if module == "" {
		module = u.ModuleName
	}
	if module == "" {
		module = a.moduleName()
	}
	list, errs := pkcs11.List(ctx, module)
	if len(list) == 0 && len(errs) > 0 {
		return nil, false, inToken(u, errors.Join(errs...))
	}
	named := u.Token != "" || u.Serial != ""
	var fit []*pkcs11.TokenInfo
	for _, t := range list {
		if fitsToken(u, t) && (named || !t.Initialized) {
			fit = append(fit, t)
		}
	}
	switch {
	case len(fit) == 0 && named:
		return nil, false, inToken(u, pkcs11.ErrNotFound)
	case len(fit) == 0:
		return nil, false, failedf(text{"нет пустого токена", "there is no blank token"}).
			withHint(text{"назовите токен: gosklyuch token init МЕТКА …", "name the token: gosklyuch token init LABEL …"})
	case len(fit) > 1:
		return nil, false, severalTokens(fit)
	}
	if u.ModulePath == "" && u.ModuleName == "" {
		u.ModulePath = fit[0].Module
	}
	return u, !fit[0].Initialized, nil
}

// plainSecret obtains a PIN that is handed over as it is.
func (a *app) plainSecret(kind secretKind, what text, fresh bool) ([]byte, error) {
	d := &pinDialogue{a: a, fresh: fresh}
	return d.answer(kind, what, false)
}

// tokenPINCommand is the noun for a token's PINs.
func (a *app) tokenPINCommand() *cobra.Command {
	return a.group("pin", text{"сменить или разблокировать PIN", "change or unblock a PIN"}, a.pinChangeCommand(), a.pinUnblockCommand())
}

func (a *app) pinChangeCommand() *cobra.Command {
	var so bool
	c := &cobra.Command{
		Use:   "change [TOKEN]",
		Short: a.t(text{"сменить PIN", "change the PIN"}),
		Long:  a.t(tokenArgument),
		Args:  args(0, 1, text{}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			old := secretPIN
			if so {
				old = secretSOPIN
			}
			return a.pinCommand(cmd.Context(), first(arg), old, so, text{"PIN сменён: %s", "the PIN is changed: %s"},
				func(ctx context.Context, uri string, c pkcs11.Config, from, to token.PINFunc) error {
					return pkcs11.ChangePIN(ctx, uri, c, so, from, to)
				})
		},
	}
	c.Flags().BoolVar(&so, "so", false, a.t(text{"сменить PIN администратора, а не пользователя", "change the security officer's PIN, not the user's"}))
	return c
}

func (a *app) pinUnblockCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "unblock [TOKEN]",
		Short: a.t(text{"задать новый PIN пользователя с PIN администратора или PUK", "set a new user PIN with the security officer's PIN or the PUK"}),
		Long:  a.t(tokenArgument),
		Args:  args(0, 1, text{}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			so := secretSOPIN
			if a.given(secretPUK) {
				if a.given(secretSOPIN) {
					return usageError(text{"--so-pin-file и --puk-file значат одно и то же: укажите что-то одно", "--so-pin-file and --puk-file mean the same: give one of them"})
				}
				so = secretPUK
			}
			return a.pinCommand(cmd.Context(), first(arg), so, true, text{"новый PIN задан: %s", "the new PIN is set: %s"}, pkcs11.UnblockPIN)
		},
	}
}

// pinCommand runs a change of a PIN: from is the kind that opens, so says that
// it is the security officer's.
func (a *app) pinCommand(ctx context.Context, name string, from secretKind, so bool, done text,
	change func(context.Context, string, pkcs11.Config, token.PINFunc, token.PINFunc) error,
) error {
	info, err := a.tokenInfo(ctx, name)
	if err != nil {
		return err
	}
	if err := a.checkSecretFiles(from, secretNewPIN); err != nil {
		return err
	}
	state := info.UserPIN
	if so {
		state = info.SOPIN
	}
	if info.PINPad && state.FinalTry && !a.finalTry { // the reader asks, and no dialogue of ours
		if err := a.consentFinalTry(); err != nil {
			return err
		}
	}
	old := &pinDialogue{a: a, pin: from}
	fresh := &pinDialogue{a: a, pin: secretNewPIN, fresh: true}
	defer old.wipe()
	defer fresh.wipe()
	u := info.URI()
	c := pkcs11.Config{Module: a.moduleName(), UnsafeFinalTry: a.finalTry || info.PINPad || a.asks(from)}
	if err := change(ctx, u.String(), c, old.get, fresh.get); err != nil {
		if so {
			err = soRefused(err)
		}
		return inToken(u, err)
	}
	if a.json {
		after, err := a.tokenInfo(ctx, u.String())
		if err != nil {
			return err
		}
		return a.printJSON(viewToken(after))
	}
	a.sayf(done, safe(info.Label))
	return nil
}

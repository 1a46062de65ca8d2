package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// tokenCommand is the noun for PKCS #11 tokens.
func (a *app) tokenCommand() *cobra.Command {
	return a.group("token", text{"токены PKCS #11: Рутокен, JaCarta, SoftHSM", "PKCS #11 tokens: Rutoken, JaCarta, SoftHSM"},
		a.tokenListCommand(), a.tokenInfoCommand(), a.tokenObjectsCommand(), a.tokenInitCommand(), a.tokenPINCommand())
}

// A pinView is what is known of a PIN in JSON.
type pinView struct {
	Set         bool `json:"set"`
	Locked      bool `json:"locked"`
	FinalTry    bool `json:"finalTry"`
	CountLow    bool `json:"countLow"` // a wrong PIN was given since the last right one
	ToBeChanged bool `json:"toBeChanged"`
}

// A tokenView is one token in JSON. Algorithms are "none", "digest" (the token
// signs a digest) or "message" (it hashes too); what is none is kept passively.
type tokenView struct {
	URI          string            `json:"uri"`
	Label        string            `json:"label"`
	Serial       string            `json:"serial"`
	Manufacturer string            `json:"manufacturer"`
	Model        string            `json:"model"`
	Module       string            `json:"module"`
	Slot         string            `json:"slot"`
	Initialized  bool              `json:"initialized"`
	ReadOnly     bool              `json:"readOnly"`
	PINPad       bool              `json:"pinPad"`
	PIN          pinView           `json:"pin"`
	SOPIN        pinView           `json:"soPin"`
	MinPIN       int               `json:"minPin"`
	MaxPIN       int               `json:"maxPin"`
	Algorithms   map[string]string `json:"algorithms"`
	VKO          bool              `json:"vko"`
}

func viewToken(t *pkcs11.TokenInfo) tokenView {
	u := t.URI()
	return tokenView{
		URI: (&pkcs11.URI{Token: u.Token, Serial: u.Serial}).String(), Label: t.Label, Serial: t.Serial, Manufacturer: t.Manufacturer,
		Model: t.Model, Module: t.Module, Slot: t.Slot, Initialized: t.Initialized, ReadOnly: t.ReadOnly, PINPad: t.PINPad,
		PIN:    viewPIN(t.UserPIN, t.UserPINSet),
		SOPIN:  viewPIN(t.SOPIN, t.Initialized),
		MinPIN: t.MinPIN, MaxPIN: t.MaxPIN, VKO: t.VKO,
		Algorithms: map[string]string{
			"gost2012-256": t.GOST256.String(), "gost2012-512": t.GOST512.String(), "rsa": t.RSA.String(), "ecdsa": t.ECDSA.String(),
		},
	}
}

func viewPIN(p pkcs11.PINState, set bool) pinView {
	return pinView{Set: set, Locked: set && p.Locked, FinalTry: set && p.FinalTry, CountLow: set && p.CountLow, ToBeChanged: set && p.ToBeChanged}
}

func (a *app) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t(text{"показать вставленные токены", "list the tokens that are plugged in"}),
		Args:  args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, errs := pkcs11.List(cmd.Context(), a.moduleName())
			if len(list) == 0 && len(errs) > 0 {
				return errors.Join(errs...)
			}
			for _, err := range errs { // one module that fails does not hide the others
				a.warnf(text{"%s", "%s"}, a.t(a.sentence(err).message))
			}
			views := make([]tokenView, 0, len(list))
			for _, t := range list {
				views = append(views, viewToken(t))
			}
			if a.json {
				return a.printJSON(struct {
					Tokens []tokenView `json:"tokens"`
				}{views})
			}
			if len(views) == 0 {
				a.sayf(text{"токенов нет: вставьте токен или установите его драйвер", "there are no tokens: plug one in, or install its driver"})
			}
			for _, v := range views {
				a.printTokenRow(v)
			}
			return nil
		},
	}
}

func (a *app) printTokenRow(v tokenView) {
	name := v.Label
	if !v.Initialized {
		name = a.t(text{"(пустой)", "(blank)"})
	}
	note := ""
	if s := a.pinNote(v.PIN, v.Initialized); s != "" {
		note = "  " + s
	}
	fmt.Fprintf(a.out, "%s  %s  %s%s\n", safe(name), safe(v.Serial), safe(v.Model), note)
}

// pinNote says what is special about a PIN; "" is nothing.
func (a *app) pinNote(p pinView, initialized bool) string {
	switch {
	case !initialized:
		return ""
	case !p.Set:
		return a.t(text{"PIN не задан", "no PIN is set"})
	case p.Locked:
		return a.t(text{"PIN заблокирован", "the PIN is locked"})
	case p.FinalTry:
		return a.t(text{"осталась одна попытка PIN", "one try of the PIN is left"})
	case p.CountLow:
		return a.t(text{"был введён неверный PIN", "a wrong PIN was given"})
	case p.ToBeChanged:
		return a.t(text{"PIN нужно сменить", "the PIN has to be changed"})
	}
	return ""
}

func (a *app) tokenInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "info [TOKEN]",
		Short:   a.t(text{"что за токен, что он умеет, в каком состоянии PIN", "what a token is, what it can do, the state of its PIN"}),
		Long:    a.t(tokenArgument),
		Example: "  gosklyuch token info\n  gosklyuch token info MyToken\n  gosklyuch token info \"pkcs11:serial=0123456789\"",
		Args:    args(0, 1, text{}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			info, err := a.tokenInfo(cmd.Context(), first(arg))
			if err != nil {
				return err
			}
			v := viewToken(info)
			if a.json {
				return a.printJSON(v)
			}
			a.printToken(v)
			return nil
		},
	}
}

// tokenArgument explains how a token is named.
var tokenArgument = text{
	"TOKEN: метка токена или URI pkcs11:…; если вставлен один токен, можно не указывать.",
	"TOKEN is a token's label or a URI pkcs11:…; it may be left out where one token is plugged in.",
}

func first(arg []string) string {
	if len(arg) == 0 {
		return ""
	}
	return arg[0]
}

// tokenInfo reads what the token that name names says of itself. No PIN is used.
func (a *app) tokenInfo(ctx context.Context, name string) (*pkcs11.TokenInfo, error) {
	u, err := a.tokenURI(name)
	if err != nil {
		return nil, err
	}
	if err := a.chooseModule(ctx, u); err != nil {
		return nil, err
	}
	s, err := pkcs11.Open(ctx, wholeToken(u).String(), pkcs11.Config{Module: a.moduleName()})
	if err != nil {
		return nil, inToken(u, err)
	}
	defer s.Close() //nolint:errcheck // nothing is lost
	info, err := s.Info(ctx)
	if err != nil {
		return nil, inToken(u, err)
	}
	return info, nil
}

func (a *app) printToken(v tokenView) {
	uses := map[string]text{
		"none":    {"нет (ключ хранится под паролем и работает в памяти)", "no (such a key is kept under a password and used in memory)"},
		"digest":  {"подписывает хэш", "signs a digest"},
		"message": {"сам хэширует и подписывает", "hashes and signs"},
	}
	yes := text{"да", "yes"}
	lines := []line{
		{text{"Метка", "Label"}, v.Label},
		{text{"Номер", "Serial number"}, v.Serial},
		{text{"Модель", "Model"}, v.Model},
		{text{"Производитель", "Manufacturer"}, v.Manufacturer},
		{text{"Модуль", "Module"}, v.Module},
		{text{"Слот", "Slot"}, v.Slot},
		{text{"URI", "URI"}, v.URI},
		{text{"PIN", "PIN"}, a.pinNote(v.PIN, v.Initialized)},
		{text{"PIN администратора", "Security officer's PIN"}, a.pinNote(v.SOPIN, v.Initialized)},
	}
	if v.MaxPIN > 0 {
		lines = append(lines, line{text{"Длина PIN", "Length of the PIN"}, fmt.Sprintf("%d–%d", v.MinPIN, v.MaxPIN)})
	}
	if v.PINPad {
		lines = append(lines, line{text{"PIN вводится на считывателе", "The PIN is typed at the reader"}, a.t(yes)})
	}
	if v.ReadOnly {
		lines = append(lines, line{text{"Только чтение", "Read only"}, a.t(yes)})
	}
	for _, row := range []struct {
		name text
		id   string
	}{
		{text{"ГОСТ 34.10-2012 256", "GOST 34.10-2012 256"}, "gost2012-256"},
		{text{"ГОСТ 34.10-2012 512", "GOST 34.10-2012 512"}, "gost2012-512"},
		{text{"RSA", "RSA"}, "rsa"},
		{text{"ECDSA", "ECDSA"}, "ecdsa"},
	} {
		lines = append(lines, line{row.name, a.t(uses[v.Algorithms[row.id]])})
	}
	a.printLines(lines)
}

// An objectView is one object of a token in JSON.
type objectView struct {
	Type        string           `json:"type"`
	Label       string           `json:"label"`
	ID          string           `json:"id,omitempty"`
	Key         string           `json:"key,omitempty"`
	Application string           `json:"application,omitempty"`
	Private     bool             `json:"private"`
	Passive     bool             `json:"passive"`
	Certificate *certificateView `json:"certificate,omitempty"`
}

func viewObject(o pkcs11.Object) objectView {
	v := objectView{
		Type: o.Type, Label: o.Label, ID: fmt.Sprintf("%x", o.ID), Key: o.KeyName, Application: o.Application,
		Private: o.Private, Passive: o.Passive,
	}
	if o.Certificate != nil {
		c := viewCertificate(o.Certificate)
		v.Certificate = &c
	}
	return v
}

func (a *app) tokenObjectsCommand() *cobra.Command {
	var login bool
	c := &cobra.Command{
		Use:   "objects [TOKEN]",
		Short: a.t(text{"показать, что лежит на токене", "list what is on a token"}),
		Long:  a.t(tokenArgument),
		Args:  args(0, 1, text{}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.tokenObjects(cmd.Context(), first(arg), login || a.given(secretPIN))
		},
	}
	c.Flags().BoolVar(&login, "login", false, a.t(text{"войти по PIN и показать закрытые объекты", "log in with the PIN and show private objects"}))
	return c
}

func (a *app) tokenObjects(ctx context.Context, name string, login bool) error {
	t, err := a.openTokenSession(ctx, name, a.dialogue(secretPassword))
	if err != nil {
		return err
	}
	defer t.close()
	list, err := t.chose.Objects(ctx, login || t.uri.PINSource != "")
	if err != nil {
		return inToken(t.uri, err)
	}
	views := make([]objectView, 0, len(list))
	for _, o := range list {
		views = append(views, viewObject(o))
	}
	slices.SortStableFunc(views, func(x, y objectView) int { return strings.Compare(x.Label, y.Label) })
	if a.json {
		return a.printJSON(struct {
			Objects []objectView `json:"objects"`
		}{views})
	}
	if len(views) == 0 {
		a.sayf(text{"на токене ничего не видно; закрытые объекты показывает --login", "nothing is to be seen on the token; --login shows private objects"})
	}
	for _, v := range views {
		what := v.Key
		switch {
		case v.Certificate != nil:
			what = v.Certificate.Subject
		case v.Passive:
			what = a.t(text{"ключ под паролем", "a key under a password"})
		case v.Application != "":
			what = v.Application
		}
		fmt.Fprintf(a.out, "%-8s %s  %s  %s\n", v.Type, safe(v.Label), v.ID, safe(what))
	}
	return nil
}

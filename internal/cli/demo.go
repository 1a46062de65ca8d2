package cli

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// demoSubject is an invented person; the numbers have right check digits.
const demoSubject = "CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,SNILS=112-233-445 95,INN=500100732259,L=Москва,ST=77 Москва,C=RU"

// A demoStep is one command of the tour with the exit code that it must have.
type demoStep struct {
	title text
	args  []string
	exit  int
}

// demoCommand makes the tour: the whole main job in one folder, offline. Each
// step is the command that a person would type, run as it is printed.
func (a *app) demoCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "demo [DIR]",
		Short: a.t(text{"показать всё на примере: от ключа до отзыва", "the tour: from a key to a revocation"}),
		Args:  args(0, 1, text{}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			dir := "gosklyuch-demo"
			if len(arg) == 1 {
				dir = arg[0]
			}
			return a.demo(cmd.Context(), dir, force)
		},
	}
	c.Flags().BoolVar(&force, "force", false, a.t(text{"удалить прежний пример и начать заново", "remove an earlier tour and start anew"}))
	return c
}

func (a *app) demo(ctx context.Context, dir string, force bool) error {
	if err := prepareDemo(dir, force); err != nil {
		return err
	}
	back, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	defer os.Chdir(back) //nolint:errcheck // the process ends or a test goes on elsewhere
	if err := a.demoFiles(); err != nil {
		return err
	}
	a.sayf(text{"Папка примера: %s. Сети не нужно.", "The tour's folder: %s. No network is needed."}, dir)
	for i, s := range a.demoSteps() {
		a.sayf(text{"\n%d. %s\n$ %s", "\n%d. %s\n$ %s"}, i+1, a.t(s.title), shellLine(s.args))
		if code := a.demoRun(ctx, s.args); code != s.exit {
			return failedf(text{"шаг %d завершился с кодом %d вместо %d", "step %d ended with exit code %d instead of %d"}, i+1, code, s.exit)
		}
	}
	a.sayf(text{
		"\nГотово. В папке %s остались ключ (citizen.pfx), сертификат (citizen.cer), документ, подпись и списки отзыва.\n" +
			"Пароли лежат рядом в файлах .password: это только для примера.",
		"\nDone. The folder %s keeps the key (citizen.pfx), the certificate (citizen.cer), the document, its signature and the lists.\n" +
			"The passwords lie beside them in .password files: for the tour only.",
	}, dir)
	if a.json {
		return a.printJSON(struct {
			Dir string `json:"dir"`
		}{dir})
	}
	return nil
}

// demoMarker is a file that only a tour's folder has: --force removes no other.
const demoMarker = ".gosklyuch-demo"

// prepareDemo makes an empty folder for the tour.
func prepareDemo(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(entries) > 0:
		if _, err := os.Stat(filepath.Join(dir, demoMarker)); err != nil || !force {
			return failedf(text{"папка %s не пуста", "the folder %s is not empty"}, dir).
				withHint(text{"укажите другую папку; прежний пример заменяет --force", "name another folder; --force replaces an earlier tour"})
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, demoMarker), nil, 0o600)
}

// demoFiles writes the document and a random password for each role.
func (a *app) demoFiles() error {
	doc := a.t(text{
		"Заявление. Прошу зачислить меня на курс «Электронная подпись».\n",
		"Application. Please enrol me in the course on electronic signatures.\n",
	})
	if err := os.WriteFile("document.txt", []byte(doc), 0o600); err != nil {
		return err
	}
	for _, role := range []string{"root", "issuing", "citizen", "pfx"} {
		b := make([]byte, 10)
		if _, err := rand.Read(b); err != nil {
			return err
		}
		pw := "Demo1-" + strings.ToLower(base32.StdEncoding.EncodeToString(b)) + "\n"
		if err := os.WriteFile(role+".password", []byte(pw), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// demoRun runs one command line in the tour's own home, without a network.
func (a *app) demoRun(ctx context.Context, args []string) int {
	child := &app{
		streams: a.streams,
		now:     a.now,
		lookupEnv: func(name string) (string, bool) {
			switch {
			case name == "GOSKLYUCH_HOME":
				return "home", true
			case strings.HasPrefix(name, "GOSKLYUCH_"):
				return "", false
			}
			return a.lookupEnv(name)
		},
	}
	if a.json {
		child.out = io.Discard
	}
	return child.run(ctx, append([]string{"--lang", a.lang, "--no-input"}, args...))
}

// demoSteps are the commands of the tour.
func (a *app) demoSteps() []demoStep {
	verify := strings.Fields("verify document.txt document.txt.sig --intermediate issuing-ca/ca.cer --crl root.crl --crl issuing.crl --offline")
	return []demoStep{
		{
			text{"Корневой удостоверяющий центр", "A root certification authority"},
			[]string{"ca", "init", "--dir", "root-ca", "--subject", "CN=Учебный корневой УЦ,O=Учебный центр,C=RU", "--password-file", "root.password"},
			0,
		},
		{
			text{"Выдающий удостоверяющий центр под ним", "An issuing authority below it"},
			[]string{
				"ca", "init", "--dir", "issuing-ca", "--parent", "root-ca", "--subject", "CN=Учебный выдающий УЦ,O=Учебный центр,C=RU",
				"--parent-password-file", "root.password", "--password-file", "issuing.password",
			},
			0,
		},
		{
			text{"Ключ гражданина в контейнере", "A citizen's key in a container"},
			strings.Fields("key create --name citizen --password-file citizen.password"), 0,
		},
		{
			text{"Запрос на сертификат", "A certificate request"},
			[]string{"request", "create", "--key", "citizen", "--subject", demoSubject, "--password-file", "citizen.password", "-o", "citizen.csr"},
			0,
		},
		{
			text{"УЦ выпускает сертификат", "The authority issues the certificate"},
			strings.Fields("ca issue citizen.csr --dir issuing-ca --profile citizen --password-file issuing.password -o citizen.cer"), 0,
		},
		{
			text{"Сертификат кладётся в контейнер к ключу", "The certificate joins its key in the container"},
			strings.Fields("cert install citizen.cer --key citizen --chain issuing-ca/ca.cer"), 0,
		},
		{
			text{"Ключ и сертификат выгружаются в файл PFX", "Key and certificate go into a PFX file"},
			strings.Fields("key export citizen --pfx citizen.pfx --password-file citizen.password --new-password-file pfx.password"), 0,
		},
		{
			text{"Подпись документа", "Signing the document"},
			strings.Fields("sign document.txt --key citizen --password-file citizen.password"), 0,
		},
		{
			text{"Получатель доверяет корню", "The recipient trusts the root"},
			strings.Fields("trust add root-ca/ca.cer"), 0,
		},
		{
			text{"Список отзыва корневого УЦ", "The root's revocation list"},
			strings.Fields("ca crl --dir root-ca --password-file root.password -o root.crl"), 0,
		},
		{
			text{"Список отзыва выдающего УЦ", "The issuing authority's revocation list"},
			strings.Fields("ca crl --dir issuing-ca --password-file issuing.password -o issuing.crl"), 0,
		},
		{text{"Проверка подписи", "Verifying the signature"}, verify, exitOK},
		{
			text{"Ключ украден: сертификат отзывается", "The key is stolen: the certificate is revoked"},
			strings.Fields("ca revoke citizen.cer --dir issuing-ca --reason keyCompromise --password-file issuing.password"), 0,
		},
		{
			text{"Выдающий УЦ публикует новый список", "The issuing authority publishes a new list"},
			strings.Fields("ca crl --dir issuing-ca --password-file issuing.password -o issuing.crl --force"), 0,
		},
		{text{"Та же проверка после отзыва", "The same verification after the revocation"}, verify, exitRevoked},
	}
}

// shellLine prints a command as it can be pasted into a shell.
func shellLine(args []string) string {
	var b strings.Builder
	b.WriteString("gosklyuch")
	for _, arg := range args {
		if strings.ContainsAny(arg, " ,=()\"") {
			arg = fmt.Sprintf("\"%s\"", arg)
		}
		b.WriteString(" " + arg)
	}
	return b.String()
}

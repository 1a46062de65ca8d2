package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// ceremonyFlags are the flags of `ca ceremony`.
type ceremonyFlags struct {
	out, keys            string
	yes, dryRun, openssl bool
}

func (a *app) caCeremonyCommand() *cobra.Command {
	var f ceremonyFlags
	c := &cobra.Command{
		Use:   "ceremony PLAN --out DIR",
		Short: a.t(text{"провести церемонию ключей по плану", "carry out a key ceremony by a plan"}),
		Long: a.t(text{
			"Каждый шаг показывается до выполнения. Всё подписанное проверяется вторым путём, не имеющим общего кода с первым.\n" +
				"Пока проверено не всё, работа лежит в DIR.partial; прерванную церемонию продолжает та же команда.\n" +
				"Если церемония в DIR закончена, та же команда проверяет её, ничего не меняя.",
			"Each step is shown before it is done. Everything that is signed is checked by a second path that shares no code with the first.\n" +
				"Until all is checked the work lies in DIR.partial; the same command continues a ceremony that broke off.\n" +
				"Where the ceremony in DIR is finished, the same command checks it and changes nothing.",
		}),
		Example: "  gosklyuch ca ceremony plan.yaml --dry-run\n  gosklyuch ca ceremony plan.yaml --out ceremony --keys /media/keys\n  gosklyuch ca ceremony witness ceremony --participant 2 --key witness\n  gosklyuch ca ceremony check ceremony",
		Args:    args(1, 1, text{"файл плана", "the file of the plan"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.ceremony(cmd.Context(), arg[0], &f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.out, "out", "", a.t(text{"папка церемонии", "folder of the ceremony"}))
	fl.StringVar(&f.keys, "keys", "", a.t(text{"папка контейнеров с ключами (по умолчанию DIR.keys)", "folder of the key containers (DIR.keys by default)"}))
	fl.BoolVar(&f.yes, "yes", false, a.t(text{"выполнять шаги без вопросов", "do the steps without asking"}))
	fl.BoolVar(&f.dryRun, "dry-run", false, a.t(text{"только проверить план и показать все шаги", "only check the plan and show all steps"}))
	a.openSSLFlag(c, &f.openssl)
	c.AddCommand(a.ceremonyCheckCommand(), a.ceremonyWitnessCommand())
	return c
}

func (a *app) openSSLFlag(c *cobra.Command, on *bool) {
	c.Flags().BoolVar(on, "openssl", false, a.t(text{"проверять и программой openssl с gost-engine", "check with the program openssl and gost-engine too"}))
}

// ceremonyOptions are what running and checking have in common.
func (a *app) ceremonyOptions(ctx context.Context, dir string, openssl bool) (ceremony.Options, func(), error) {
	o := ceremony.Options{
		Dir: dir, Rules: sets.All(), Version: Version,
		OpenLedger: func(ctx context.Context, folder string) (ca.Ledger, error) {
			l, err := a.openLedger(ctx, folder, ca.Settings{})
			if err != nil {
				return nil, badLedger(folder, err)
			}
			return l, nil
		},
		Checks: []ceremony.Check{ceremony.SecondPath()},
	}
	if !openssl {
		return o, func() {}, nil
	}
	check, err := newOpenSSLCheck(ctx)
	if err != nil {
		return o, nil, err
	}
	o.Checks = append(o.Checks, check)
	return o, check.close, nil
}

func (a *app) ceremony(ctx context.Context, path string, f *ceremonyFlags) error {
	raw, err := a.readFile(path)
	if err != nil {
		return err
	}
	p, err := ceremony.ParsePlan(raw)
	if err != nil {
		return ceremonyError(err)
	}
	if p.Program != "" && p.Program != Version {
		return ceremonyError(ceremony.ErrProgram)
	}
	if f.dryRun {
		return a.showPlan(p)
	}
	if f.out == "" {
		return usageError(text{"не указана папка церемонии: --out", "the folder of the ceremony is missing: --out"}).
			withHint(text{"только показать шаги: --dry-run", "to show the steps only: --dry-run"})
	}
	o, done, err := a.ceremonyOptions(ctx, f.out, f.openssl)
	if err != nil {
		return err
	}
	defer done()
	keys := f.keys
	if keys == "" {
		keys = filepath.Clean(f.out) + ".keys"
	}
	o.Base, o.Keys = filepath.Dir(path), &ceremonyKeys{a: a, dir: keys}
	var steps []ceremonyStepView
	o.Report = func(s ceremony.Shown) { steps = append(steps, a.reportStep(s)) }
	if !f.yes {
		o.Confirm = a.confirmStep
	}
	out, err := ceremony.Run(ctx, p, raw, o)
	if err != nil {
		return ceremonyError(err)
	}
	return a.printCeremony(p, out, f.out, steps)
}

// showPlan is --dry-run.
func (a *app) showPlan(p *ceremony.Plan) error {
	if a.json {
		d := p.Digest()
		return a.printJSON(struct {
			Name        string   `json:"name"`
			Date        string   `json:"date"`
			Streebog256 string   `json:"streebog256"`
			SHA256      string   `json:"sha256"`
			Steps       []string `json:"steps"`
		}{p.Name, p.Date, d.String(), hex.EncodeToString(d.SHA256[:]), p.Titles()})
	}
	a.sayf(text{"План верен: %s, %s", "The plan is correct: %s, %s"}, p.Name, p.Date)
	a.sayf(text{"Стрибог-256 плана: %s", "Streebog-256 of the plan: %s"}, p.Digest())
	for i, title := range p.Titles() {
		fmt.Fprintf(a.out, "%3d. %s\n", i+1, safe(title))
	}
	return nil
}

// confirmStep asks a person before a step.
func (a *app) confirmStep(_ context.Context, s ceremony.Shown) error {
	tty := a.terminal()
	if a.noInput || tty == nil {
		return usageErrorf(text{"шаг %d нужно подтвердить, а задать вопрос нельзя", "step %d must be confirmed and may not be asked for"}, s.Step).
			withHint(text{"без вопросов: --yes; только показать: --dry-run", "without questions: --yes; to show only: --dry-run"})
	}
	defer tty.Close() //nolint:errcheck // a terminal opened for reading: nothing is lost
	a.noticef(text{fmt.Sprintf("Шаг %d из %d. %s", s.Step, s.Of, s.Title), fmt.Sprintf("Step %d of %d. %s", s.Step, s.Of, s.Title)})
	answer, err := a.askLine(tty, a.t(text{"Выполнить? Напишите «да»: ", "Do it? Type \"yes\": "}))
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "да", "yes":
		return nil
	}
	return failedf(text{"церемония остановлена перед шагом %d", "the ceremony was stopped before step %d"}, s.Step).
		withHint(text{"продолжит та же команда; сделанное сохранено в папке .partial", "the same command goes on; what was done is kept in the folder .partial"})
}

// A ceremonyStepView is a step in the answer with --json.
type ceremonyStepView struct {
	Step  int      `json:"step"`
	Title string   `json:"title"`
	Lines []string `json:"lines,omitempty"`
	Again bool     `json:"again,omitempty"` // done before, checked now
}

// reportStep prints what a step did.
func (a *app) reportStep(s ceremony.Shown) ceremonyStepView {
	if !a.json {
		mark := text{"сделано", "done"}
		if s.Again {
			mark = text{"сделано раньше, проверено", "done before, checked"}
		}
		fmt.Fprintf(a.out, "%d/%d %s: %s\n", s.Step, s.Of, safe(s.Title), a.t(mark))
		for _, l := range s.Lines {
			fmt.Fprintf(a.out, "      %s\n", safe(l))
		}
	}
	return ceremonyStepView{s.Step, s.Title, s.Lines, s.Again}
}

// printCeremony prints the outcome.
func (a *app) printCeremony(p *ceremony.Plan, out *ceremony.Result, dir string, steps []ceremonyStepView) error {
	if a.json {
		type witness struct {
			Name string `json:"name"`
			File string `json:"file"`
		}
		doc := struct {
			Name        string             `json:"name"`
			Dir         string             `json:"dir"`
			Checked     bool               `json:"checked"`
			Streebog256 string             `json:"streebog256"` // of the transcript
			SHA256      string             `json:"sha256"`
			Steps       []ceremonyStepView `json:"steps"`
			Witnesses   []witness          `json:"witnesses,omitempty"`
		}{p.Name, dir, out.Checked, out.Digest.String(), hex.EncodeToString(out.Digest.SHA256[:]), steps, nil}
		for _, w := range out.Witnesses {
			doc.Witnesses = append(doc.Witnesses, witness{w.Name, w.File})
		}
		return a.printJSON(doc)
	}
	if out.Checked {
		a.sayf(text{"Церемония %s проверена: всё совпадает с протоколом", "The ceremony %s was checked: everything agrees with the transcript"}, dir)
	} else {
		a.sayf(text{"Церемония закончена: %s", "The ceremony is finished: %s"}, dir)
	}
	a.sayf(text{"Протокол: %s", "Transcript: %s"}, filepath.Join(dir, "transcript.txt"))
	a.sayf(text{"Стрибог-256 протокола: %s", "Streebog-256 of the transcript: %s"}, out.Digest)
	for _, w := range out.Witnesses {
		a.sayf(text{"Заверил: %s (%s)", "Countersigned by: %s (%s)"}, w.Name, w.File)
	}
	return nil
}

func (a *app) ceremonyCheckCommand() *cobra.Command {
	var openssl bool
	c := &cobra.Command{
		Use:   "check DIR",
		Short: a.t(text{"проверить законченную церемонию и её протокол", "check a finished ceremony and its transcript"}),
		Args:  args(1, 1, text{"папка церемонии", "the folder of the ceremony"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			o, done, err := a.ceremonyOptions(cmd.Context(), arg[0], openssl)
			if err != nil {
				return err
			}
			defer done()
			var steps []ceremonyStepView
			o.Report = func(s ceremony.Shown) { steps = append(steps, a.reportStep(s)) }
			p, out, err := ceremony.Verify(cmd.Context(), o)
			if err != nil {
				return finishedError(arg[0], err)
			}
			return a.printCeremony(p, out, arg[0], steps)
		},
	}
	a.openSSLFlag(c, &openssl)
	return c
}

// notACeremony says that a folder has no plan.
func notACeremony(dir string, err error) error {
	if _, missing := os.Stat(filepath.Join(dir, "plan.yaml")); missing != nil {
		return failedf(text{"%s: это не папка законченной церемонии", "%s: this is not the folder of a finished ceremony"}, dir).withCause(err)
	}
	return err
}

func (a *app) ceremonyWitnessCommand() *cobra.Command {
	var who, key string
	c := &cobra.Command{
		Use:   "witness DIR --participant N --key K",
		Short: a.t(text{"заверить протокол церемонии подписью участника", "countersign the transcript of a ceremony as a participant"}),
		Args:  args(1, 1, text{"папка церемонии", "the folder of the ceremony"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			o, done, err := a.ceremonyOptions(cmd.Context(), arg[0], false)
			if err != nil {
				return err
			}
			defer done()
			k, err := a.openKey(cmd.Context(), key, secretPassword)
			if err != nil {
				return err
			}
			defer k.close()
			w, err := ceremony.AddWitness(cmd.Context(), o, who, &ceremony.Key{Signer: k.signer}, a.now())
			if err != nil {
				return finishedError(arg[0], err)
			}
			if a.json {
				return a.printJSON(struct {
					Name string `json:"name"`
					File string `json:"file"`
				}{w.Name, w.File})
			}
			a.sayf(text{"%s заверяет протокол: %s", "%s countersigns the transcript: %s"}, w.Name, filepath.Join(arg[0], w.File))
			return nil
		},
	}
	fl := c.Flags()
	fl.StringVar(&who, "participant", "", a.t(text{"участник: номер в плане или имя", "the participant: the number in the plan, or the name"}))
	fl.StringVar(&key, "key", "", a.t(text{"ключ участника", "the participant's key"}))
	a.required(c, "participant", "key")
	return c
}

// ceremonySentences are what a ceremony refuses.
var ceremonySentences = []struct {
	err     error
	message text
	hint    text
}{
	{ceremony.ErrOtherPlan, text{"папка начата по другому плану", "the folder was begun by another plan"}, text{"верните прежний план или укажите другую --out", "put the former plan back, or give another --out"}},
	{ceremony.ErrFolder, text{"папка не пуста и не создана церемонией", "the folder is not empty and was not made by a ceremony"}, text{"укажите новую --out", "give a new --out"}},
	{ceremony.ErrBusy, text{"с этой церемонией уже работает другой процесс", "another process works on this ceremony"}, text{}},
	{ceremony.ErrChanged, text{"содержимое папки не соответствует протоколу: его изменили после церемонии", "what is in the folder does not agree with the transcript: it was changed after the ceremony"}, text{"возьмите другой экземпляр папки", "take another copy of the folder"}},
	{ceremony.ErrProgram, text{"план или начатая церемония требуют другой версии программы", "the plan, or the ceremony that was begun, needs another version of the program"}, text{"версия этой: gosklyuch --version", "the version of this one: gosklyuch --version"}},
	{ceremony.ErrMissing, text{"в папке церемонии нет одного из её файлов", "a file of the ceremony is missing in its folder"}, text{"возьмите другой экземпляр папки", "take another copy of the folder"}},
	{ceremony.ErrParticipant, text{"этот участник протокол не заверяет, или ключ не его", "this participant does not countersign, or the key is another's"}, text{"участники и их сертификаты перечислены в плане", "the participants and their certificates are in the plan"}},
	{ceremony.ErrBackup, text{"на месте резервной копии лежит другой файл", "another file lies in the place of the backup"}, text{"уберите его или измените папку в плане", "put it away, or change the folder in the plan"}},
	{ceremony.ErrContainer, text{"контейнер ключа изменился с начала церемонии", "the key's container has changed since the ceremony began"}, text{"верните прежний контейнер", "put the former container back"}},
	{ceremony.ErrDigest, text{"сертификат УЦ не тот, что в плане", "the authority's certificate is not the one in the plan"}, text{"сверьте папку и отпечаток в плане", "compare the folder with the digest in the plan"}},
	{ceremony.ErrListNumber, text{"номер списка отзыва в плане не следующий по порядку", "the number of the list in the plan is not the next one"}, text{"уберите number из плана, чтобы номер был выбран сам", "leave number out of the plan to have it chosen"}},
	{ceremony.ErrProfile, text{"по этому профилю церемония не выпускает: он для абонентов, требует одобрений или не для УЦ", "a ceremony does not issue by this profile: it is for subscribers, asks for approvals, or is not for authorities"}, text{}},
	{ca.ErrListTime, text{"сроки списка отзыва выходят за срок действия сертификата", "the times of the list are outside the validity of the certificate"}, text{}},
}

// finishedError is ceremonyError for a ceremony that was finished before: what
// a check refuses now was changed since then, or is damaged.
func finishedError(dir string, err error) error {
	var refused *ceremony.CheckError
	if !errors.As(err, &refused) {
		return ceremonyError(notACeremony(dir, err))
	}
	check, why := refusedBy(refused)
	return newError(exitInvalid, text{
		refused.Object + ": проверка (" + check.ru + ") этого не приняла: " + why,
		refused.Object + ": refused by a check (" + check.en + "): " + why,
	}).withCause(err).withHint(text{
		"папка церемонии повреждена или изменена: возьмите другой её экземпляр",
		"the folder of the ceremony is damaged or was changed: take another copy of it",
	})
}

// refusedBy names the check and says why it refused.
func refusedBy(e *ceremony.CheckError) (check text, why string) {
	check = text{e.Check, e.Check}
	if e.Check == "second path" {
		check.ru = "второй путь"
	}
	return check, withoutPackages(e.Err.Error())
}

// ceremonyError translates what a ceremony says; the step stays in front.
func ceremonyError(err error) error {
	var plan *ceremony.PlanError
	if errors.As(err, &plan) {
		where := ""
		if plan.Step > 0 {
			where = fmt.Sprintf("%d: ", plan.Step)
		}
		what := plan.Field + ": " + plan.Detail
		if plan.Err != nil {
			what += ": " + withoutPackages(plan.Err.Error())
		}
		return newError(exitFailed, text{"план не годится: " + where + what, "the plan cannot be used: " + where + what}).withCause(err)
	}
	var refused *ceremony.CheckError
	if errors.As(err, &refused) {
		check, why := refusedBy(refused)
		return newError(exitInvalid, text{
			refused.Object + ": проверка (" + check.ru + ") отвергла созданное: " + why + "; ничего не опубликовано",
			refused.Object + ": refused by a check (" + check.en + "): " + why + "; nothing was published",
		}).withCause(err).withHint(text{
			"сохраните папку .partial для разбора и не пользуйтесь ею; проверьте память и диск этого компьютера",
			"keep the folder .partial for an investigation and do not use it; check the memory and the disk of this computer",
		})
	}
	var step *ceremony.StepError
	if errors.As(err, &step) {
		u := ceremonySentence(step.Err)
		if u == nil {
			why := withoutPackages(step.Err.Error())
			u = newError(exitFailed, text{why, why})
		}
		return newError(u.code, text{
			fmt.Sprintf("шаг %d: %s", step.Step, u.message.ru), fmt.Sprintf("step %d: %s", step.Step, u.message.en),
		}).withCause(err).withHint(u.hint)
	}
	if u := ceremonySentence(err); u != nil {
		return u
	}
	return err
}

// ceremonySentence finds the sentence for an error below a step; nil is none.
func ceremonySentence(err error) *userError {
	for _, s := range ceremonySentences {
		if errors.Is(err, s.err) {
			return newError(exitFailed, s.message).withCause(err).withHint(s.hint)
		}
	}
	var own *userError
	if errors.As(err, &own) {
		return own
	}
	if u := libraryError(err); u != nil {
		return u
	}
	return systemError(err)
}

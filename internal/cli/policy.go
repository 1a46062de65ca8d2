package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/verify"
)

// policyCommand shows by which rules signatures are decided about.
func (a *app) policyCommand() *cobra.Command {
	return a.group("policy", text{"политики проверки", "verification policies"}, a.policyListCommand(), a.policyShowCommand(), a.policyDiffCommand())
}

// policy is what --policy names: a shipped policy, or a file.
func (a *app) policy(name string) (*verify.Policy, error) {
	if slices.Contains(verify.PolicyNames(), name) {
		return verify.PolicyByName(name)
	}
	if !strings.ContainsAny(name, `./\`) {
		return nil, usageErrorf(text{
			"неизвестная политика «%s»: бывает %s или файл .json", "unknown policy %q: one of %s, or a .json file",
		}, name, strings.Join(verify.PolicyNames(), ", "))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	data, err := io.ReadAll(io.LimitReader(f, limits.PolicyFile+1))
	if err != nil {
		return nil, err
	}
	p, err := verify.ParsePolicy(data)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field == "" { // its own words name Go types
		err = errors.New("a JSON " + wrongType.Value + ", not an object")
	}
	if err != nil {
		return nil, failedf(text{"%s: это не файл политики: %v", "%s: not a policy file: %v"}, name, strings.TrimPrefix(err.Error(), "verify: policy: ")).
			withHint(text{"образец: gosklyuch policy show default", "a sample: gosklyuch policy show default"})
	}
	return p, nil
}

func (a *app) policyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t(text{"показать имена политик", "list the policies"}),
		Args:  args(0, 0, text{}),
		RunE: func(*cobra.Command, []string) error {
			type view struct {
				Name        string           `json:"name"`
				Title       verify.LocalText `json:"title"`
				Description verify.LocalText `json:"description"`
			}
			var views []view
			for _, name := range verify.PolicyNames() {
				p, err := verify.PolicyByName(name)
				if err != nil {
					return err
				}
				views = append(views, view{p.Name, p.Title, p.Description})
			}
			if a.json {
				return a.printJSON(struct {
					Policies []view `json:"policies"`
				}{views})
			}
			for _, v := range views {
				fmt.Fprintf(a.out, "%-15s %s\n", v.Name, v.Title.In(a.reportLang()))
			}
			return nil
		},
	}
}

func (a *app) policyShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show P",
		Short: a.t(text{"показать правила политики", "show the rules of a policy"}),
		Long: a.t(text{
			"Показывает правила политики P: имени из policy list или файла. С --json печатает файл политики,\nкоторый можно изменить и дать в --policy.",
			"Shows the rules of the policy P: a name of policy list, or a file. With --json it prints the policy\nfile, which can be changed and given to --policy.",
		}),
		Example: "  gosklyuch policy show order-472\n  gosklyuch policy show default --json > my.json",
		Args:    args(1, 1, text{"имя или файл политики", "the policy's name or file"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			p, err := a.policy(arg[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(p)
			}
			a.printPolicy(p)
			return nil
		},
	}
}

// printPolicy says what a policy asks for, one rule a line.
func (a *app) printPolicy(p *verify.Policy) {
	lang := a.reportLang()
	fmt.Fprintf(a.out, "%s: %s\n%s\n\n", p.Name, safe(p.Title.In(lang)), safe(p.Description.In(lang)))
	words := map[verify.Action]text{
		verify.Fail: {"обязательно", "required"}, verify.Warn: {"предупреждение", "warning"},
		verify.Inform: {"к сведению", "information"}, verify.Skip: {"не проверяется", "not checked"},
	}
	fmt.Fprintln(a.out, a.t(text{"Чего может недоставать в подписи и что это значит:", "What a signature may lack, and what that means:"}))
	for _, id := range verify.PolicyChecks() {
		action, _ := p.Action(id)
		fmt.Fprintf(a.out, "  %-15s %s (%s)\n", a.t(words[action]), verify.CheckTitle(id, lang), id)
	}
	level := p.Level
	if level == "" {
		level = "bes"
	}
	a.reportRow("", text{"Уровень не ниже", "Level at least"}, level)
	fmt.Fprintln(a.out, a.t(text{"Алгоритмы:", "Algorithms:"}))
	for _, r := range p.Algorithms {
		if r.Until.IsZero() {
			fmt.Fprintf(a.out, "  %s\n", r.Name)
			continue
		}
		fmt.Fprintf(a.out, "  %s, %s\n", r.Name, fmt.Sprintf(a.t(text{
			"только если подпись доказуемо старше %s", "only where the signature is proven to be older than %s",
		}), r.Until.Format(time.DateOnly)))
	}
	for _, u := range []struct {
		on   bool
		says text
	}{
		{p.OwnAnchors, text{"Доверие только сертификатам, добавленным вручную.", "Only anchors that were added one by one are trusted."}},
		{p.ExplicitPolicy, text{"В цепочке нужна явная политика сертификатов.", "The chain needs an explicit certificate policy."}},
		{p.AllowTest, text{"Опасно: принимаются параметры ключей для испытаний.", "Unsafe: key parameters that are for tests are accepted."}},
		{p.UnsafeLegacy, text{"Опасно: отменённые алгоритмы принимаются без доказательства времени.", "Unsafe: withdrawn algorithms are accepted without proof of time."}},
		{p.UnsafeNoRevocation, text{"Опасно: отзыв не проверяется.", "Unsafe: revocation is not checked."}},
		{p.UnsafeNoChain, text{"Опасно: не проверяется, чей это сертификат.", "Unsafe: whose certificate it is is not checked."}},
	} {
		if u.on {
			fmt.Fprintln(a.out, a.t(u.says))
		}
	}
}

func (a *app) policyDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff P Q",
		Short: a.t(text{"чем отличаются две политики", "how two policies differ"}),
		Long: a.t(text{
			"Печатает правила, по которым политики P и Q расходятся: поле, значение в P, значение в Q.",
			"Prints the rules in which the policies P and Q differ: the field, its value in P, its value in Q.",
		}),
		Example: "  gosklyuch policy diff default order-472",
		Args:    args(2, 2, text{"имена или файлы двух политик", "the names or files of two policies"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			var flat [2]map[string]string
			for i, name := range arg {
				p, err := a.policy(name)
				if err != nil {
					return err
				}
				if flat[i], err = flattenPolicy(p); err != nil {
					return err
				}
			}
			return a.printDifferences(differences(flat[0], flat[1]))
		},
	}
}

// A difference is one field in which two policies differ; "" is absent.
type difference struct {
	Field  string `json:"field"`
	First  string `json:"first"`
	Second string `json:"second"`
}

func differences(first, second map[string]string) []difference {
	out := []difference{}
	for field, v := range first {
		if second[field] != v {
			out = append(out, difference{field, v, second[field]})
		}
	}
	for field, v := range second {
		if _, ok := first[field]; !ok {
			out = append(out, difference{field, "", v})
		}
	}
	slices.SortFunc(out, func(x, y difference) int { return strings.Compare(x.Field, y.Field) })
	return out
}

func (a *app) printDifferences(list []difference) error {
	if a.json {
		return a.printJSON(struct {
			Differences []difference `json:"differences"`
		}{list})
	}
	if len(list) == 0 {
		a.sayf(text{"Политики совпадают.", "The policies are the same."})
	}
	for _, d := range list {
		fmt.Fprintf(a.out, "%s: %s → %s\n", safe(d.Field), safe(orDash(d.First)), safe(orDash(d.Second)))
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// flattenPolicy turns a policy into fields and values, without the texts for
// people. An algorithm is a field of its own.
func flattenPolicy(p *verify.Policy) (map[string]string, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	delete(doc, "title")
	delete(doc, "description")
	delete(doc, "algorithms")
	out := map[string]string{}
	flatten("", doc, out)
	for _, r := range p.Algorithms {
		out["algorithms."+r.Name] = "accepted"
		if !r.Until.IsZero() {
			out["algorithms."+r.Name] = "until " + r.Until.Format(time.RFC3339)
		}
	}
	return out, nil
}

func flatten(prefix string, v any, out map[string]string) {
	m, ok := v.(map[string]any)
	if !ok {
		out[prefix] = fmt.Sprint(v)
		return
	}
	for k, x := range m {
		name := k
		if prefix != "" {
			name = prefix + "." + k
		}
		flatten(name, x, out)
	}
}

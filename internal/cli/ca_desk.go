package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// A deskAuthority is where requests are handed in, looked at and decided about:
// an authority in this process, or one that serves behind its socket.
type deskAuthority interface {
	Submit(ctx context.Context, s ca.Submission) (ca.RequestEntry, error)
	SubmissionStatement(ctx context.Context, s ca.Submission, operator string) (ca.Statement, error)
	DecisionStatement(ctx context.Context, id string, d ca.Decision, operator string, r ca.Role) (ca.Statement, error)
	FindRequest(ctx context.Context, prefix string) (ca.RequestEntry, error)
	RequestPage(ctx context.Context, f ca.RequestFilter, after string, n int) ([]ca.RequestEntry, string, error)
	Review(ctx context.Context, id, actor string) (ca.RequestEntry, error)
	DecideNote(ctx context.Context, id string, statement, signature []byte, note, actor string) (ca.RequestEntry, error)
	Reject(ctx context.Context, id, note, actor string) (ca.RequestEntry, error)
	IssueApproved(ctx context.Context, id, actor string) (*pki.Certificate, error)
	Operators(ctx context.Context) ([]ca.Operator, error)
	AddOperator(ctx context.Context, n ca.NewOperator) (ca.Operator, error)
	RemoveOperator(ctx context.Context, name, actor string) (ca.Operator, error)
}

// deskCommand gives a command --dir and runs f with the desk of that authority.
func (a *app) deskCommand(c *cobra.Command, f func(ctx context.Context, i deskAuthority, arg []string) error) *cobra.Command {
	var dir string
	c.RunE = func(cmd *cobra.Command, arg []string) error {
		au, err := a.openKeyless(cmd.Context(), dir)
		if err != nil {
			return err
		}
		defer au.close()
		return f(cmd.Context(), au, arg)
	}
	a.dirFlag(c, &dir)
	return c
}

// caOperatorCommand is the noun for the people of an authority.
func (a *app) caOperatorCommand() *cobra.Command {
	return a.group("operator", text{"сотрудники УЦ и их роли", "the people of the authority and their roles"},
		a.caOperatorAddCommand(), a.caOperatorListCommand(), a.caOperatorRemoveCommand())
}

func (a *app) caOperatorAddCommand() *cobra.Command {
	var file string
	var roles []string
	c := &cobra.Command{
		Use:     "add NAME --dir D --cert F --role R",
		Short:   a.t(text{"записать сотрудника", "register a person"}),
		Example: "  gosklyuch ca operator add anna --dir issuing --cert anna.cer --role approver",
		Args:    args(1, 1, text{"имя сотрудника", "the person's name"}),
	}
	c.Flags().StringVar(&file, "cert", "", a.t(text{"сертификат собственного ключа сотрудника", "the certificate of the person's own key"}))
	c.Flags().StringSliceVar(&roles, "role", nil, a.t(text{"роли: operator, approver, auditor", "roles: operator, approver, auditor"}))
	a.required(c, "cert", "role")
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, arg []string) error {
		cert, err := a.readCertificate(file)
		if err != nil {
			return err
		}
		n := ca.NewOperator{Name: arg[0], Certificate: cert, Actor: actor()}
		for _, r := range roles {
			n.Roles = append(n.Roles, ca.Role(r))
		}
		o, err := i.AddOperator(ctx, n)
		if err != nil {
			return err
		}
		return a.printOperator(o)
	})
}

func (a *app) caOperatorRemoveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "remove NAME --dir D",
		Short: a.t(text{"снять с сотрудника все роли", "take every role from a person"}),
		Args:  args(1, 1, text{"имя сотрудника", "the person's name"}),
	}
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, arg []string) error {
		o, err := i.RemoveOperator(ctx, arg[0], actor())
		if err != nil {
			return noSuch(err, text{"нет такого сотрудника", "there is no such operator"}, text{"список: gosklyuch ca operator list", "the list: gosklyuch ca operator list"})
		}
		return a.printOperator(o)
	})
}

func (a *app) caOperatorListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list --dir D",
		Short: a.t(text{"показать сотрудников", "list the people"}),
		Args:  args(0, 0, text{}),
	}
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, _ []string) error {
		list, err := i.Operators(ctx)
		if err != nil {
			return err
		}
		if a.json {
			views := []operatorView{}
			for _, o := range list {
				views = append(views, viewOperator(o))
			}
			return a.printJSON(struct {
				Operators []operatorView `json:"operators"`
			}{views})
		}
		for _, o := range list {
			if err := a.printOperator(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// operatorView is an operator in JSON.
type operatorView struct {
	Name    string    `json:"name"`
	Roles   []ca.Role `json:"roles"`
	Subject string    `json:"subject"`
	Serial  string    `json:"serial"`
	Until   string    `json:"notAfter"`
	Added   string    `json:"added"`
	Removed string    `json:"removed,omitempty"`
}

func viewOperator(o ca.Operator) operatorView {
	v := operatorView{Name: o.Name, Roles: o.Roles, Added: stamp(o.Added)}
	if !o.Removed.IsZero() {
		v.Removed = stamp(o.Removed)
	}
	if c, err := pki.ParseCertificate(o.Certificate); err == nil {
		v.Subject, v.Serial, v.Until = c.Subject.String(), c.SerialHex(), stamp(c.NotAfter)
	}
	return v
}

func (a *app) printOperator(o ca.Operator) error {
	v := viewOperator(o)
	if a.json {
		return a.printJSON(v)
	}
	removed := ""
	if v.Removed != "" {
		removed = "  " + a.t(text{"снят ", "removed "}) + v.Removed
	}
	var roles []string
	for _, r := range v.Roles {
		roles = append(roles, a.t(roleTexts[r]))
	}
	fmt.Fprintf(a.out, "%s  %s  %s  %s%s\n", v.Name, strings.Join(roles, ", "), v.Until, safe(v.Subject), removed)
	return nil
}

// roleTexts are the roles for a person.
var roleTexts = map[ca.Role]text{
	ca.RoleOperator: {"оператор", "operator"},
	ca.RoleApprover: {"одобряющий", "approver"},
	ca.RoleAuditor:  {"аудитор", "auditor"},
}

package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// caRequestCommand is the noun for requests on their way through an authority.
func (a *app) caRequestCommand() *cobra.Command {
	return a.group("request", text{"запросы на рассмотрении", "requests on their way"},
		a.caRequestSubmitCommand(), a.caRequestListCommand(), a.caRequestShowCommand(), a.caRequestStatementCommand(),
		a.caRequestDecideCommand("review", ca.DecisionReview, text{"взять запрос в работу", "take a request into review"}),
		a.caRequestDecideCommand("approve", ca.DecisionApprove, text{"одобрить запрос своей подписью", "approve a request with one's signature"}),
		a.caRequestDecideCommand("reject", ca.DecisionReject, text{"отклонить запрос", "reject a request"}), a.caRequestIssueCommand())
}

// requestStates are the states of a request for a person.
var requestStates = map[ca.RequestState]text{
	ca.Draft:     {"черновик", "draft"},
	ca.Submitted: {"подан", "submitted"},
	ca.InReview:  {"рассматривается", "in review"},
	ca.Approved:  {"одобрен", "approved"},
	ca.Rejected:  {"отклонён", "rejected"},
	ca.Issued:    {"сертификат выпущен", "issued"},
}

// noSuch replaces the sentence about a certificate that is not found.
func noSuch(err error, m, hint text) error {
	if errors.Is(err, ca.ErrNotFound) {
		return newError(exitFailed, m).withHint(hint).withCause(err)
	}
	return err
}

func noSuchRequest(err error) error {
	return noSuch(err, text{"нет такого запроса, или их несколько", "there is no such request, or there are several"},
		text{"укажите не меньше восьми первых знаков; список: gosklyuch ca request list", "give at least the first eight characters; the list: gosklyuch ca request list"})
}

// signerFlags name the operator who signs, and their key.
type signerFlags struct{ operator, key string }

func (a *app) signerFlags(c *cobra.Command, f *signerFlags) {
	c.Flags().StringVar(&f.operator, "operator", "", a.t(text{"имя сотрудника, который подписывает", "name of the person who signs"}))
	c.Flags().StringVar(&f.key, "key", "", a.t(keyHelp))
}

// signStatement signs with an operator's own key. The certificate is the
// registered one, whatever the container holds.
func (a *app) signStatement(ctx context.Context, i deskAuthority, f signerFlags, s ca.Statement) (ca.Approval, error) {
	if f.operator == "" || f.key == "" {
		return ca.Approval{}, usageError(text{"нужны --operator и --key", "--operator and --key are needed"})
	}
	list, err := i.Operators(ctx)
	if err != nil {
		return ca.Approval{}, err
	}
	for _, o := range list {
		if o.Name != f.operator || !o.Removed.IsZero() {
			continue
		}
		cert, err := pki.ParseCertificate(o.Certificate)
		if err != nil {
			return ca.Approval{}, err
		}
		k, err := a.openKey(ctx, f.key, secretPassword)
		if err != nil {
			return ca.Approval{}, err
		}
		defer k.close()
		return s.Sign(rand.Reader, cert, k.signer)
	}
	return ca.Approval{}, newErrorf(exitFailed, text{"сотрудника «%s» нет", "there is no operator %q"}, f.operator).
		withHint(text{"список: gosklyuch ca operator list", "the list: gosklyuch ca operator list"})
}

func (a *app) caRequestSubmitCommand() *cobra.Command {
	var s ca.Submission
	var signer signerFlags
	var renewal string
	c := &cobra.Command{
		Use:   "submit REQUEST --dir D [--profile P] [--operator NAME --key K]",
		Short: a.t(text{"подать запрос", "hand a request in"}),
		Example: "  gosklyuch ca request submit ivanov.csr --dir issuing --operator clerk --key clerk\n" +
			"  gosklyuch ca request submit --renewal ivanov.p7m --dir issuing",
		Args: args(0, 1, text{"файл запроса", "the request's file"}),
	}
	f := c.Flags()
	f.StringVar(&s.Profile, "profile", "", a.t(text{"профиль; без него определяется по имени владельца", "profile; without it the subject's name decides"}))
	f.IntVar(&s.Days, "days", 0, a.t(text{"срок действия в днях (0: по профилю)", "validity in days (0: the profile's)"}))
	f.IntVar(&s.IdentificationKind, "identification", 0, a.t(text{"как установлена личность: 0 лично, 1 сертификат, 2 загранпаспорт, 3 ЕБС", "how the applicant was identified: 0 in person, 1 certificate, 2 passport, 3 biometrics"}))
	f.StringVar(&s.Note, "note", "", a.t(text{"примечание", "a note"}))
	f.BoolVar(&s.Draft, "draft", false, a.t(text{"только сохранить черновик", "only keep it as a draft"}))
	f.StringVar(&renewal, "renewal", "", a.t(text{"вместо запроса: запрос на перевыпуск, подписанный прежним ключом", "in place of a request: a renewal signed with the former key"}))
	a.signerFlags(c, &signer)
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, arg []string) error {
		if err := errors.Join(checkDays(s.Days), checkIdentification(s.IdentificationKind)); err != nil {
			return err
		}
		if (renewal == "") != (len(arg) == 1) {
			return usageError(text{"нужен либо файл запроса, либо --renewal", "either a request's file or --renewal is needed"})
		}
		if err := a.readSubmission(&s, arg, renewal); err != nil {
			return err
		}
		s.Actor, s.Submitter = actor(), "user:"+actor()
		if signer != (signerFlags{}) {
			st, err := i.SubmissionStatement(ctx, s, signer.operator)
			if err != nil {
				return err
			}
			signed, err := a.signStatement(ctx, i, signer, st)
			if err != nil {
				return err
			}
			s.Statement, s.Signature = signed.Statement, signed.Signature
		}
		e, err := i.Submit(ctx, s)
		if err != nil {
			return err
		}
		return a.printRequest(e)
	})
}

func (a *app) readSubmission(s *ca.Submission, arg []string, renewal string) (err error) {
	if renewal == "" {
		s.CSR, err = a.readRequest(arg[0])
		return err
	}
	s.RenewalMessage, err = a.readFile(renewal)
	return err
}

// requestView is a request in JSON.
type requestView struct {
	ID            string          `json:"id"`
	State         ca.RequestState `json:"state"`
	Profile       string          `json:"profile"`
	ProfileDigest string          `json:"profileDigest"`
	Subject       string          `json:"subject"`
	Submitter     string          `json:"submitter"`
	Created       string          `json:"created"`
	Updated       string          `json:"updated"`
	Days          int             `json:"days,omitempty"`
	Renews        string          `json:"renews,omitempty"`
	Serial        string          `json:"serial,omitempty"`
	Note          string          `json:"note,omitempty"`
	Approvals     []approvalView  `json:"approvals"`
}

type approvalView struct {
	Operator string      `json:"operator"`
	Role     ca.Role     `json:"role"`
	Decision ca.Decision `json:"decision"`
	At       string      `json:"at"`
}

func viewRequest(e ca.RequestEntry) requestView {
	v := requestView{
		ID: e.ID, State: e.State, Profile: e.Profile, ProfileDigest: e.ProfileDigest, Submitter: e.Submitter,
		Created: stamp(e.Created), Updated: stamp(e.Updated), Days: e.Days, Note: e.Note, Approvals: []approvalView{},
	}
	if r, err := pki.ParseRequest(e.CSR); err == nil {
		v.Subject = r.Subject.String()
	}
	if e.Serial != (ca.Serial{}) {
		v.Serial = e.Serial.String()
	}
	if e.Renews != (ca.Serial{}) {
		v.Renews = e.Renews.String()
	}
	for _, p := range e.Approvals {
		v.Approvals = append(v.Approvals, approvalView{p.Operator, p.Role, p.Decision, stamp(p.At)})
	}
	return v
}

// printRequest prints one request on one line, or as JSON.
func (a *app) printRequest(e ca.RequestEntry) error {
	v := viewRequest(e)
	if a.json {
		return a.printJSON(v)
	}
	fmt.Fprintf(a.out, "%s  %s  %s  %s  %s  %s\n", v.ID[:min(16, len(v.ID))], a.t(requestStates[v.State]), v.Profile, v.Updated, safe(v.Submitter), safe(v.Subject))
	return nil
}

func (a *app) caRequestListCommand() *cobra.Command {
	var state string
	c := &cobra.Command{
		Use:   "list --dir D [--state S]",
		Short: a.t(text{"показать запросы", "list the requests"}),
		Args:  args(0, 0, text{}),
	}
	c.Flags().StringVar(&state, "state", "", a.t(text{"draft, submitted, in-review, approved, rejected или issued", "draft, submitted, in-review, approved, rejected or issued"}))
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, _ []string) error {
		filter := ca.RequestFilter{State: ca.RequestState(state)}
		if state != "" && !filter.State.Known() {
			return usageErrorf(text{"неизвестное состояние «%s»", "unknown state %q"}, state)
		}
		views := []requestView{}
		for after := ""; ; {
			list, next, err := i.RequestPage(ctx, filter, after, 256)
			if err != nil {
				return err
			}
			for _, e := range list {
				if a.json {
					views = append(views, viewRequest(e))
				} else if err := a.printRequest(e); err != nil {
					return err
				}
			}
			if after = next; after == "" {
				break
			}
		}
		if !a.json {
			return nil
		}
		return a.printJSON(struct {
			Requests []requestView `json:"requests"`
		}{views})
	})
}

func (a *app) caRequestShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID --dir D",
		Short: a.t(text{"показать запрос и решения по нему", "show a request and the decisions about it"}),
		Args:  args(1, 1, text{"номер запроса", "the request's identifier"}),
	}
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, arg []string) error {
		e, err := i.FindRequest(ctx, arg[0])
		if err != nil {
			return noSuchRequest(err)
		}
		if a.json {
			return a.printJSON(viewRequest(e))
		}
		v := viewRequest(e)
		for _, l := range []struct {
			name  text
			value string
		}{
			{text{"запрос", "request"}, v.ID},
			{text{"состояние", "state"}, a.t(requestStates[v.State])},
			{text{"владелец", "subject"}, v.Subject},
			{text{"профиль", "profile"}, v.Profile + " " + v.ProfileDigest},
			{text{"подал", "submitted by"}, v.Submitter + ", " + v.Created},
			{text{"взамен", "renews"}, v.Renews},
			{text{"сертификат", "certificate"}, v.Serial},
			{text{"примечание", "note"}, v.Note},
		} {
			if l.value != "" {
				fmt.Fprintf(a.out, "%s: %s\n", a.t(l.name), safe(l.value))
			}
		}
		for _, p := range v.Approvals {
			fmt.Fprintf(a.out, "%s: %s, %s, %s\n", a.t(decisionTexts[p.Decision]), p.Operator, a.t(roleTexts[p.Role]), p.At)
		}
		return nil
	})
}

// decisionTexts are the decisions for a person.
var decisionTexts = map[ca.Decision]text{
	ca.DecisionSubmit:  {"подача", "submission"},
	ca.DecisionApprove: {"одобрение", "approval"},
	ca.DecisionReject:  {"отказ", "rejection"},
	ca.DecisionReview:  {"рассмотрение", "review"},
}

func (a *app) caRequestStatementCommand() *cobra.Command {
	var operator, role, decision string
	var out output
	c := &cobra.Command{
		Use:   "statement ID --dir D --operator NAME -o F",
		Short: a.t(text{"текст решения для подписи на другой машине", "the text of a decision, to be signed elsewhere"}),
		Args:  args(1, 1, text{"номер запроса", "the request's identifier"}),
	}
	f := c.Flags()
	f.StringVar(&operator, "operator", "", a.t(text{"имя сотрудника, который подписывает", "name of the person who signs"}))
	f.StringVar(&role, "role", string(ca.RoleApprover), a.t(text{"в какой роли: approver или operator", "in which role: approver or operator"}))
	f.StringVar(&decision, "decision", string(ca.DecisionApprove), a.t(text{"review, approve или reject", "review, approve or reject"}))
	a.outputFlags(c, &out, true)
	a.required(c, "operator")
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, arg []string) error {
		if !slices.Contains([]ca.Decision{ca.DecisionReview, ca.DecisionApprove, ca.DecisionReject}, ca.Decision(decision)) {
			return usageErrorf(text{"неизвестное решение «%s»: review, approve или reject", "unknown decision %q: review, approve or reject"}, decision)
		}
		e, err := i.FindRequest(ctx, arg[0])
		if err != nil {
			return noSuchRequest(err)
		}
		st, err := i.DecisionStatement(ctx, e.ID, ca.Decision(decision), operator, ca.Role(role))
		if err != nil {
			return err
		}
		text := st.Text()
		if _, err := ca.ParseStatement(text); err != nil {
			return err
		}
		return a.writeBytes(out, text)
	})
}

// caRequestDecideCommand builds review, approve and reject, which differ in one
// word.
func (a *app) caRequestDecideCommand(verb string, decision ca.Decision, short text) *cobra.Command {
	var signer signerFlags
	var role, statement, signature, note string
	c := &cobra.Command{
		Use:     verb + " ID --dir D --operator NAME --key K",
		Short:   a.t(short),
		Example: "  gosklyuch ca request " + verb + " 5f0c91aa --dir issuing --operator anna --key anna\n  gosklyuch ca request " + verb + " 5f0c91aa --dir issuing --statement s.txt --signature s.txt.sig",
		Args:    args(1, 1, text{"номер запроса", "the request's identifier"}),
	}
	f := c.Flags()
	a.signerFlags(c, &signer)
	f.StringVar(&role, "role", string(ca.RoleApprover), a.t(text{"в какой роли: approver или operator", "in which role: approver or operator"}))
	f.StringVar(&statement, "statement", "", a.t(text{"текст решения, подписанный на другой машине", "the text of the decision that was signed elsewhere"}))
	f.StringVar(&signature, "signature", "", a.t(text{"отсоединённая подпись под этим текстом", "the detached signature over that text"}))
	if decision != ca.DecisionApprove {
		f.StringVar(&note, "note", "", a.t(text{"примечание: почему (сама подпись его не охватывает)", "a note: why (the signature does not cover it)"}))
	}
	return a.deskCommand(c, func(ctx context.Context, i deskAuthority, arg []string) error {
		e, err := i.FindRequest(ctx, arg[0])
		if err != nil {
			return noSuchRequest(err)
		}
		var signed ca.Approval
		switch {
		case statement != "" && signature != "" && signer == (signerFlags{}):
			signed, err = a.readDecision(statement, signature, decision)
		case statement != "" || signature != "":
			err = usageError(text{"--statement и --signature указывают вместе и без --operator и --key", "--statement and --signature go together and without --operator and --key"})
		case decision != ca.DecisionApprove && signer == (signerFlags{}):
			return a.decideUnsigned(ctx, i, e.ID, decision, note)
		default:
			var st ca.Statement
			if st, err = i.DecisionStatement(ctx, e.ID, decision, signer.operator, ca.Role(role)); err == nil {
				signed, err = a.signStatement(ctx, i, signer, st)
			}
		}
		if err != nil {
			return err
		}
		if e, err = i.DecideNote(ctx, e.ID, signed.Statement, signed.Signature, note, actor()); err != nil {
			return err
		}
		return a.printRequest(e)
	})
}

// decideUnsigned reviews or rejects where no operators are registered; where they
// are, the authority refuses it.
func (a *app) decideUnsigned(ctx context.Context, i deskAuthority, id string, decision ca.Decision, note string) error {
	var e ca.RequestEntry
	var err error
	if decision == ca.DecisionReview {
		if note != "" {
			return usageError(text{"--note без подписи бывает только у отказа", "without a signature only a rejection takes --note"})
		}
		e, err = i.Review(ctx, id, actor())
	} else {
		e, err = i.Reject(ctx, id, note, actor())
	}
	if err != nil {
		return err
	}
	return a.printRequest(e)
}

// readDecision reads a decision that was signed elsewhere; it must be the one
// that the command names.
func (a *app) readDecision(statement, signature string, want ca.Decision) (ca.Approval, error) {
	var out ca.Approval
	var err error
	if out.Statement, err = a.readFile(statement); err != nil {
		return out, err
	}
	if out.Signature, err = a.readFile(signature); err != nil {
		return out, err
	}
	// What cannot be read goes on: the authority refuses it and puts that on record.
	if s, err := ca.ParseStatement(out.Statement); err == nil && s.Decision != want {
		return out, failedf(text{"в этом решении стоит %s", "this decision says %s"}, string(s.Decision))
	}
	return out, nil
}

func (a *app) caRequestIssueCommand() *cobra.Command {
	var dir string
	var out output
	c := &cobra.Command{
		Use:   "issue ID --dir D -o F.cer",
		Short: a.t(text{"выпустить сертификат по одобренному запросу", "issue the certificate of an approved request"}),
		Args:  args(1, 1, text{"номер запроса", "the request's identifier"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if err := out.checkFree(); err != nil {
				return err
			}
			au, err := a.openAuthority(cmd.Context(), dir)
			if err != nil {
				return err
			}
			defer au.close()
			e, err := au.FindRequest(cmd.Context(), arg[0])
			if err != nil {
				return noSuchRequest(err)
			}
			cert, err := au.IssueApproved(cmd.Context(), e.ID, actor())
			if err != nil {
				return err
			}
			if err := a.writeBytes(out, cert.Raw); err != nil {
				return a.issuedButNotWritten(cert, err)
			}
			if a.json && out.path != "-" {
				return a.printJSON(viewCertificate(cert))
			}
			return a.done(out.path, text{"сертификат выпущен: %s", "the certificate is issued: %s"})
		},
	}
	a.dirFlag(c, &dir)
	a.outputFlags(c, &out, true)
	return c
}

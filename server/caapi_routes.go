package server

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// An apiHandler answers an operator; an error becomes a problem.
type apiHandler func(w http.ResponseWriter, req *http.Request, o ca.Operator) error

// An apiRoute is an address of the API with who may use it. It stands in the
// description web/ca-openapi.yaml too: a test compares both.
type apiRoute struct {
	pattern string
	roles   []ca.Role // nil: everybody, who is not asked for
	handle  apiHandler
}

// apiTable lists the addresses of the API.
func (s *CAService) apiTable() []apiRoute {
	anyone := []ca.Role{ca.RoleOperator, ca.RoleApprover, ca.RoleAuditor}
	deciders := []ca.Role{ca.RoleOperator, ca.RoleApprover}
	clerks := []ca.Role{ca.RoleOperator}
	auditors := []ca.Role{ca.RoleAuditor}
	return []apiRoute{
		{"GET /api/v1/openapi.json", nil, s.getOpenAPI},
		{"POST /api/v1/challenge", nil, s.postChallenge},
		{"POST /api/v1/session", nil, s.postSession},
		{"DELETE /api/v1/session", nil, s.deleteSession},
		{"GET /api/v1/session", anyone, s.getSession},
		{"GET /api/v1/status", anyone, s.getStatus},
		{"GET /api/v1/profiles", anyone, s.getProfiles},
		{"GET /api/v1/profiles/{ref}", anyone, s.getProfile},
		{"GET /api/v1/operators", anyone, s.getOperators},

		{"GET /api/v1/requests", anyone, s.getRequests},
		{"POST /api/v1/requests", clerks, s.postRequest},
		{"POST /api/v1/requests/statement", clerks, s.postSubmissionStatement},
		{"GET /api/v1/requests/{id}", anyone, s.getRequest},
		{"GET /api/v1/requests/{id}/certificate", anyone, s.getRequestCertificate},
		{"GET /api/v1/requests/{id}/statement", deciders, s.getStatement},
		{"POST /api/v1/requests/{id}/decision", deciders, s.postDecision},
		{"POST /api/v1/requests/{id}/review", clerks, s.postReview},
		{"POST /api/v1/requests/{id}/reject", clerks, s.postReject},
		{"POST /api/v1/requests/{id}/issue", clerks, s.postIssue},

		{"GET /api/v1/certificates", anyone, s.getCertificates},
		{"GET /api/v1/certificates/{serial}", anyone, s.getCertificate},
		{"GET /api/v1/certificates/{serial}/certificate", anyone, s.getCertificateFile},
		{"POST /api/v1/certificates/{serial}/revoke", clerks, s.postRevoke},
		{"POST /api/v1/certificates/{serial}/hold", clerks, s.postHold},
		{"POST /api/v1/certificates/{serial}/release", clerks, s.postRelease},
		{"GET /api/v1/expiring", anyone, s.getExpiring},
		{"GET /api/v1/days", anyone, s.getDays},

		{"GET /api/v1/crl", anyone, s.getList},
		{"GET /api/v1/crl/file", anyone, s.getListFile},
		{"POST /api/v1/crl", clerks, s.postList},

		{"GET /api/v1/journal", auditors, s.getJournal},
		{"GET /api/v1/journal/heads", auditors, s.getHeads},
		{"GET /api/v1/journal/signed-heads", auditors, s.getSignedHeads},
		{"GET /api/v1/journal/{node}/{seq}", auditors, s.getRecord},
		{"GET /api/v1/journal/{node}/{seq}/proof", auditors, s.getProof},
	}
}

func (s *CAService) apiRoutes() {
	for _, r := range s.apiTable() {
		s.routes.HandleFunc(r.pattern, s.authorized(r))
	}
}

// names are the forms of what stands in a path in braces. What has another form
// is looked up nowhere and put on record nowhere.
var (
	requestName = regexp.MustCompile(`^[0-9a-f]{64}$`) // of [ca.RequestID]
	serialName  = regexp.MustCompile(`^[0-9a-f]{1,40}$`)
	profileRef  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}(@[1-9][0-9]{0,5})?$`)
	recordSeq   = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
)

// namesThing reports whether a path can name something at all.
func namesThing(req *http.Request) bool {
	for name, form := range map[string]*regexp.Regexp{"id": requestName, "serial": serialName, "ref": profileRef, "seq": recordSeq} {
		if strings.Contains(req.Pattern, "{"+name+"}") && !form.MatchString(req.PathValue(name)) {
			return false
		}
	}
	return !strings.Contains(req.Pattern, "{node}") || journal.CheckNode(req.PathValue("node")) == nil
}

// subjectOf is what a request is about, for the record of a refusal.
func subjectOf(req *http.Request) string {
	for _, name := range []string{"id", "serial", "ref"} {
		if v := req.PathValue(name); v != "" {
			return v
		}
	}
	if node := req.PathValue("node"); node != "" {
		return node + "/" + req.PathValue("seq")
	}
	return ""
}

// authorized lets operators with one of some roles in.
func (s *CAService) authorized(r apiRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if !namesThing(req) {
			s.fail(w, req, ca.ErrNotFound)
			return
		}
		var o ca.Operator
		if r.roles != nil {
			var err error
			if o, err = s.admit(req, r.roles); err != nil {
				s.fail(w, req, err)
				return
			}
		}
		if err := s.checkOrigin(req, o.Name); err != nil {
			s.fail(w, req, err)
			return
		}
		if err := r.handle(w, req, o); err != nil {
			s.fail(w, req, err)
		}
	}
}

// admit finds out who sends a request, and that they have a role for it.
func (s *CAService) admit(req *http.Request, roles []ca.Role) (ca.Operator, error) {
	o, err := s.identify(req)
	if errors.Is(err, errNobody) {
		s.recordRefusal(req.Context(), req.Pattern, subjectOf(req), "client", "unauthorized")
		return o, notLoggedIn()
	}
	if err == nil && !slices.ContainsFunc(roles, o.Has) {
		s.recordRefusal(req.Context(), req.Pattern, subjectOf(req), o.Name, "role")
		err = ca.ErrRole
	}
	return o, err
}

// checkOrigin refuses what another site made a browser send: a client
// certificate goes with whatever a browser sends. Such a page cannot send JSON
// without being asked first, and the browser says where a request comes from.
func (s *CAService) checkOrigin(req *http.Request, actor string) error {
	if err := http.NewCrossOriginProtection().Check(req); err != nil {
		if actor == "" {
			actor = "client"
		}
		s.recordRefusal(req.Context(), req.Pattern, subjectOf(req), actor, "cross-origin")
		return crossOrigin(err)
	}
	if req.Method == http.MethodPost && mediaType(req) != "application/json" {
		return notJSON()
	}
	return nil
}

func crossOrigin(cause error) *problem {
	return &problem{
		status: http.StatusForbidden, kind: "cross-origin", cause: cause,
		ru: "Запрос пришёл со страницы другого сайта.", en: "The request comes from another site's page.",
	}
}

// personal decides whether an answer shows personal data. Who works on requests
// sees them unless they ask for less; others see them where they ask for them
// with personal=1 and are an operator or an auditor, and that is put on record
// before anything is shown.
func (s *CAService) personal(req *http.Request, o ca.Operator) (bool, error) {
	switch req.URL.Query().Get("personal") {
	case "":
		return o.Has(ca.RoleOperator) || o.Has(ca.RoleApprover), nil
	case "0":
		return false, nil
	case "1":
		// A link on another site does not ask in somebody's name.
		if !sameOrigin(req) {
			s.recordRefusal(req.Context(), req.Pattern, subjectOf(req), o.Name, "cross-origin")
			return false, crossOrigin(nil)
		}
		return true, s.recordPersonal(req, o)
	}
	return false, badQuery("personal")
}

// recordPersonal puts on record that somebody asked for personal data.
func (s *CAService) recordPersonal(req *http.Request, o ca.Operator) error {
	if !o.Has(ca.RoleAuditor) && !o.Has(ca.RoleOperator) {
		s.recordRefusal(req.Context(), req.Pattern, subjectOf(req), o.Name, "personal")
		return ca.ErrRole
	}
	return s.o.Issuer.Ledger().Update(req.Context(), func(tx ca.Tx) error {
		_, err := tx.Append(journal.Entry{
			Time: s.o.Now(), Actor: o.Name, Event: "personal-data", Subject: subjectOf(req), Data: map[string]string{"of": req.Pattern},
		})
		return err
	})
}

// pageSize reads the parameter limit.
func pageSize(req *http.Request) (int, error) {
	text := req.URL.Query().Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limits.CAServerPage {
		return 0, badQuery("limit")
	}
	return n, nil
}

// serialAfter reads the parameter after of a list of certificates.
func serialAfter(req *http.Request) (s ca.Serial, err error) {
	text := req.URL.Query().Get("after")
	if text == "" {
		return s, nil
	}
	if s, err = ca.ParseSerial(text); err != nil {
		return s, badQuery("after")
	}
	return s, nil
}

func badQuery(name string) *problem {
	return &problem{
		status: http.StatusBadRequest, kind: "bad-query",
		ru: "Недопустимое значение параметра " + name + ".", en: "The parameter " + name + " has a value that it cannot have.",
	}
}

// view reads the ledger.
func (s *CAService) view(ctx context.Context, f func(ca.ReadTx) error) error {
	return s.o.Issuer.Ledger().View(ctx, f)
}

package ca

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Statement is what an operator signs about a request. Its text is
//
//	gosklyuch request statement v1
//	authority: Streebog-256 of the authority's certificate
//	request: Streebog-256 of the request
//	profile: name@version
//	profile-digest: Streebog-256 of the profile's canonical text
//	days: as in Request, 0 for the profile's
//	identification: as in Request
//	renews: serial number of the certificate that is renewed, or "-"
//	decision: submit, review, approve or reject
//	operator: name
//	role: operator or approver
//	time: RFC 3339 in UTC and whole seconds
//
// in UTF-8, each line ended by one line feed. Every part has one form, so two
// different statements never have the same text. Digests stand in place of the
// applicant's data, which can be erased from a record; a signature cannot.
type Statement struct {
	Authority, Request     string // 64 lower-case hexadecimal digits
	Profile, ProfileDigest string
	Days, Identification   int
	Renews                 Serial // zero: nothing
	Decision               Decision
	Operator               string
	Role                   Role
	Time                   time.Time
}

// statementTitle separates these statements from everything else that a person
// signs with the same key.
const statementTitle = "gosklyuch request statement v1"

// ErrStatement is what every statement that is not acceptable unwraps to.
var ErrStatement = errors.New("ca: the signed statement is refused")

// StatementError names the line of a statement that is not as it must be.
type StatementError struct {
	Field  string // as the text spells it; "signature" for the CMS
	Detail string
	Err    error // the cause where there is one
	// lapsed: the statement was good and no longer counts.
	lapsed bool
}

// Error names the field.
func (e *StatementError) Error() string {
	s := ErrStatement.Error() + ": " + e.Field + ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns [ErrStatement] and the cause.
func (e *StatementError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrStatement}
	}
	return []error{ErrStatement, e.Err}
}

func badStatement(field, format string, args ...any) error {
	return &StatementError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// fields returns the lines of a statement in their order.
func (s Statement) fields() [][2]string {
	renews := "-"
	if s.Renews != (Serial{}) {
		renews = s.Renews.String()
	}
	return [][2]string{
		{"authority", s.Authority},
		{"request", s.Request},
		{"profile", s.Profile},
		{"profile-digest", s.ProfileDigest},
		{"days", strconv.Itoa(s.Days)},
		{"identification", strconv.Itoa(s.Identification)},
		{"renews", renews},
		{"decision", string(s.Decision)},
		{"operator", s.Operator},
		{"role", string(s.Role)},
		{"time", s.Time.UTC().Format(time.RFC3339)},
	}
}

// Text returns the text that is signed.
func (s Statement) Text() []byte {
	var b bytes.Buffer
	b.WriteString(statementTitle + "\n")
	for _, f := range s.fields() {
		b.WriteString(f[0] + ": " + f[1] + "\n")
	}
	return b.Bytes()
}

var (
	digestText   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	operatorName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

// ParseStatement reads a statement of at most 4 KiB (limits.Statement). It
// accepts exactly what [Statement.Text] writes; the error is a
// *[StatementError].
func ParseStatement(text []byte) (Statement, error) {
	var s Statement
	if len(text) > limits.Statement {
		return s, badStatement("text", "longer than %d octets", limits.Statement)
	}
	rest, ok := strings.CutPrefix(string(text), statementTitle+"\n")
	if !ok {
		return s, badStatement("text", "the first line must be %q", statementTitle)
	}
	values := make(map[string]string)
	for _, f := range (Statement{}).fields() {
		line, tail, ended := strings.Cut(rest, "\n")
		name, value, found := strings.Cut(line, ": ")
		if !ended || !found || name != f[0] {
			return s, badStatement(f[0], "this line is expected here")
		}
		values[name], rest = value, tail
	}
	if rest != "" {
		return s, badStatement("text", "more lines than a statement has")
	}
	if err := s.take(values); err != nil {
		return s, err
	}
	if !bytes.Equal(s.Text(), text) {
		return s, badStatement("text", "not in the one form that a statement has")
	}
	return s, nil
}

func (s *Statement) take(v map[string]string) error {
	for _, f := range []string{"authority", "request", "profile-digest"} {
		if !digestText.MatchString(v[f]) {
			return badStatement(f, "not a digest")
		}
	}
	if _, n, ok := splitRef(v["profile"]); !ok || n == 0 {
		return badStatement("profile", "not name@version")
	}
	if !operatorName.MatchString(v["operator"]) {
		return badStatement("operator", "not a name")
	}
	s.Authority, s.Request, s.Profile, s.ProfileDigest = v["authority"], v["request"], v["profile"], v["profile-digest"]
	s.Decision, s.Operator, s.Role = Decision(v["decision"]), v["operator"], Role(v["role"])
	if !slices.Contains([]Decision{DecisionSubmit, DecisionReview, DecisionApprove, DecisionReject}, s.Decision) {
		return badStatement("decision", "submit, review, approve or reject")
	}
	if s.Role != RoleOperator && s.Role != RoleApprover {
		return badStatement("role", "operator or approver")
	}
	var err error
	if s.Days, err = strconv.Atoi(v["days"]); err != nil || s.Days < 0 || s.Days > maxDays {
		return badStatement("days", "not from 0 to %d", maxDays)
	}
	if s.Identification, err = strconv.Atoi(v["identification"]); err != nil || s.Identification < 0 || s.Identification > 3 {
		return badStatement("identification", "not from 0 to 3")
	}
	if v["renews"] != "-" {
		if s.Renews, err = ParseSerial(v["renews"]); err != nil {
			return badStatement("renews", "not a serial number")
		}
	}
	if s.Time, err = time.Parse(time.RFC3339, v["time"]); err != nil {
		return badStatement("time", "not RFC 3339")
	}
	s.Time = s.Time.UTC()
	return nil
}

// Sign signs the statement with an operator's key: a detached CMS SignedData in
// DER. The certificate is the one that is registered for the operator.
func (s Statement) Sign(random io.Reader, cert *pki.Certificate, key crypto.Signer) (Approval, error) {
	text := s.Text()
	if _, err := ParseStatement(text); err != nil {
		return Approval{}, err
	}
	if !alg.EqualKeys(cert.PublicKey, key.Public()) {
		return Approval{}, badStatement("signature", "the key is not that of the certificate")
	}
	digests, _, err := cms.Digest(bytes.NewReader(text), alg.HashForKey(cert.PublicKey))
	if err != nil {
		return Approval{}, fmt.Errorf("ca: statement: %w", err)
	}
	si, err := signStatement(random, digests, cert, key, s.Time)
	if err != nil {
		return Approval{}, err
	}
	var out bytes.Buffer
	m := cms.Message{}
	m.AddCertificates(cert)
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{si}); err != nil {
		return Approval{}, fmt.Errorf("ca: statement: %w", err)
	}
	return Approval{Operator: s.Operator, Role: s.Role, Decision: s.Decision, At: s.Time, Statement: text, Signature: out.Bytes()}, nil
}

// signStatement makes the SignerInfo of a message whose content was hashed.
func signStatement(random io.Reader, digests cms.Digests, cert *pki.Certificate, key crypto.Signer, at time.Time) (*cms.SignerInfo, error) {
	digest, err := digests.Sum(alg.HashForKey(cert.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	si, err := cms.BuildSigner(random, cms.SignerRequest{Key: key, Certificate: cert, Digest: digest, SigningTime: at})
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return si, nil
}

// checkDetached checks a detached CMS over text with one certificate. Other
// certificates in the message decide nothing.
func checkDetached(text, signature []byte, cert *pki.Certificate) error {
	if len(signature) > limits.ApprovalSignature {
		return badStatement("signature", "larger than %d octets", limits.ApprovalSignature)
	}
	sd, err := cms.ReadSigned(bytes.NewReader(signature), nil, cms.Limits{})
	if err != nil {
		return &StatementError{Field: "signature", Detail: "not a CMS signature", Err: err}
	}
	if !sd.Detached || sd.ContentType != oid.Data || len(sd.Signers) != 1 {
		return badStatement("signature", "one detached signature is expected")
	}
	if err := sd.DigestContent(bytes.NewReader(text), alg.HashForKey(cert.PublicKey)); err != nil {
		return &StatementError{Field: "signature", Detail: "not over this statement", Err: err}
	}
	if _, err := sd.CheckSigner(0, cert); err != nil {
		return &StatementError{Field: "signature", Detail: "it is not the registered key's signature over this statement", Err: err}
	}
	return nil
}

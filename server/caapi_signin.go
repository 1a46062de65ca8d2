package server

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// smallBody bounds the body of a request whose sender nobody knows.
func smallBody(w http.ResponseWriter, req *http.Request) {
	req.Body = http.MaxBytesReader(w, req.Body, limits.CAServerUnknown)
}

// validName reports whether a text can be an operator's name in a challenge.
func validName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

func (s *CAService) postChallenge(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	var in struct {
		Operator string `json:"operator"`
	}
	smallBody(w, req)
	if err := readJSON(req, &in); err != nil {
		return err
	}
	if !validName(in.Operator) {
		return badJSON(errors.New("server: operator"))
	}
	text, expires := s.challenge(in.Operator)
	writeJSON(w, http.StatusOK, struct {
		Challenge string    `json:"challenge"`
		Expires   time.Time `json:"expires"`
	}{text, expires})
	return nil
}

// sessionBody is an operator who is logged in.
type sessionBody struct {
	Token    string    `json:"token,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Operator string    `json:"operator"`
	Roles    []ca.Role `json:"roles"`
}

func (s *CAService) postSession(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	var in struct {
		Challenge string `json:"challenge"`
		Signature []byte `json:"signature"`
	}
	smallBody(w, req)
	if err := readJSON(req, &in); err != nil {
		return err
	}
	token, o, expires, err := s.signIn(req, in.Challenge, in.Signature)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, sessionBody{token, expires, o.Name, o.Roles})
	return nil
}

// signIn is logIn that puts a refusal on record. Which of the reasons it was is
// for the journal: the client learns nothing.
func (s *CAService) signIn(req *http.Request, text string, signature []byte) (token string, o ca.Operator, expires time.Time, err error) {
	token, o, expires, err = s.logIn(req.Context(), text, signature)
	for _, known := range []struct {
		err  error
		word string
	}{
		{errForged, "challenge-forged"},
		{errExpired, "challenge-expired"},
		{errAnswered, "challenge-replayed"},
		{errSignature, "challenge-signature"},
		{errNobody, "challenge-nobody"},
	} {
		if errors.Is(err, known.err) {
			s.recordRefusal(req.Context(), "session", o.Name, "client", known.word)
			return "", o, expires, notLoggedIn()
		}
	}
	return token, o, expires, err
}

func (s *CAService) deleteSession(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	s.logOut(req)
	if _, err := req.Cookie(sessionCookie); err == nil {
		clearSessionCookie(w)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *CAService) getSession(w http.ResponseWriter, _ *http.Request, o ca.Operator) error {
	writeJSON(w, http.StatusOK, sessionBody{Operator: o.Name, Roles: o.Roles})
	return nil
}

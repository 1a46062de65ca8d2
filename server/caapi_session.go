package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// sessionCookie is the name of the cookie in which the operator's page keeps a
// token. By its prefix a browser takes it over TLS alone, for this host alone
// and for every path (RFC 6265bis, section 4.1.3.2).
const sessionCookie = "__Host-gk-session"

// A session is what a token stands for, whether it comes in a header or in a
// cookie. Roles are looked up at each request.
type session struct {
	operator string
	cert     []byte // the certificate that was registered then, DER
	used     time.Time
	expires  time.Time // whatever happens
}

// over reports whether a session has ended by its times.
func (o session) over(now time.Time) bool {
	return now.After(o.expires) || now.Sub(o.used) > limits.CAServerIdle
}

// logIn answers a signed challenge with a token.
func (s *CAService) logIn(ctx context.Context, text string, signature []byte) (token string, o ca.Operator, expires time.Time, err error) {
	name, made, err := s.openChallenge(text)
	if err != nil {
		return "", ca.Operator{Name: name}, expires, err
	}
	o, cert, err := s.operator(ctx, name)
	if err != nil {
		return "", ca.Operator{Name: name}, expires, err
	}
	if err := checkChallenge([]byte(text), signature, cert); err != nil {
		return "", o, expires, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	s.forgetOld(now)
	if _, replayed := s.answered[text]; replayed {
		return "", o, expires, errAnswered
	}
	s.makeRoom(name)
	if len(s.sessions) >= limits.CAServerSessions || len(s.answered) >= limits.CAServerSessions {
		return "", o, expires, busy()
	}
	s.answered[text] = made.Add(limits.CAServerChallenge)
	token, expires = rand.Text()+rand.Text(), now.Add(limits.CAServerSession).UTC().Truncate(time.Second)
	s.sessions[sha256.Sum256([]byte(token))] = session{name, o.Certificate, now, expires}
	return token, o, expires, nil
}

// makeRoom ends the session of an operator that was used longest ago where
// there are as many as one person may have: nobody fills the places of all.
func (s *CAService) makeRoom(operator string) {
	var oldest [32]byte
	var at time.Time
	n := 0
	for k, v := range s.sessions {
		if v.operator != operator {
			continue
		}
		if n++; n == 1 || v.used.Before(at) {
			oldest, at = k, v.used
		}
	}
	if n >= limits.CAServerOwnSessions {
		delete(s.sessions, oldest)
	}
}

func (s *CAService) forgetOld(now time.Time) {
	for k, v := range s.sessions {
		if v.over(now) {
			delete(s.sessions, k)
		}
	}
	for k, until := range s.answered {
		if now.After(until) {
			delete(s.answered, k)
		}
	}
}

// tokenOf returns the token that a request carries: that of the header
// Authorization, or that of the cookie.
func tokenOf(req *http.Request) (token string, inHeader, ok bool) {
	if header := req.Header.Get("Authorization"); header != "" {
		// RFC 9110, section 11.1: the scheme is "a case-insensitive token".
		scheme, token, _ := strings.Cut(header, " ")
		return token, true, strings.EqualFold(scheme, "Bearer")
	}
	c, err := req.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return "", false, false
	}
	return c.Value, false, true
}

// resume finds the operator of a session. One that has ended, for whatever
// reason, does not come back.
func (s *CAService) resume(ctx context.Context, token string) (ca.Operator, error) {
	key, now := sha256.Sum256([]byte(token)), s.o.Now()
	s.mu.Lock()
	one, known := s.sessions[key]
	if known && one.over(now) {
		delete(s.sessions, key)
		known = false
	}
	if known {
		one.used = now
		s.sessions[key] = one
	}
	s.mu.Unlock()
	if !known {
		return ca.Operator{}, errNobody
	}
	o, _, err := s.operator(ctx, one.operator)
	if err == nil && !bytes.Equal(o.Certificate, one.cert) {
		err = errNobody // another key is registered since
	}
	if errors.Is(err, errNobody) {
		s.end(token)
	}
	return o, err
}

func (s *CAService) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sha256.Sum256([]byte(token)))
}

// logOut ends the sessions of a request.
func (s *CAService) logOut(req *http.Request) {
	if token, _, ok := tokenOf(req); ok {
		s.end(token)
	}
	if c, err := req.Cookie(sessionCookie); err == nil {
		s.end(c.Value)
	}
}

// setSessionCookie hands a token to a browser: out of reach for scripts, never
// over plain HTTP, and not with requests that other sites cause.
func setSessionCookie(w http.ResponseWriter, token string, expires, now time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: max(1, int(expires.Sub(now).Seconds())),
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	})
}

// clearSessionCookie makes a browser forget the token.
func clearSessionCookie(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})
}

// identify finds out which operator sends a request: by the token of a session
// in a header, else in a cookie, else by the certificate of the TLS connection,
// which must be the registered one. A cookie whose session has ended is none:
// browsers keep what they have.
func (s *CAService) identify(req *http.Request) (ca.Operator, error) {
	token, inHeader, ok := tokenOf(req)
	if ok || inHeader {
		o, err := s.resume(req.Context(), token)
		if inHeader || !errors.Is(err, errNobody) {
			return o, err
		}
	}
	if req.TLS == nil || len(req.TLS.PeerCertificates) == 0 {
		return ca.Operator{}, errNobody
	}
	return s.operatorOf(req.Context(), req.TLS.PeerCertificates[0].Raw)
}

// who returns the operator who sends a request, for the operator's page; an
// error of the ledger is nobody there and stands in the log.
func (s *CAService) who(req *http.Request) (operator ca.Operator, ok bool) {
	o, err := s.identify(req)
	if err != nil && !errors.Is(err, errNobody) {
		s.o.Log.Error("failed", "of", "session", "error", err.Error())
	}
	return o, err == nil
}

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ESTAccount is a client that enrols with a password.
type ESTAccount struct {
	Name     string
	Hash     []byte   // bcrypt, as `htpasswd -B` writes it
	Profiles []string // for which it may enrol
	// Automatic issues at once, whatever subject is asked for, unless the
	// profile asks for approvals: the client is trusted as a registration
	// authority is. Otherwise a request waits for an operator.
	Automatic bool
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// ParseESTAccounts reads accounts, one a line:
//
//	name:bcrypt hash:profile profile … [auto]
//
// in UTF-8, at most limits.ESTAccounts of them in limits.ESTAccountsBytes. Empty
// lines and those that begin with "#" are skipped. The error names the line.
func ParseESTAccounts(text []byte) ([]ESTAccount, error) {
	if len(text) > limits.ESTAccountsBytes || !utf8.Valid(text) {
		return nil, errors.New("server: EST accounts: too large, or not UTF-8")
	}
	var out []ESTAccount
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		a, err := parseAccount(line)
		if err == nil && seen[a.Name] {
			err = errors.New("the name stands twice")
		}
		if err == nil && len(out) == limits.ESTAccounts {
			err = fmt.Errorf("more than %d accounts", limits.ESTAccounts)
		}
		if err != nil {
			return nil, fmt.Errorf("server: EST accounts: line %d: %w", n, err)
		}
		seen[a.Name] = true
		out = append(out, a)
	}
	return out, nil
}

func parseAccount(line string) (ESTAccount, error) {
	parts := strings.Split(line, ":")
	if len(parts) != 3 {
		return ESTAccount{}, errors.New("name:hash:profiles is expected")
	}
	a := ESTAccount{Name: parts[0], Hash: []byte(parts[1])}
	if !accountName.MatchString(a.Name) {
		return a, errors.New("name: 1 to 64 of letters, digits, \".\", \"_\", \"@\" and \"-\"")
	}
	// A cost above 14 takes seconds for each attempt, one below 10 is guessed.
	if cost, err := bcrypt.Cost(a.Hash); err != nil || len(a.Hash) != 60 || cost < 10 || cost > 14 {
		return a, errors.New("hash: not bcrypt with a cost from 10 to 14 (htpasswd -nBC 12 name)")
	}
	for _, word := range strings.Fields(parts[2]) {
		if word == "auto" {
			a.Automatic = true
			continue
		}
		a.Profiles = append(a.Profiles, word)
	}
	if len(a.Profiles) == 0 {
		return a, errors.New("profiles: none")
	}
	return a, nil
}

// estClient is who enrols: an account, or the holder of a certificate.
type estClient struct {
	account   *ESTAccount
	cert      *pki.Certificate // of this authority, valid and not revoked
	entry     ca.Entry
	submitter string // for the record of the request
}

func (c estClient) actor() string {
	if c.submitter == "" {
		return "client"
	}
	return c.submitter
}

// estAuthenticate finds out who enrols. The certificate of the connection comes
// first; a new certificate in place of an old one is given to its holder alone.
func (s *CAService) estAuthenticate(req *http.Request, again bool) (estClient, error) {
	if len(req.TLS.PeerCertificates) > 0 {
		c, err := s.estHolder(req.Context(), req.TLS.PeerCertificates[0].Raw)
		if err == nil || !errors.Is(err, errNobody) {
			return c, err
		}
		if _, _, password := req.BasicAuth(); again || !password {
			return c, &estError{http.StatusForbidden, "the client's certificate is not one of this authority that is valid now", "certificate"}
		}
	}
	if again {
		return estClient{}, &estError{http.StatusForbidden, "simplereenroll needs the certificate that is to be renewed in the TLS connection", "no-certificate"}
	}
	name, password, ok := req.BasicAuth()
	if !ok {
		return estClient{}, errNoCredentials
	}
	a, err := s.checkPassword(req.Context(), name, password)
	if err != nil {
		return estClient{}, err
	}
	c := estClient{account: a, submitter: "est:" + a.Name}
	// The two-person rule counts people by name: an operator's account is the
	// operator.
	switch o, _, err := s.operator(req.Context(), a.Name); {
	case err == nil:
		c.submitter = o.Name
	case !errors.Is(err, errNobody):
		return c, err
	}
	return c, nil
}

// estHolder looks a certificate of the connection up in the ledger; TLS has
// proved that the client holds its key. errNobody is what it may not enrol with.
func (s *CAService) estHolder(ctx context.Context, raw []byte) (c estClient, err error) {
	if c.cert, err = pki.ParseCertificate(raw); err != nil {
		return c, errNobody
	}
	now := s.o.Now()
	switch {
	case now.Before(c.cert.NotBefore), now.After(c.cert.NotAfter),
		!c.cert.PrivateKeyNotAfter.IsZero() && now.After(c.cert.PrivateKeyNotAfter),
		c.cert.IsCA,
		c.cert.KeyUsage != 0 && c.cert.KeyUsage&pki.KeyUsageDigitalSignature == 0,
		// RFC 5280, section 4.2.1.12: where the extension is present, the
		// certificate is used for the purposes that it names alone.
		len(c.cert.ExtKeyUsage) > 0 && !slices.Contains(c.cert.ExtKeyUsage, oid.EKUClientAuth) && !slices.Contains(c.cert.ExtKeyUsage, oid.EKUAny):
		return c, errNobody
	}
	err = s.o.Issuer.Ledger().View(ctx, func(tx ca.ReadTx) error {
		c.entry, err = s.ownEntry(tx, c.cert)
		if errors.Is(err, ca.ErrNotFound) {
			return errNobody
		}
		return err
	})
	if err != nil {
		return c, err
	}
	c.submitter = "est:certificate:" + c.entry.Serial.String()
	switch o, err := s.operatorOf(ctx, raw); {
	case err == nil:
		c.submitter = o.Name
	case !errors.Is(err, errNobody):
		return c, err
	}
	return c, nil
}

// checkPassword compares a password with an account's.
func (s *CAService) checkPassword(ctx context.Context, name, password string) (*ESTAccount, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, gone(ctx.Err())
	}
	wrong := &estError{http.StatusUnauthorized, "wrong name or password", "password"}
	if len(s.o.EST.Accounts) == 0 {
		return nil, wrong
	}
	n := slices.IndexFunc(s.o.EST.Accounts, func(a ESTAccount) bool { return a.Name == name })
	// Where there is no such account another's is compared, so that the time of
	// an answer does not tell names.
	hash := s.o.EST.Accounts[max(n, 0)].Hash
	// bcrypt looks at 72 octets; a longer password would be cut off silently.
	if err := bcrypt.CompareHashAndPassword(hash, []byte(password)); err != nil || n < 0 || len(password) > 72 {
		return nil, wrong
	}
	return &s.o.EST.Accounts[n], nil
}

// profileOf reports whether a certificate was issued by a version of a profile.
func profileOf(e ca.Entry, name string) bool {
	own, _, _ := strings.Cut(e.Profile, "@")
	return own == name
}

// keyIdentifiers are the kinds of keys as `key create --alg` names them,
// without those of curveIdentifiers.
var keyIdentifiers = map[string]oid.OID{
	"gost2012-256": oid.GOST2012_256,
	"gost2012-512": oid.GOST2012_512,
	"rsa":          oid.RSA,
	"ed25519":      oid.Ed25519,
}

// curveIdentifiers are the kinds of ECDSA keys.
var curveIdentifiers = map[string]oid.OID{
	"ecdsa-p256": oid.P256,
	"ecdsa-p384": oid.P384,
	"ecdsa-p521": oid.P521,
}

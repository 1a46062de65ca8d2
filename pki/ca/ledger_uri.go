package ca

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// CheckLedgerURI says what is wrong with the address of a ledger in a database:
// a URI postgres://… without a password, as it stands in config.json. "" is the
// file in the authority's folder. A password comes from the environment
// (PGPASSFILE, PGPASSWORD) or from ~/.pgpass, where a list of processes and a
// backup do not show it. An address that asks for a standby is refused: a
// responder would call a certificate good that was revoked seconds ago.
func CheckLedgerURI(uri string) error {
	if uri == "" {
		return nil
	}
	if len(uri) > limits.LedgerDSN {
		return fmt.Errorf("ca: ledger: the address is longer than %d octets", limits.LedgerDSN)
	}
	_, rest, ok := strings.Cut(uri, "://")
	if !ok || !IsPostgres(uri) {
		return errors.New("ca: ledger: the address is not postgres://…")
	}
	// Not by url.Parse: it does not know several hosts.
	authority, query, _ := strings.Cut(rest, "?")
	authority, _, _ = strings.Cut(authority, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 && strings.Contains(authority[:at], ":") {
		return errPasswordInURI
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("ca: ledger: the address has a malformed query")
	}
	if values.Has("password") || values.Has("sslpassword") {
		return errPasswordInURI
	}
	switch values.Get("target_session_attrs") {
	case "", "any", "read-write", "primary":
		return nil
	}
	return errors.New("ca: ledger: target_session_attrs: a standby may be behind and cannot be the ledger")
}

// errPasswordInURI does not show the address.
var errPasswordInURI = errors.New("ca: ledger: the address contains a password")

// IsPostgres reports whether the address of a ledger is a PostgreSQL database's.
func IsPostgres(uri string) bool {
	return strings.HasPrefix(uri, "postgres://") || strings.HasPrefix(uri, "postgresql://")
}

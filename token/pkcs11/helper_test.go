package pkcs11

import (
	"context"
	"sync"
	"testing"

	"github.com/gosklyuch/gosklyuch/token"
)

const (
	userPIN  = "1234"
	soPIN    = "12345678"
	password = "Passw0rd-of-key"
)

// asker is a person who gives one answer to each question and gives up when it
// is refused.
type asker struct {
	pin, password string

	mu    sync.Mutex
	asked []token.Prompt
}

func newAsker() *asker { return &asker{pin: userPIN, password: password} }

func (a *asker) get(_ context.Context, p token.Prompt) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, p)
	if p.Again {
		return nil, &token.PINError{Retries: p.Retries}
	}
	switch p.Secret {
	case token.SecretPassword:
		return []byte(a.password), nil
	case token.SecretSOPIN:
		return []byte(soPIN), nil
	}
	return []byte(a.pin), nil
}

// count tells how often a secret was asked for.
func (a *asker) count(s token.Secret) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, p := range a.asked {
		if p.Secret == s {
			n++
		}
	}
	return n
}

func openStore(t testing.TB, uri string, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), uri, c)
	if err != nil {
		t.Fatal(err)
	}
	s.iterations = 1000 // what a password costs is not what is tested
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func generate(t testing.TB, s *Store, spec KeySpec) token.Key {
	t.Helper()
	// A key outlives the context of the call that made it only as long as the
	// test does.
	k, err := s.Generate(context.WithoutCancel(t.Context()), spec)
	if err != nil {
		t.Fatalf("%s %s: %v", spec.Algorithm, spec.ParamSet, err)
	}
	return k
}

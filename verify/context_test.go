package verify_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/verify"
)

// An endless document calls its stop after some reads.
type endless struct {
	reads int
	stop  context.CancelFunc
}

func (e *endless) Read(p []byte) (int, error) {
	if e.reads++; e.reads == 3 {
		e.stop()
	}
	return len(p), nil
}

// A caller who gives up gets the answer while the document is still coming.
func TestVerifyStops(t *testing.T) {
	c := testpki.NewChain(t)
	sig := message{signer: c.Leaf}.sign(t)
	for name, run := range map[string]func(ctx context.Context, doc *endless) error{
		"document": func(ctx context.Context, doc *endless) error {
			_, err := new(verify.Verifier).Verify(ctx, bytes.NewReader(sig), doc)
			return err
		},
		"message": func(ctx context.Context, doc *endless) error {
			_, err := new(verify.Verifier).Verify(ctx, &after{head: bytes.NewReader(sig[:len(sig)/2]), rest: doc}, nil)
			return err
		},
	} {
		ctx, stop := context.WithCancel(t.Context())
		doc := &endless{stop: stop}
		if err := run(ctx, doc); name == "document" && !errors.Is(err, context.Canceled) || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if doc.reads > 3 {
			t.Errorf("%s: read %d times, 3 before the end of the context", name, doc.reads)
		}
	}
}

// after reads head to its end and then rest.
type after struct {
	head *bytes.Reader
	rest *endless
}

func (a *after) Read(p []byte) (int, error) {
	if a.head.Len() > 0 {
		return a.head.Read(p)
	}
	return a.rest.Read(p)
}

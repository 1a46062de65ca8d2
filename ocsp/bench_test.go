package ocsp

import "testing"

// BenchmarkRespond is one answer of a responder, request parsing included.
func BenchmarkRespond(b *testing.B) {
	for _, k := range []struct{ kind, set string }{{"gost2012-256", "cryptopro-a"}, {"gost2012-512", "tc26-512-a"}} {
		b.Run(k.set, func(b *testing.B) {
			p := newTestPKI(b, k.kind, k.set)
			r, req := p.responder(good()), p.request(b, true).Raw
			for b.Loop() {
				if out, err := r.Answer(b.Context(), req); err != nil || out.Status != Successful {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCheck is one response parsed and checked, the delegate's own
// certificate included: two signatures.
func BenchmarkCheck(b *testing.B) {
	p := newTestPKI(b, "gost2012-256", "cryptopro-a")
	der := p.responder(good()).Respond(b.Context(), p.request(b, false).Raw)
	for b.Loop() {
		r, err := ParseResponse(der)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Check(p.options()); err != nil {
			b.Fatal(err)
		}
	}
}

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/server"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
	"github.com/gosklyuch/gosklyuch/tsp"
)

func (a *app) caTSAFlags(c *cobra.Command, s *tsaService) {
	f := c.Flags()
	f.StringVar(&s.key, "tsa-key", "", a.t(text{"ключ службы меток времени с сертификатом", "the key of time stamps, with its certificate"}))
	f.StringSliceVar(&s.policies, "tsa-policy", nil, a.t(text{"правила (OID), по которым выдаются метки; первые действуют по умолчанию", "policies (OID) under which stamps are issued; the first is the default"}))
	f.StringSliceVar(&s.digests, "tsa-digest", []string{"streebog256", "streebog512"}, a.t(text{"какие хэши принимаются: streebog256, streebog512, sha256, sha384, sha512", "digests that are accepted: streebog256, streebog512, sha256, sha384, sha512"}))
	f.DurationVar(&s.accuracy, "tsa-accuracy", time.Second, a.t(text{"точность часов, как она указывается в метке (0: не указывать)", "the accuracy of the clock as stated in the stamp (0: not stated)"}))
	s.jobs = 16
}

// openTSA opens the time-stamping authority, if there is to be one.
func (s *servedCAs) openTSA(ctx context.Context) error {
	f := &s.flags.tsa
	if f.key == "" {
		return nil
	}
	o, err := f.options()
	if err != nil {
		return err
	}
	k, err := s.app.openKey(ctx, f.key, secretTSAPassword)
	if err != nil {
		return err
	}
	s.keys = append(s.keys, k)
	if err := s.app.tsaCertificate(f, k, &o); err != nil {
		return err
	}
	for _, c := range s.list {
		if len(o.Chain) == 0 && o.Certificate.CheckSignatureFrom(c.dir.Certificate) == nil {
			o.Chain = withoutRoots(append([]*pki.Certificate{c.dir.Certificate}, c.dir.Chain...))
		}
	}
	// Several nodes may stamp under one name: "the TSA name and serial number
	// identify a unique TimeStampToken" (RFC 3161, section 2.4.2).
	o.Serials = server.NewNodeSerials()
	o.Parallel = !pkcs11.IsURI(f.key) // a token signs one after the other anyway
	o.Clock = func() (time.Time, error) { return s.app.now(), nil }
	s.stamps, err = tsp.NewAuthority(o)
	return err
}

package cli

import (
	"crypto/rand"
	"encoding/pem"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testlist"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/xmldsig"
)

// scriptTrustList is the command
//
//	tsl OUT VERSION SIGNER CA STATUS SINCE
//
// It writes a list of accredited authorities of this minute, signed with
// SIGNER.key, in which the one authority «УЦ Альфа» has the key of CA.cer and
// the STATUS since the date SINCE.
func scriptTrustList(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 6 {
		ts.Fatalf("usage: tsl OUT VERSION SIGNER CA STATUS SINCE")
	}
	read := func(name string) []byte { return []byte(ts.ReadFile(name)) }
	version, err := strconv.Atoi(args[1])
	ts.Check(err)
	ca, err := pki.ParseCertificate(read(args[3] + ".cer"))
	ts.Check(err)
	signer, err := pki.ParseCertificate(read(args[2] + ".cer"))
	ts.Check(err)
	block, _ := pem.Decode(read(args[2] + ".key"))
	if block == nil {
		ts.Fatalf("%s.key is no PEM", args[2])
	}
	key, err := alg.ParsePKCS8(block.Bytes)
	ts.Check(err)
	list := testlist.List{Version: version, Date: time.Now().Add(time.Minute).Truncate(time.Minute), Authorities: []testlist.Authority{{
		Name: "УЦ Альфа", OGRN: "1027700132195", History: []testlist.Status{{Text: args[4], Since: args[5]}},
		Complexes: []testlist.Complex{{Alias: "ПАК", Class: "КС2", Certificates: []*pki.Certificate{ca}}},
	}}}
	out, err := xmldsig.SignEnveloped(rand.Reader, list.XML(), key, signer)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
}

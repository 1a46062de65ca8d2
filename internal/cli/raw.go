package cli

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"io"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// rawCommand makes and verifies bare signatures s‖r.
func (a *app) rawCommand() *cobra.Command {
	return a.group("raw", text{"подпись без оболочки: байты s‖r", "bare signatures: the octets s‖r"},
		a.rawSignCommand(), a.rawVerifyCommand())
}

func (a *app) rawSignCommand() *cobra.Command {
	var key string
	var out output
	c := &cobra.Command{
		Use:   "sign FILE --key K -o F",
		Short: a.t(text{"подписать хэш файла", "sign a file's digest"}),
		Args:  args(1, 1, text{"файл", "a file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if err := out.checkFree(); err != nil {
				return err
			}
			k, err := a.openKey(cmd.Context(), key, secretPassword)
			if err != nil {
				return err
			}
			defer k.close()
			sig, err := a.rawSign(cmd.Context(), k, arg[0])
			if err != nil {
				return err
			}
			if err := a.writeBytes(out, sig); err != nil {
				return err
			}
			return a.done(out.path, text{"подпись записана: %s", "the signature is written: %s"})
		},
	}
	c.Flags().StringVar(&key, "key", "", a.t(keyHelp))
	a.outputFlags(c, &out, true)
	a.required(c, "key")
	return c
}

func (a *app) rawSign(_ context.Context, k *openedKey, file string) ([]byte, error) {
	if err := canSign(k); err != nil {
		return nil, err
	}
	if _, hashes := k.signer.(crypto.MessageSigner); hashes { // a token that signs only what it has hashed itself
		doc, err := a.readFile(file)
		if err != nil {
			return nil, err
		}
		return alg.SignMessage(rand.Reader, k.signer, alg.Identifier{}, doc)
	}
	id := alg.HashForKey(k.signer.Public())
	digest, err := a.hashFile(file, id)
	if err != nil {
		return nil, err
	}
	return alg.SignDigest(rand.Reader, k.signer, id, digest)
}

// maxRawSignature bounds a bare signature: RSA with 16384 bits.
const maxRawSignature = 2048

func (a *app) rawVerifyCommand() *cobra.Command {
	var cert string
	c := &cobra.Command{
		Use:   "verify FILE SIG --cert F",
		Short: a.t(text{"проверить s‖r по ключу сертификата", "verify s‖r with a certificate's key"}),
		Long: a.t(text{
			"Проверяет только значение подписи. Кому принадлежит сертификат и действует ли он, не проверяется.",
			"Verifies the signature value alone. Whose certificate it is and whether it is in force is not checked.",
		}),
		Args: args(2, 2, text{"документ и файл подписи", "the document and its signature"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			signer, err := a.readCertificate(cert)
			if err != nil {
				return err
			}
			sig, err := a.readFile(arg[1])
			if err != nil {
				return err
			}
			if len(sig) > maxRawSignature {
				return failedf(text{"%s: %d байт, это не подпись s‖r", "%s: %d bytes is no signature s‖r"}, arg[1], len(sig))
			}
			doc, err := a.openDocument(arg[0])
			if err != nil {
				return err
			}
			defer doc.Close() //nolint:errcheck // opened for reading
			v := a.plainVerifier()
			rep, err := v.VerifyRaw(cmd.Context(), io.Reader(doc), bareSignature(sig, signer), signer)
			if rep == nil {
				return err
			}
			return a.printReport(rep)
		},
	}
	c.Flags().StringVar(&cert, "cert", "", a.t(text{"сертификат подписанта", "the signer's certificate"}))
	a.verboseFlag(c)
	a.required(c, "cert")
	return c
}

// bareSignature takes PEM or Base64 off a GOST signature: it is one of known
// length, so that text cannot be mistaken for it.
func bareSignature(sig []byte, signer *pki.Certificate) []byte {
	key, ok := signer.PublicKey.(*gost3410.PublicKey)
	if !ok || len(sig) == 2*key.Curve().Size() {
		return sig
	}
	r, form, err := der.NewReader(bytes.NewReader(sig))
	if err != nil || form == der.ArmorNone {
		return sig
	}
	bare, err := io.ReadAll(io.LimitReader(r, maxRawSignature))
	if err != nil || len(bare) != 2*key.Curve().Size() {
		return sig
	}
	return bare
}

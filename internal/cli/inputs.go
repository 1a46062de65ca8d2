package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
)

// kindTexts names what a file is, to stand after «это» and "this is".
var kindTexts = map[der.Kind]text{
	der.KindUnknown:           {"что-то неизвестное", "something unknown"},
	der.KindCertificate:       {"сертификат", "a certificate"},
	der.KindCRL:               {"список отзыва", "a revocation list (CRL)"},
	der.KindRequest:           {"запрос на сертификат", "a certificate request"},
	der.KindSignedData:        {"подпись (CMS)", "a signature (CMS)"},
	der.KindEnvelopedData:     {"зашифрованное сообщение", "an encrypted message"},
	der.KindDigestedData:      {"сообщение с хэшем без подписи", "a message with a digest and no signature"},
	der.KindEncryptedData:     {"сообщение, зашифрованное общим ключом", "a message encrypted with a shared key"},
	der.KindContentInfo:       {"сообщение CMS другого вида", "a CMS message of another type"},
	der.KindPFX:               {"контейнер PFX", "a PFX container"},
	der.KindPKCS8:             {"закрытый ключ", "a private key"},
	der.KindEncryptedPKCS8:    {"закрытый ключ под паролем", "an encrypted private key"},
	der.KindPublicKey:         {"открытый ключ", "a public key"},
	der.KindOCSPRequest:       {"запрос OCSP", "an OCSP request"},
	der.KindOCSPResponse:      {"ответ OCSP", "an OCSP response"},
	der.KindTimeStampRequest:  {"запрос метки времени", "a time-stamp request"},
	der.KindTimeStampResponse: {"ответ службы меток времени", "a time-stamp response"},
	der.KindHTML:              {"страница HTML", "an HTML page"},
	der.KindPDF:               {"документ PDF", "a PDF document"},
	der.KindXML:               {"документ XML", "an XML document"},
	der.KindPEM:               {"текст PEM", "PEM text"},
	der.KindZIP:               {"архив ZIP", "a ZIP archive"},
}

// inputName names an input in a sentence.
func inputName(path string) text {
	if path == "-" {
		return text{"стандартный ввод", "standard input"}
	}
	return text{path, path}
}

// wrongKind says that a file is not what the command needs.
func wrongKind(path string, is, want der.Kind) *userError {
	i, w := kindTexts[is], kindTexts[want]
	hint := text{"проверьте, тот ли файл указан", "check that this is the file you meant"}
	if is == der.KindHTML {
		hint = text{
			"похоже, вместо файла сохранилась страница сайта: скачайте файл ещё раз",
			"a web page seems to have been saved in place of the file: download it again",
		}
	}
	name := inputName(path)
	return newError(exitFailed, text{
		fmt.Sprintf("%s: это %s, а не %s", name.ru, i.ru, w.ru),
		fmt.Sprintf("%s: this is %s, not %s", name.en, i.en, w.en),
	}).withHint(hint)
}

// blocks reads a file and takes off PEM or Base64. Every block must be of the
// wanted kind as far as its outline tells.
func (a *app) blocks(path string, want der.Kind) ([]der.Block, error) {
	data, err := a.readFile(path)
	if err != nil {
		return nil, err
	}
	found, err := der.Decode(data)
	if err != nil {
		return nil, notDER(path, want, err)
	}
	for _, b := range found {
		if k := der.Sniff(b.Bytes); k != want && k != der.KindUnknown {
			return nil, wrongKind(path, k, want)
		}
	}
	return found, nil
}

// notDER turns an error of der.Decode into a sentence with the file's name.
func notDER(path string, want der.Kind, err error) error {
	var other *der.NotDERError
	if errors.As(err, &other) && other.Kind != der.KindUnknown {
		return wrongKind(path, other.Kind, want)
	}
	return unreadable(path, want, err)
}

// unreadable says that a file cannot be parsed as what it should be; err names
// the field.
func unreadable(path string, want der.Kind, err error) *userError {
	name, w, d := inputName(path), kindTexts[want], structureDetail(err)
	if errors.Is(err, der.ErrEmpty) {
		return newError(exitFailed, text{name.ru + ": файл пуст", name.en + ": the file is empty"})
	}
	return newError(exitFailed, text{
		fmt.Sprintf("%s: не читается как %s: %s", name.ru, w.ru, d.ru),
		fmt.Sprintf("%s: not readable as %s: %s", name.en, w.en, d.en),
	}).withCause(err).withHint(text{
		"файл повреждён или это другой файл: получите его ещё раз",
		"the file is damaged or another one: get it again",
	})
}

// readCertificates reads all certificates of a file (DER, PEM with one or more,
// Base64).
func (a *app) readCertificates(path string) ([]*pki.Certificate, error) {
	found, err := a.blocks(path, der.KindCertificate)
	if err != nil {
		return nil, err
	}
	return parseAll(path, der.KindCertificate, found, pki.ParseCertificate)
}

// readCertificate reads a file that must hold exactly one certificate.
func (a *app) readCertificate(path string) (*pki.Certificate, error) {
	return readOne(a, path, der.KindCertificate, pki.ParseCertificate)
}

// readRequest reads a PKCS #10 request.
func (a *app) readRequest(path string) (*pki.CertificateRequest, error) {
	return readOne(a, path, der.KindRequest, pki.ParseRequest)
}

// readOCSPResponse reads one OCSP response.
func (a *app) readOCSPResponse(path string) (*ocsp.Response, error) {
	return readOne(a, path, der.KindOCSPResponse, ocsp.ParseResponse)
}

// readOCSPRequest reads one OCSP request.
func (a *app) readOCSPRequest(path string) (*ocsp.Request, error) {
	return readOne(a, path, der.KindOCSPRequest, ocsp.ParseRequest)
}

// readOne reads a file that must hold exactly one object: a verdict about the
// first of several would be taken for one about all.
func readOne[T any](a *app, path string, kind der.Kind, parse func([]byte) (T, error)) (one T, err error) {
	found, err := a.blocks(path, kind)
	if err != nil {
		return one, err
	}
	all, err := parseAll(path, kind, found, parse)
	if err != nil {
		return one, err
	}
	if len(all) != 1 {
		return one, failedf(text{"%s: в файле несколько объектов (%d), а нужен один", "%s: %d objects in the file, where one is meant"}, path, len(all)).
			withHint(text{"разделите файл на части", "split the file"})
	}
	return all[0], nil
}

// parseAll parses every block; the error names the file.
func parseAll[T any](path string, kind der.Kind, found []der.Block, parse func([]byte) (T, error)) ([]T, error) {
	if len(found) == 0 {
		return nil, unreadable(path, kind, errors.New("nothing inside"))
	}
	out := make([]T, 0, len(found))
	for _, b := range found {
		x, err := parse(b.Bytes)
		if err != nil {
			return nil, unreadable(path, kind, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// sniffArmored says what a file is from its first octets, through PEM or Base64.
func sniffArmored(head []byte) der.Kind {
	if der.IsDER(head) {
		return der.Sniff(head)
	}
	r, _, err := der.NewReader(bytes.NewReader(head))
	if err != nil {
		return der.Sniff(head)
	}
	inner, err := io.ReadAll(r) // the armor of a head may end anywhere
	if err != nil && len(inner) == 0 {
		return der.Sniff(head)
	}
	return der.Sniff(inner)
}

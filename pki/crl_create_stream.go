package pki

import (
	"bufio"
	"crypto"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// CRLWriter makes the same list as [CreateCRL] of entries that come one by one
// and are never together in memory: they wait in a spool, because DER has the
// length of a list in front of it. A writer is for one goroutine.
type CRLWriter struct {
	tmpl   CRLTemplate
	issuer *Certificate
	signer crypto.Signer
	sigAlg alg.Identifier
	spool  io.ReadWriteSeeker
	buf    *bufio.Writer
	size   int64 // of the entries so far
	count  int
	force  Name   // whose entries come now
	entry  []byte // the last one, for its memory
	err    error
	done   bool
}

// NewCRLWriter begins a list. tmpl is as for CreateCRL, without Entries. spool
// is read and written from where it stands, and is the caller's to remove; the
// entries in it are not secret.
func NewCRLWriter(tmpl *CRLTemplate, issuer *Certificate, signer crypto.Signer, spool io.ReadWriteSeeker) (*CRLWriter, error) {
	if tmpl == nil || issuer == nil || signer == nil || spool == nil {
		return nil, errors.New("pki: crl: template, issuer, key and spool are required")
	}
	if len(tmpl.Entries) > 0 {
		return nil, errors.New("pki: crl: entries of a streamed list are added, not given")
	}
	if err := tmpl.check(); err != nil {
		return nil, fmt.Errorf("pki: crl: %w", err)
	}
	if issuer.PublicKey == nil || !alg.EqualKeys(issuer.PublicKey, signer.Public()) {
		return nil, errors.New("pki: crl: the signing key is not the key of the issuer's certificate")
	}
	w := &CRLWriter{tmpl: *tmpl, issuer: issuer, signer: signer, sigAlg: alg.SignatureForKey(signer.Public()), spool: spool, force: issuer.Subject}
	if w.sigAlg.IsZero() {
		return nil, fmt.Errorf("pki: crl: no signature algorithm is known for %s", alg.KeyName(signer.Public()))
	}
	w.buf = bufio.NewWriterSize(spool, limits.CRLWindowBytes)
	return w, nil
}

// Add appends an entry. After an error the writer is of no use.
func (w *CRLWriter) Add(e RevokedEntry) error {
	if w.err == nil && w.done {
		w.err = errors.New("pki: crl: the list is finished")
	}
	if w.err == nil {
		w.err = w.add(&e)
	}
	return w.err
}

func (w *CRLWriter) add(e *RevokedEntry) error {
	if err := w.tmpl.checkEntry(w.count, e); err != nil {
		return fmt.Errorf("pki: crl: %w", err)
	}
	der, err := appendEntry(w.entry[:0], e, w.issuer.Subject, &w.force)
	if err != nil {
		return fmt.Errorf("pki: crl: entry %d: %w", w.count, err)
	}
	w.entry = der
	if w.size+int64(len(der)) > limits.CRLFileBytes-limits.CRLHeadBytes {
		return fmt.Errorf("pki: crl: larger than %d octets", limits.CRLFileBytes)
	}
	if _, err := w.buf.Write(der); err != nil {
		return fmt.Errorf("pki: crl: %w", err)
	}
	w.size, w.count = w.size+int64(len(der)), w.count+1
	return nil
}

// Len returns the number of entries so far.
func (w *CRLWriter) Len() int { return w.count }

// Finish signs the list and writes it to out as DER. rand is as for CreateCRL.
// A key that signs messages and not digests (Ed25519, some tokens) needs the
// list in memory; it may then have limits.CRLWholeBytes (32 MiB), else the error
// is [ErrListTooLarge]. It returns the number of octets.
func (w *CRLWriter) Finish(rand io.Reader, out io.Writer) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.done {
		return 0, errors.New("pki: crl: the list is finished")
	}
	w.done = true
	n, err := w.finish(rand, out)
	if err != nil && !errors.Is(err, ErrListTooLarge) {
		err = fmt.Errorf("pki: crl: %w", err)
	}
	return n, err
}

func (w *CRLWriter) finish(rand io.Reader, out io.Writer) (int64, error) {
	if err := w.buf.Flush(); err != nil {
		return 0, err
	}
	// The entries are the last octets that were written.
	start, err := w.spool.Seek(-w.size, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	head, tail, err := w.ends()
	if err != nil {
		return 0, err
	}
	tbsHead := append(header(asn1.SEQUENCE, int64(len(head))+w.size+int64(len(tail))), head...)
	sig, err := w.sign(rand, tbsHead, tail)
	if err != nil {
		return 0, err
	}
	var b cryptobyte.Builder
	w.sigAlg.Add(&b)
	b.AddASN1BitString(sig)
	end, err := b.Bytes()
	if err != nil {
		return 0, err
	}
	if _, err := w.spool.Seek(start, io.SeekStart); err != nil {
		return 0, err
	}
	total := int64(len(tbsHead)) + w.size + int64(len(tail)) + int64(len(end))
	outer := header(asn1.SEQUENCE, total)
	if err := w.copy(out, append(outer, tbsHead...), append(tail, end...)); err != nil {
		return 0, err
	}
	return int64(len(outer)) + total, nil
}

// ends returns the contents of the TBSCertList before and after the entries.
func (w *CRLWriter) ends() (head, tail []byte, err error) {
	extensions, err := w.tmpl.extensions(w.issuer)
	if err != nil {
		return nil, nil, err
	}
	var h, t cryptobyte.Builder
	h.AddASN1Int64(1)
	w.sigAlg.Add(&h)
	h.AddBytes(w.issuer.RawSubject)
	der.AddTime(&h, w.tmpl.ThisUpdate)
	der.AddTime(&h, w.tmpl.NextUpdate)
	// "When there are no revoked certificates, the revoked certificates list
	// MUST be absent", RFC 5280, 5.1.2.6.
	if w.size > 0 {
		h.AddBytes(header(asn1.SEQUENCE, w.size))
	}
	t.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
	head, herr := h.Bytes()
	tail, terr := t.Bytes()
	return head, tail, errors.Join(herr, terr)
}

// sign signs head, the entries and tail.
func (w *CRLWriter) sign(rand io.Reader, head, tail []byte) ([]byte, error) {
	d, ok := alg.SignatureDigest(w.sigAlg)
	if _, inside := w.signer.(crypto.MessageSigner); inside || !ok {
		if w.size > limits.CRLWholeBytes {
			return nil, ErrListTooLarge
		}
		var whole appender
		if err := w.copy(&whole, head, tail); err != nil {
			return nil, err
		}
		return alg.SignMessage(rand, w.signer, w.sigAlg, whole)
	}
	var h hash.Hash
	h, err := alg.NewHash(d)
	if err != nil {
		return nil, err
	}
	if err := w.copy(h, head, tail); err != nil {
		return nil, err
	}
	return alg.SignDigest(rand, w.signer, d, h.Sum(nil))
}

// copy writes head, the entries from where the spool stands, and tail.
func (w *CRLWriter) copy(out io.Writer, head, tail []byte) error {
	if _, err := out.Write(head); err != nil {
		return err
	}
	n, err := io.CopyBuffer(out, struct{ io.Reader }{io.LimitReader(w.spool, w.size)}, make([]byte, limits.CRLWindowBytes))
	if err != nil {
		return err
	}
	if n != w.size {
		return io.ErrUnexpectedEOF
	}
	_, err = out.Write(tail)
	return err
}

// appender collects what is written.
type appender []byte

func (a *appender) Write(b []byte) (int, error) {
	*a = append(*a, b...)
	return len(b), nil
}

// header returns the identifier and length octets of an element with n octets
// of contents: DER, X.690, 10.1.
func header(tag asn1.Tag, n int64) []byte {
	if n < 0x80 {
		return []byte{byte(tag), byte(n)}
	}
	var length []byte
	for v := n; v > 0; v >>= 8 {
		length = append([]byte{byte(v)}, length...)
	}
	return append([]byte{byte(tag), 0x80 | byte(len(length))}, length...)
}

package server

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// A job is one form on its way to a verdict.
type job struct {
	s    *VerifyService
	req  *http.Request
	id   string
	body *pacer

	boundary  string
	fields    map[string]string // as the form gave them, else the query
	given     map[string]bool   // parts that were there
	signature *spool
	document  *spool // nil where there is none, or where it was not kept
	sigName   string
	docName   string

	docOctets int64
	lang      verify.Lang
	format    format
	decided   bool // the document was verified while it arrived
	report    *verify.Report
	digests   map[string]hash.Hash // of the document, for protocols
	hasDoc    bool
}

// fieldNames are the parts of the form that are no files.
func fieldNames() []string { return []string{"policy", "lang", "at", "format"} }

// verify answers POST /v1/verify.
func (s *VerifyService) verify(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Time{}) //nolint:errcheck,gosec // set again before the answer
	j := &job{s: s, req: req, id: w.Header().Get(requestIDHeader), fields: map[string]string{}, given: map[string]bool{}}
	j.body = &pacer{
		control: control, idle: s.o.IdleTimeout, minRate: s.o.MinRate,
		limit: start.Add(s.o.Timeout), header: -1,
	}
	defer j.close()
	leave, err := s.gate.enter(req.Context(), req.RemoteAddr)
	if err == nil {
		defer leave()
		err = j.run(w)
	}
	control.SetWriteDeadline(time.Now().Add(30 * time.Second)) //nolint:errcheck,gosec // what cannot have a deadline has none
	if err == nil {
		err = j.answer(w)
	}
	if err != nil {
		p := asProblem(err)
		s.metrics.problems.WithLabelValues(p.kind).Inc()
		if j.body.src == nil && req.ContentLength <= limits.ServiceDrain {
			j.body.src = req.Body // refused at the gate
		}
		if j.body.src != nil {
			j.body.drain()
		}
		s.writeProblem(w, req, languageOf(req, j.fields["lang"]), p)
	}
	j.log(err, time.Since(start))
}

// run reads the form and decides.
func (j *job) run(w http.ResponseWriter) error {
	reader, err := j.open(w)
	if err != nil {
		return err
	}
	query := j.req.URL.Query()
	for _, name := range fieldNames() {
		if v := query.Get(name); v != "" {
			j.fields[name] = v
		}
	}
	ctx, cancel := context.WithDeadline(j.req.Context(), j.body.limit)
	defer cancel()
	if err := j.parts(ctx, reader); err != nil {
		return err
	}
	if j.decided {
		return nil
	}
	if j.signature == nil {
		return noSignature()
	}
	if j.document == nil {
		return j.decide(ctx, nil)
	}
	doc, err := j.document.reader()
	if err != nil {
		return internal(err)
	}
	return j.decide(ctx, doc)
}

// open checks the header and begins to read the form.
func (j *job) open(w http.ResponseWriter) (*multipart.Reader, error) {
	mediaType, params, err := mime.ParseMediaType(j.req.Header.Get("Content-Type"))
	boundary := params["boundary"]
	// RFC 2046, section 5.1.1: a boundary is "no more than 70 characters".
	if err != nil || mediaType != "multipart/form-data" || boundary == "" || len(boundary) > 70 {
		return nil, notMultipart()
	}
	// RFC 9110, section 15.5.16: 415 also for a content coding that is not supported.
	if coding := strings.Join(j.req.Header.Values("Content-Encoding"), ","); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, codedContent()
	}
	if _, ok := negotiate(j.req.Header.Get("Accept")); !ok {
		return nil, notAcceptable()
	}
	most := 2*j.s.o.MaxSize + limits.ServiceParts*limits.ServicePartHeader
	if j.req.ContentLength > most {
		return nil, tooLarge(j.s.o.MaxSize, nil)
	}
	j.boundary = boundary
	j.body.src = http.MaxBytesReader(w, j.req.Body, most)
	return multipart.NewReader(j.body, boundary), nil
}

// parts reads the form to its end, the parts in any order.
func (j *job) parts(ctx context.Context, reader *multipart.Reader) error {
	for n := 0; ; n++ {
		j.body.header = limits.ServicePartHeader
		part, err := reader.NextRawPart()
		j.body.header = -1
		if errors.Is(err, io.EOF) && j.body.err == nil && j.body.ended(j.boundary) {
			j.body.rest()
			return nil
		}
		if err != nil {
			return j.inForm(err)
		}
		if n == limits.ServiceParts {
			return badField("parts", "В форме слишком много частей.", "The form has too many parts.")
		}
		if err := j.part(ctx, part); err != nil {
			return err
		}
	}
}

// inForm prefers what the reader of the body knows to what multipart makes of it.
func (j *job) inForm(err error) error {
	if j.body.err != nil {
		return j.body.err
	}
	return badForm(err)
}

// part takes one part.
func (j *job) part(ctx context.Context, part *multipart.Part) error {
	name := part.FormName()
	// RFC 7578, section 4.7: deprecated. Taken as it came, an encoded document
	// would be called changed.
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
	default:
		return badField("encoding", "Части формы передаются без перекодирования (Content-Transfer-Encoding).", "The parts of the form must not be encoded (Content-Transfer-Encoding).")
	}
	in := &input{r: part, most: j.s.o.MaxSize, job: j}
	if name != "signature" && name != "document" {
		return j.field(name, in)
	}
	buffered := bufio.NewReaderSize(in, 32<<10)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) && part.FileName() == "" {
		return nil // a browser sends an empty part for a file that was not chosen
	}
	if j.given[name] {
		return badField(name, "Часть "+name+" указана дважды.", "The part "+name+" is there twice.")
	}
	j.given[name] = true
	if name == "document" {
		j.hasDoc, j.docName = true, part.FileName()
		if j.signature != nil {
			return j.stream(ctx, in, buffered)
		}
	} else {
		j.sigName = part.FileName()
	}
	kept, err := newSpool(j.s.space, buffered)
	if err != nil {
		return in.problem(err)
	}
	j.s.metrics.octets.WithLabelValues(name).Add(float64(kept.size))
	if name == "document" {
		j.document, j.docOctets = kept, kept.size
	} else {
		j.signature = kept
	}
	return nil
}

// stream verifies the document while it arrives: the signature came before it.
func (j *job) stream(ctx context.Context, in *input, doc io.Reader) error {
	err := j.decide(ctx, doc)
	if err == nil || errors.As(err, new(*problem)) && in.err == nil && j.body.err == nil {
		// A signature that cannot be read is told before the document was.
		_, rest := io.Copy(io.Discard, doc)
		j.docOctets = in.octets
		j.s.metrics.octets.WithLabelValues("document").Add(float64(in.octets))
		if rest != nil && err == nil {
			return in.problem(rest)
		}
		j.decided = true
		return err
	}
	return in.problem(err)
}

// field takes a part that is no file.
func (j *job) field(name string, in *input) error {
	known := false
	for _, f := range fieldNames() {
		known = known || f == name
	}
	if !known {
		return badField("unknown", "В форме есть часть с неизвестным именем.", "The form has a part whose name is not known.")
	}
	b, err := io.ReadAll(io.LimitReader(in, limits.ServiceField+1))
	if err != nil {
		return in.problem(err)
	}
	if len(b) > limits.ServiceField {
		return badField(name, "Значение поля "+name+" слишком длинное.", "The value of the field "+name+" is too long.")
	}
	value := strings.TrimSpace(string(b))
	if value == "" {
		return nil
	}
	if j.decided && value != j.fields[name] {
		return badField("order",
			"Поле "+name+" должно стоять в форме до документа: документ проверяется по мере поступления.",
			"The field "+name+" must stand before the document in the form: a document is verified while it arrives.")
	}
	if j.given[name] {
		return badField(name, "Поле "+name+" указано дважды.", "The field "+name+" is there twice.")
	}
	j.given[name] = true
	j.fields[name] = value
	return nil
}

// verifier returns the verifier that the fields choose.
func (j *job) verifier() (*verify.Verifier, error) {
	v := j.s.verifier
	v.Lang, v.Policy = languageOf(j.req, j.fields["lang"]), j.s.o.Policies[0]
	switch j.fields["lang"] {
	case "", "ru", "en":
	default:
		return nil, badField("lang", "Язык: ru или en.", "The language is ru or en.")
	}
	if name := j.fields["policy"]; name != "" {
		p, ok := j.s.offered[name]
		if !ok {
			return nil, badField("policy", "Такой политики нет: см. /v1/policies.", "There is no such policy: see /v1/policies.")
		}
		v.Policy = p
	}
	if text := j.fields["at"]; text != "" {
		at, err := time.Parse(time.RFC3339, text)
		// The zero time is no moment, and an offset can lead out of the four
		// digits that RFC 3339 has for a year: the answer could not be written.
		if y := at.UTC().Year(); err != nil || at.IsZero() || y < 1 || y > 9999 {
			return nil, badField("at", "Время at указывается как 2026-06-02T12:00:00Z.", "The time at is written like 2026-06-02T12:00:00Z.")
		}
		exact := *v.Policy
		exact.Skew = -1 // a moment that was typed is nobody's clock
		v.Policy, v.Now = &exact, func() time.Time { return at }
	}
	return &v, nil
}

// decide verifies. doc is nil where there is no document.
func (j *job) decide(ctx context.Context, doc io.Reader) error {
	v, err := j.verifier()
	if err != nil {
		return err
	}
	if j.format, err = j.chosenFormat(); err != nil {
		return err
	}
	j.lang = v.Lang
	sig, err := j.signature.reader()
	if err != nil {
		return internal(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timed := &clocked{r: sig, start: func() func() bool {
		j.body.rest()
		return time.AfterFunc(j.s.o.DecisionTimeout, func() { cancel(context.DeadlineExceeded) }).Stop
	}}
	defer timed.end()
	var content io.Reader
	if doc == nil {
		sig = timed
	} else {
		timed.r, content = doc, timed
		if j.format != formatJSON {
			j.digests = digests()
			content = io.TeeReader(timed, writerOf(j.digests))
		}
	}
	report, err := v.Verify(ctx, sig, content)
	switch {
	case report != nil && context.Cause(ctx) == nil:
		j.report = report
		return nil
	case timed.err != nil:
		return timed.err
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return tooLong(err)
	case ctx.Err() != nil:
		return gone(err)
	}
	return unreadable(err)
}

// A clocked reader begins to count the time for the decision when the last
// octet was read: hashing two gigabytes that were kept takes its time. It keeps an error, so that one of the line is not taken for
// one of the signature.
type clocked struct {
	r     io.Reader
	start func() (stop func() bool)
	stop  func() bool
	err   error
}

// Read reads some octets.
func (c *clocked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		c.begin()
	case err != nil:
		c.err = err
	}
	return n, err
}

func (c *clocked) begin() {
	if c.stop == nil {
		c.stop = c.start()
	}
}

func (c *clocked) end() {
	if c.stop != nil {
		c.stop()
	}
}

// An input is one part with its bound.
type input struct {
	r      io.Reader
	most   int64
	octets int64
	job    *job
	err    error // why reading ended; nil for the end of the part
}

// Read reads some octets.
func (in *input) Read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.r.Read(p)
	in.octets += int64(n)
	switch {
	case in.octets > in.most:
		in.err = tooLarge(in.most, nil)
		return 0, in.err
	case err != nil && !errors.Is(err, io.EOF):
		in.err = in.job.inForm(err)
		return n, in.err
	}
	return n, err
}

// problem returns why reading or keeping the part failed.
func (in *input) problem(err error) error {
	switch {
	case in.err != nil:
		return in.err
	case errors.As(err, new(*problem)):
		return err
	}
	return noSpace(err) // the temporary file could not be made or written
}

// digests are the algorithms whose values stand in a protocol.
func digests() map[string]hash.Hash {
	out := map[string]hash.Hash{}
	for name, id := range map[string]oid.OID{"streebog256": oid.Streebog256, "sha256": oid.SHA256} {
		if h, err := alg.NewHash(alg.Identifier{OID: id}); err == nil {
			out[name] = h
		}
	}
	return out
}

func writerOf(hashes map[string]hash.Hash) io.Writer {
	var all []io.Writer
	for _, h := range hashes {
		all = append(all, h)
	}
	return io.MultiWriter(all...)
}

func sums(hashes map[string]hash.Hash) map[string]string {
	if hashes == nil {
		return nil
	}
	out := map[string]string{}
	for name, h := range hashes {
		out[name] = hex.EncodeToString(h.Sum(nil))
	}
	return out
}

func (j *job) close() {
	j.signature.close()
	j.document.close()
}

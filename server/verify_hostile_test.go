package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
)

// TestProblems: what gets no verdict, and why.
func TestProblems(t *testing.T) {
	d := newDesk(t, func(o *VerifyOptions) { o.MaxSize = 4 << 20 })
	sig := d.signed(t, d.chain.Leaf, contract, false)
	big := bytes.Repeat([]byte{0}, 4<<20+1)
	doc := file("document", []byte(contract))
	many := []formPart{}
	for range limits.ServiceParts + 1 {
		many = append(many, field("at", ""))
	}
	for name, tc := range map[string]struct {
		header http.Header
		query  string
		parts  []formPart
		status int
		kind   string
	}{
		"no parts":            {nil, "", nil, 400, "no-signature"},
		"document only":       {nil, "", []formPart{doc}, 400, "no-signature"},
		"not a signature":     {nil, "", []formPart{file("signature", []byte("hello")), doc}, 422, "unreadable-signature"},
		"empty signature":     {nil, "", []formPart{file("signature", nil), doc}, 422, "unreadable-signature"},
		"cut off":             {nil, "", []formPart{file("signature", sig[:len(sig)-9]), doc}, 422, "unreadable-signature"},
		"trailing":            {nil, "", []formPart{file("signature", bytes.Repeat(sig[:40], 20)), doc}, 422, "unreadable-signature"},
		"late and unreadable": {nil, "", []formPart{doc, file("signature", sig[:len(sig)/2])}, 422, "unreadable-signature"},
		"signature too large": {nil, "", []formPart{file("signature", big)}, 413, "too-large"},
		"document too large":  {nil, "", []formPart{file("signature", sig), file("document", big)}, 413, "too-large"},
		"spooled too large":   {nil, "", []formPart{file("document", big), file("signature", sig)}, 413, "too-large"},
		"body too large":      {nil, "", []formPart{file("signature", append(big, big...)), file("document", big)}, 413, "too-large"},
		"unknown part":        {nil, "", []formPart{file("other", sig)}, 400, "field-unknown"},
		"part without a name": {nil, "", []formPart{file("", sig)}, 400, "field-unknown"},
		"two signatures":      {nil, "", []formPart{file("signature", sig), file("signature", sig)}, 400, "field-signature"},
		"two documents":       {nil, "", []formPart{file("signature", sig), doc, doc}, 400, "field-document"},
		"two policies":        {nil, "", []formPart{field("policy", "default"), field("policy", "default"), file("signature", sig)}, 400, "field-policy"},
		"unknown policy":      {nil, "", []formPart{field("policy", "none"), file("signature", sig), doc}, 400, "field-policy"},
		"policy not offered":  {nil, "?policy=signature-only", []formPart{file("signature", sig), doc}, 400, "field-policy"},
		"unknown language":    {nil, "?lang=de", []formPart{file("signature", sig), doc}, 400, "field-lang"},
		"unknown format":      {nil, "?format=doc", []formPart{file("signature", sig), doc}, 400, "field-format"},
		"no time":             {nil, "?at=yesterday", []formPart{file("signature", sig), doc}, 400, "field-at"},
		"the zero time":       {nil, "?at=0001-01-01T00:00:00Z", []formPart{file("signature", sig), doc}, 400, "field-at"},
		"after the year 9999": {nil, "?at=9999-12-31T23:59:59-23:59", []formPart{file("signature", sig), doc}, 400, "field-at"},
		"before the year 1":   {nil, "?at=0000-01-01T00:00:00%2B23:59", []formPart{file("signature", sig), doc}, 400, "field-at"},
		"a long field":        {nil, "", []formPart{field("at", strings.Repeat("1", 300)), file("signature", sig)}, 400, "field-at"},
		"policy too late":     {nil, "", []formPart{file("signature", sig), doc, field("policy", "order-472")}, 400, "field-order"},
		"too many parts":      {nil, "", many, 400, "field-parts"},
		"long header":         {nil, "", []formPart{{"signature", strings.Repeat("x", limits.ServicePartHeader), sig}}, 400, "form"},
		"no multipart":        {http.Header{"Content-Type": {"application/json"}}, "", nil, 415, "content-type"},
		"no boundary":         {http.Header{"Content-Type": {"multipart/form-data"}}, "", nil, 415, "content-type"},
		"compressed":          {http.Header{"Content-Encoding": {"gzip"}}, "", []formPart{file("signature", sig), doc}, 415, "content-encoding"},
		"multipart/mixed":     {http.Header{"Content-Type": {"multipart/mixed; boundary=x"}}, "", nil, 415, "content-type"},
		"long boundary":       {http.Header{"Content-Type": {"multipart/form-data; boundary=" + strings.Repeat("x", 71)}}, "", nil, 415, "content-type"},
		"another boundary":    {http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, "", []formPart{file("signature", sig)}, 400, "form"},
		"nothing acceptable":  {http.Header{"Accept": {"image/png"}}, "", []formPart{file("signature", sig)}, 406, "not-acceptable"},
		"acceptable never":    {http.Header{"Accept": {"application/json;q=0"}}, "", []formPart{file("signature", sig)}, 406, "not-acceptable"},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.post(t, tc.query, tc.header.Clone(), tc.parts...)
			if kind := r.problem(t); r.StatusCode != tc.status || kind != tc.kind {
				t.Errorf("%d %s, not %d %s", r.StatusCode, kind, tc.status, tc.kind)
			}
		})
	}
	if n := d.service.space.used.Load(); n != 0 {
		t.Errorf("%d octets of temporary space were not given back", n)
	}
	if r := d.post(t, "?lang=en", http.Header{"Accept": {"text/html"}}, file("signature", sig[:9])); r.StatusCode != 422 || !strings.Contains(string(r.body), "cannot be read as a CMS signature") || !strings.Contains(string(r.body), `href="/en"`) {
		t.Errorf("a person gets %d %s", r.StatusCode, r.body)
	}
}

// TestEncodedPart: a part that a sender has encoded is refused, not called changed.
func TestEncodedPart(t *testing.T) {
	d := newDesk(t, nil)
	body, contentType := form(t, file("signature", d.signed(t, d.chain.Leaf, contract, false)), file("document", []byte(contract)))
	for encoding, status := range map[string]int{"base64": 400, "Quoted-Printable": 400, "binary": 200, "8bit": 200} {
		coded := bytes.Replace(body, []byte(`filename="document.bin"`), []byte(`filename="document.bin"`+"\r\nContent-Transfer-Encoding: "+encoding), 1)
		r := d.send(t, "POST", "/v1/verify", http.Header{"Content-Type": {contentType}}, bytes.NewReader(coded))
		if r.StatusCode != status || status != 200 && r.problem(t) != "field-encoding" {
			t.Errorf("%s: %d %s", encoding, r.StatusCode, r.body)
		}
	}
}

// raw sends octets over a connection of its own and returns the answer.
func (d *desk) raw(t *testing.T, send func(net.Conn)) *http.Response {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	send(c)
	var all bytes.Buffer
	io.Copy(&all, c)
	resp, err := http.ReadResponse(newReader(all.Bytes()), nil)
	if err != nil {
		return nil
	}
	return resp
}

// TestTruncated: a form that ends before its end, in each of its octets.
func TestTruncated(t *testing.T) {
	d := newDesk(t, nil)
	sig := d.signed(t, d.chain.Leaf, contract, false)
	body, contentType := form(t, file("signature", sig), file("document", []byte(contract)))
	for n := 0; n < len(body)-4; n += 61 {
		w := httptest.NewRecorder()
		req := httptest.NewRequest("POST", "/v1/verify", bytes.NewReader(body[:n]))
		req.Header.Set("Content-Type", contentType)
		d.service.ServeHTTP(w, req)
		if w.Code != 400 && w.Code != 422 {
			t.Fatalf("after %d octets of %d: %d %s", n, len(body), w.Code, w.Body)
		}
	}
	// The length says more than what comes.
	resp := d.raw(t, func(c net.Conn) {
		fmt.Fprintf(c, "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", contentType, len(body))
		c.Write(body[:len(body)/2])
		c.(*net.TCPConn).CloseWrite()
	})
	if resp == nil || resp.StatusCode != 400 {
		t.Errorf("%+v", resp)
	}
}

// TestSlow: a client that stops, and one that drips.
func TestSlow(t *testing.T) {
	d := newDesk(t, func(o *VerifyOptions) { o.IdleTimeout = 200 * time.Millisecond })
	head := "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n--x\r\n"
	stopped := d.raw(t, func(c net.Conn) { io.WriteString(c, head) })
	if stopped == nil || stopped.StatusCode != 408 {
		t.Errorf("a client that stops: %+v", stopped)
	}
	dripping := d.raw(t, func(c net.Conn) {
		io.WriteString(c, head)
		for range 200 {
			if _, err := io.WriteString(c, "C"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if dripping != nil && dripping.StatusCode != 408 { // nil: the connection was reset while the client wrote
		t.Errorf("a client that drips: %+v", dripping)
	}
	if !strings.Contains(d.log.String(), `"problem":"too-slow"`) || strings.Count(d.log.String(), "too-slow") != 2 {
		t.Errorf("log: %s", d.log)
	}
}

// A source is evidence that behaves as a test wants.
type source func(context.Context) error

func (s source) CRLs(ctx context.Context, _, _ *pki.Certificate) ([]*pki.RevocationList, error) {
	return nil, s(ctx)
}

func (s source) OCSP(ctx context.Context, _, _ *pki.Certificate) ([]*ocsp.Response, error) {
	return nil, s(ctx)
}

func (d *desk) withSource(s source) func(*VerifyOptions) {
	return func(o *VerifyOptions) {
		o.Verifier.Roots, o.Verifier.Revocation = pki.NewPool(), s
		o.Verifier.Roots.Add(d.chain.Root.Cert)
	}
}

// TestDecisionTimeout: evidence that does not come ends in 504, and an upload
// that takes longer than the decision does not.
func TestDecisionTimeout(t *testing.T) {
	other := newDesk(t, nil)
	d := newDesk(t, func(o *VerifyOptions) {
		other.withSource(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })(o)
		o.DecisionTimeout = 100 * time.Millisecond
	})
	r := d.post(t, "", nil, file("signature", other.signed(t, other.chain.Leaf, contract, true)))
	if r.StatusCode != 504 || r.problem(t) != "timeout" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

// TestPanic: one answer with 500, and the service lives.
func TestPanic(t *testing.T) {
	other := newDesk(t, nil)
	d := newDesk(t, other.withSource(func(context.Context) error { panic("Иванов Иван") }))
	sig := file("signature", other.signed(t, other.chain.Leaf, contract, true))
	for range 3 {
		if r := d.post(t, "", nil, sig); r.StatusCode != 500 || r.problem(t) != "internal" {
			t.Errorf("%d %s", r.StatusCode, r.body)
		}
	}
	if log := d.log.String(); strings.Count(log, `"msg":"panic"`) != 3 || strings.Contains(log, "Иванов") {
		t.Errorf("log: %s", log)
	}
	if m := string(d.send(t, "GET", "/metrics", http.Header{}, nil).body); !strings.Contains(m, "gosklyuch_panics_total 3") || !strings.Contains(m, "gosklyuch_active_verifications 0") {
		t.Errorf("metrics: %s", m)
	}
}

// TestFull: places, queue and the bound by address.
func TestFull(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*VerifyOptions)
		status int
		kind   string
	}{
		"no queue":    {func(o *VerifyOptions) { o.Parallel, o.Queue = 1, -1 }, 503, "busy"},
		"short queue": {func(o *VerifyOptions) { o.Parallel, o.Queue, o.QueueWait = 1, 1, 50*time.Millisecond }, 503, "busy"},
		"one address": {func(o *VerifyOptions) { o.Parallel, o.PerClient = 8, 1 }, 429, "too-many"},
	} {
		t.Run(name, func(t *testing.T) {
			other := newDesk(t, nil)
			entered, leave := make(chan struct{}, 8), make(chan struct{})
			d := newDesk(t, func(o *VerifyOptions) {
				other.withSource(func(context.Context) error { entered <- struct{}{}; <-leave; return errors.New("none") })(o)
				tc.change(o)
			})
			sig := file("signature", other.signed(t, other.chain.Leaf, contract, true))
			done := make(chan struct{})
			go func() { defer close(done); d.post(t, "", nil, sig) }()
			<-entered
			r := d.post(t, "", nil, sig)
			if r.StatusCode != tc.status || r.problem(t) != tc.kind || r.Header.Get("Retry-After") == "" {
				t.Errorf("%d %s %v", r.StatusCode, r.body, r.Header)
			}
			if r := d.send(t, "GET", "/v1/health", http.Header{}, nil); r.StatusCode != 200 {
				t.Errorf("health: %d", r.StatusCode)
			}
			close(leave)
			<-done
			if status, _ := d.post(t, "", nil, sig).verdict(t); status != "indeterminate" {
				t.Errorf("afterwards: %s", status)
			}
			d.service.gate.mu.Lock()
			defer d.service.gate.mu.Unlock()
			if len(d.service.gate.clients) > 0 || len(d.service.gate.queue) > 0 {
				t.Errorf("places are left: %v", d.service.gate.clients)
			}
		})
	}
}

// TestNoSpace: the temporary space of all requests together is bounded, and a
// folder that cannot be written is no verdict.
func TestNoSpace(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 3*limits.ServiceMemory)
	d := newDesk(t, func(o *VerifyOptions) { o.MaxTemp = 2 * limits.ServiceMemory })
	sig := d.signed(t, d.chain.Leaf, string(long), false)
	if r := d.post(t, "", nil, file("document", long), file("signature", sig)); r.StatusCode != 503 || r.problem(t) != "no-space" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if n := d.service.space.used.Load(); n != 0 {
		t.Errorf("%d octets were not given back", n)
	}
	if status, _ := d.post(t, "", nil, file("signature", sig), file("document", long)).verdict(t); status != "valid" {
		t.Errorf("streamed: %s", status)
	}
	nowhere := newDesk(t, func(o *VerifyOptions) { o.TempDir += "/nowhere" })
	if r := nowhere.post(t, "", nil, file("document", long), file("signature", sig)); r.StatusCode != 503 || r.problem(t) != "no-space" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

// TestGone: a client that goes away in the middle leaves nothing behind.
func TestGone(t *testing.T) {
	d := newDesk(t, nil)
	body, contentType := form(t, file("document", bytes.Repeat([]byte("x"), 2*limits.ServiceMemory)), file("signature", []byte("x")))
	for range 4 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, len(body))
		c.Write(body[:len(body)/2])
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if strings.Count(d.log.String(), `"msg":"verify"`) == 4 && d.service.space.used.Load() == 0 && len(d.service.gate.slots) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("space %d, places %d, log %s", d.service.space.used.Load(), len(d.service.gate.slots), d.log)
		}
	}
}

// TestShutdown: a request that is under way is answered, a new one is not taken.
func TestShutdown(t *testing.T) {
	other := newDesk(t, nil)
	entered, leave := make(chan struct{}, 8), make(chan struct{})
	d := newDesk(t, other.withSource(func(context.Context) error { entered <- struct{}{}; <-leave; return errors.New("none") }))
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, NewVerify(d.service), l, 10*time.Second) }()
	body, contentType := form(t, file("signature", other.signed(t, other.chain.Leaf, contract, true)))
	answered := make(chan int, 1)
	go func() {
		resp, err := http.Post("http://"+l.Addr().String()+"/v1/verify", contentType, bytes.NewReader(body))
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-entered
	stop()
	time.Sleep(50 * time.Millisecond)
	close(leave)
	if code := <-answered; code != 200 {
		t.Errorf("the request under way got %d", code)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + l.Addr().String() + "/v1/health"); err == nil {
		t.Error("it still answers")
	}
}

// TestDocumentHash: a policy for the style sheet without one allows nothing.
func TestDocumentHash(t *testing.T) {
	if p := policyForDocument([]byte("<p>no style")); !strings.Contains(p, "style-src 'none'") {
		t.Error(p)
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{5: "5 bytes", 1 << 10: "1 KiB", 4 << 30: "4 GiB", 1536 << 10: "1.5 MiB"} {
		if got := sizeText(n, verify.English); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

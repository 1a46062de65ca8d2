//go:build linux

package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/verify"
)

// clients is how many send at a time.
const clients = 64

// A request is one thing to send and the answer that is right.
type request struct {
	name        string
	weight      int
	query       string
	contentType string
	accept      string
	body        []byte
	want        string // verdict, or type of the problem
	code        int
	raw         func(context.Context, *soak) error // instead of all of it
}

// number reads a variable of the environment.
func number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number", name, v)
	}
	return n
}

// A soak is one long run.
type soak struct {
	t        *testing.T
	p        *process
	client   *http.Client
	requests []request
	total    int

	mu      sync.Mutex
	counts  map[string]int
	times   []time.Duration // of answers to honest requests
	wrong   []string
	refused atomic.Int64 // 503 busy: the limit of the machine, said honestly
}

// TestServiceSoak sends valid, broken and hostile requests from 64 clients for
// $GOSKLYUCH_SERVICE_SECONDS (default 20) and checks every answer, memory and
// descriptors. `make soak` takes 1800.
func TestServiceSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("a long run")
	}
	duration := time.Duration(number(t, "GOSKLYUCH_SERVICE_SECONDS", 20)) * time.Second
	p := newPKI(t)
	s := &soak{t: t, p: start(t, p, "--max-size", "8MiB", "--jobs", "64"), counts: map[string]int{}}
	s.client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: 2 * clients}}
	s.requests = mixture(t, p)
	for _, r := range s.requests {
		s.total += r.weight
	}
	before := s.p.sample(t, time.Now())
	samples := s.run(duration)
	s.client.CloseIdleConnections()
	time.Sleep(2 * time.Second)
	after := s.p.sample(t, time.Now())
	s.print(duration, before, after, samples)
	s.judge(duration, before, after, samples)
	s.p.stop(t)
}

// run lets the clients loose and samples the process.
func (s *soak) run(duration time.Duration) []sample {
	ctx, cancel := context.WithTimeout(s.t.Context(), duration)
	defer cancel()
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for ctx.Err() == nil {
				s.send(ctx, s.pick(random))
			}
		})
	}
	var samples []sample
	tick := time.NewTicker(max(duration/200, 250*time.Millisecond))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			samples = append(samples, s.p.sample(s.t, begin))
		case <-ctx.Done():
		}
	}
	wg.Wait()
	return samples
}

func (s *soak) pick(random *rand.Rand) *request {
	n := random.IntN(s.total)
	for i := range s.requests {
		if n -= s.requests[i].weight; n < 0 {
			return &s.requests[i]
		}
	}
	return &s.requests[0]
}

// send sends one request and checks the answer.
func (s *soak) send(ctx context.Context, r *request) {
	begin := time.Now()
	var err error
	if r.raw != nil {
		err = r.raw(ctx, s)
	} else {
		err = s.post(ctx, r)
	}
	if ctx.Err() != nil {
		return // cut off by the end of the run
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[r.name]++
	if err != nil {
		s.wrong = append(s.wrong, r.name+": "+err.Error())
	}
	if r.code == http.StatusOK && r.raw == nil {
		s.times = append(s.times, time.Since(begin))
	}
}

// post sends a form; an answer that the service is busy is asked again.
func (s *soak) post(ctx context.Context, r *request) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.p.url+"/v1/verify"+r.query, bytes.NewReader(r.body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", r.contentType)
		req.Header.Set("Accept", r.accept)
		resp, err := s.client.Do(req)
		if err != nil {
			// A client that is still sending when it is refused may see the
			// connection end instead of the answer.
			if r.code == http.StatusRequestEntityTooLarge && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)) {
				return nil
			}
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(body), "problem:busy") {
			s.refused.Add(1)
			continue
		}
		return r.check(resp, body)
	}
}

// check holds an answer against the right one.
func (r *request) check(resp *http.Response, body []byte) error {
	if resp.StatusCode != r.code {
		return fmt.Errorf("HTTP %d, not %d: %.300s", resp.StatusCode, r.code, body)
	}
	if r.code == http.StatusOK && r.accept != "" {
		if !bytes.HasPrefix(body, []byte(r.want)) {
			return fmt.Errorf("%.40q", body)
		}
		return nil
	}
	var doc struct{ Status, Type any }
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	got := fmt.Sprint(doc.Status)
	if r.code != http.StatusOK {
		got = strings.TrimPrefix(fmt.Sprint(doc.Type), "urn:gosklyuch:problem:")
	}
	if got != r.want {
		return fmt.Errorf("%s, not %s: %.300s", got, r.want, body)
	}
	return nil
}

// mixture is what is sent.
func mixture(t *testing.T, p *testPKI) []request {
	t.Helper()
	small, middle, large := []byte("Договор № 1\n"), bytes.Repeat([]byte("0123456789"), 10<<10), make([]byte, 2<<20)
	detached, attached := p.signed(t, p.leaf, small, false), p.signed(t, p.leaf, small, true)
	middleSig, largeSig := p.signed(t, p.leaf, middle, false), p.signed(t, p.leaf, large, false)
	var out []request
	add := func(name string, weight, code int, want, accept string, parts ...part) {
		body, contentType := form(t, parts...)
		out = append(out, request{name: name, weight: weight, contentType: contentType, accept: accept, body: body, want: want, code: code})
	}
	add("valid", 20, 200, "valid", "", part{"signature", detached}, part{"document", small})
	add("valid, document first", 10, 200, "valid", "", part{"document", small}, part{"signature", detached})
	add("valid, 100 KB", 20, 200, "valid", "", part{"signature", middleSig}, part{"document", middle})
	add("valid, 2 MiB streamed", 2, 200, "valid", "", part{"signature", largeSig}, part{"document", large})
	add("valid, 2 MiB spooled", 2, 200, "valid", "", part{"document", large}, part{"signature", largeSig})
	add("valid, attached", 10, 200, "valid", "", part{"signature", attached})
	add("valid, HTML", 2, 200, "<!", "text/html", part{"signature", attached})
	add("valid, PDF", 1, 200, "%PDF-", "application/pdf", part{"signature", attached})
	add("valid, XML", 2, 200, "<?xml", "application/xml", part{"signature", attached})
	add("another document", 10, 200, "invalid", "", part{"signature", detached}, part{"document", middle})
	add("revoked", 5, 200, "revoked", "", part{"signature", p.signed(t, p.bad, small, true)})
	add("unknown anchor", 5, 200, "indeterminate", "", part{"signature", p.signed(t, p.stranger, small, true)})
	add("document missing", 3, 200, "indeterminate", "", part{"signature", detached})
	add("no signature", 3, 422, "unreadable-signature", "", part{"signature", small}, part{"document", middle})
	add("signature missing", 2, 400, "no-signature", "", part{"document", small})
	add("unknown part", 2, 400, "field-unknown", "", part{"nonsense", small})
	add("giant", 1, 413, "too-large", "", part{"signature", detached}, part{"document", make([]byte, 8<<20+1)})
	add("nothing but beginnings", 1, 422, "unreadable-signature", "", part{"signature", bytes.Repeat([]byte{0x30, 0x80}, 1<<19)})
	truncated, contentType := form(t, part{"signature", detached}, part{"document", small})
	out = append(out,
		request{name: "truncated", weight: 5, contentType: contentType, body: truncated[:len(truncated)-30], want: "form", code: 400},
		request{name: "wrong type", weight: 3, contentType: "application/pkcs7-mime", body: detached, want: "content-type", code: 415},
		request{name: "hang up", weight: 3, raw: hangUp(truncated, contentType)},
		request{name: "slow", weight: 1, raw: drip(contentType)},
		request{name: "not HTTP", weight: 2, raw: nonsense(detached)},
	)
	return append(out, corrupted(t, p, attached)...)
}

// corrupted are messages with one octet changed: the library's own verdict
// about each is the right one.
func corrupted(t *testing.T, p *testPKI, message []byte) []request {
	t.Helper()
	at := p.now.Add(time.Minute).UTC().Format(time.RFC3339)
	var out []request
	for i := range 48 {
		b := slices.Clone(message)
		b[(i*len(b)/48+i*7)%len(b)] ^= byte(1 << (i % 8))
		v := p.verifier()
		v.Now = func() time.Time { return p.now.Add(time.Minute) }
		rep, err := v.Verify(t.Context(), bytes.NewReader(b), nil)
		r := request{name: "corrupted", weight: 1, query: "?at=" + at, code: 200}
		r.body, r.contentType = form(t, part{"signature", b})
		if rep == nil {
			if err == nil || errors.As(err, new(*verify.Error)) {
				t.Fatalf("no report: %v", err)
			}
			r.code, r.want = 422, "unreadable-signature"
		} else {
			r.want = rep.Verdict().String()
		}
		out = append(out, r)
	}
	return out
}

func dial(ctx context.Context, s *soak) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(s.p.url, "http://"))
	if err == nil {
		c.SetDeadline(time.Now().Add(2 * time.Minute))
	}
	return c, err
}

// hangUp goes away in the middle of a form.
func hangUp(body []byte, contentType string) func(context.Context, *soak) error {
	return func(ctx context.Context, s *soak) error {
		c, err := dial(ctx, s)
		if err != nil {
			return err
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, len(body))
		c.Write(body[:len(body)/2])
		return nil
	}
}

// drip sends an octet now and then until the service has had enough.
func drip(contentType string) func(context.Context, *soak) error {
	return func(ctx context.Context, s *soak) error {
		c, err := dial(ctx, s)
		if err != nil {
			return err
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000000\r\n\r\n", contentType)
		for begin := time.Now(); ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
			if _, err := io.WriteString(c, "x"); err != nil {
				return nil // it ended the connection
			}
			if time.Since(begin) > time.Minute {
				return errors.New("a client that drips is still served after a minute")
			}
		}
		return nil
	}
}

// nonsense sends what is not HTTP.
func nonsense(b []byte) func(context.Context, *soak) error {
	return func(ctx context.Context, s *soak) error {
		c, err := dial(ctx, s)
		if err != nil {
			return err
		}
		defer c.Close()
		c.Write(b)
		c.(*net.TCPConn).CloseWrite()
		_, err = io.Copy(io.Discard, c)
		if errors.Is(err, syscall.ECONNRESET) {
			err = nil
		}
		return err
	}
}

// window returns the median memory and the most descriptors of some samples.
func window(list []sample) (rss int64, files int) {
	if len(list) == 0 {
		return 0, 0
	}
	var all []int64
	for _, x := range list {
		all = append(all, x.rss)
		files = max(files, x.files)
	}
	slices.Sort(all)
	return all[len(all)/2], files
}

// warm returns the samples after the first minute, or after the first third of
// a short run.
func warm(duration time.Duration, samples []sample) []sample {
	from := min(time.Minute, duration/3)
	i := slices.IndexFunc(samples, func(x sample) bool { return x.after >= from })
	return samples[max(i, 0):]
}

// judge fails the test where an answer was wrong or something grew.
func (s *soak) judge(duration time.Duration, before, after sample, samples []sample) {
	for _, w := range s.wrong[:min(len(s.wrong), 20)] {
		s.t.Errorf("wrong answer: %s", w)
	}
	for _, r := range s.requests {
		if s.counts[r.name] == 0 && r.name != "slow" {
			s.t.Errorf("%s was never sent", r.name)
		}
	}
	list := warm(duration, samples)
	third := len(list) / 3
	firstRSS, firstFiles := window(list[:third])
	lastRSS, lastFiles := window(list[len(list)-third:])
	slack := int64(64 << 20) // a short run has not settled
	if duration >= 5*time.Minute {
		slack = 16 << 20
	}
	if lastRSS > firstRSS+firstRSS/10+slack {
		s.t.Errorf("memory grew from %d to %d MiB", firstRSS>>20, lastRSS>>20)
	}
	if lastFiles > firstFiles+clients/2 {
		s.t.Errorf("descriptors grew from %d to %d", firstFiles, lastFiles)
	}
	if after.files > before.files+8 {
		s.t.Errorf("%d descriptors before, %d after", before.files, after.files)
	}
	for name, most := range map[string]float64{
		"gosklyuch_panics_total": 0, "gosklyuch_spool_bytes": 0, "gosklyuch_active_verifications": 0, "gosklyuch_waiting_verifications": 0, "go_goroutines": 60,
	} {
		if v := s.p.metric(s.t, name); v > most {
			s.t.Errorf("%s is %g after the run", name, v)
		}
	}
}

// print writes the figures.
func (s *soak) print(duration time.Duration, before, after sample, samples []sample) {
	total := 0
	for _, n := range s.counts {
		total += n
	}
	slices.Sort(s.times)
	at := func(q float64) time.Duration {
		if len(s.times) == 0 {
			return 0
		}
		return s.times[int(q*float64(len(s.times)-1))].Round(100 * time.Microsecond)
	}
	s.t.Logf("%v, %d clients: %d requests (%.0f a second), %d wrong, %d times busy", duration, clients, total, float64(total)/duration.Seconds(), len(s.wrong), s.refused.Load())
	s.t.Logf("answers with a verdict: median %v, 95%% %v, 99%% %v, longest %v", at(.5), at(.95), at(.99), at(1))
	list := warm(duration, samples)
	third := len(list) / 3
	a, af := window(list[:third])
	b, bf := window(list[len(list)-third:])
	s.t.Logf("memory after the warming up: median %d MiB in the first third, %d MiB in the last; descriptors at most %d and %d", a>>20, b>>20, af, bf)
	s.t.Logf("before: %d MiB, %d descriptors, %d threads; afterwards: %d MiB (peak %d MiB), %d descriptors, %d threads",
		before.rss>>20, before.files, before.threads, after.rss>>20, after.peak>>20, after.files, after.threads)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range s.counts {
			if !yield(n) {
				return
			}
		}
	}) {
		s.t.Logf("  %7d  %s", s.counts[name], name)
	}
}

// A zeros reader gives n octets of zero.
type zeros struct{ n int64 }

// Read gives zeros.
func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	clear(p[:n])
	z.n -= n
	return int(n), nil
}

// TestUpload sends one document of $GOSKLYUCH_UPLOAD_MIB (default 48; `make
// soak` takes 2048) in each way and looks at the peak of resident memory.
func TestUpload(t *testing.T) {
	const most = 100 << 20
	size := int64(number(t, "GOSKLYUCH_UPLOAD_MIB", 48)) << 20
	p := newPKI(t)
	var sig bytes.Buffer
	p.sign(t, p.leaf, &zeros{size}, false, &sig)
	for _, name := range []string{"signature first", "document first", "attached"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, p)
			upload(t, s, func(w *multipart.Writer) error {
				signature := func() error { return write(w, "signature", bytes.NewReader(sig.Bytes())) }
				document := func() error { return write(w, "document", &zeros{size}) }
				switch name {
				case "signature first":
					return errors.Join(signature(), document())
				case "document first":
					return errors.Join(document(), signature())
				}
				f, err := w.CreateFormFile("signature", "x.p7s")
				if err == nil {
					p.sign(t, p.leaf, &zeros{size}, true, f)
				}
				return err
			})
			got := s.sample(t, time.Now())
			t.Logf("%d MiB, %s: peak of resident memory %d MiB", size>>20, name, got.peak>>20)
			if got.peak > most {
				t.Errorf("peak of resident memory %d MiB, at most %d", got.peak>>20, most>>20)
			}
			s.stop(t)
		})
	}
}

// write writes one part.
func write(w *multipart.Writer, name string, r io.Reader) error {
	f, err := w.CreateFormFile(name, name+".bin")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return err
}

// upload sends a form while it is made and expects a valid signature.
func upload(t *testing.T, s *process, parts func(*multipart.Writer) error) {
	t.Helper()
	read, pipe := io.Pipe()
	w := multipart.NewWriter(pipe)
	go func() {
		err := parts(w)
		pipe.CloseWithError(errors.Join(err, w.Close()))
	}()
	begin := time.Now()
	resp, err := http.Post(s.url+"/v1/verify", w.FormDataContentType(), read)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"status": "valid"`)) {
		t.Fatalf("%d %v %.500s", resp.StatusCode, err, body)
	}
	t.Logf("answered after %v", time.Since(begin).Round(time.Millisecond))
}

// TestLatency compares the service with the library in the same run: 100 KB,
// one after the other. The figure is what a portal pays for the way there.
func TestLatency(t *testing.T) {
	p := newPKI(t)
	document := bytes.Repeat([]byte("0123456789"), 10<<10)
	sig := p.signed(t, p.leaf, document, false)
	s := start(t, p)
	body, contentType := form(t, part{"signature", sig}, part{"document", document})
	v := p.verifier()
	var direct, service []time.Duration
	for range number(t, "GOSKLYUCH_LATENCY_ROUNDS", 60) {
		begin := time.Now()
		if _, err := v.Verify(t.Context(), bytes.NewReader(sig), bytes.NewReader(document)); err != nil {
			t.Fatal(err)
		}
		direct = append(direct, time.Since(begin))
		begin = time.Now()
		resp, err := http.Post(s.url+"/v1/verify", contentType, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		service = append(service, time.Since(begin))
		if err != nil || !bytes.Contains(answer, []byte(`"status": "valid"`)) {
			t.Fatalf("%v %.300s", err, answer)
		}
	}
	slices.Sort(direct)
	slices.Sort(service)
	a, b := direct[len(direct)/2], service[len(service)/2]
	t.Logf("100 KB: the library %v, the service over loopback %v, ratio %.2f (medians of %d)", a, b, float64(b)/float64(a), len(direct))
	if b > 10*a+20*time.Millisecond {
		t.Errorf("the service takes %v where the library takes %v", b, a)
	}
	s.stop(t)
}

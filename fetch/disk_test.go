package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// A shelf is a cache directory with a clock that a test sets.
type shelf struct {
	dir string
	mu  sync.Mutex
	at  time.Time
}

func newShelf(t *testing.T) *shelf {
	return &shelf{dir: filepath.Join(t.TempDir(), "cache"), at: time.Now()}
}

func (s *shelf) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *shelf) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(d)
}

// fetcher is what a new process would make.
func (s *shelf) fetcher(change func(*fetch.Options)) *fetch.Fetcher {
	o := inside()
	o.CacheDir, o.Now = s.dir, s.now
	if change != nil {
		change(&o)
	}
	return fetch.New(o)
}

func (s *shelf) entries(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestDiskCache: another process finds what the first one brought; after a
// while it asks whether that is current still, and the body does not travel
// again; offline it has what is there; what is damaged is fetched anew.
func TestDiskCache(t *testing.T) {
	w := newWorld(t, []string{"/list"}, nil)
	var full, asked atomic.Int64
	w.routes["/list"] = http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		rw.Header().Set("ETag", `"one"`)
		if req.Header.Get("If-None-Match") == `"one"` {
			asked.Add(1)
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		_, _ = rw.Write(w.crl)
	})
	s := newShelf(t)
	get := func(f *fetch.Fetcher) error {
		t.Helper()
		list, err := f.CRLs(t.Context(), w.leaf, w.ca)
		if err == nil && (len(list) != 1 || !bytes.Equal(list[0].Raw, w.crl)) {
			t.Error("another list came back")
		}
		return err
	}
	want := func(what string, bodies, questions int64) {
		t.Helper()
		if full.Load() != bodies || asked.Load() != questions {
			t.Errorf("%s: %d bodies and %d questions, want %d and %d", what, full.Load(), asked.Load(), bodies, questions)
		}
	}
	offline := func(o *fetch.Options) { o.Offline = true }
	if err := get(s.fetcher(offline)); !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("offline and empty: %v", err)
	}
	for range 3 {
		if err := get(s.fetcher(nil)); err != nil {
			t.Fatal(err)
		}
	}
	want("three processes", 1, 0)
	files := s.entries(t)
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	if st, err := os.Stat(files[0]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(s.dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("directory mode %v, %v", st.Mode(), err)
	}
	s.pass(10 * time.Minute)
	if err := get(s.fetcher(func(o *fetch.Options) { o.CacheAge = 5 * time.Minute })); err != nil {
		t.Fatal(err)
	}
	want("young enough when it was kept", 1, 0)
	s.pass(52 * time.Minute) // past nextUpdate and CacheAge
	if err := get(s.fetcher(nil)); err != nil {
		t.Fatal(err)
	}
	want("out of date", 1, 1)
	if err := get(s.fetcher(offline)); err != nil {
		t.Errorf("offline: %v", err)
	}
	want("offline", 1, 1)
	for name, damage := range map[string]func([]byte) []byte{
		"one bit of the body":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"one bit of the head":  func(b []byte) []byte { b[3] ^= 1; return b },
		"cut":                  func(b []byte) []byte { return b[:len(b)-1] },
		"cut inside the head":  func(b []byte) []byte { return b[:100] },
		"longer":               func(b []byte) []byte { return append(b, 0) },
		"empty":                func([]byte) []byte { return nil },
		"another key's entry":  func(b []byte) []byte { return bytes.Replace(b, []byte("/list"), []byte("/lost"), 1) },
		"another format":       func(b []byte) []byte { return bytes.Replace(b, []byte(`"format":1`), []byte(`"format":2`), 1) },
		"a size that is wrong": func(b []byte) []byte { return bytes.Replace(b, []byte(`"size":`), []byte(`"size":-`), 1) },
	} {
		if err := get(s.fetcher(nil)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := get(s.fetcher(offline)); !errors.Is(err, fetch.ErrOffline) {
			t.Errorf("%s: taken from the cache (%v)", name, err)
		}
		if _, err := os.Stat(files[0]); err == nil {
			t.Errorf("%s: not removed", name)
		}
		before := full.Load()
		if err := get(s.fetcher(nil)); err != nil || full.Load() != before+1 {
			t.Errorf("%s: not fetched anew: %v", name, err)
		}
	}
}

// TestCacheControl: the server's word bounds the reuse, in each of its forms.
func TestCacheControl(t *testing.T) {
	for _, c := range []struct {
		name   string
		header map[string]string
		fresh  time.Duration // how long no question is asked
	}{
		{"nothing said", nil, time.Hour},
		{"max-age", map[string]string{"Cache-Control": "public, max-age=600"}, 10 * time.Minute},
		{"max-age above ours", map[string]string{"Cache-Control": "max-age=99999999"}, time.Hour},
		{"max-age that is none", map[string]string{"Cache-Control": "max-age=soon"}, 0},
		{"no-store", map[string]string{"Cache-Control": "no-store"}, 0},
		{"no-cache before max-age", map[string]string{"Cache-Control": "no-cache, max-age=600"}, 0},
		{"no-cache after max-age", map[string]string{"Cache-Control": "max-age=600, no-cache"}, 0},
		{"max-age above expires", map[string]string{"Cache-Control": "max-age=600", "Expires": "0"}, 10 * time.Minute},
		{"expires", map[string]string{"Date": "Tue, 02 Jun 2026 12:00:00 GMT", "Expires": "Tue, 02 Jun 2026 12:20:00 GMT"}, 20 * time.Minute},
		{"expired", map[string]string{"Date": "Tue, 02 Jun 2026 12:00:00 GMT", "Expires": "Tue, 02 Jun 2026 11:00:00 GMT"}, 0},
		{"expires that is none", map[string]string{"Expires": "0"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil, nil)
			w.routes["/ca.cer"] = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					rw.Header().Set(k, v)
				}
				_, _ = rw.Write(w.ca.Raw)
			})
			s := newShelf(t)
			ask := func() int64 {
				t.Helper()
				if _, err := s.fetcher(nil).Issuers(t.Context(), w.leaf); err != nil {
					t.Fatal(err)
				}
				return w.hits.Load()
			}
			ask()
			want := int64(2)
			if c.fresh > 0 {
				s.pass(c.fresh - time.Second)
				if n := ask(); n != 1 {
					t.Errorf("asked again before the time: %d requests", n)
				}
				s.pass(2 * time.Second)
			}
			if n := ask(); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		})
	}
}

// TestStaleBeatsNothing: while a list is in force it is used although the
// server is gone; after that it is not.
func TestStaleBeatsNothing(t *testing.T) {
	w := newWorld(t, []string{"/ca.crl"}, nil)
	s := newShelf(t)
	short := func(o *fetch.Options) { o.CacheAge = time.Minute }
	if _, err := s.fetcher(short).CRLs(t.Context(), w.leaf, w.ca); err != nil {
		t.Fatal(err)
	}
	w.web.Close()
	s.pass(30 * time.Minute) // nextUpdate is in an hour
	if list, err := s.fetcher(short).CRLs(t.Context(), w.leaf, w.ca); err != nil || len(list) != 1 {
		t.Errorf("in force: %v", err)
	}
	s.pass(time.Hour)
	if _, err := s.fetcher(short).CRLs(t.Context(), w.leaf, w.ca); err == nil {
		t.Error("a list that ran out was used")
	}
	if list, err := s.fetcher(func(o *fetch.Options) { o.Offline = true }).CRLs(t.Context(), w.leaf, w.ca); err != nil || len(list) != 1 {
		t.Errorf("offline, for the verifier to judge: %v", err)
	}
}

// TestOCSPOnDisk: an answer is reused by another process only as long as the
// responder allows, and offline.
func TestOCSPOnDisk(t *testing.T) {
	w := newWorld(t, nil, []string{"/ocsp"})
	s := newShelf(t)
	for range 2 {
		if _, err := s.fetcher(nil).OCSP(t.Context(), w.leaf, w.ca); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.hits.Load(); n != 2 {
		t.Errorf("our responder says max-age=0, and was asked %d times of 2", n)
	}
	w.web.Close()
	r, err := s.fetcher(func(o *fetch.Options) { o.Offline = true }).OCSP(t.Context(), w.leaf, w.ca)
	if err != nil || len(r) != 1 {
		t.Errorf("offline: %v", err)
	}
	if _, err := s.fetcher(nil).OCSP(t.Context(), w.leaf, w.ca); err == nil {
		t.Error("an answer that must be asked for anew was used")
	}
}

// TestEviction: the directory stays below its bound, what is oldest goes
// first, what a dead process left goes too, and what is not ours stays.
func TestEviction(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.routes["/p/"] = body(w.crl)
	s := newShelf(t)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	left, fresh, foreign := filepath.Join(s.dir, "tmp-dead"), filepath.Join(s.dir, "tmp-alive"), filepath.Join(s.dir, "notes.txt")
	for _, name := range []string{left, fresh, foreign} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{left, foreign} {
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	one := int64(limits.FetchEntryHead + len(w.crl))
	small := func(o *fetch.Options) { o.DiskSize = 10 * one }
	for i := range 25 {
		if _, err := s.fetcher(small).GetCRL(t.Context(), fmt.Sprintf("%s/p/%d", w.web.URL, i)); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
	}
	var total int64
	kept := 0
	for _, name := range s.entries(t) {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".ev") {
			total += st.Size()
			kept++
		}
	}
	if total > 10*one || kept < 8 {
		t.Errorf("%d octets in %d files, the bound is %d", total, kept, 10*one)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what a dead process left is there")
	}
	for _, name := range []string{fresh, foreign} {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("%s was removed", name)
		}
	}
	w.web.Close()
	offline := func(o *fetch.Options) { o.Offline = true }
	if _, err := s.fetcher(offline).GetCRL(t.Context(), w.web.URL+"/p/24"); err != nil {
		t.Errorf("the newest is gone: %v", err)
	}
	if _, err := s.fetcher(offline).GetCRL(t.Context(), w.web.URL+"/p/0"); err == nil {
		t.Error("the oldest is there")
	}
}

// TestNoDisk: a directory that takes nothing costs speed, not answers.
func TestNoDisk(t *testing.T) {
	w := newWorld(t, []string{"/ca.crl"}, []string{"/ocsp"})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shelf{dir: filepath.Join(file, "cache"), at: time.Now()}
	if _, err := s.fetcher(nil).CRLs(t.Context(), w.leaf, w.ca); err != nil {
		t.Error(err)
	}
	if _, err := s.fetcher(nil).OCSP(t.Context(), w.leaf, w.ca); err != nil {
		t.Error(err)
	}
	if _, err := s.fetcher(nil).Issuers(t.Context(), w.leaf); err != nil {
		t.Error(err)
	}
}

// TestRemovedMeanwhile: another process makes room while the server says that
// the entry is current.
func TestRemovedMeanwhile(t *testing.T) {
	w := newWorld(t, nil, nil)
	s := newShelf(t)
	asked := 0
	w.routes["/ca.cer"] = http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		asked++
		rw.Header().Set("ETag", `"1"`)
		if req.Header.Get("If-None-Match") != "" {
			for _, name := range s.entries(t) {
				os.Remove(name)
			}
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = rw.Write(w.ca.Raw)
	})
	for range 2 {
		if list, err := s.fetcher(nil).Issuers(t.Context(), w.leaf); err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		s.pass(2 * time.Hour)
	}
	if asked != 3 {
		t.Errorf("%d requests: the entry was not fetched anew", asked)
	}
}

// TestTextIsKeptAsDER: what came as PEM is read back offline as it was meant;
// what is no list is not kept.
func TestTextIsKeptAsDER(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.routes["/pem"] = body(pemOf("X509 CRL", w.crl))
	w.routes["/html"] = body([]byte("<!DOCTYPE html><html></html>"))
	s := newShelf(t)
	if _, err := s.fetcher(nil).GetCRL(t.Context(), w.web.URL+"/pem"); err != nil {
		t.Fatal(err)
	}
	list, err := s.fetcher(func(o *fetch.Options) { o.Offline = true }).GetCRL(t.Context(), w.web.URL+"/pem")
	if err != nil || !bytes.Equal(list.Raw, w.crl) {
		t.Errorf("%v", err)
	}
	_, err = s.fetcher(nil).GetCRL(t.Context(), w.web.URL+"/html")
	wantKind(t, err, fetch.KindContent)
	if files := s.entries(t); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
}

// largeCRL makes a list of more than limits.FetchCRLInMemory octets.
func largeCRL(t *testing.T) (der []byte, revoked *big.Int) {
	t.Helper()
	key, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=Large CA")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	raw, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: dn, BasicConstraints: true, IsCA: true, MaxPathLen: -1,
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 1), KeyUsage: pki.KeyUsageCRLSign,
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &pki.CRLTemplate{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}
	for i := range int64(190_000) {
		tmpl.Entries = append(tmpl.Entries, pki.RevokedEntry{Serial: big.NewInt(1<<50 + i), At: now.Add(-time.Hour), Reason: pki.ReasonAbsent})
	}
	if der, err = pki.CreateCRL(nil, tmpl, ca, key); err != nil {
		t.Fatal(err)
	}
	if len(der) <= limits.FetchCRLInMemory {
		t.Fatalf("the list has only %d octets", len(der))
	}
	return der, big.NewInt(1<<50 + 77)
}

// TestLargeCRL: a large list is read in its file, now, by the next process,
// and where the file was replaced or removed meanwhile.
func TestLargeCRL(t *testing.T) {
	der, revoked := largeCRL(t)
	w := newWorld(t, nil, nil)
	w.routes["/large"] = body(der)
	s := newShelf(t)
	for _, f := range []*fetch.Fetcher{s.fetcher(nil), s.fetcher(nil), s.fetcher(func(o *fetch.Options) { o.Offline = true })} {
		list, err := f.GetCRL(t.Context(), w.web.URL+"/large")
		if err != nil {
			t.Fatal(err)
		}
		if !list.InFile() {
			t.Error("the list is in memory")
		}
		for _, name := range s.entries(t) {
			os.Remove(name + ".away")
			if err := os.Rename(name, name+".away"); err != nil {
				t.Fatal(err)
			}
			if e, ok, err := list.Find(revoked); err != nil || !ok || e.Serial.Cmp(revoked) != 0 {
				t.Error("the entry is not found in a file that was renamed")
			}
			if err := os.Rename(name+".away", name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := w.hits.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	w.routes["/bad"] = body(append(bytes.Clone(der[:len(der)-100]), make([]byte, 99)...))
	if _, err := s.fetcher(nil).GetCRL(t.Context(), w.web.URL+"/bad"); err == nil {
		t.Error("a list that is cut was read")
	}
	if n := len(s.entries(t)); n != 1 {
		t.Errorf("%d files", n)
	}
}

// TestProcesses: several processes and goroutines fetch, replace and evict in
// one directory; whoever reads gets a whole list or none.
func TestProcesses(t *testing.T) {
	const env = "FETCH_TEST_PROCESS"
	if where := os.Getenv(env); where != "" {
		dir, url, _ := strings.Cut(where, "|")
		hammer(t, dir, url)
		return
	}
	w := newWorld(t, nil, nil)
	w.routes["/p/"] = body(w.crl)
	dir := filepath.Join(t.TempDir(), "cache")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestProcesses$")
			cmd.Env = append(os.Environ(), env+"="+dir+"|"+w.web.URL)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	list, err := filepath.Glob(filepath.Join(dir, "tmp-*"))
	if err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// hammer is one of the processes.
func hammer(t *testing.T, dir, url string) {
	t.Helper()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 25 {
				o := inside()
				o.CacheDir, o.DiskSize, o.CacheAge = dir, 5*(limits.FetchEntryHead+1000), time.Nanosecond
				list, err := fetch.New(o).GetCRL(t.Context(), fmt.Sprintf("%s/p/%d", url, (g+i)%8))
				if err != nil || len(list.Raw) == 0 {
					t.Errorf("%v", err)
				}
				o.Offline = true
				_, err = fetch.New(o).GetCRL(t.Context(), fmt.Sprintf("%s/p/%d", url, i%8))
				if err != nil && !errors.Is(err, fetch.ErrOffline) {
					t.Errorf("offline: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// A want is one thing to be had from memory, from disk or by GET, in this
// order.
type want struct {
	key   string
	q     query
	what  string // for errors: "a certificate revocation list"
	many  bool   // PEM may hold several objects
	large bool   // parse can read from a file; see limits.FetchCRLInMemory
	// timeless: the thing stays right without a nextUpdate.
	timeless bool
	// parse reads a body: from data, or from file where large. It keeps file
	// open if it needs it.
	parse func(data []byte, file *io.SectionReader) (thing, error)
}

// A thing is what was parsed.
type thing struct {
	value      any
	size       int64     // what it costs in memory
	nextUpdate time.Time // zero: none
	inFile     bool      // the value reads from the file, which must stay open
}

// rememberAtLeast is how long evidence is reused within a process whatever the
// server says: a verification asks for the same list several times.
const rememberAtLeast = time.Minute

// obtain finds or fetches one thing.
func (f *Fetcher) obtain(ctx context.Context, w want) (any, error) {
	return f.cache.get(ctx, w.key, f.o.Now, func() (any, int64, time.Time, error) {
		t, life, err := f.find(ctx, w)
		if err != nil {
			return nil, 0, time.Time{}, err
		}
		if f.disk == nil {
			life = f.o.CacheAge // there are no validators to ask with
		}
		return t.value, t.size, f.expiry(t.nextUpdate, max(life, rememberAtLeast)), nil
	})
}

// find looks on disk and asks the server. The duration is how long what was
// found is fresh.
func (f *Fetcher) find(ctx context.Context, w want) (thing, time.Duration, error) {
	old := f.disk.open(w.key)
	if old != nil && (f.o.Offline || old.fresh(f.o.Now())) {
		t, err := old.parse(w)
		if err == nil {
			return t, old.left(f.o.Now()), nil
		}
		f.disk.remove(w.key)
		old = nil
	}
	if f.o.Offline {
		return thing{}, 0, offline()
	}
	t, life, err := f.download(ctx, w, old)
	switch {
	case old == nil:
	case err != nil && ctx.Err() == nil && (w.timeless || !old.NextUpdate.IsZero() && old.inForce(f.o.Now())):
		// What is at hand is in force still: better than nothing, and its own
		// thisUpdate says how old it is.
		if t, perr := old.parse(w); perr == nil {
			return t, 0, nil
		}
	default:
		old.close()
	}
	return t, life, err
}

// left is how long an entry is fresh from now on.
func (s *stored) left(now time.Time) time.Duration {
	return s.checked.Add(time.Duration(s.Lifetime) * time.Second).Sub(now)
}

// parse parses an entry and closes its file unless the value reads from it.
func (s *stored) parse(w want) (thing, error) {
	t, err := w.read(s.body())
	if err != nil || !t.inFile {
		s.close()
	}
	return t, err
}

// read parses a body that lies in a file.
func (w want) read(body *io.SectionReader) (thing, error) {
	if w.large && body.Size() > limits.FetchCRLInMemory {
		return w.parse(nil, body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return thing{}, err
	}
	return w.parse(data, nil)
}

// download asks the server; with the validators of old, if there is one. Where
// the disk fails, or another process has just removed what the server calls
// current, it asks once more and does without the disk.
func (f *Fetcher) download(ctx context.Context, w want, old *stored) (thing, time.Duration, error) {
	t, life, err := f.exchange(ctx, w, old, f.disk)
	if errors.Is(err, errDisk) {
		return f.exchange(ctx, w, nil, nil)
	}
	return t, life, err
}

// exchange is one request and its answer, kept on the disk d if there is one.
func (f *Fetcher) exchange(ctx context.Context, w want, old *stored, d *disk) (thing, time.Duration, error) {
	if old != nil {
		w.q.etag, w.q.modified = old.ETag, old.Modified
	}
	r, err := f.send(ctx, w.q)
	if err != nil {
		return thing{}, 0, err
	}
	defer r.close()
	life := f.lifetime(r.Header)
	if r.StatusCode == http.StatusNotModified {
		again := d.open(w.key) // old is the caller's
		if again == nil {
			return thing{}, 0, &Error{Kind: KindContent, URL: show(r.url), Err: failing(errDamaged)}
		}
		d.touch(w.key, f.o.Now())
		t, err := again.parse(w)
		return t, life, err
	}
	t, err := f.receive(r, w, life, d)
	return t, life, err
}

// receive reads the body of a reply into the cache, or into memory where there
// is none, and parses it.
func (f *Fetcher) receive(r *reply, w want, life time.Duration, d *disk) (thing, error) {
	in := d.create()
	if in == nil {
		data, err := r.read(w.q.max)
		if err != nil {
			return thing{}, err
		}
		return f.parseText(w, data)
	}
	t, err := f.receiveFile(r, w, in)
	if err != nil {
		in.abort()
		return thing{}, err
	}
	in.commit(entryHead{
		Key: w.key, ETag: r.Header.Get("ETag"), Modified: r.Header.Get("Last-Modified"),
		Lifetime: int64(life / time.Second), NextUpdate: t.nextUpdate,
	}, t.inFile)
	return t, nil
}

// receiveFile streams a body into a file. What is large and DER stays there;
// anything else is looked at in memory, and what came as text is kept as DER.
func (f *Fetcher) receiveFile(r *reply, w want, in *incoming) (thing, error) {
	if err := r.copy(in, w.q.max); err != nil {
		return thing{}, err
	}
	body := in.body()
	if w.large && body.Size() > limits.FetchCRLInMemory && startsDER(body) {
		t, err := w.parse(nil, body)
		return t, f.content(w, err)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return thing{}, failing(err)
	}
	plain, err := f.decode(w, data)
	if err != nil {
		return thing{}, err
	}
	if !bytes.Equal(plain, data) {
		if err := in.reset(); err != nil {
			return thing{}, err
		}
		if _, err := in.Write(plain); err != nil {
			return thing{}, err
		}
	}
	t, err := w.parse(plain, nil)
	return t, f.content(w, err)
}

// startsDER says whether a large body begins with a SEQUENCE of as many octets.
func startsDER(body *io.SectionReader) bool {
	var b [2]byte
	_, err := body.ReadAt(b[:], 0)
	return err == nil && b[0] == 0x30 && b[1] >= 0x80
}

// parseText parses a body in memory, in whatever form it came.
func (f *Fetcher) parseText(w want, data []byte) (thing, error) {
	data, err := f.decode(w, data)
	if err != nil {
		return thing{}, err
	}
	t, err := w.parse(data, nil)
	return t, f.content(w, err)
}

// content wraps an error of parsing.
func (f *Fetcher) content(w want, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindContent, URL: showRaw(w.q.url), Detail: "not " + w.what, Err: err}
}

// decode takes objects out of PEM or Base64; several are put one after the
// other. What is something else entirely, such as an HTML page with status 200,
// is named.
func (f *Fetcher) decode(w want, data []byte) ([]byte, error) {
	blocks, err := der.Decode(data)
	var not *der.NotDERError
	switch {
	case errors.As(err, &not):
		return nil, &Error{Kind: KindContent, URL: showRaw(w.q.url), Detail: fmt.Sprintf("the server sent %s, not %s", not.Kind, w.what)}
	case err != nil:
		return nil, &Error{Kind: KindContent, URL: showRaw(w.q.url), Detail: "the server did not send " + w.what, Err: err}
	case len(blocks) == 0 || len(blocks) != 1 && !w.many:
		return nil, &Error{Kind: KindContent, URL: showRaw(w.q.url), Detail: fmt.Sprintf("the server sent %d objects, not one", len(blocks))}
	}
	if len(blocks) == 1 {
		return blocks[0].Bytes, nil
	}
	var out []byte
	for _, b := range blocks {
		out = append(out, b.Bytes...)
	}
	return out, nil
}

// lifetime is how long a reply may be used without asking again: what the
// server says (RFC 9111, section 4.2.1), at most CacheAge, and CacheAge where
// it says nothing. Evidence is public and signed, so "no-store" and "private"
// mean only that it is asked for each time.
func (f *Fetcher) lifetime(h http.Header) time.Duration {
	age, said := f.o.CacheAge, false
	for _, d := range strings.Split(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32)
			if err != nil || n < 0 {
				return 0 // "SHOULD be treated as stale" (section 4.2.1)
			}
			age, said = min(age, time.Duration(n)*time.Second), true
		}
	}
	if said { // section 5.3: "a recipient MUST ignore the Expires header field"
		return age
	}
	if expires := h.Get("Expires"); expires != "" {
		t, err := http.ParseTime(expires)
		date, derr := http.ParseTime(h.Get("Date"))
		if err != nil || derr != nil {
			return 0
		}
		return min(age, max(0, t.Sub(date)))
	}
	return age
}

package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// ListsOptions tunes [ListsHandler]. The zero value is good.
type ListsOptions struct {
	Log *slog.Logger     // nil: no log
	Now func() time.Time // nil: time.Now
	// MaxAge bounds how long others may keep a list without asking; nextUpdate
	// does too. Zero is ten minutes, less than zero is not at all.
	MaxAge time.Duration
	// Expect names the lists that must be there and in date: see
	// [PublishedLists.Late]. nil: the complete list.
	Expect []string
}

// ListsHandler serves the revocation lists that an authority publishes into a
// folder (ca.Issuer.Publish), each under its file name, with the headers of its
// dates: Cache-Control and Expires never reach beyond nextUpdate. It answers
// GET and HEAD, conditional and range requests, from the file in a stream; mount
// it in a [Router] with a pattern that ends in "/". Other files of the folder
// are not served.
func ListsHandler(dir string, o ListsOptions) *PublishedLists {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxAge == 0 {
		o.MaxAge = 10 * time.Minute
	}
	if o.Expect == nil {
		o.Expect = []string{ca.CompleteList}
	}
	return &PublishedLists{dir: dir, o: o, known: map[string]listHead{}}
}

// listName is what published lists are called.
var listName = regexp.MustCompile(`^ca(-[0-9]{1,4}of[0-9]{1,4})?(-delta)?\.crl$`)

// PublishedLists is the folder of a [ListsHandler]. It may be used by several
// goroutines.
type PublishedLists struct {
	dir   string
	o     ListsOptions
	mu    sync.Mutex
	known map[string]listHead // by file name, of which listName allows few that exist
}

// listHead is what the headers need to know of a file.
type listHead struct {
	file       os.FileInfo // for which the rest was read
	this, next time.Time
	tag        string
}

// ServeHTTP answers one request.
func (h *PublishedLists) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(req.URL.Path, "/")
	if !listName.MatchString(name) {
		http.NotFound(w, req)
		return
	}
	f, err := os.Open(filepath.Join(h.dir, name))
	if err != nil {
		if !os.IsNotExist(err) {
			h.o.Log.Error("list", "name", name, "error", err)
		}
		http.NotFound(w, req)
		return
	}
	defer f.Close()
	head, err := h.head(name, f)
	if err != nil {
		h.o.Log.Error("list", "name", name, "error", err)
		unavailable(w)
		return
	}
	hd := w.Header()
	hd.Set("Content-Type", TypeCRL)
	hd.Set("ETag", head.tag)
	age := min(h.o.MaxAge, head.next.Sub(h.o.Now()))
	if age < time.Second {
		hd.Set("Cache-Control", "max-age=0, must-revalidate")
	} else {
		hd.Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(age.Seconds())))
		hd.Set("Expires", h.o.Now().Add(age).UTC().Format(http.TimeFormat))
	}
	// The server's time for an answer is for small ones.
	slow := 30*time.Second + time.Duration(head.file.Size()/limits.ListRate)*time.Second
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slow)) //nolint:errcheck,gosec // without it the server's own time holds
	http.ServeContent(w, req, "", head.this, f)
	h.o.Log.Info("list", "name", name, "method", req.Method, "octets", head.file.Size())
}

// NextUpdate reads until when a list of the folder is valid, by its file name;
// the zero time where it cannot be read or does not say so.
func (h *PublishedLists) NextUpdate(name string) time.Time {
	f, err := os.Open(filepath.Join(h.dir, name))
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	head, err := h.head(name, f)
	if err != nil {
		return time.Time{}
	}
	return head.next
}

// Late reports whether a list that is expected is missing or its nextUpdate has
// gone by: who relies on it then knows no longer what is revoked.
//
// RFC 5280, section 5.1.2.5: "The next CRL could be issued before the indicated
// date, but it will not be issued any later than the indicated date."
func (h *PublishedLists) Late() bool {
	for _, name := range h.o.Expect {
		if !h.o.Now().Before(h.NextUpdate(name)) {
			return true
		}
	}
	return false
}

// head reads the dates of a list, once for each file that takes its name.
func (h *PublishedLists) head(name string, f *os.File) (listHead, error) {
	st, err := f.Stat()
	if err != nil {
		return listHead{}, err
	}
	if !st.Mode().IsRegular() {
		return listHead{}, fmt.Errorf("server: %s is not a regular file", name)
	}
	h.mu.Lock()
	defer h.mu.Unlock() // one reader for all who wait: a new list is read once
	if k, ok := h.known[name]; ok && os.SameFile(k.file, st) && k.file.Size() == st.Size() && k.file.ModTime().Equal(st.ModTime()) {
		return k, nil
	}
	list, err := pki.OpenRevocationList(f, st.Size())
	if err != nil {
		return listHead{}, err
	}
	// The signature changes with every octet of the list.
	sum := sha256.Sum256(list.Signature)
	k := listHead{file: st, this: list.ThisUpdate.UTC(), next: list.NextUpdate, tag: `"` + hex.EncodeToString(sum[:16]) + `"`}
	h.known[name] = k
	return k, nil
}

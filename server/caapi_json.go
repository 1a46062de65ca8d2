package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"unicode"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

func mediaType(req *http.Request) string {
	t, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// readJSON reads one object with known members, each of which stands once.
func readJSON(req *http.Request, v any) error {
	body, err := io.ReadAll(req.Body) // bounded by ServeHTTP
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow(err)
	case err != nil:
		return badJSON(err)
	}
	if err := checkJSON(body); err != nil {
		return badJSON(err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return badJSON(err)
	}
	return nil
}

// checkJSON refuses what two readers may understand in two ways: a member that
// stands twice (RFC 8259, section 4: "The names within an object SHOULD be
// unique"), in letters of another case too, since package encoding/json takes
// both for one; and more than one value. Deep nesting is refused as well:
// nothing here is deep.
func checkJSON(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var open []map[string]bool // of each value that is open: its names, nil for an array
	name := false              // a name is expected
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return errors.New("server: JSON: it ends in the middle")
		}
		if err != nil {
			return err
		}
		last := len(open) - 1
		switch d, delim := t.(json.Delim); {
		case last < 0 && d != '{':
			return errors.New("server: JSON: not an object")
		case delim && (d == '{' || d == '['):
			if len(open) >= limits.CAServerDepth {
				return fmt.Errorf("server: JSON: deeper than %d", limits.CAServerDepth)
			}
			var names map[string]bool
			if d == '{' {
				names = map[string]bool{}
			}
			open = append(open, names)
		case delim:
			open = open[:last]
		case name:
			if err := addName(open[last], t); err != nil {
				return err
			}
			name = false
			continue
		}
		if len(open) == 0 {
			break
		}
		name = open[len(open)-1] != nil
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("server: JSON: more than one value")
	}
	return nil
}

// addName takes the name of a member. All names here are ASCII; of others the
// decoder takes some for the same (U+017F and "s").
func addName(known map[string]bool, t json.Token) error {
	text, ok := t.(string)
	key := strings.ToLower(text)
	switch {
	case !ok || strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }):
		return errors.New("server: JSON: an unknown member")
	case known[key]:
		return errors.New("server: JSON: a member stands twice")
	}
	known[key] = true
	return nil
}

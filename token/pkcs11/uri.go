package pkcs11

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// scheme starts every URI (RFC 7512, section 2.3).
const scheme = "pkcs11:"

// maxURI bounds a URI in octets: every attribute is a short fixed field of the
// specification, but for paths.
const maxURI = 8 << 10

// A URI names a token or an object on one (RFC 7512). Empty fields fit
// everything. Slot numbers are not in it: they change when a reader is plugged
// in.
type URI struct {
	// Attributes of the path.
	Token, Serial, Manufacturer, Model      string // CK_TOKEN_INFO
	Object, Type                            string // CKA_LABEL; "private", "public", "cert", "data"
	ID                                      []byte // CKA_ID
	SlotDescription, SlotManufacturer       string // CK_SLOT_INFO
	LibraryDescription, LibraryManufacturer string // CK_INFO
	LibraryVersion                          string // "1" or "1.2"
	// Attributes of the query.
	ModulePath, ModuleName string
	PINSource              string // a file, as a path or a file: URI
	PINValue               []byte // the PIN itself; PINSource is the safer way
}

// A URIError says what is wrong with a URI.
type URIError struct {
	Attribute string // empty for the URI as a whole
	Why       string
}

// Error names the attribute. It never holds the value of pin-value.
func (e *URIError) Error() string {
	if e.Attribute == "" {
		return "pkcs11: URI: " + e.Why
	}
	return fmt.Sprintf("pkcs11: URI: %s: %s", e.Attribute, e.Why)
}

// IsURI says whether text looks like a URI of this kind.
func IsURI(text string) bool {
	return len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme)
}

// ParseURI reads a URI. An attribute that is not known is an error, so that a
// misspelt pin-source cannot end as a question for the PIN; vendor attributes,
// which start with "x-", are passed over.
func ParseURI(text string) (*URI, error) {
	if len(text) > maxURI {
		return nil, &URIError{Why: fmt.Sprintf("longer than %d octets", maxURI)}
	}
	if !IsURI(text) {
		return nil, &URIError{Why: "does not start with pkcs11:"}
	}
	path, query, _ := strings.Cut(text[len(scheme):], "?")
	u := new(URI)
	if err := u.parsePart(path, ";", u.pathField); err != nil {
		return nil, err
	}
	if err := u.parsePart(query, "&", u.queryField); err != nil {
		return nil, err
	}
	// RFC 7512, section 2.4: "If a URI contains both "pin-source" and
	// "pin-value" query attributes, the URI SHOULD be refused as invalid."
	if u.PINSource != "" && u.PINValue != nil {
		return nil, &URIError{Attribute: "pin-source", Why: "given together with pin-value"}
	}
	// The canonical form escapes what the text may have left bare, three octets
	// for one: what is accepted must still be readable after String.
	if len(u.String()) > maxURI {
		return nil, &URIError{Why: fmt.Sprintf("longer than %d octets when every octet that needs it is escaped", maxURI)}
	}
	return u, nil
}

// parsePart reads the attributes of the path or the query.
func (u *URI) parsePart(part, separator string, set func(name string, value []byte) error) error {
	if part == "" {
		return nil
	}
	seen := map[string]bool{}
	for _, pair := range strings.Split(part, separator) {
		name, escaped, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return &URIError{Why: "every attribute has the form name=value"}
		}
		if seen[name] {
			return &URIError{Attribute: name, Why: "given twice"}
		}
		seen[name] = true
		value, err := unescape(escaped)
		if err != nil {
			return &URIError{Attribute: name, Why: err.Error()}
		}
		// The identifier and the PIN are octets, everything else is text.
		if name != "id" && name != "pin-value" && !utf8.Valid(value) {
			return &URIError{Attribute: name, Why: "is not UTF-8 text"}
		}
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (u *URI) pathField(name string, value []byte) error {
	field := map[string]*string{
		"token": &u.Token, "serial": &u.Serial, "manufacturer": &u.Manufacturer, "model": &u.Model,
		"object": &u.Object, "type": &u.Type,
		"slot-description": &u.SlotDescription, "slot-manufacturer": &u.SlotManufacturer,
		"library-description": &u.LibraryDescription, "library-manufacturer": &u.LibraryManufacturer,
		"library-version": &u.LibraryVersion,
	}[name]
	switch {
	case name == "id":
		u.ID = value
	case name == "slot-id":
		return &URIError{Attribute: name, Why: "slot numbers change when a reader is plugged in; name the token by token= or serial="}
	case field == nil && strings.HasPrefix(name, "x-"):
	case field == nil:
		return &URIError{Attribute: name, Why: "is not an attribute of the path"}
	default:
		*field = string(value)
	}
	switch u.Type {
	case "", "private", "public", "cert", "data", "secret-key":
		return nil
	}
	return &URIError{Attribute: "type", Why: "is none of private, public, cert, data, secret-key"}
}

func (u *URI) queryField(name string, value []byte) error {
	switch {
	case name == "pin-source" || name == "module-path" || name == "module-name":
		if len(value) == 0 || bytes.ContainsRune(value, 0) {
			return &URIError{Attribute: name, Why: "is empty or has a zero octet"}
		}
		*map[string]*string{"pin-source": &u.PINSource, "module-path": &u.ModulePath, "module-name": &u.ModuleName}[name] = string(value)
		if name == "module-name" && strings.ContainsAny(u.ModuleName, `/\`) {
			return &URIError{Attribute: name, Why: "is a path; use module-path"}
		}
	case name == "pin-value":
		u.PINValue = value
	case !strings.HasPrefix(name, "x-"):
		return &URIError{Attribute: name, Why: "is not an attribute of the query"}
	}
	return nil
}

// unescape undoes percent-encoding.
func unescape(s string) ([]byte, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return nil, fmt.Errorf("%% without two hexadecimal digits")
		}
		b, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return nil, fmt.Errorf("%% without two hexadecimal digits")
		}
		out = append(out, b[0])
		i += 2
	}
	return out, nil
}

// unreserved are the characters that need no escape in an attribute of the path
// or the query: RFC 7512, section 2.3, pk11-res-avail without the delimiters.
const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]@!$'()*+,="

func escape(b *strings.Builder, value string) {
	for i := range len(value) {
		if strings.IndexByte(unreserved, value[i]) >= 0 {
			b.WriteByte(value[i])
		} else {
			fmt.Fprintf(b, "%%%02X", value[i])
		}
	}
}

// String writes the URI. A PIN is left out; its source is not.
func (u *URI) String() string {
	var b strings.Builder
	b.WriteString(scheme)
	sep := ""
	add := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteString(sep + name + "=")
		escape(&b, value)
		sep = ";"
	}
	add("library-manufacturer", u.LibraryManufacturer)
	add("library-description", u.LibraryDescription)
	add("library-version", u.LibraryVersion)
	add("slot-manufacturer", u.SlotManufacturer)
	add("slot-description", u.SlotDescription)
	add("model", u.Model)
	add("manufacturer", u.Manufacturer)
	add("serial", u.Serial)
	add("token", u.Token)
	if u.ID != nil {
		// RFC 7512, section 2.3: the identifier is binary and percent-encoded as
		// a whole.
		b.WriteString(sep + "id=")
		for _, c := range u.ID {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		sep = ";"
	}
	add("object", u.Object)
	add("type", u.Type)
	for i, q := range []struct{ name, value string }{
		{"module-path", u.ModulePath}, {"module-name", u.ModuleName}, {"pin-source", u.PINSource},
	} {
		if i == 0 {
			sep = "?"
		}
		if q.value != "" {
			b.WriteString(sep + q.name + "=")
			escapeQuery(&b, q.value)
			sep = "&"
		}
	}
	return b.String()
}

// escapeQuery leaves slashes as they are: RFC 7512, section 2.3 allows them in
// the query, and paths stay readable.
func escapeQuery(b *strings.Builder, value string) {
	for i, part := range strings.Split(value, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		escape(b, part)
	}
}

// fitsToken says whether the token in a slot is the one that is meant.
func (u *URI) fitsToken(t tokenInfo) bool {
	return fits(u.Token, t.label) && fits(u.Serial, t.serial) && fits(u.Manufacturer, t.manufacturer) && fits(u.Model, t.model)
}

// fitsSlot says whether the slot is one that is meant.
func (u *URI) fitsSlot(s slotInfo) bool {
	return fits(u.SlotDescription, s.description) && fits(u.SlotManufacturer, s.manufacturer)
}

// fitsLibrary says whether the module is the one that is meant.
func (u *URI) fitsLibrary(i moduleInfo) bool {
	version := fmt.Sprintf("%d.%d", i.major, i.minor)
	return fits(u.LibraryDescription, i.description) && fits(u.LibraryManufacturer, i.manufacturer) &&
		(u.LibraryVersion == "" || u.LibraryVersion == version || i.minor == 0 && u.LibraryVersion == fmt.Sprint(i.major))
}

func fits(want, got string) bool { return want == "" || want == got }

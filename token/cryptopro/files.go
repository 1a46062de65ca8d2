package cryptopro

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The files of a container.
const (
	fileHeader   = "header.key"
	fileName     = "name.key"
	filePrimary  = "primary.key"
	fileMasks    = "masks.key"
	filePrimary2 = "primary2.key"
	fileMasks2   = "masks2.key"
)

func fileNames() []string {
	return []string{fileHeader, fileName, filePrimary, fileMasks, filePrimary2, fileMasks2}
}

// IsContainer says whether dir is a folder that holds header.key and at least
// one more file of a container, whole or not. Names are compared without regard
// to case, as sticks have them.
func IsContainer(dir string) bool {
	found, err := list(dir)
	return err == nil && found[fileHeader] != "" && len(found) > 1
}

// list returns the paths of the container's files in dir by their proper names.
func list(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	found := map[string]string{}
	for _, e := range entries {
		for _, name := range fileNames() {
			if strings.EqualFold(e.Name(), name) && found[name] == "" {
				found[name] = filepath.Join(dir, e.Name())
			}
		}
	}
	return found, nil
}

// Load reads the container in dir without its password.
func Load(dir string) (*Container, error) {
	paths, err := list(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, path := range paths {
		b, err := readFile(path)
		if err != nil {
			return nil, err
		}
		files[name] = b
	}
	defer func() {
		for _, b := range files {
			clear(b)
		}
	}()
	return Parse(files)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cryptopro: %w", &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")})
	}
	b, err := io.ReadAll(io.LimitReader(f, limits.KeyFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cryptopro: %w", err)
	}
	return b, nil
}

// Parse is [Load] for files in memory: names such as "header.key" and their
// contents, which are copied. name.key and one of the two copies of the key may
// be missing.
func Parse(files map[string][]byte) (*Container, error) {
	for _, name := range fileNames() {
		if len(files[name]) > limits.KeyFileBytes {
			return nil, &DamagedError{name, fmt.Sprintf("it has more than %d octets", limits.KeyFileBytes)}
		}
	}
	if _, ok := files[fileHeader]; !ok {
		return nil, ErrNotContainer
	}
	c := &Container{pairs: []*pair{
		parsePair(files, 1, fileMasks, filePrimary),
		parsePair(files, 2, fileMasks2, filePrimary2),
	}}
	// Before the header, whose form in such containers may differ.
	for _, p := range c.pairs {
		if unsupported := (*UnsupportedError)(nil); errors.As(p.err, &unsupported) {
			return nil, unsupported
		}
	}
	var err error
	if c.head, err = parseHeader(files[fileHeader]); err != nil {
		return nil, err
	}
	if c.pairs[0].err != nil && c.pairs[1].err != nil {
		return nil, c.pairs[0].err
	}
	c.Name = c.head.name
	c.HasPassword = c.head.hasPassword
	c.Entry, c.Second = c.head.primary, c.head.secondary
	c.readName(files)
	return c, nil
}

// readName takes the name from name.key. It is text for people and nothing
// depends on it, so that its absence is only worth a warning.
func (c *Container) readName(files map[string][]byte) {
	data, ok := files[fileName]
	if !ok {
		c.Warnings = append(c.Warnings, &DamagedError{fileName, "it is missing"})
		return
	}
	in := cryptobyte.String(data)
	var body, content cryptobyte.String
	var tag asn1.Tag
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadAnyASN1(&content, &tag) {
		c.Warnings = append(c.Warnings, &DamagedError{fileName, "it holds no name"})
		return
	}
	if name := nameText(byte(tag), content); name != "" {
		c.Name = name
	}
}

// nameText decodes a container's name. Names with Cyrillic letters are UTF-8 or
// Windows-1251 under the tag of IA5String.
func nameText(tag byte, content []byte) string {
	text, deviation, known := der.DecodeString(tag, content)
	if known && deviation != "" && !isUTF8(content) {
		return decode1251(content)
	}
	return text
}

// pair is one copy of the keys: masks.key with primary.key, or the same with 2.
type pair struct {
	number  int
	masks   string // file names
	primary string
	err     error // why it cannot be used

	mask, salt, mac []byte
	keys            [2][]byte // encrypted; the second nil if there is none
}

// parsePair reads a copy; what is wrong is kept in err, for the other copy may
// be whole.
func parsePair(files map[string][]byte, number int, masks, primary string) *pair {
	p := &pair{number: number, masks: masks, primary: primary}
	p.err = p.parse(files)
	return p
}

func (p *pair) parse(files map[string][]byte) error {
	for _, name := range []string{p.masks, p.primary} {
		if _, ok := files[name]; !ok {
			return &DamagedError{name, "it is missing"}
		}
	}
	if err := p.parseMasks(files[p.masks]); err != nil {
		return err
	}
	return p.parsePrimary(files[p.primary])
}

// parseMasks reads
//
//	GostPrivateMasks ::= SEQUENCE {
//	    mask        OCTET STRING (SIZE (32 | 64)),
//	    randomStatus OCTET STRING (SIZE (12)),      -- the salt
//	    hmacRandom  OCTET STRING (SIZE (4)) }
func (p *pair) parseMasks(data []byte) error {
	in := cryptobyte.String(data)
	var body, first cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return &DamagedError{p.masks, "it is not a SEQUENCE"}
	}
	if body.PeekASN1Tag(asn1.SEQUENCE) {
		// CSP 5: SEQUENCE { SEQUENCE { OID 1.2.643.2.2.37.4 … }, … }.
		var kind oid.OID
		if !body.ReadASN1(&first, asn1.SEQUENCE) || !oid.Read(&first, &kind) {
			return &DamagedError{p.masks, "mask: not an OCTET STRING"}
		}
		return &UnsupportedError{What: "key container of the kind", OID: kind}
	}
	for _, f := range []struct {
		name string
		out  *[]byte
		size []int
	}{{"mask", &p.mask, []int{32, 64}}, {"salt", &p.salt, []int{saltSize}}, {"checksum", &p.mac, []int{macSize}}} {
		if err := readOctets(&body, asn1.OCTET_STRING, f.out, f.size); err != nil {
			return &DamagedError{p.masks, f.name + ": " + err.Error()}
		}
	}
	if !body.Empty() {
		return &DamagedError{p.masks, "data after the checksum"}
	}
	return nil
}

// parsePrimary reads
//
//	GostPrivateKeys ::= SEQUENCE {
//	    primaryKey    OCTET STRING,
//	    secondaryKey  [0] IMPLICIT OCTET STRING OPTIONAL,
//	    hmacKey       [1] IMPLICIT OCTET STRING OPTIONAL }   -- an old form
func (p *pair) parsePrimary(data []byte) error {
	in := cryptobyte.String(data)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return &DamagedError{p.primary, "it is not a SEQUENCE"}
	}
	size := []int{len(p.mask)}
	if err := readOctets(&body, asn1.OCTET_STRING, &p.keys[0], size); err != nil {
		return &DamagedError{p.primary, "key: " + err.Error()}
	}
	second := asn1.Tag(0).ContextSpecific()
	if body.PeekASN1Tag(second) {
		if err := readOctets(&body, second, &p.keys[1], size); err != nil {
			return &DamagedError{p.primary, "second key: " + err.Error()}
		}
	}
	if body.PeekASN1Tag(asn1.Tag(1).ContextSpecific()) {
		return &UnsupportedError{What: "a container of an old version of the CSP"}
	}
	if !body.Empty() {
		return &DamagedError{p.primary, "data after the keys"}
	}
	return nil
}

// readOctets reads a copy of an octet string of one of the sizes.
func readOctets(in *cryptobyte.String, tag asn1.Tag, out *[]byte, sizes []int) error {
	content, err := der.Read(in, tag, "field")
	if err != nil {
		return errors.New("it is missing or cut off")
	}
	for _, n := range sizes {
		if len(content) == n {
			*out = append([]byte(nil), content...)
			return nil
		}
	}
	return fmt.Errorf("%d octets, want %d", len(content), sizes[0])
}

package soft

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// suffix ends the name of a container's file.
const suffix = ".gkc"

// maxNameBytes leaves room for the suffix and the temporary name in the 255
// octets that file systems allow.
const maxNameBytes = 200

// fileName checks a container's name and returns the name of its file. Letters
// and digits of any script, spaces and a few marks are allowed; nothing that a
// path, a shell or a file system of any platform takes for its own.
func fileName(name string) (string, error) {
	bad := func(why string) (string, error) { return "", &NameError{Name: name, Why: why} }
	if name == "" {
		return bad("is empty")
	}
	if !utf8.ValidString(name) {
		return bad("is not UTF-8 text")
	}
	name = norm.NFC.String(name) // macOS would do the opposite on its own
	if utf8.RuneCountInString(name) > limits.ContainerName || len(name) > maxNameBytes {
		return bad("is too long")
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune(" -_.@+()№", r) {
			return bad("has a character that is not allowed: letters, digits, spaces and -_.@+() are")
		}
	}
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "-"), strings.HasPrefix(name, " "):
		return bad("starts with a dot, a hyphen or a space")
	case strings.HasSuffix(name, " "):
		return bad("ends with a space")
	case isDevice(name):
		return bad("is the name of a device in Windows")
	}
	return name + suffix, nil
}

// isDevice says whether Windows opens a device under this name, whatever
// follows its first dot.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	base = strings.TrimRight(base, " ")
	switch base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT")) &&
		base[3] >= '0' && base[3] <= '9'
}

package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
)

var keyHelp = text{
	"ключ: имя контейнера, файл .pfx .p12 .p8 .pem, папка КриптоПро или pkcs11:…",
	"the key: a container's name, a .pfx .p12 .p8 .pem file, a CryptoPro folder, or pkcs11:…",
}

// outputFlags adds -o and --force.
func (a *app) outputFlags(c *cobra.Command, o *output, required bool) {
	o.mode = 0o644
	c.Flags().StringVarP(&o.path, "output", "o", "", a.t(text{"куда записать (- это стандартный вывод)", "where to write (- is standard output)"}))
	c.Flags().BoolVar(&o.force, "force", false, a.t(text{"заменить существующий файл", "replace an existing file"}))
	if required {
		a.required(c, "output")
	}
}

// required marks flags that must be given; the error is cobra's, translated.
func (a *app) required(c *cobra.Command, names ...string) {
	for _, n := range names {
		if err := c.MarkFlagRequired(n); err != nil {
			c.RunE = func(*cobra.Command, []string) error { return err } // a flag that was never declared
		}
	}
}

// A fileList is a flag that names a file each time it is given.
type fileList []string

// Set adds one file.
func (l *fileList) Set(s string) error { *l = append(*l, s); return nil }

// String prints the value for the help.
func (l *fileList) String() string { return strings.Join(*l, " ") }

// Type names the value's form in the help.
func (l *fileList) Type() string { return "FILE…" }

// A urlList is the same for addresses.
type urlList []string

// Set adds one address.
func (l *urlList) Set(s string) error { *l = append(*l, s); return nil }

// String prints the value for the help.
func (l *urlList) String() string { return strings.Join(*l, " ") }

// Type names the value's form in the help.
func (l *urlList) Type() string { return "URL…" }

// A moment is the value of --at: RFC 3339.
type moment struct{ time.Time }

// Set parses the flag's value.
func (m *moment) Set(s string) error {
	t, err := time.Parse(time.RFC3339, s)
	// The zero time stands for "not given", and an offset can lead out of the
	// four digits that RFC 3339 has for a year.
	if y := t.UTC().Year(); err != nil || t.IsZero() || y < 1 || y > 9999 {
		return usageErrorf(text{
			"--at: «%s» не время вида 2026-06-02T12:00:00Z", "--at: %q is no time like 2026-06-02T12:00:00Z",
		}, s)
	}
	m.Time = t
	return nil
}

// String prints the value for the help.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Type names the value's form in the help.
func (m *moment) Type() string { return "RFC3339" }

// or returns the moment, or now where the flag was not given.
func (m *moment) or(now func() time.Time) time.Time {
	if m.IsZero() {
		return now()
	}
	return m.Time
}

func (a *app) atFlag(c *cobra.Command, m *moment) {
	c.Flags().Var(m, "at", a.t(text{"момент, на который проверять (RFC 3339)", "the moment to check for (RFC 3339)"}))
}

// done says where the result went.
func (a *app) done(path string, m text) error {
	if a.json {
		if path == "-" {
			return nil // the result itself is on standard output
		}
		return a.printJSON(struct {
			Output string `json:"output"`
		}{path})
	}
	if path != "-" {
		a.sayf(m, path)
	}
	return nil
}

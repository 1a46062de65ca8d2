package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

// reportFlags name the files that a report is written to.
type reportFlags struct {
	files []string
	force bool
}

// reportFlags adds --report and --force to a command that verifies.
func (a *app) reportFlags(c *cobra.Command, f *reportFlags) {
	c.Flags().Var((*fileList)(&f.files), "report", a.t(text{
		"записать протокол: .html, .pdf, .xml (ETSI TS 119 102-2), .json или .txt", "write a report: .html, .pdf, .xml (ETSI TS 119 102-2), .json or .txt",
	}))
	c.Flags().BoolVar(&f.force, "force", false, a.t(text{"заменить существующий файл", "replace an existing file"}))
}

// format is the form that a file's extension asks for.
func (f *reportFlags) format(file string) (report.Format, error) {
	ext := report.Format(strings.ToLower(filepath.Ext(file)))
	if !slices.Contains(report.Formats(), ext) {
		return "", usageErrorf(text{
			"--report %s: вид протокола: .html, .pdf, .xml, .json или .txt", "--report %s: a report is .html, .pdf, .xml, .json or .txt",
		}, file)
	}
	return ext, nil
}

func (f *reportFlags) output(file string) output {
	return output{path: file, force: f.force, mode: 0o644}
}

// check refuses files that could not be written before anything is verified.
func (f *reportFlags) check() error {
	for i, file := range f.files {
		if _, err := f.format(file); err != nil {
			return err
		}
		if slices.Contains(f.files[:i], file) {
			return usageErrorf(text{"--report %s указан дважды", "--report %s is given twice"}, file)
		}
		if err := f.output(file).checkFree(); err != nil {
			var u *userError
			if errors.As(err, &u) {
				return u.withHint(text{"укажите другое имя в --report или добавьте --force", "give another name with --report, or add --force"})
			}
			return err
		}
	}
	return nil
}

// writeReports writes every file of the flags.
func (a *app) writeReports(f *reportFlags, in report.Input) error {
	in.Program, in.Version = "gosklyuch", Version
	for _, file := range f.files {
		format, err := f.format(file)
		if err != nil {
			return err
		}
		err = a.write(f.output(file), func(w io.Writer) error { return report.Write(w, in, format) })
		if errors.Is(err, report.ErrNotSignature) {
			err = failedf(text{
				"%s: протокол ETSI составляется только для подписей и меток времени", "%s: the ETSI report is about signatures and time stamps only",
			}, file).withHint(text{"выберите .html, .pdf, .json или .txt", "choose .html, .pdf, .json or .txt"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finishReport writes the report's files, prints it and returns the verdict.
// What could not be written decides over everything but "invalid" and
// "revoked", which no reader may miss.
func (a *app) finishReport(f *reportFlags, rep *verify.Report, in report.Input) error {
	return a.finishReportWith(f, rep, in, func() error { return a.printReport(rep) })
}

// finishReportWith is finishReport for a command that prints in its own way.
func (a *app) finishReportWith(f *reportFlags, rep *verify.Report, in report.Input, show func() error) error {
	rep.Lang = a.reportLang()
	in.Report = rep
	written := a.writeReports(f, in)
	grave := slices.Contains([]int{exitInvalid, exitRevoked}, verdictCodes[rep.Verdict()])
	if written != nil && a.json && !grave {
		return written // one JSON document: the error
	}
	err := show()
	switch {
	case written == nil:
		return err
	case grave:
		u := a.sentence(written)
		a.warnf(text{"протокол не записан: %s", "the report was not written: %s"}, safe(a.t(u.message)))
		return err
	}
	return written
}

// reportName is a file's name in a report: without its folder, which is nobody's
// business; standard input has none.
func reportName(path string) string {
	if path == "-" {
		return ""
	}
	return filepath.Base(path)
}

// A digesting reader hashes a file while it is read, each octet once: where a
// second pass seeks back, only what comes after the first is new.
type digesting struct {
	io.Reader
	pos, seen int64
	hashes    map[string]hash.Hash
}

// A digestingSeeker is one whose file can be read again.
type digestingSeeker struct {
	*digesting
	io.Seeker
}

// digests hashes r as it is read. Where r can seek, so can the result.
func digests(r io.Reader) (io.Reader, *digesting) {
	d := &digesting{Reader: r, hashes: map[string]hash.Hash{"streebog256": streebog.New256(), "sha256": sha256.New()}}
	if s, ok := r.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil && at == 0 { // no pipe
			return &digestingSeeker{d, s}, d
		}
	}
	return d, d
}

// Read passes the octets through.
func (d *digesting) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if end := d.pos + int64(n); end > d.seen {
		fresh := p[n-int(end-d.seen) : n]
		for _, h := range d.hashes {
			h.Write(fresh)
		}
		d.seen = end
	}
	d.pos += int64(n)
	return n, err
}

// Seek moves to another place; octets that were skipped would not be hashed, so
// a place that was not read yet is refused.
func (d *digestingSeeker) Seek(offset int64, whence int) (int64, error) {
	at, err := d.Seeker.Seek(offset, whence)
	if err == nil && at > d.seen {
		if _, err = d.Seeker.Seek(d.pos, io.SeekStart); err == nil {
			err = errors.New("the file is read in order only")
		}
		return d.pos, err
	}
	if err == nil {
		d.pos = at
	}
	return at, err
}

// sums reads what is left and returns the digests in hex.
func (d *digesting) sums() (map[string]string, error) {
	if s, ok := d.Reader.(io.Seeker); ok && d.pos < d.seen {
		if _, err := s.Seek(d.seen, io.SeekStart); err != nil {
			return nil, err
		}
		d.pos = d.seen
	}
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{d}); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, h := range d.hashes {
		out[name] = hex.EncodeToString(h.Sum(nil))
	}
	return out, nil
}

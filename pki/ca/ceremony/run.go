package ceremony

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// The files in the folder of a ceremony; the guide describes them.
const (
	planFile       = "plan.yaml"
	stateFile      = "state.json"
	transcriptFile = "transcript.txt"
	signatureFile  = transcriptFile + ".sig"
	lockFile       = ".lock"
	partialSuffix  = ".partial"
	tempPrefix     = ".new-"
	maxFile        = limits.CeremonyFile
)

// state is what a ceremony keeps between runs beside what it made.
type state struct {
	Program string `json:"program"` // the version that began
	Done    int    `json:"done"`    // steps that were finished
}

// run is a ceremony at work, or its check.
type run struct {
	plan     *Plan
	o        Options
	dir      string // the folder at work
	readOnly bool   // nothing is made, only checked
	state    state
	lock     *os.File

	step        int // from 1
	lines       []string
	transcript  bytes.Buffer
	records     map[string]*keyRecord
	opened      map[string]*Key
	authorities map[string]*authority
	public      []publicFile
	destroy     []string
}

// publicFile is a file for everybody, by its path in the folder.
type publicFile struct{ path, name string }

func newRun(p *Plan, o Options, dir string) *run {
	if o.Checks == nil {
		o.Checks = []Check{SecondPath()}
	}
	return &run{
		plan: p, o: o, dir: dir, records: map[string]*keyRecord{}, opened: map[string]*Key{}, authorities: map[string]*authority{},
	}
}

// begin makes or continues the folder of the unfinished work.
func begin(p *Plan, text []byte, o Options) (*run, error) {
	r := newRun(p, o, filepath.Clean(o.Dir)+partialSuffix)
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	var err error
	if r.lock, err = os.OpenFile(r.path(lockFile), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	if err := r.claim(text); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// claim locks the folder and ties it to the plan and to this version of the
// program.
func (r *run) claim(text []byte) error {
	if ok, err := files.TryLock(r.lock); err != nil {
		return fmt.Errorf("ceremony: %w", err)
	} else if !ok {
		return ErrBusy
	}
	old, err := readFile(r.path(planFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.state.Program = r.o.Version
		return errors.Join(r.saveState(), r.write(planFile, text))
	case err != nil:
		return err
	case !bytes.Equal(old, text):
		return ErrOtherPlan
	}
	if err := r.loadState(); err != nil {
		return err
	}
	if r.state.Program != r.o.Version {
		return fmt.Errorf("%w: it was begun by %q, this is %q", ErrProgram, r.state.Program, r.o.Version)
	}
	return nil
}

func (r *run) loadState() error {
	text, err := readFile(r.path(stateFile))
	if err != nil {
		return r.missing(stateFile, err)
	}
	if err := decodeJSON(text, &r.state); err != nil {
		return fmt.Errorf("ceremony: %s: %w", stateFile, err)
	}
	return nil
}

func (r *run) saveState() error {
	text, err := json.Marshal(r.state)
	if err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	return r.write(stateFile, append(text, '\n'))
}

// decodeJSON reads one JSON value without unknown members.
func decodeJSON(text []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

// close wipes the keys and gives the folder free.
func (r *run) close() {
	for _, k := range r.opened {
		if k.Close != nil {
			k.Close()
		}
	}
	r.opened = nil
	if r.lock != nil {
		files.Unlock(r.lock)
		r.lock.Close() //nolint:errcheck,gosec // nothing was written
	}
}

// path is a path in the folder at work.
func (r *run) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// missing tells a file that is gone from one that cannot be read.
func (r *run) missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, name)
	}
	return err
}

// exists reports whether a file is in the folder. In a check it must be.
func (r *run) exists(name string) (bool, error) {
	_, err := os.Lstat(r.path(name))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist) && !r.readOnly:
		return false, nil
	}
	return false, r.missing(name, err)
}

// write puts a file into the folder, whole or not at all.
func (r *run) write(name string, data []byte) error {
	path := r.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	if err := files.Replace(path, tempPrefix, data); err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	return nil
}

// steps does or checks all steps.
func (r *run) steps(ctx context.Context) error {
	r.head()
	for i := range r.plan.Steps {
		s := &r.plan.Steps[i]
		r.step, r.lines = i+1, nil
		shown := Shown{Step: r.step, Of: len(r.plan.Steps), Title: r.plan.title(s), Again: r.readOnly || i < r.state.Done}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !shown.Again && r.o.Confirm != nil {
			if err := r.o.Confirm(ctx, shown); err != nil {
				return err
			}
		}
		if err := r.do(ctx, s); err != nil {
			return &StepError{Step: r.step, Err: err}
		}
		shown.Lines = r.lines
		r.paragraph(fmt.Sprintf("%d. %s", r.step, shown.Title), shown.Lines)
		if r.o.Report != nil {
			r.o.Report(shown)
		}
		if !r.readOnly && i >= r.state.Done {
			r.state.Done = i + 1
			if err := r.saveState(); err != nil {
				return err
			}
		}
	}
	return r.end()
}

func (r *run) do(ctx context.Context, s *Step) error {
	switch {
	case s.Key != nil:
		return r.doKey(ctx, *s.Key)
	case s.Root != nil:
		return r.doRoot(ctx, s.Root)
	case s.Subordinate != nil:
		return r.doSubordinate(ctx, s.Subordinate)
	case s.Open != nil:
		return r.doOpen(ctx, s.Open)
	case s.Certificate != nil:
		return r.doCertificate(ctx, s.Certificate)
	case s.Cross != nil:
		return r.doCross(ctx, s.Cross)
	case s.Lists != nil:
		return r.doLists(ctx, s.Lists)
	case s.Backup != nil:
		return r.doBackup(ctx, s.Backup)
	case s.Export != nil:
		return r.doExport(s.Export)
	}
	return r.doDestroy(s.Destroy)
}

// certificateOf reads a certificate of the folder.
func (r *run) certificateOf(name string) (*pki.Certificate, error) {
	der, err := readFile(r.path(name))
	if err != nil {
		return nil, r.missing(name, err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// checkCertificate asks both paths about a certificate; issuer is nil for a
// self-signed one.
func (r *run) checkCertificate(ctx context.Context, name string, c, issuer *pki.Certificate, w second.Want) error {
	var above []byte
	by := c
	if issuer != nil {
		by, above = issuer, issuer.Raw
	}
	return r.checkAll(name, func() error {
		if f, bad := pki.FirstError(c.Findings); bad {
			return errors.New(f.String())
		}
		return c.CheckSignatureFrom(by)
	}, func(check Check) error { return check.Certificate(ctx, c.Raw, above, w) })
}

// input returns a file that the plan names, from the copy that the ceremony
// keeps, which is made when it is first read.
func (r *run) input(path string) ([]byte, error) {
	name := inputName(path)
	have, err := r.exists(name)
	if err != nil {
		return nil, err
	}
	if have {
		return readFile(r.path(name))
	}
	b, err := readFile(r.outside(path))
	if err != nil {
		return nil, err
	}
	return b, r.write(name, b)
}

// inputName is where the copy of a file lies: two files of one name in
// different folders have different copies.
func inputName(path string) string {
	d := DigestOf([]byte(path))
	return filepath.Join("inputs", fmt.Sprintf("%x-%s", d.SHA256[:4], filepath.Base(path)))
}

// outside resolves a path of the plan.
func (r *run) outside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.o.Base, path)
}

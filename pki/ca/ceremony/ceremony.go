// Package ceremony carries out a key ceremony of certification authorities by a
// written plan: it creates keys, makes the certificates of roots and of what
// stands below them, signs lists of revoked certificates for years ahead, and
// leaves folders that package ca works with, public files with digests, and a
// transcript that the root's key signed.
//
// What it promises:
//
//   - Each step is shown before it is done; [Options].Confirm may refuse it.
//   - Everything that is signed is checked twice before anybody sees it: by the
//     packages that made it, and by package second, which shares no code with
//     them. What one of the two refuses stops the ceremony.
//   - Nothing is published in part. The work is done in a folder beside the
//     target, which gets its name after the last check. A run that broke off, at
//     any point, is continued by the same call; what was done is checked again
//     and kept.
//   - The same plan with the same software keys gives the same transcript, octet
//     by octet: times derive from the plan's date, serial numbers from its
//     digest, and nonces from the key and the message (see stream). A token
//     chooses nonces itself, so with one only a continued run does. A run over a
//     finished folder checks everything and compares the transcript.
//
// The private keys are the caller's business: see [Keys].
package ceremony

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// What Run refuses and callers branch on.
var (
	// ErrNoKey: there is no such key yet; returned by [Keys].
	ErrNoKey = errors.New("ceremony: there is no such key")
	// ErrOtherPlan: the folder is that of another plan.
	ErrOtherPlan = errors.New("ceremony: the folder belongs to another plan")
	// ErrFolder: the target is there and no folder of a ceremony.
	ErrFolder = errors.New("ceremony: the folder exists and is not one of a ceremony")
	// ErrBusy: another process works on the same ceremony.
	ErrBusy = errors.New("ceremony: another process works on this folder")
	// ErrChanged: a finished ceremony does not give its transcript any more.
	ErrChanged = errors.New("ceremony: what is in the folder does not give the transcript")
	// ErrProgram: the plan asks for another version of the program.
	ErrProgram = errors.New("ceremony: the plan asks for another version of the program")
	// ErrMissing: a file of a finished ceremony is not there.
	ErrMissing = errors.New("ceremony: a file of the ceremony is missing")
	// ErrParticipant: nobody of that name countersigns, or the key is another's.
	ErrParticipant = errors.New("ceremony: this participant does not countersign")
	// ErrBackup: another file lies where a backup was to be put.
	ErrBackup = errors.New("ceremony: another file lies in the place of the backup")
	// ErrContainer: a container is not the one that was put on record.
	ErrContainer = errors.New("ceremony: the container was changed since it was put on record")
	// ErrDigest: an authority's certificate is not the one in the plan.
	ErrDigest = errors.New("ceremony: the certificate is not the one in the plan")
	// ErrListNumber: the plan's number of a list is not the next one.
	ErrListNumber = errors.New("ceremony: the number is not that of the next list")
	// ErrProfile: a ceremony does not issue by such a profile.
	ErrProfile = errors.New("ceremony: a ceremony does not issue by this profile")
)

// A StepError says at which step a ceremony stopped.
type StepError struct {
	Step int // from 1
	Err  error
}

// Error names the step.
func (e *StepError) Error() string { return fmt.Sprintf("ceremony: step %d: %v", e.Step, e.Err) }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// A Key is a private key that was opened for the ceremony.
type Key struct {
	Signer crypto.Signer
	// File and Text are what an authority's folder holds for the key: the
	// encrypted container, or the address of the key on a token.
	File string
	Text []byte
	// Plan is the Streebog-256 digest, in hexadecimal digits, of the plan under
	// which the key was made, as it was noted beside the key then; "" if
	// nothing is known.
	Plan  string
	Close func() // wipes the key
}

// Keys is where the private keys of a ceremony are.
type Keys interface {
	// Open opens the key of a step, or returns [ErrNoKey].
	Open(ctx context.Context, k KeyStep) (*Key, error)
	// Create makes it and notes the plan beside it.
	Create(ctx context.Context, k KeyStep, plan string) (*Key, error)
	// Authority opens the key in an existing authority's folder.
	Authority(ctx context.Context, folder string) (*Key, error)
	// Destroy overwrites and removes the container of a step; one that is not
	// there is no error.
	Destroy(ctx context.Context, k KeyStep) error
}

// Options say how a plan is carried out.
type Options struct {
	// Dir is the folder that the ceremony makes. Beside it, with the ending
	// ".partial", is the work that is not finished.
	Dir string
	// Base is the folder against which relative names in the plan are read.
	Base string
	Keys Keys
	// OpenLedger opens the ledger in an authority's folder, which is made if it
	// is not there; required.
	OpenLedger func(ctx context.Context, folder string) (ca.Ledger, error)
	// Rules run over every certificate before it is signed: see ca.Config.
	Rules profile.Set
	// Checks look at everything that was signed; nil is the second path alone.
	Checks []Check
	// Version is that of the program, for the transcript.
	Version string
	// Confirm is shown each step before it is done; an error stops the
	// ceremony and is Run's. nil confirms everything.
	Confirm func(ctx context.Context, s Shown) error
	// Report is told what was done; nil is nobody.
	Report func(Shown)
}

// Shown is a step as a person sees it.
type Shown struct {
	Step, Of int
	Title    string
	// Lines are the results, after the step.
	Lines []string
	// Again is true where the step was done in an earlier run and was only
	// checked now.
	Again bool
}

// A Result is a finished ceremony.
type Result struct {
	Transcript []byte
	Digest     Digest // of the transcript
	// Checked is true where the folder was there before and was only checked.
	Checked bool
	// Witnesses are those whose signatures stand beside the transcript.
	Witnesses []Witness
}

// Titles returns what the steps of a plan do, in the plan's language: what a
// person reads before anything happens.
func (p *Plan) Titles() []string {
	var out []string
	for i := range p.Steps {
		out = append(out, p.title(&p.Steps[i]))
	}
	return out
}

// Run carries out a plan, continues a run that broke off, or checks a folder
// where the plan was carried out before: then nothing is changed, no key is
// needed, and [ErrChanged] or a [*CheckError] says what is wrong.
func Run(ctx context.Context, p *Plan, text []byte, o Options) (*Result, error) {
	if DigestOf(text) != p.digest {
		return nil, ErrOtherPlan
	}
	if p.Program != "" && p.Program != o.Version {
		return nil, fmt.Errorf("%w: %q, not %q", ErrProgram, p.Program, o.Version)
	}
	if o.OpenLedger == nil || o.Keys == nil || o.Dir == "" {
		return nil, errors.New("ceremony: a folder, keys and a ledger are required")
	}
	if err := o.Rules.Check(); err != nil {
		return nil, fmt.Errorf("ceremony: rules: %w", err)
	}
	done, err := finished(o.Dir)
	if err != nil {
		return nil, err
	}
	if done {
		return verify(ctx, p, o)
	}
	r, err := begin(p, text, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	out, err := r.finish(ctx)
	if err != nil {
		return nil, err
	}
	return out, r.publish()
}

// Verify checks the folder of a finished ceremony by the plan in it, without
// keys; o.Dir, o.Rules, o.Checks and o.Report are used.
func Verify(ctx context.Context, o Options) (*Plan, *Result, error) {
	text, err := readFile(filepath.Join(o.Dir, planFile))
	if err != nil {
		return nil, nil, err
	}
	p, err := ParsePlan(text)
	if err != nil {
		return nil, nil, err
	}
	out, err := verify(ctx, p, o)
	return p, out, err
}

// finished reports whether the target is the folder of a finished ceremony.
func finished(dir string) (bool, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ceremony: %w", err)
	}
	for _, name := range []string{planFile, transcriptFile, signatureFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false, ErrFolder
		}
	}
	return true, nil
}

// readFile reads a file of bounded size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("ceremony: %s: larger than %d octets", path, maxFile)
	}
	return b, nil
}

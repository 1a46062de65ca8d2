package ca

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// ProfilesDir is the folder of an authority's profiles, one file each, named
// "name@version.yaml".
const ProfilesDir = "profiles"

// A ProfileSet is the profiles of one authority, all versions. It is not
// changed after it was made.
type ProfileSet struct {
	list    []Profile
	digests map[string]string // by Ref, so that a bulk issue computes each once
}

// NewProfileSet checks profiles and puts them together; two may not have the
// same name and version.
func NewProfileSet(list []Profile) (*ProfileSet, error) {
	s := &ProfileSet{list: slices.Clone(list), digests: make(map[string]string)}
	for i := range s.list {
		p := &s.list[i]
		if err := p.Check(); err != nil {
			return nil, err
		}
		p.Version = p.version()
		s.digests[p.Ref()] = p.Digest()
	}
	slices.SortFunc(s.list, func(a, b Profile) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return a.Version - b.Version
	})
	for i := 1; i < len(s.list); i++ {
		if s.list[i].Ref() == s.list[i-1].Ref() {
			return nil, &ProfileError{Profile: s.list[i].Ref(), Detail: "exists twice"}
		}
	}
	return s, nil
}

// All returns every version of every profile, ordered by name and version.
func (s *ProfileSet) All() []Profile { return slices.Clone(s.list) }

// Find returns the profile that "name@version" names, or the highest version
// of "name". The error is [ErrProfile].
func (s *ProfileSet) Find(ref string) (Profile, error) {
	name, version, ok := splitRef(ref)
	if ok {
		for _, p := range slices.Backward(s.list) {
			if p.Name == name && (version == 0 || p.Version == version) {
				return p, nil
			}
		}
	}
	return Profile{}, fmt.Errorf("%w %q", ErrProfile, ref)
}

// For returns the highest version of the subscriber profile that a subject's
// numbers point to: see [ProfileFor].
func (s *ProfileSet) For(subject pki.Name) (Profile, error) { return s.Find(ProfileFor(subject).Name) }

// ReadProfiles reads the profiles of an authority's directory. A directory
// without a folder of profiles, as the first version of this program made it,
// has the shipped ones. Every file must be a profile and have its name.
func ReadProfiles(dir string) (*ProfileSet, error) {
	folder := filepath.Join(dir, ProfilesDir)
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return NewProfileSet(Profiles())
	}
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if len(files) > limits.ProfileFiles {
		return nil, fmt.Errorf("ca: %s: more than %d profiles", folder, limits.ProfileFiles)
	}
	var list []Profile
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") || strings.HasSuffix(f.Name(), "~") {
			continue // editors leave them
		}
		p, err := ReadProfile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, err
		}
		if f.Name() != p.Ref()+".yaml" {
			return nil, &ProfileError{Profile: f.Name(), Field: "name", Detail: "the file must be called " + p.Ref() + ".yaml"}
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil, &ProfileError{Profile: folder, Detail: "no profiles"}
	}
	return NewProfileSet(list)
}

// ReadProfile reads one file; the error names it.
func ReadProfile(path string) (Profile, error) {
	text, err := readBounded(path, limits.ProfileFile)
	if err != nil {
		return Profile{}, err
	}
	p, err := ParseProfile(text)
	var bad *ProfileError
	if errors.As(err, &bad) {
		bad.Profile = filepath.Base(path)
	}
	return p, err
}

// WriteProfiles writes profiles as files into an authority's directory. A file
// that exists is an error.
func WriteProfiles(dir string, list []Profile) error {
	folder := filepath.Join(dir, ProfilesDir)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	for _, p := range list {
		text, err := p.YAML()
		if err != nil {
			return err
		}
		if err := writeNew(filepath.Join(folder, p.Ref()+".yaml"), text); err != nil {
			return err
		}
	}
	return nil
}

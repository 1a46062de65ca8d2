package ceremony

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// authority is one that the ceremony made or opened.
type authority struct {
	name, folder string // the folder's path within that of the ceremony
	key          string // of a step; the authority's name if it was opened
	public       crypto.PublicKey
	cert         *pki.Certificate
	chain        []*pki.Certificate // issuer first
	settings     ca.Settings
}

func folderOf(name string) string { return filepath.Join("ca", name) }

// doRoot makes a root's certificate and folder.
func (r *run) doRoot(ctx context.Context, s *AuthorityStep) error {
	rec := r.records[s.Key]
	a, err := r.planned(s, rec)
	if err != nil {
		return err
	}
	w, err := r.want(rec.spki(), s.Subject)
	if err != nil {
		return err
	}
	w.CA, w.KeyUsage, w.PathLen = true, []int{0, 5, 6}, -1 // digitalSignature, keyCertSign, cRLSign
	if s.PathLength != nil {
		w.PathLen = *s.PathLength
	}
	w.NotAfter = r.plan.date.AddDate(0, 0, s.Days)
	w.KeyNotAfter = r.plan.date.AddDate(0, 0, s.KeyDays)
	if s.KeyDays == 0 {
		w.KeyNotAfter = threeQuarters(r.plan.date, w.NotAfter)
	}
	return r.makeAuthority(ctx, a, &w, nil, func(key *Key) (*pki.Certificate, error) {
		subject, err := pki.ParseDN(s.Subject)
		if err != nil {
			return nil, err
		}
		return ca.NewRoot(key.Signer, ca.RootOptions{
			Subject: subject, Days: s.Days, KeyDays: s.KeyDays, MaxPathLen: w.PathLen, Rules: r.o.Rules,
			Rand: r.random(0, nil), Now: r.now,
		})
	})
}

// doSubordinate makes the folder of an authority below another.
func (r *run) doSubordinate(ctx context.Context, s *AuthorityStep) error {
	rec := r.records[s.Key]
	a, err := r.planned(s, rec)
	if err != nil {
		return err
	}
	parent := r.authorities[s.Authority]
	p, err := r.profile(s.Profile)
	if err != nil {
		return err
	}
	if !p.CA {
		return fmt.Errorf("%w: %s makes no certificates of authorities", ErrProfile, p.Ref())
	}
	w, err := r.want(rec.spki(), s.Subject)
	if err != nil {
		return err
	}
	r.wantIssued(&w, parent, p, s.Days)
	a.chain = append([]*pki.Certificate{parent.cert}, parent.chain...)
	return r.makeAuthority(ctx, a, &w, parent, func(key *Key) (*pki.Certificate, error) {
		subject, err := pki.ParseDN(s.Subject)
		if err != nil {
			return nil, err
		}
		csr, err := r.request(subject, key)
		if err != nil {
			return nil, err
		}
		return r.issue(ctx, parent, p, ca.Request{CSR: csr, Days: s.Days, Actor: r.actor()}, &w, rec.spki())
	})
}

// planned returns the authority that a step makes, without its certificate.
func (r *run) planned(s *AuthorityStep, rec *keyRecord) (*authority, error) {
	pub, err := parsePublic(rec.spki())
	if err != nil {
		return nil, err
	}
	return &authority{name: s.Name, folder: folderOf(s.Name), key: s.Key, public: pub, settings: s.settings()}, nil
}

// makeAuthority makes an authority's folder unless it is there, and checks its
// certificate in either case. The folder gets its name after the check.
func (r *run) makeAuthority(ctx context.Context, a *authority, w *second.Want, parent *authority, sign func(*Key) (*pki.Certificate, error)) error {
	name := filepath.Join(a.folder, ca.CertificateFile)
	have, err := r.exists(name)
	if err != nil {
		return err
	}
	var key *Key
	if have {
		a.cert, err = r.certificateOf(name)
	} else if key, err = r.key(ctx, a); err == nil {
		a.cert, err = sign(key)
	}
	if err != nil {
		return err
	}
	var issuer *pki.Certificate
	if parent != nil {
		issuer = parent.cert
	}
	if err := r.checkCertificate(ctx, name, a.cert, issuer, *w); err != nil {
		return err
	}
	if !have {
		if err := r.writeFolder(a, key); err != nil {
			return err
		}
	}
	if !r.readOnly {
		if err := r.found(ctx, a); err != nil {
			return err
		}
	}
	r.authorities[a.name] = a
	return r.output(name, a.name+".cer", a.cert)
}

// writeFolder writes the folder of a new authority under a name of its own and
// renames it.
func (r *run) writeFolder(a *authority, key *Key) error {
	profiles, err := r.profilesOf(a.name)
	if err != nil {
		return err
	}
	tmp := r.path("ca", tempPrefix+a.name)
	if err := os.RemoveAll(tmp); err != nil { // of a run that broke off
		return err
	}
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	if err := files.Replace(filepath.Join(tmp, key.File), tempPrefix, key.Text); err != nil {
		return err
	}
	if err := ca.WriteDir(tmp, &ca.Dir{Certificate: a.cert, Chain: a.chain, Settings: a.settings, Profiles: profiles}); err != nil {
		return err
	}
	if err := os.Rename(tmp, r.path(a.folder)); err != nil {
		return err
	}
	return files.SyncDir(r.path("ca"))
}

// found ties the ledger to the authority; it does nothing if it is.
func (r *run) found(ctx context.Context, a *authority) error {
	l, err := r.o.OpenLedger(ctx, r.path(a.folder))
	if err != nil {
		return err
	}
	return errors.Join(ca.Found(ctx, l, a.cert, r.actor(), r.now()), l.Close())
}

// openFiles are what is copied from the folder of an authority that exists; the
// second element of a pair may be missing.
var openFiles = []struct {
	name     string
	required bool
}{{ca.SettingsFile, true}, {ca.LedgerFile, true}, {ca.ChainFile, false}, {ca.KeyFile, false}, {"ca.key.uri", false}, {ca.CertificateFile, true}}

// doOpen copies the folder of an authority.
func (r *run) doOpen(ctx context.Context, s *OpenStep) error {
	a := &authority{name: s.Name, folder: folderOf(s.Name), key: s.Name}
	name := filepath.Join(a.folder, ca.CertificateFile)
	have, err := r.exists(name)
	if err != nil {
		return err
	}
	if !have {
		if err := r.copyFolder(ctx, r.outside(s.Folder), s.Name); err != nil {
			return err
		}
	}
	if a.cert, err = r.certificateOf(name); err != nil {
		return err
	}
	if got := DigestOf(a.cert.Raw).String(); got != s.Certificate {
		return fmt.Errorf("%w: %s: %s", ErrDigest, s.Folder, got)
	}
	if a.public = a.cert.PublicKey; a.public == nil {
		return a.cert.PublicKeyError
	}
	if err := r.openedSettings(a); err != nil {
		return err
	}
	r.authorities[a.name] = a
	r.say("сертификат: %s, серийный номер %s", "certificate: %s, serial number %s", a.cert.Subject, a.cert.SerialHex())
	r.say("дальше работает копия папки из этой церемонии; исходную папку убирают", "from here on the copy of the folder in this ceremony is at work; the original is put away")
	r.public = append(r.public, publicFile{name, a.name + ".cer"})
	r.digests(name, a.cert.Raw)
	return nil
}

// openedSettings reads the settings of an opened authority from a copy: those in
// its folder may change when it works again.
func (r *run) openedSettings(a *authority) error {
	name := filepath.Join("inputs", a.name+"-"+ca.SettingsFile)
	have, err := r.exists(name)
	if err != nil {
		return err
	}
	if !have {
		text, err := readFile(r.path(a.folder, ca.SettingsFile))
		if err == nil {
			err = r.write(name, text)
		}
		if err != nil {
			return err
		}
	}
	text, err := readFile(r.path(name))
	if err != nil {
		return err
	}
	if a.settings, err = ca.ParseSettings(text); err != nil {
		return err
	}
	if a.settings.Ledger != "" {
		return fmt.Errorf("%s: its ledger is in a database; bring it into a file first", a.name)
	}
	if !r.readOnly {
		d, err := ca.ReadDir(r.path(a.folder))
		if err != nil {
			return err
		}
		a.chain = d.Chain
	}
	return nil
}

// copyFolder copies an authority's folder that nobody has open.
func (r *run) copyFolder(ctx context.Context, from, name string) error {
	if _, err := os.Stat(filepath.Join(from, ca.LedgerFile)); err != nil {
		return err // opening it would make a new one
	}
	l, err := r.o.OpenLedger(ctx, from) // it is locked while others work with it
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	tmp := r.path("ca", tempPrefix+name)
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(tmp, ca.ProfilesDir), 0o700); err != nil {
		return err
	}
	list := slices.Clone(openFiles)
	profiles, err := os.ReadDir(filepath.Join(from, ca.ProfilesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range profiles {
		list = append(list, struct {
			name     string
			required bool
		}{filepath.Join(ca.ProfilesDir, p.Name()), true})
	}
	for _, f := range list {
		if err := copyFile(filepath.Join(from, f.name), filepath.Join(tmp, f.name), f.required); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, r.path(folderOf(name))); err != nil {
		return err
	}
	return files.SyncDir(r.path("ca"))
}

// copyFile copies a file of any size.
func copyFile(from, to string, required bool) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) && !required {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = dst.ReadFrom(src); err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// now is the time of the ceremony.
func (r *run) now() time.Time { return r.plan.date }

// actor is who acts in the journals.
func (r *run) actor() string { return "ceremony " + r.plan.Name }

// want begins what a certificate must be.
func (r *run) want(spki []byte, subject string) (second.Want, error) {
	attributes, err := second.Attributes(subject)
	return second.Want{Subject: attributes, PublicKey: spki, NotBefore: r.plan.date, KeyNotBefore: r.plan.date}, err
}

// threeQuarters is the end of an authority's key period where nothing else is
// said; computed here once more, not taken from what is checked by it.
func threeQuarters(from, to time.Time) time.Time {
	seconds := int64(to.Sub(from) / time.Second)
	return from.Add(time.Duration(seconds*3/4) * time.Second)
}

// shipped reports whether a profile is the program's own.
func shipped(ref string) (ca.Profile, bool) {
	if strings.ContainsAny(ref, `./\`) {
		return ca.Profile{}, false
	}
	return ca.ProfileByName(ref)
}

// profile returns the profile that a step names.
func (r *run) profile(ref string) (ca.Profile, error) {
	p, ok := shipped(ref)
	if !ok {
		text, err := r.input(ref)
		if err != nil {
			return p, err
		}
		if p, err = ca.ParseProfile(text); err != nil {
			return p, err
		}
	}
	if p.Subscriber || p.Approvals.Count > 0 {
		return p, fmt.Errorf("%w: %s is for subscribers or asks for approvals", ErrProfile, p.Ref())
	}
	return p, nil
}

// profilesOf returns what an authority's folder holds: the shipped profiles and
// those of the plan by which it issues, so that its records can be understood.
func (r *run) profilesOf(name string) (*ca.ProfileSet, error) {
	list := ca.Profiles()
	seen := map[string]bool{}
	for _, s := range r.plan.Steps {
		var ref, issuer string
		switch {
		case s.Subordinate != nil:
			ref, issuer = s.Subordinate.Profile, s.Subordinate.Authority
		case s.Certificate != nil:
			ref, issuer = s.Certificate.Profile, s.Certificate.Authority
		case s.Cross != nil:
			ref, issuer = s.Cross.Profile, s.Cross.Authority
		}
		if _, ok := shipped(ref); ok || issuer != name || seen[ref] {
			continue
		}
		seen[ref] = true
		p, err := r.profile(ref)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return ca.NewProfileSet(list)
}

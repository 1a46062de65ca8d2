package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// ceremonyKeys are the keys of a ceremony: in a folder, one encrypted PKCS #8 a
// key, NAME.key, or on tokens. Beside each, NAME.json notes under which plan it
// was made.
type ceremonyKeys struct {
	a   *app
	dir string
}

// keyNote is what NAME.json says. It is no proof: it tells a key that this plan
// made from one that was there before.
type keyNote struct {
	Plan      string `json:"plan"`      // Streebog-256 digest
	PublicKey string `json:"publicKey"` // Streebog-256 digest of SubjectPublicKeyInfo
}

func (c *ceremonyKeys) file(name, ending string) string { return filepath.Join(c.dir, name+ending) }

// publicDigest names a public key.
func publicDigest(pub crypto.PublicKey) (string, error) {
	spki, err := alg.MarshalPublicKey(pub)
	if err != nil {
		return "", err
	}
	return ceremony.DigestOf(spki).String(), nil
}

// noted returns the plan under which a key was made, "" if nothing is known.
func (c *ceremonyKeys) noted(name string, pub crypto.PublicKey) (string, error) {
	st, err := os.Stat(c.file(name, ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if st.Size() > limits.CeremonyText {
		return "", nil // no note of ours
	}
	text, err := os.ReadFile(c.file(name, ".json"))
	if err != nil {
		return "", err
	}
	digest, err := publicDigest(pub)
	if err != nil {
		return "", err
	}
	var n keyNote
	if json.Unmarshal(text, &n) != nil || n.PublicKey != digest {
		return "", nil // of another key
	}
	return n.Plan, nil
}

// note writes NAME.json.
func (c *ceremonyKeys) note(name, plan string, pub crypto.PublicKey) error {
	digest, err := publicDigest(pub)
	if err != nil {
		return err
	}
	text, err := json.Marshal(keyNote{plan, digest})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	return files.Replace(c.file(name, ".json"), ".new-", append(text, '\n'))
}

// Open implements ceremony.Keys.
func (c *ceremonyKeys) Open(ctx context.Context, k ceremony.KeyStep) (*ceremony.Key, error) {
	var out *ceremony.Key
	var err error
	if pkcs11.IsURI(k.Store) {
		out, err = c.openToken(ctx, k)
	} else {
		out, err = c.openContainer(k)
	}
	if err != nil {
		return nil, err
	}
	if out.Plan, err = c.noted(k.Name, out.Signer.Public()); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

func (c *ceremonyKeys) openContainer(k ceremony.KeyStep) (*ceremony.Key, error) {
	path := c.file(k.Name, ".key")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ceremony.ErrNoKey, path)
	}
	text, err := c.a.readFile(path)
	if err != nil {
		return nil, err
	}
	contents, err := c.a.readKeyFile(path, secretPassword)
	if err != nil {
		return nil, err
	}
	return &ceremony.Key{Signer: contents.Key, File: ca.KeyFile, Text: text, Close: func() { destroy(contents.Key) }}, nil
}

// tokenOf returns the URI of a key of the plan with its label.
func tokenOf(k ceremony.KeyStep) (*pkcs11.URI, error) {
	u, err := pkcs11.ParseURI(k.Store)
	if err != nil {
		return nil, err
	}
	if u.Object == "" {
		u.Object = k.Name
	}
	return u, nil
}

func (c *ceremonyKeys) openToken(ctx context.Context, k ceremony.KeyStep) (*ceremony.Key, error) {
	u, err := tokenOf(k)
	if err != nil {
		return nil, err
	}
	opened, err := c.a.openTokenKey(ctx, u.String(), secretPassword)
	if errors.Is(err, pkcs11.ErrNotFound) { // a token that is missing is told when the key is to be made
		return nil, fmt.Errorf("%w: %w", ceremony.ErrNoKey, err)
	}
	if err != nil {
		return nil, err
	}
	full := u
	if t, ok := opened.signer.(tokenKey); ok {
		full = t.URI()
	}
	if full.PINSource, err = absoluteSource(u.PINSource); err != nil {
		opened.close()
		return nil, err
	}
	return &ceremony.Key{Signer: opened.signer, File: keyURIFile, Text: []byte(full.String() + "\n"), Close: opened.close}, nil
}

// Create implements ceremony.Keys.
func (c *ceremonyKeys) Create(ctx context.Context, k ceremony.KeyStep, plan string) (*ceremony.Key, error) {
	f := &initFlags{dir: k.Name, algorithmFlags: algorithmFlags{k.Algorithm, k.ParamSet}}
	if pkcs11.IsURI(k.Store) {
		f.store = k.Store
	}
	made, err := c.a.newAuthorityKey(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &ceremony.Key{Signer: made.signer, File: made.file, Text: made.text, Plan: plan, Close: made.close}
	// The note first: a key with a note is one that this plan made, and a note
	// without a key is replaced.
	if err := c.note(k.Name, plan, made.signer.Public()); err != nil {
		return nil, errors.Join(err, discard(made))
	}
	if made.file != ca.KeyFile {
		return out, nil
	}
	if err := c.writeNew(c.file(k.Name, ".key"), made.text); err != nil {
		return nil, errors.Join(err, discard(made))
	}
	return out, nil
}

// writeNew writes a container whole; one that is there is not replaced.
func (c *ceremonyKeys) writeNew(path string, text []byte) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return files.Replace(path, ".new-", text)
}

// discard takes back a key that was made and cannot be kept.
func discard(k *authorityKey) (err error) {
	if k.undo != nil {
		err = k.undo()
	}
	k.close()
	return err
}

// Authority implements ceremony.Keys.
func (c *ceremonyKeys) Authority(ctx context.Context, folder string) (*ceremony.Key, error) {
	k, err := c.a.caKey(ctx, folder, secretParentPassword)
	if err != nil {
		return nil, err
	}
	return &ceremony.Key{Signer: k.signer, Close: k.close}, nil
}

// Destroy implements ceremony.Keys.
func (c *ceremonyKeys) Destroy(_ context.Context, k ceremony.KeyStep) error {
	return ceremony.Wipe(c.file(k.Name, ".key"))
}

// opensslConfig loads gost-engine from where the system's OpenSSL looks for
// engines.
const opensslConfig = `openssl_conf = init
[init]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
`

// randomName is for files that the checks write for others to read.
func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return hex.EncodeToString(b[:])
}

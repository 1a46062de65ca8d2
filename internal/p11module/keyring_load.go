package p11module

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// cached saves reading and decrypting a file that has not changed.
type cached struct {
	file    fs.FileInfo
	object  stored
	private bool
}

// password is the secret as a container's password, which must be text with
// letters of both cases and a digit.
func password(secret []byte) []byte {
	const prefix = "Aa1"
	out := make([]byte, len(prefix)+base64.RawURLEncoding.EncodedLen(len(secret)))
	copy(out, prefix)
	base64.RawURLEncoding.Encode(out[len(prefix):], secret)
	return out
}

func (k *keyring) load() ([]stored, RV) {
	entries, err := os.ReadDir(k.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, RVOK
	}
	if err != nil {
		return nil, rvDeviceError
	}
	out, stale := k.readAll(entries)
	for _, key := range stale {
		key.wipe()
	}
	return out, RVOK
}

// readAll reads what has changed since the last time, and returns the keys that
// are gone as well.
func (k *keyring) readAll(entries []fs.DirEntry) (out []stored, stale []*secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := make(map[string]cached, len(k.cache))
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), objectSuffix)
		if !ok || strings.HasPrefix(name, ".") || len(out) >= limits.TokenObjects {
			continue
		}
		c, ok := k.cachedObject(name, e)
		if !ok {
			continue // deleted meanwhile, damaged, or private and nobody is logged in
		}
		seen[name] = c
		out = append(out, c.object)
	}
	for name, c := range k.cache {
		if _, still := seen[name]; !still {
			stale = append(stale, c.object.key)
		}
	}
	k.cache = seen
	return out, stale
}

// cachedObject reads an object's file unless it is known. The caller holds mu.
func (k *keyring) cachedObject(name string, e fs.DirEntry) (cached, bool) {
	st, err := e.Info()
	if err != nil || st.Size() > limits.KeyFileBytes {
		return cached{}, false
	}
	old, known := k.cache[name]
	// A file is replaced, never rewritten: another one has another number, even
	// where the clock of the file system did not advance.
	if known && os.SameFile(old.file, st) && old.file.ModTime().Equal(st.ModTime()) {
		return old, true
	}
	data, err := os.ReadFile(filepath.Join(k.dir, name+objectSuffix))
	if err != nil {
		return cached{}, false
	}
	a, private, ok := k.openObject(data)
	if !ok {
		return cached{}, false
	}
	c := cached{file: st, object: stored{name: name, a: a}, private: private}
	if a.number(attrClass) == classPrivateKey {
		c.object.key = old.object.key
		if c.object.key == nil {
			c.object.key = k.secretOf(name, a)
		}
	}
	return c, true
}

// openObject decrypts what is private. The caller holds mu.
func (k *keyring) openObject(data []byte) (a attrs, private, ok bool) {
	o, err := parseObjectFile(data)
	if err != nil {
		return nil, false, false
	}
	if o.data == nil {
		// A private key in plain form was put there by somebody else.
		return o.plain, false, o.plain.number(attrClass) != classPrivateKey && !o.plain.is(attrPrivate)
	}
	if k.user == nil {
		return nil, true, false
	}
	pw := password(k.user)
	defer clear(pw)
	plain, err := alg.DecryptPBES2(o.id, o.data, pw)
	if err != nil {
		return nil, true, false
	}
	defer clear(plain)
	in := cryptobyte.String(plain)
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() {
		return nil, true, false
	}
	a, err = parseAttrs(list)
	return a, true, err == nil
}

// secretOf opens the container of a private key at its first use. The public
// key in the object's encrypted record must be the container's.
func (k *keyring) secretOf(name string, a attrs) *secret {
	want := a[attrPublicKeyInfo]
	return &secret{open: func() (*gost3410.PrivateKey, RV) {
		k.mu.Lock()
		pw := password(k.user)
		out := k.user == nil
		k.mu.Unlock()
		defer clear(pw)
		if out {
			return nil, rvUserNotLoggedIn
		}
		store, err := k.store()
		if err != nil {
			return nil, rvDeviceError
		}
		opened, err := store.Unlock(context.Background(), name, pw)
		if err != nil {
			return nil, noPIN(softRV(err))
		}
		pub, err := alg.ParsePublicKey(want)
		if err != nil || !alg.EqualKeys(opened.Public(), pub) {
			_ = opened.Close()
			return nil, rvDeviceError
		}
		return gostKey(opened)
	}}
}

// noPIN keeps answers about a PIN away from where no PIN was given.
func noPIN(rv RV) RV {
	if rv == rvPINIncorrect {
		return rvDeviceError
	}
	return rv
}

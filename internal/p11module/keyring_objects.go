package p11module

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// add writes the container first: a record without one would be a key that
// cannot be used, a container without a record is only waste.
func (k *keyring) add(a attrs, key *gost3410.PrivateKey) (string, RV) {
	store, err := k.store()
	if err != nil {
		return "", rvDeviceError
	}
	name := objectName()
	if key != nil {
		if rv := k.addContainer(store, name, key); rv != RVOK {
			return "", rv
		}
	}
	if rv := k.write(store, name, a, false); rv != RVOK {
		return "", rv
	}
	return name, RVOK
}

// objectName returns a new name. It begins with the time, so that objects are
// listed in the order in which they were made.
func objectName() string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	raw = append(raw, make([]byte, 8)...)
	_, _ = rand.Read(raw[8:]) // never fails (crypto/rand)
	return hex.EncodeToString(raw)
}

func (k *keyring) addContainer(store *soft.Store, name string, key *gost3410.PrivateKey) RV {
	k.mu.Lock()
	pw := password(k.user)
	out := k.user == nil
	k.mu.Unlock()
	defer clear(pw)
	if out {
		return rvUserNotLoggedIn
	}
	ctx, cancel := waiting()
	defer cancel()
	return softRV(store.Create(ctx, name, key, pw, soft.Meta{}))
}

// write stores the record of an object; must says that it has to be there
// already.
func (k *keyring) write(store *soft.Store, name string, a attrs, must bool) RV {
	var encrypt func([]byte) (alg.Identifier, []byte, error)
	if a.is(attrPrivate) {
		k.mu.Lock()
		pw := password(k.user)
		out := k.user == nil
		k.mu.Unlock()
		defer clear(pw)
		if out {
			return rvUserNotLoggedIn
		}
		encrypt = func(plain []byte) (alg.Identifier, []byte, error) {
			return alg.EncryptPBES2(rand.Reader, plain, pw, alg.PBES2{Cipher: objectCipher, Iterations: objectIterations})
		}
	}
	data, err := marshalObject(a, encrypt)
	if err != nil {
		return rvDeviceError
	}
	if len(data) > limits.KeyFileBytes {
		return rvDeviceMemory
	}
	ctx, cancel := waiting()
	defer cancel()
	gone := false
	err = store.Locked(ctx, func() error {
		if must {
			if _, err := os.Stat(filepath.Join(k.dir, name+objectSuffix)); err != nil {
				gone = true
				return nil
			}
		}
		return store.WriteFile(name+objectSuffix, data)
	})
	switch {
	case err != nil:
		return rvDeviceError
	case gone:
		return rvObjectHandleInvalid
	}
	return RVOK
}

func (k *keyring) update(name string, a attrs) RV {
	store, err := k.store()
	if err != nil {
		return rvDeviceError
	}
	return k.write(store, name, a, true)
}

// remove deletes the record first, for the reason that add gives.
func (k *keyring) remove(name string) RV {
	store, err := k.store()
	if err != nil {
		return rvDeviceError
	}
	ctx, cancel := waiting()
	defer cancel()
	gone := false
	err = store.Locked(ctx, func() error {
		err := os.Remove(filepath.Join(k.dir, name+objectSuffix))
		if gone = errors.Is(err, fs.ErrNotExist); gone {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return rvDeviceError
	case gone:
		return rvObjectHandleInvalid
	}
	if err := store.Delete(ctx, name); err != nil && !errors.Is(err, soft.ErrNotFound) {
		return rvDeviceError
	}
	return RVOK
}

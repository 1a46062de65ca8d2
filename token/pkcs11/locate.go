package pkcs11

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// knownModules are the libraries of tokens that are common in Russia, and of
// the free software modules, as their packages name them.
var knownModules = []string{
	"librtpkcs11ecp.so",      // Rutoken ECP, Lite
	"libjcPKCS11-2.so",       // JaCarta
	"libisbc_pkcs11_main.so", // ESMART
	"libsofthsm2.so",         // SoftHSM
	"gosklyuch-pkcs11.so",    // this project's own
	"opensc-pkcs11.so",       // OpenSC
	"rtPKCS11ECP.dll", "jcPKCS11-2.dll", "librtpkcs11ecp.dylib", "libjcPKCS11-2.dylib", "libsofthsm2.dylib",
}

// moduleDirs are the folders in which packages put modules.
func moduleDirs() []string {
	switch runtime.GOOS {
	case "windows":
		return []string{filepath.Join(os.Getenv("SystemRoot"), "System32")}
	case "darwin":
		return []string{"/usr/local/lib", "/opt/homebrew/lib", "/Library/Frameworks", "/Library/OpenSC/lib", "/usr/local/lib/softhsm"}
	}
	arch := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "386": "i386-linux-gnu", "s390x": "s390x-linux-gnu"}[runtime.GOARCH]
	dirs := []string{
		"/usr/lib/" + arch + "/pkcs11", "/usr/lib/" + arch, "/usr/lib/" + arch + "/softhsm", "/usr/lib/softhsm",
		"/usr/lib64/pkcs11", "/usr/lib64", "/usr/lib/pkcs11", "/usr/lib", "/usr/local/lib", "/usr/local/lib/softhsm",
		"/opt/aktivco/rutokenecp/" + runtime.GOARCH, "/opt/aktivco/rutokenecp/amd64",
	}
	return dirs
}

// FindModules lists the modules of known tokens that are installed on this
// machine, each file once.
func FindModules() []string {
	var out, seen []string
	for _, name := range knownModules {
		for _, dir := range moduleDirs() {
			path := filepath.Join(dir, name)
			file, err := resolve(path)
			if err != nil || slices.Contains(seen, file) {
				continue
			}
			out, seen = append(out, path), append(seen, file)
		}
	}
	return out
}

// modulePath decides which module a URI and a configuration mean.
func modulePath(u *URI, c Config) (string, error) {
	switch {
	case u.ModulePath != "":
		// RFC 7512, section 2.4: module-path may be a directory, in which
		// module-name is looked for.
		if st, err := os.Stat(u.ModulePath); err == nil && st.IsDir() && u.ModuleName != "" {
			return findNamed(u.ModuleName, []string{u.ModulePath})
		}
		return u.ModulePath, nil
	case u.ModuleName != "":
		return findNamed(u.ModuleName, moduleDirs())
	case strings.ContainsAny(c.Module, `/\`):
		return c.Module, nil
	case c.Module != "":
		return findNamed(c.Module, append([]string{"."}, moduleDirs()...))
	}
	switch found := FindModules(); len(found) {
	case 0:
		return "", ErrNoModule
	case 1:
		return found[0], nil
	default:
		return "", fmt.Errorf("%w: name one of the modules %s", ErrAmbiguous, strings.Join(found, ", "))
	}
}

// findNamed looks for a module by its name without or with what systems put
// around it: "softhsm2" is libsofthsm2.so.
func findNamed(name string, dirs []string) (string, error) {
	for _, dir := range dirs {
		for _, file := range []string{name, name + ".so", "lib" + name + ".so", name + ".dll", name + ".dylib", "lib" + name + ".dylib"} {
			path := filepath.Join(dir, file)
			if _, err := resolve(path); err == nil {
				return path, nil
			}
		}
	}
	return "", &ModuleError{Path: name, Err: os.ErrNotExist}
}

// TokenInfo is what a token says of itself.
type TokenInfo struct {
	Label, Serial, Manufacturer, Model string
	Module                             string // path of the module
	Slot                               string // description of the slot
	Initialized                        bool
	UserPINSet                         bool
	LoginRequired                      bool
	ReadOnly                           bool
	PINPad                             bool // the PIN is typed at the reader
	UserPIN, SOPIN                     PINState
	MinPIN, MaxPIN                     int // length in octets; 0 if not known
	// What the list of mechanisms offers.
	GOST256, GOST512 Support
	RSA, ECDSA       Support
	VKO              bool
	Mechanisms       []uint
	flags            uint
}

// PINState is what the flags tell of a PIN's tries.
type PINState struct {
	CountLow    bool // a wrong PIN was given since the last right one
	FinalTry    bool // one more wrong PIN locks it
	Locked      bool
	ToBeChanged bool // the PIN is the one of the factory or has expired
}

// Support says how a token uses keys of an algorithm.
type Support uint8

// The kinds of support.
const (
	SupportNone    Support = iota
	SupportDigest          // signs a digest: the token is active
	SupportMessage         // hashes and signs; the token is active
)

// String returns "none", "digest" or "message".
func (s Support) String() string {
	return [...]string{"none", "digest", "message"}[min(s, SupportMessage)]
}

// URI names the token.
func (t *TokenInfo) URI() *URI {
	return &URI{Token: t.Label, Serial: t.Serial, Manufacturer: t.Manufacturer, Model: t.Model, ModulePath: t.Module}
}

// Retries returns how many tries the state leaves: 0, 1, or -1 where the flags
// do not tell.
func (p PINState) Retries() int {
	switch {
	case p.Locked:
		return 0
	case p.FinalTry:
		return 1
	}
	return -1
}

// userState and soState read the flags of CK_TOKEN_INFO.
func userState(flags uint) PINState {
	return PINState{
		CountLow: flags&ckfUserPINCountLow != 0, FinalTry: flags&ckfUserPINFinalTry != 0,
		Locked: flags&ckfUserPINLocked != 0, ToBeChanged: flags&ckfUserPINToBeChanged != 0,
	}
}

func soState(flags uint) PINState {
	return PINState{
		CountLow: flags&ckfSOPINCountLow != 0, FinalTry: flags&ckfSOPINFinalTry != 0,
		Locked: flags&ckfSOPINLocked != 0, ToBeChanged: flags&ckfSOPINToBeChanged != 0,
	}
}

// support picks how keys are used from the mechanisms that there are.
func support(mechs []uint, raw uint, hashing ...uint) Support {
	if slices.Contains(mechs, raw) {
		return SupportDigest
	}
	for _, h := range hashing {
		if slices.Contains(mechs, h) {
			return SupportMessage
		}
	}
	return SupportNone
}

// inspect reads what there is to know of the token in a slot.
func (m *module) inspect(slot uint) (*TokenInfo, error) {
	t, err := m.TokenInfo(slot)
	if err != nil {
		return nil, err
	}
	s, err := m.SlotInfo(slot)
	if err != nil {
		return nil, err
	}
	mechs, err := m.Mechanisms(slot)
	if err != nil {
		return nil, err
	}
	out := &TokenInfo{
		Label: t.label, Serial: t.serial, Manufacturer: t.manufacturer, Model: t.model,
		Module: m.path, Slot: s.description,
		Initialized: t.flags&ckfTokenInitialized != 0, UserPINSet: t.flags&ckfUserPINInitialized != 0,
		LoginRequired: t.flags&ckfLoginRequired != 0, ReadOnly: t.flags&ckfWriteProtected != 0,
		PINPad: t.flags&ckfProtectedPath != 0, UserPIN: userState(t.flags), SOPIN: soState(t.flags),
		GOST256:    support(mechs, ckmGOSTR3410, ckmGOSTWithStreebog256),
		GOST512:    support(mechs, ckmGOSTR3410x512, ckmGOSTWithStreebog512),
		RSA:        support(mechs, ckmRSAPKCS, ckmSHA256RSA, ckmSHA384RSA, ckmSHA512RSA),
		ECDSA:      support(mechs, ckmECDSA, ckmECDSASHA256, ckmECDSASHA384, ckmECDSASHA512),
		VKO:        slices.Contains(mechs, ckmGOST12Derive),
		Mechanisms: mechs, flags: t.flags,
	}
	if t.minPIN != ckUnavailable {
		out.MinPIN = int(t.minPIN)
	}
	if t.maxPIN != ckUnavailable {
		out.MaxPIN = int(t.maxPIN)
	}
	return out, nil
}

// slotOf finds the one slot whose token fits. Only initialised tokens have a
// label and are meant, unless blank is set.
func (m *module) slotOf(u *URI, blank bool) (uint, error) {
	info, err := m.Info()
	if err != nil {
		return 0, err
	}
	if !u.fitsLibrary(info) {
		return 0, fmt.Errorf("%w: the module is another one", ErrNotFound)
	}
	slots, err := m.SlotList(true)
	if err != nil {
		return 0, err
	}
	var found []uint
	var failed error
	for _, slot := range slots {
		t, err := m.TokenInfo(slot)
		var s slotInfo
		if err == nil {
			s, err = m.SlotInfo(slot)
		}
		if err != nil {
			// Removed since, or not recognised: not the one that is meant. What
			// else is wrong may be why it is not found.
			if failed == nil && !isCode(err, CodeTokenNotPresent, ckrTokenNotRecognized) {
				failed = err
			}
			continue
		}
		initialized := t.flags&ckfTokenInitialized != 0
		if u.fitsToken(t) && u.fitsSlot(s) && (initialized || blank) {
			found = append(found, slot)
		}
	}
	switch len(found) {
	case 0:
		if failed != nil {
			return 0, fmt.Errorf("%w: no token; one did not answer: %w", ErrNotFound, failed)
		}
		return 0, fmt.Errorf("%w: no token", ErrNotFound)
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("%w: %d tokens", ErrAmbiguous, len(found))
}

// poll is how often a token that is waited for is looked for. Asking the module
// costs a request to the reader.
const poll = 250 * time.Millisecond

// List tells of every token that the modules see. With an empty module it asks
// all that are in known places; a module that fails then does not hide the
// others, and the errors come with the list.
func List(ctx context.Context, module string) ([]*TokenInfo, []error) {
	paths := []string{module}
	if module == "" {
		if paths = FindModules(); len(paths) == 0 {
			return nil, []error{ErrNoModule}
		}
	} else if path, err := modulePath(&URI{}, Config{Module: module}); err != nil {
		return nil, []error{err}
	} else {
		paths[0] = path
	}
	var out []*TokenInfo
	var errs []error
	for _, path := range paths {
		list, err := wait(ctx, func() ([]*TokenInfo, error) { return listOne(path) })
		out = append(out, list...)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return out, errs
}

func listOne(path string) (out []*TokenInfo, err error) {
	m, err := acquire(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := m.release(); err == nil {
			err = e
		}
	}()
	slots, err := m.SlotList(true)
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		t, err := m.inspect(slot)
		if isCode(err, CodeTokenNotPresent, ckrTokenNotRecognized, CodeDeviceRemoved) {
			continue
		}
		if err != nil {
			return out, err
		}
		out = append(out, t)
	}
	return out, nil
}

// wait runs f and lets the context end the wait for it. f then goes on alone:
// a call into C cannot be broken off.
func wait[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

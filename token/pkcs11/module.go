package pkcs11

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// attribute is one CK_ATTRIBUTE; numbers are in the module's CK_ULONG.
type attribute struct {
	typ   uint
	value []byte
}

// mechanism is one CK_MECHANISM.
type mechanism struct {
	typ   uint
	param []byte
}

type slotInfo struct {
	description, manufacturer string
}

type tokenInfo struct {
	label, manufacturer, model, serial string
	flags                              uint
	maxRWSessions                      uint
	minPIN, maxPIN                     uint
}

type moduleInfo struct {
	manufacturer, description string
	major, minor              byte
}

// api is what is called of a module. Every error is an *[Error]. The binding to
// C implements it, and tests do.
type api interface {
	Initialize() error
	Finalize() error
	Info() (moduleInfo, error)
	SlotList(withToken bool) ([]uint, error)
	SlotInfo(slot uint) (slotInfo, error)
	TokenInfo(slot uint) (tokenInfo, error)
	Mechanisms(slot uint) ([]uint, error)
	InitToken(slot uint, pin []byte, label string) error
	InitPIN(session uint, pin []byte) error
	SetPIN(session uint, old, pin []byte) error
	OpenSession(slot, flags uint) (uint, error)
	CloseSession(session uint) error
	SessionState(session uint) (uint, error)
	Login(session, user uint, pin []byte) error
	Logout(session uint) error
	CreateObject(session uint, template []attribute) (uint, error)
	DestroyObject(session, object uint) error
	Attributes(session, object uint, types []uint) ([][]byte, error)
	SetAttributes(session, object uint, template []attribute) error
	Find(session uint, template []attribute, limit int) ([]uint, error)
	SignInit(session uint, m mechanism, key uint) error
	Sign(session uint, data []byte) ([]byte, error)
	GenerateKeyPair(session uint, m mechanism, public, private []attribute) (pub, priv uint, err error)
	DeriveKey(session uint, m mechanism, key uint, template []attribute) (uint, error)
}

// A ModuleError says that a module could not be loaded or started.
type ModuleError struct {
	Path string
	Err  error
}

// Error names the module.
func (e *ModuleError) Error() string { return fmt.Sprintf("pkcs11: module %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *ModuleError) Unwrap() error { return e.Err }

// module is a library that is loaded into the process.
type module struct {
	api
	path string

	mu     sync.Mutex
	refs   int
	ours   bool                     // C_Initialize succeeded here, so C_Finalize is ours too
	logins map[string]chan struct{} // one login at a time for each token
}

// modules is the one piece of state of the process: an application calls
// C_Initialize once (PKCS #11 v2.40), whichever parts of it use the module.
var modules = struct {
	sync.Mutex
	loaded map[string]*module
}{loaded: map[string]*module{}}

// acquire loads and initialises a module, or takes the one that is there.
func acquire(path string) (*module, error) {
	modules.Lock()
	defer modules.Unlock()
	m, ok := modules.loaded[path]
	if !ok {
		file, err := resolve(path)
		if err != nil {
			return nil, &ModuleError{Path: path, Err: err}
		}
		if m, ok = modules.loaded[file]; !ok {
			lib, err := load(file)
			if err != nil {
				return nil, &ModuleError{Path: path, Err: err}
			}
			m = &module{api: lib, path: file}
			modules.loaded[file] = m
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refs == 0 {
		if err := m.start(); err != nil {
			return nil, &ModuleError{Path: path, Err: err}
		}
	}
	m.refs++
	return m, nil
}

// resolve returns the path under which the loader knows the library: two names
// of one file are one module.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	file, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", errors.New("not a file")
	}
	return file, nil
}

// start calls C_Initialize. A module that another part of the process has
// started is used and left for that part to stop.
func (m *module) start() error {
	err := m.Initialize()
	m.ours = err == nil
	if isCode(err, ckrCryptokiInitialized) {
		return nil
	}
	return err
}

// restart initialises a module that somebody else has finalised.
func (m *module) restart() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.start()
}

// release gives a module back. The last one finalises it: some modules crash
// when the process ends otherwise. The library stays loaded.
func (m *module) release() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refs--; m.refs > 0 || !m.ours {
		return nil
	}
	m.ours = false
	if err := m.Finalize(); err != nil && !isCode(err, ckrCryptokiNotInitialized) {
		return err
	}
	return nil
}

// loginLock returns the lock of a token's login, which all sessions share.
func (m *module) loginLock(name string) chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logins == nil {
		m.logins = map[string]chan struct{}{}
	}
	if m.logins[name] == nil {
		m.logins[name] = make(chan struct{}, 1)
	}
	return m.logins[name]
}

// codeOf returns the return value that an error carries, CKR_OK for none.
func codeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ckrOK
}

func isCode(err error, codes ...Code) bool {
	got := codeOf(err)
	for _, c := range codes {
		if got == c && got != ckrOK {
			return true
		}
	}
	return false
}

package p11module

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosklyuch/gosklyuch/token/soft"
)

// Config says how a module works. Getenv is required.
type Config struct {
	// Getenv reads the environment at C_Initialize; see [Dir] and [FaultVariable].
	Getenv func(string) string
	// ULongSize is the size of CK_ULONG in octets, 4 or 8; 0 means 8.
	ULongSize int
	// Iterations of PBKDF2 for the PINs of the keyring; 0 means soft.Iterations.
	Iterations int
}

// Environment variables that name the folder of containers.
const (
	// DirVariable names the folder of containers itself.
	DirVariable = "GOSKLYUCH_PKCS11_KEYS"
	// HomeVariable names the home of the program; its folder "keys" is used.
	HomeVariable = "GOSKLYUCH_HOME"
)

// Module is one initialized or waiting module: what is between C_Initialize and
// C_Finalize. Its methods are the functions of PKCS #11 and may be called from
// several goroutines.
type Module struct {
	cfg    Config
	faults atomic.Pointer[faults] // nil unless the environment asked for some

	mu         sync.Mutex
	on         bool
	stop       chan struct{} // closed by Finalize
	dir        string
	slots      []*slot
	sessions   map[uint64]*session
	lastHandle uint64 // of sessions and objects
}

// New returns a module that waits for Initialize.
func New(cfg Config) *Module {
	if cfg.ULongSize == 0 {
		cfg.ULongSize = 8
	}
	if cfg.Iterations == 0 {
		cfg.Iterations = soft.Iterations
	}
	return &Module{cfg: cfg}
}

// Dir returns the folder of containers that the environment names:
// $GOSKLYUCH_PKCS11_KEYS, else $GOSKLYUCH_HOME/keys, else
// $XDG_DATA_HOME/gosklyuch/keys, else ~/.local/share/gosklyuch/keys.
func Dir(getenv func(string) string) (string, error) {
	if d := getenv(DirVariable); d != "" {
		return d, nil
	}
	if h := getenv(HomeVariable); h != "" {
		return filepath.Join(h, "keys"), nil
	}
	if x := getenv("XDG_DATA_HOME"); filepath.IsAbs(x) {
		return filepath.Join(x, "gosklyuch", "keys"), nil
	}
	h := getenv("HOME")
	if h == "" {
		var err error
		if h, err = os.UserHomeDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(h, ".local", "share", "gosklyuch", "keys"), nil
}

// Initialize is C_Initialize without its arguments, which the C edge checks. An
// environment that asks for an unknown fault is CKR_GENERAL_ERROR: a test that
// believes to inject something must not pass by a typing error.
func (m *Module) Initialize() RV {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on {
		return rvCryptokiAlreadyInitialized
	}
	dir, err := Dir(m.cfg.Getenv)
	if err != nil {
		return rvGeneralError
	}
	f, err := parseFaults(m.cfg.Getenv(FaultVariable))
	if err != nil {
		return rvGeneralError
	}
	m.faults.Store(f)
	m.on, m.dir = true, dir
	m.stop = make(chan struct{})
	m.sessions = map[uint64]*session{}
	m.slots = []*slot{{
		id: 0, present: true,
		back: &keyring{dir: filepath.Join(dir, keyringDir), iterations: m.cfg.Iterations},
	}}
	m.scan()
	return RVOK
}

// Finalize is C_Finalize: it logs out, wipes every key and forgets all handles.
func (m *Module) Finalize() RV {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return rvCryptokiNotInitialized
	}
	for _, s := range m.slots {
		m.dropSessions(s)
	}
	close(m.stop)
	m.on, m.slots, m.sessions = false, nil, nil
	m.faults.Store(nil)
	return RVOK
}

// Check says whether the module is initialized, for functions that do nothing
// else.
func (m *Module) Check(rv RV) RV {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return rvCryptokiNotInitialized
	}
	return rv
}

// handle returns a number that was not used before. The caller holds mu.
func (m *Module) handle() uint64 {
	m.lastHandle++
	return m.lastHandle
}

// withSlot runs f for a slot with mu held, after the faults of the function.
func (m *Module) withSlot(function string, id uint64, f func(*slot) RV) RV {
	m.faults.Load().before(function)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return rvCryptokiNotInitialized
	}
	for _, s := range m.slots {
		if s.id == id {
			if rv := m.strike(function, s, false); rv != RVOK {
				return rv
			}
			return f(s)
		}
	}
	return rvSlotIDInvalid
}

// withSession runs f for a session with mu held, after the faults of the
// function.
func (m *Module) withSession(function string, h uint64, f func(*session) RV) RV {
	m.faults.Load().before(function)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return rvCryptokiNotInitialized
	}
	s, ok := m.sessions[h]
	if !ok {
		return rvSessionHandleInvalid
	}
	if rv := m.strike(function, s.slot, true); rv != RVOK {
		return rv
	}
	return f(s)
}

// Output is the buffer of a function that returns octets "on the conventions of
// section 5.2": Query asks for the length alone.
type Output struct {
	Buf   []byte
	Query bool
}

// fits says what to do for an answer of n octets: nothing more for a query, an
// error for a small buffer.
func (o Output) fits(n int) (done bool, rv RV) {
	switch {
	case o.Query:
		return true, RVOK
	case len(o.Buf) < n:
		return true, RVBufferTooSmall
	}
	return false, RVOK
}

// Removal and return take time on a real reader as well.
const defaultAbsence = 300 * time.Millisecond

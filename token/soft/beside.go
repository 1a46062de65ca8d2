package soft

import "context"

// minIterations is the least that RFC 9337, section 5.1.1 allows.
const minIterations = 1000

// WithIterations returns the same store with another number of PBKDF2
// iterations for new containers and changed passwords, at least 1000. It is for
// stores whose passwords are random keys, which nobody can guess and for which
// the time of [Iterations] would buy nothing.
func (s *Store) WithIterations(n int) *Store {
	c := *s
	c.iterations = max(n, minIterations)
	return &c
}

// Locked runs f under the lock that all processes with this store share, for
// rooms that keep files of their own beside the containers. f must not call a
// method that writes containers: it would wait for the same lock.
func (s *Store) Locked(ctx context.Context, f func() error) error { return s.locked(ctx, f) }

// WriteFile replaces a file of the store's directory as a whole, with mode
// 0600: a reader sees the old content or the new one, after a crash too. Call
// it inside [Store.Locked]. name is a plain file name without the suffix of
// containers.
func (s *Store) WriteFile(name string, data []byte) error { return s.writeFile(name, data) }

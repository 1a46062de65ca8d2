//go:build !windows && (!unix || solaris || illumos || aix)

package soft

import (
	"errors"
	"os"
)

// tryLock fails: without a lock that ends with the process a second process
// could lose what the first one wrote.
func tryLock(*os.File) (bool, error) {
	return false, errors.New("soft: containers cannot be locked on this system")
}

// syncDir does nothing on systems that cannot lock either.
func syncDir(string) error { return nil }

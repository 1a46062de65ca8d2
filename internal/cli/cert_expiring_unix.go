//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// endTogether lets the end of a command's time end what it started as well.
func endTogether(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}

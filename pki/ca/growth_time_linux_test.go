package ca_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// processors returns the processor time that this process has used.
func processors() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// childProcessors returns the processor time of the children that have ended.
func childProcessors() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// written returns the octets that this process has sent to the disk (proc(5),
// /proc/pid/io).
func written() int64 {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	var n int64
	_, text, ok := strings.Cut(string(b), "\nwrite_bytes: ")
	if _, err := fmt.Sscan(text, &n); !ok || err != nil {
		return 0
	}
	return n
}

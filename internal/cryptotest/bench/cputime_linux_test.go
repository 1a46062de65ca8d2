//go:build bench

package bench_test

import (
	"syscall"
	"time"
	"unsafe"
)

// threadCPUTime is CLOCK_THREAD_CPUTIME_ID of <time.h>. getrusage would need
// no unsafe, but counts in ticks of some milliseconds on many kernels.
const threadCPUTime = 3

// cpuTime returns the processor time that the calling thread has used.
func cpuTime() time.Duration {
	var ts syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadCPUTime, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(ts.Nano())
}

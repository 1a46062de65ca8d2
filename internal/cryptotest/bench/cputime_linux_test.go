//go:build bench

package bench_test

import (
	"syscall"
	"time"
	"unsafe"
)

// Clocks of <time.h>: CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID.
// getrusage would need no unsafe, but counts in ticks of some milliseconds on
// many kernels.
const (
	processCPUTime = 2
	threadCPUTime  = 3
)

// cpuTime returns the processor time that the calling thread has used.
func cpuTime() time.Duration { return clock(threadCPUTime) }

// processTime returns the processor time that all threads have used.
func processTime() time.Duration { return clock(processCPUTime) }

func clock(id uintptr) time.Duration {
	var ts syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(ts.Nano())
}

//go:build cgo && unix

package main

// #cgo CFLAGS: -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter
// #include <stdlib.h>
// #include "cryptoki.h"
import "C"

import (
	"runtime/debug"
	"unsafe"

	"github.com/gosklyuch/gosklyuch/internal/p11module"
)

// main is never called in a shared library.
func main() {}

// module is the module of this process: C functions have no receiver.
var module = p11module.New(p11module.Config{Getenv: getenv, ULongSize: C.sizeof_ck_ulong})

// getenv asks C: Go copies the environment when the library is loaded and would
// miss what the program has set since.
func getenv(name string) string {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return C.GoString(C.getenv(c))
}

// maxLength bounds a length that a C caller gives: more is a mistake, such as a
// negative number.
const maxLength = 1 << 30

// guarded runs f and turns a panic into CKR_GENERAL_ERROR. A pointer of the
// caller that leads nowhere is such a panic as well.
func guarded(f func() p11module.RV) (rv C.ck_rv) {
	defer func() {
		if r := recover(); r != nil {
			rv = C.RV_GENERAL
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return C.ck_rv(f())
}

// bytesOf is the caller's buffer as a slice; false for NULL with a length.
func bytesOf(p unsafe.Pointer, n C.ck_ulong) ([]byte, bool) {
	switch {
	case n == 0:
		return nil, true
	case p == nil || n > maxLength:
		return nil, false
	}
	return unsafe.Slice((*byte)(p), int(n)), true
}

// input is bytesOf for octets.
func input(p *C.ck_byte, n C.ck_ulong) ([]byte, bool) { return bytesOf(unsafe.Pointer(p), n) }

// template copies the entries of a template; the values stay the caller's.
func template(p *C.struct_ck_attribute, n C.ck_ulong) ([]p11module.Attribute, bool) {
	list, ok := attributes(p, n)
	if !ok {
		return nil, false
	}
	out := make([]p11module.Attribute, len(list))
	for i, a := range list {
		v, ok := bytesOf(a.value, a.len)
		if !ok {
			return nil, false
		}
		out[i] = p11module.Attribute{Type: uint64(a._type), Value: v}
	}
	return out, true
}

// maxAttributes bounds a template before it is looked at.
const maxAttributes = 1024

func attributes(p *C.struct_ck_attribute, n C.ck_ulong) ([]C.struct_ck_attribute, bool) {
	switch {
	case n == 0:
		return nil, true
	case p == nil || n > maxAttributes:
		return nil, false
	}
	return unsafe.Slice(p, int(n)), true
}

// mechanism copies CK_MECHANISM. A parameter as long as the structure with
// pointers is that structure: the flat form is longer.
func mechanism(p *C.struct_ck_mechanism) (p11module.Mechanism, bool) {
	if p == nil {
		return p11module.Mechanism{}, false
	}
	out := p11module.Mechanism{Type: uint64(p._type)}
	var ok bool
	if out.Param, ok = bytesOf(p.param, p.len); !ok {
		return out, false
	}
	if out.Type != p11module.MechanismDerive || p.len != C.sizeof_struct_ck_gost_derive {
		return out, true
	}
	d := (*C.struct_ck_gost_derive)(p.param)
	pub, ok1 := input(d.pub, d.pub_len)
	ukm, ok2 := input(d.ukm, d.ukm_len)
	out.Derive = &p11module.DeriveParams{KDF: uint64(d.kdf), PublicKey: pub, UKM: ukm}
	return out, ok1 && ok2
}

// output runs a function that returns octets in the caller's buffer.
func output(p *C.ck_byte, n *C.ck_ulong, f func(p11module.Output) (int, p11module.RV)) p11module.RV {
	if n == nil {
		return p11module.RVArgumentsBad
	}
	o := p11module.Output{Query: p == nil}
	if p != nil {
		o.Buf = unsafe.Slice((*byte)(p), int(min(*n, maxLength)))
	}
	length, rv := f(o)
	if rv == p11module.RVOK || rv == p11module.RVBufferTooSmall {
		*n = C.ck_ulong(length)
	}
	return rv
}

// list runs a function that returns numbers in the caller's array.
func list(p *C.ck_ulong, n *C.ck_ulong, f func(query bool, out []uint64) (int, p11module.RV)) p11module.RV {
	if n == nil {
		return p11module.RVArgumentsBad
	}
	var got []uint64
	if p != nil {
		got = make([]uint64, min(*n, maxAttributes*4))
	}
	length, rv := f(p == nil, got)
	if rv == p11module.RVOK || rv == p11module.RVBufferTooSmall {
		*n = C.ck_ulong(length)
	}
	if rv == p11module.RVOK && p != nil {
		numbers(p, got[:length])
	}
	return rv
}

// numbers stores handles in the caller's array, which is long enough.
func numbers(p *C.ck_ulong, values []uint64) {
	out := unsafe.Slice(p, len(values))
	for i, v := range values {
		out[i] = C.ck_ulong(v)
	}
}

// pad writes text padded with blanks.
func pad(out []C.ck_byte, text string) {
	for i := range out {
		out[i] = ' '
		if i < len(text) {
			out[i] = C.ck_byte(text[i])
		}
	}
}

// Command gosklyuch-pkcs11 is the C edge of the PKCS #11 module over software
// containers: it turns C pointers into slices and calls internal/p11module.
// Build it as a shared library:
//
//	go build -buildmode=c-shared -o gosklyuch-pkcs11.so ./cmd/gosklyuch-pkcs11
//
// It exports C_GetFunctionList. No panic crosses the boundary: it becomes
// CKR_GENERAL_ERROR. So does every call in a process that was forked from the one
// that loaded the library, before any Go code runs.
package main

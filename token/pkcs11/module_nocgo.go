//go:build !cgo

package pkcs11

// ulongSize is the size of CK_ULONG; without cgo nothing reads what it encodes.
const ulongSize = 8

// load fails: calling C needs cgo.
func load(string) (api, error) { return nil, ErrNoCgo }

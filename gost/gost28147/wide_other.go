//go:build !amd64 || purego

package gost28147

// wideTables and wide stand for what other processors have.
type wideTables struct{}

func newWideTables(*[8][16]byte) wideTables { return wideTables{} }

type wide struct{ on bool } // never on

func implementations() []string { return []string{portable} }

func newWide(SBox) wide { return wide{} }

func (*wide) setKey(*[8]uint32) {}

func (*wide) encrypt(n1, n2 uint32) (uint32, uint32) { return n1, n2 }

func (*wide) decrypt(n1, n2 uint32) (uint32, uint32) { return n1, n2 }

func (*wide) sixteen(n1, n2 uint32) (uint32, uint32) { return n1, n2 }

func (*wide) encryptBlocks([]byte) {}

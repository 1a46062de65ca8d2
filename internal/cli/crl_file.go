package cli

import (
	"os"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// openLargeCRL opens a large DER file as a revocation list whose entries stay in
// it. ok is false for what must be read another way: a small file, PEM, standard
// input, and what is no list, about which the ordinary way has more to say.
func openLargeCRL(path string) (list *pki.RevocationList, ok bool) {
	if path == "-" {
		return nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	if list = listIn(f); list == nil {
		f.Close() //nolint:errcheck,gosec // opened for reading
		return nil, false
	}
	return list, true // the file is closed when the list is garbage: os.File does that
}

// listIn returns the list in f, nil if it is none or not large.
func listIn(f *os.File) *pki.RevocationList {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < limits.CRLInFile {
		return nil
	}
	head := make([]byte, 1)
	if _, err := f.ReadAt(head, 0); err != nil || head[0] != 0x30 {
		return nil
	}
	list, err := pki.OpenRevocationList(f, info.Size())
	if err != nil {
		return nil
	}
	return list
}

// readCRLs reads all revocation lists of a file.
func (a *app) readCRLs(path string) ([]*pki.RevocationList, error) {
	if list, ok := openLargeCRL(path); ok {
		return []*pki.RevocationList{list}, nil
	}
	found, err := a.blocks(path, der.KindCRL)
	if err != nil {
		return nil, err
	}
	return parseAll(path, der.KindCRL, found, pki.ParseCRL)
}

// readCRL reads a file that must hold exactly one revocation list.
func (a *app) readCRL(path string) (*pki.RevocationList, error) {
	if list, ok := openLargeCRL(path); ok {
		return list, nil
	}
	return readOne(a, path, der.KindCRL, pki.ParseCRL)
}

package ca

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// readBounded reads a file of at most limit octets.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("ca: %s: larger than %d octets", path, limit)
	}
	return b, nil
}

// readChain reads chain.pem; a missing file is no chain.
func readChain(path string) ([]*pki.Certificate, error) {
	text, err := readBounded(path, limits.AuthorityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var chain []*pki.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return chain, nil
		}
		if len(chain) == limits.AuthorityChain {
			return nil, fmt.Errorf("ca: %s: more than %d certificates", ChainFile, limits.AuthorityChain)
		}
		c, err := pki.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("ca: %s: %w", ChainFile, err)
		}
		chain = append(chain, c)
	}
}

func chainPEM(chain []*pki.Certificate) []byte {
	var out []byte
	for _, c := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// writeNew writes a file that must not exist yet and brings it to the disk.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("ca: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

package ceremony

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// The lists of digests in an export, in the form that sha256sum reads.
const (
	sha256File   = "SHA256SUMS"
	streebogFile = "STREEBOG256SUMS"
)

// doExport copies the public files of the steps before into one folder, reads
// the copies again, and lists their digests. Streebog is computed on both paths.
func (r *run) doExport(s *ExportStep) error {
	var sums, streebogs bytes.Buffer
	for _, f := range r.public {
		b, err := readFile(r.path(f.path))
		if err != nil {
			return r.missing(f.path, err)
		}
		d := DigestOf(b)
		if !bytes.Equal(second.Streebog256(b), d.Streebog256[:]) {
			return &CheckError{SecondPath().Name(), slashed(f.path), errors.New("the two paths disagree about the Streebog-256 digest")}
		}
		if err := r.copyOut(filepath.Join(s.To, f.name), b); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(d.SHA256[:]), f.name)
		fmt.Fprintf(&streebogs, "%s  %s\n", d, f.name)
		r.lines = append(r.lines, f.name)
	}
	for _, l := range []struct {
		name string
		text []byte
	}{{streebogFile, streebogs.Bytes()}, {sha256File, sums.Bytes()}} {
		name := filepath.Join(s.To, l.name)
		if err := r.copyOut(name, l.text); err != nil {
			return err
		}
		r.digests(name, l.text)
	}
	return nil
}

// copyOut writes a file unless it is there, and compares what is there.
func (r *run) copyOut(name string, b []byte) error {
	have, err := r.exists(name)
	if err != nil {
		return err
	}
	if !have {
		if err := r.write(name, b); err != nil {
			return err
		}
	}
	copied, err := readFile(r.path(name))
	if err == nil && !bytes.Equal(copied, b) {
		err = fmt.Errorf("%w: %s differs from what the ceremony made", ErrChanged, slashed(name))
	}
	return err
}

// oneCertificate returns the DER of a file with one certificate.
func oneCertificate(b []byte) ([]byte, error) {
	blocks, err := der.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("ceremony: certificate: %w", err)
	}
	if len(blocks) != 1 {
		return nil, errors.New("ceremony: one certificate is expected")
	}
	return blocks[0].Bytes, nil
}

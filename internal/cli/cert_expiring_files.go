package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// certificateSuffixes are those of files that may hold certificates.
var certificateSuffixes = []string{".cer", ".crt", ".pem", ".der"}

// paths looks at files, which must hold certificates, and at folders, of which
// the files with a certificate's suffix count.
func (s *expirySearch) paths(ctx context.Context, paths []string) error {
	for _, path := range paths {
		if st, err := os.Stat(path); path != "-" && err == nil && st.IsDir() {
			if err := s.folder(ctx, path, 0); err != nil {
				return err
			}
			continue
		}
		certs, err := s.readCertificates(path)
		if err != nil {
			return err
		}
		for _, c := range certs {
			s.certificate(c, expiringCert{File: path})
		}
	}
	return nil
}

// folder walks a folder in the order of names, without following links to
// folders. What cannot be read is a warning, and the result not "there is none".
func (s *expirySearch) folder(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > limits.BatchDepth {
		return failedf(text{"%s: папки вложены глубже %d", "%s: folders are nested deeper than %d"}, dir, limits.BatchDepth)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.skip(dir, err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if err := s.folder(ctx, path, depth+1); err != nil {
				return err
			}
		case regular(dir, e) && slices.Contains(certificateSuffixes, strings.ToLower(filepath.Ext(path))):
			if s.files++; s.files > limits.BatchFiles {
				return failedf(text{"файлов больше %d: проверяйте по частям", "more than %d files: look at them in parts"}, limits.BatchFiles)
			}
			s.inFolder(path)
		}
	}
	return nil
}

func (s *expirySearch) skip(path string, err error) {
	s.unread++
	s.warnf(text{"%s: не прочитано: %s", "%s: not read: %s"}, safe(path), safe(s.t(s.sentence(err).message)))
}

// inFolder takes the certificates of a file; a key or a request in it is none
// and is passed over.
func (s *expirySearch) inFolder(path string) {
	data, err := s.readFile(path)
	if err != nil {
		s.skip(path, err)
		return
	}
	found, err := der.Decode(data)
	if err != nil {
		var other *der.NotDERError
		if !errors.As(err, &other) || other.Kind == der.KindUnknown {
			s.skip(path, unreadable(path, der.KindCertificate, err))
		}
		return
	}
	for _, b := range found {
		if k := der.Sniff(b.Bytes); k != der.KindCertificate && k != der.KindUnknown {
			continue
		}
		c, err := pki.ParseCertificate(b.Bytes)
		if err != nil {
			s.skip(path, unreadable(path, der.KindCertificate, err))
			return
		}
		s.certificate(c, expiringCert{File: path})
	}
}

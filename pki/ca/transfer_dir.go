package ca

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// BackupFiles reads the files of an authority's folder that a backup carries:
// all regular ones except the ledger and what belongs to a running process.
// The authority's key is among them as it lies there, encrypted, or as the
// address of a token.
func BackupFiles(dir string) ([]BackupFile, error) {
	var out []BackupFile
	size := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !e.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		// ledger.db, its holder, what was moved away, and unfinished files.
		if strings.HasPrefix(name, LedgerFile) || strings.HasPrefix(filepath.Base(name), ".") {
			return nil
		}
		if len(out) == limits.LedgerFiles {
			return fmt.Errorf("more than %d files", limits.LedgerFiles)
		}
		data, err := readBounded(path, limits.LedgerFileSize)
		if size += len(data); size > limits.LedgerFilesSize {
			return fmt.Errorf("its files have more than %d octets", limits.LedgerFilesSize)
		}
		out = append(out, BackupFile{filepath.ToSlash(name), data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ca: backup: %w", err)
	}
	return out, nil
}

// writeFile writes a file of a backup below dir, where it must not exist yet.
func (f BackupFile) write(dir string) error {
	name := filepath.FromSlash(f.Name)
	if !filepath.IsLocal(name) || name == "." || strings.HasPrefix(name, LedgerFile) || strings.ContainsRune(f.Name, 0) {
		return fmt.Errorf("%w: a file is called %q", ErrBackup, f.Name)
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("ca: restore: %w", err)
	}
	return writeNew(path, f.Data)
}

// ErrDirExists is returned where a folder that was to be made is there and not
// empty.
var ErrDirExists = errors.New("ca: the folder exists and is not empty")

// RestoreDir makes the folder of an authority from a backup. open returns the
// ledger to be filled, given the folder in which the files are for the moment
// and its settings. The folder gets its name at the end, in one step: after a
// crash it is there whole, or not at all. there, if not nil, says what a ledger
// holds that open found with [ErrLedgerExists], for a restore that was killed
// between the last step of the ledger and that of the folder, which has left
// the unfinished folder; see [LoadOptions]. Without that, a second folder for a
// ledger in use would be made.
func RestoreDir(ctx context.Context, in io.Reader, dir string, open func(tmp string, s Settings) (Importer, error),
	there func(tmp string, s Settings) (Summary, error),
) (Summary, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Summary{}, fmt.Errorf("ca: restore: %w", err)
	}
	if err := emptyDir(dir); err != nil {
		return Summary{}, err
	}
	tmp := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".restoring")
	_, err = os.Lstat(tmp)
	killed := err == nil // a restore was, before
	if err := os.RemoveAll(tmp); err != nil {
		return Summary{}, fmt.Errorf("ca: restore: %w", err)
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return Summary{}, fmt.Errorf("ca: restore: %w", err)
	}
	o := LoadOptions{
		File: func(f BackupFile) error { return f.write(tmp) },
		Open: func() (Importer, error) {
			d, err := ReadDir(tmp)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrBackup, err)
			}
			return open(tmp, d.Settings)
		},
	}
	if there != nil && killed {
		o.There = func() (Summary, error) {
			d, err := ReadDir(tmp)
			if err != nil {
				return Summary{}, err
			}
			return there(tmp, d.Settings)
		}
	}
	sum, err := Load(ctx, in, o)
	if err == nil {
		err = moveDir(tmp, dir)
	}
	if err != nil {
		return Summary{}, errors.Join(err, os.RemoveAll(tmp))
	}
	return sum, nil
}

// emptyDir refuses a folder that is there and not empty.
func emptyDir(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ca: restore: %w", err)
	}
	if len(files) > 0 {
		return ErrDirExists
	}
	return nil
}

func moveDir(from, to string) error {
	syncDir(from)
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one
		return fmt.Errorf("ca: restore: %w", err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("ca: restore: %w", err)
	}
	syncDir(filepath.Dir(to))
	return nil
}

// syncDir brings new names to the disk where the system can do that.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync() // unsupported for directories on some systems
	_ = d.Close()
}

// ReplaceSettings replaces config.json in one step.
func ReplaceSettings(dir string, s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("ca: %s: %w", SettingsFile, err)
	}
	path := filepath.Join(dir, SettingsFile)
	tmp := filepath.Join(dir, "."+SettingsFile+".tmp")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ca: %w", err)
	}
	if err := writeNew(tmp, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	syncDir(dir)
	return nil
}

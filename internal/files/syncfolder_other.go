//go:build !linux

package files

// SyncsContents reports whether [SyncFolder] makes what is in the files last,
// too. Where it does not, each file needs a Sync of its own.
const SyncsContents = false

// SyncFolder makes what was done in a directory last, on Linux with the contents
// of its files.
func SyncFolder(dir string) error { return SyncDir(dir) }

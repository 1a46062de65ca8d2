package files

// SyncDir does nothing: Windows has no way to sync a directory, and renames
// are journalled.
func SyncDir(string) error { return nil }

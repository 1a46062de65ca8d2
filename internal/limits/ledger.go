package limits

// Bounds of the ledger in a database (package pgstore) and of what carries a
// ledger from one place to another (package ca: backup, restore, migrate).
const (
	// LedgerConflicts bounds how often one change is tried again because
	// another node changed the same rows. A handful is common; a hundred in a
	// row means that something holds the rows.
	LedgerConflicts = 100

	// LedgerPage is how many rows are fetched at a time. A row has about
	// 500 octets, so a page is well below a megabyte.
	LedgerPage = 1000

	// LedgerLine bounds one line of a backup: the largest thing in it is a
	// CRL of a million entries, 45 MB in DER and a third more in Base64.
	LedgerLine = 256 << 20

	// LedgerFiles and LedgerFileSize bound the files of an authority's folder
	// that a backup carries: certificates, settings, profiles, an encrypted key.
	LedgerFiles    = 1000
	LedgerFileSize = 16 << 20

	// LedgerBatch and LedgerBatchSize are how many rows, and how many octets of
	// them, are written in one transaction when a ledger is filled from a
	// backup: bbolt keeps a transaction in memory.
	LedgerBatch     = 2000
	LedgerBatchSize = 32 << 20

	// LedgerDSN bounds the address of a database.
	LedgerDSN = 4096
)

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

	// LedgerFiles, LedgerFileSize and LedgerFilesSize bound the files of an
	// authority's folder that a backup carries, each and together:
	// certificates, settings, profiles, an encrypted key, and published lists
	// where they are in the folder, of which one of a million entries has 45 MB.
	LedgerFiles     = 1000
	LedgerFileSize  = 64 << 20
	LedgerFilesSize = 256 << 20

	// LedgerName, LedgerSubject and LedgerCertificate bound what stands in a
	// line of a backup: names of operators, profiles and requests, and key
	// identifiers; the text of a subject, 64 kB in DER, in which each octet may
	// be an escape; and certificates and requests in DER.
	LedgerName        = 256
	LedgerSubject     = 256 << 10
	LedgerCertificate = 1 << 20

	// LedgerBatch and LedgerBatchSize are how many rows, and how many octets of
	// them, are written in one transaction when a ledger is filled from a
	// backup: bbolt keeps a transaction in memory.
	LedgerBatch     = 2000
	LedgerBatchSize = 32 << 20

	// LedgerDSN bounds the address of a database.
	LedgerDSN = 4096

	// SearchText bounds what is typed to find certificates, SearchPrefix how
	// few characters of a word are looked for: one letter begins a tenth of
	// all words.
	SearchText   = 200
	SearchPrefix = 2

	// SearchWords and SearchWord bound the words under which a certificate is
	// found, and their octets: a name of the longest has about twenty, and
	// what differs only behind 30 Cyrillic letters is told apart by a person.
	SearchWords = 32
	SearchWord  = 60

	// SearchResults is how many entries a search, or a look at those that
	// expire, returns at most; a page of a person's list has fewer.
	SearchResults = 1000

	// SearchLook is how many entries a search for several words looks
	// through at most: a fraction of a second.
	SearchLook = 20000

	// LedgerWords is how many words stand together in one part of bbolt's
	// index of words. A new certificate touches pages of the last part only,
	// about 600, so it costs the same however many there are; a search looks
	// into every part, 250 of them for a million certificates.
	LedgerWords = 32 << 10

	// LedgerReindex is how many entries of an older bbolt file are indexed in
	// one transaction.
	LedgerReindex = 10000
)

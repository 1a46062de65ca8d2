package limits

// Published revocation lists and prepared answers.
const (
	// ListAddresses bounds the addresses of the folder of revocation lists:
	// each stands in every certificate and every partition.
	ListAddresses = 8

	// ListPartitions bounds the lists into which the complete one is cut: each
	// is signed at every publication, and open while it is made. A million
	// entries in 128 lists are 300 KiB each. Making them takes up to four open
	// files a list, within the usual 1024 of a process.
	ListPartitions = 128

	// ListFiles bounds the lists in a folder of publication that are looked at
	// for a number that the ledger does not know: complete and delta lists of
	// present and former partitions, several times over.
	ListFiles = 1024

	// ListInLedger is the size up to which the complete list is kept in the
	// ledger too; a larger one is in the folder of publication only.
	ListInLedger = 4 << 20

	// OCSPCacheEntries bounds the answers that a responder keeps: with 1 KiB
	// each they take 256 MiB at most.
	OCSPCacheEntries = 1 << 18

	// OCSPIssuers bounds the authorities that one responder answers for.
	OCSPIssuers = 256
)

package limits

// Revocation lists that stay in their file, and the work of deciding by lists.
const (
	// CRLFileBytes bounds a revocation list that is read from a file in a
	// stream. It costs time only: hashing a gibibyte takes some seconds. The
	// largest lists that are published have about 100 MB.
	CRLFileBytes = 1 << 30

	// CRLInFile is the size from which on the program leaves the entries of a
	// list in its file.
	CRLInFile = 1 << 20

	// CRLWholeBytes bounds a list in a file that must be read into memory after
	// all, because its signature algorithm hashes the message twice (Ed25519).
	CRLWholeBytes = 32 << 20

	// CRLHeadBytes bounds each of the parts of a list before and after its
	// entries: names, dates, extensions, signature. Real ones have 1 KiB.
	CRLHeadBytes = 256 << 10

	// CRLEntryBytes bounds one entry of a list. Real ones have 20 to 60
	// octets, with a certificate issuer's name some hundreds.
	CRLEntryBytes = 256 << 10

	// CRLWindowBytes is the run of entries that is read at once, and
	// CRLFilterWords the 64-bit words of the filter that says which serial
	// numbers are not in it: together a thirty-second of the list.
	CRLWindowBytes = 64 << 10
	CRLFilterWords = 256

	// ListPaths bounds the certificates whose path is validated as that of a
	// list's signer while one message is verified. An authority has one or two
	// keys for lists beside its own.
	ListPaths = 64

	// ListChecks bounds the pairs of a list and a key whose signature is
	// verified while one message is verified: a message of 500 signers with lists
	// for each certificate of their chains has 1,500.
	ListChecks = 4096

	// ListNames bounds the comparisons of names of distribution points for one
	// certificate and one list; honest ones have two or three names each.
	ListNames = 1 << 14

	// StatusDepth bounds how far the status of whoever signs the evidence is
	// asked about: the signer of a list, and the signer of the list about that one.
	StatusDepth = 3
)

package limits

// Fetching, its cache on disk, and time stamps over HTTP.
const (
	// FetchDisk bounds the octets of a cache directory. All lists of the
	// accredited Russian authorities together have about 300 MB.
	FetchDisk = 1 << 30

	// FetchDiskEntries bounds its files: each costs a look when room is made.
	FetchDiskEntries = 20000

	// FetchEntryHead is what the description of an entry takes at the beginning
	// of its file, padded, so that it can be written after the body.
	FetchEntryHead = 8 << 10

	// FetchURL bounds an address, and FetchValidator an ETag or Last-Modified
	// that is sent back; browsers stop at 2 KiB.
	FetchURL       = 2 << 10
	FetchValidator = 512

	// FetchCRLInMemory is the largest list that is parsed in memory although it
	// lies in a file of the cache; larger ones are scanned there.
	FetchCRLInMemory = 4 << 20

	// FetchDead bounds the addresses that are remembered as dead.
	FetchDead = 4096

	// FetchIssuers bounds the certificates of one answer at a caIssuers address
	// (RFC 5280, section 4.2.2.1): a bundle of all certificates of an authority
	// that renewed its keys has about 10.
	FetchIssuers = 64

	// FetchIssuersBytes bounds such an answer in octets.
	FetchIssuersBytes = 2 << 20

	// TimeStampRequestSize bounds a TimeStampReq that an authority reads. Real
	// ones have 60 to 120 octets; extensions are refused anyway.
	TimeStampRequestSize = 16 << 10
)

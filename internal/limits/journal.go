package limits

// The journal's chains, signed heads and proofs (package journal).
const (
	// JournalNode bounds the name of a node, which stands in every record
	// and in file names: that of a host, not a sentence.
	JournalNode = 64

	// JournalChains bounds the chains in one set of signed heads: an
	// authority with more nodes than this has another problem.
	JournalChains = 1024

	// JournalHeads bounds the JSON text of signed heads: JournalChains
	// chains with the 64 peaks that a tree of 2^64 records may have, as
	// hexadecimal digits.
	JournalHeads = JournalChains*(64*70+512) + 64<<10

	// JournalSignature bounds the signature of signed heads: RSA-16384 in
	// octets, far above every GOST signature.
	JournalSignature = 2048

	// JournalPath bounds the digests of an inclusion proof: the height of a
	// tree with 2^64 leaves.
	JournalPath = 64

	// JournalProof bounds the file of a proof: signed heads, one record,
	// the path and the authority's certificate.
	JournalProof = JournalHeads + JournalLine + 1<<20
)

// JournalPDF bounds the records of a printed journal: some two thousand pages,
// which are built in memory.
const JournalPDF = 20_000

package limits

// Past validation (package verify).
const (
	// ControlTimes bounds the proven moments as of which the evidence of one
	// certificate is looked at again: each costs a path and its evidence. A
	// signature that was archived every few years for decades has about 10.
	ControlTimes = 12

	// IssuerFetches bounds how often one verification asks for issuers that
	// are missing: an honest chain lacks one or two.
	IssuerFetches = 8

	// FetchedIssuers bounds the certificates of one such answer that are used;
	// a bundle of a bridge authority has tens.
	FetchedIssuers = 64

	// ReferenceDigests bounds the digest algorithms of the references of one
	// signature: all of its evidence is hashed by each. Honest ones use one.
	ReferenceDigests = 4

	// SignaturePolicy bounds the document of a signature policy in octets: they
	// are texts of some pages.
	SignaturePolicy = 16 << 20
)

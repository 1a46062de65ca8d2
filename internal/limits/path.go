package limits

const (
	// DSABits bounds the prime p of a DSA key, whose size decides what a
	// verification costs. FIPS 186-4 ends at 3072.
	DSABits = 4096

	// DSASubgroupBits bounds the prime q. FIPS 186-4 ends at 256.
	DSASubgroupBits = 512

	// NameSubtrees bounds the subtrees of one list of nameConstraints. The
	// largest lists in the world have some hundreds.
	NameSubtrees = 1024

	// PolicyMappings bounds the pairs of one policyMappings extension. A bridge
	// authority has a dozen.
	PolicyMappings = 256

	// PolicyQualifiers bounds the qualifiers of one certificate policy.
	PolicyQualifiers = 64

	// PathInspected bounds the paths to an anchor that are examined for one
	// certificate. Cross certificates make a handful; a hostile mesh of 64
	// signatures makes more than can be counted.
	PathInspected = 64

	// PathWork bounds the comparisons of names with subtrees and the steps of
	// policy processing for one certificate. A chain below an authority with
	// 1,000 subtrees and a certificate of 100 names needs 100,000.
	PathWork = 1 << 20
)

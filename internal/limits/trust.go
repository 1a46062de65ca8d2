package limits

// The trust store (package trust).
const (
	// TrustAuthorities bounds the authorities of a trust-service list. The
	// Russian one has named fewer than 2,000 since 2012, former ones among them.
	TrustAuthorities = 20000

	// TrustStatuses bounds the entries of one authority's history.
	TrustStatuses = 1000

	// TrustKeys bounds the certificates of one authority: an authority renews
	// its key every year or so on each of a few installations.
	TrustKeys = 1000

	// TrustName bounds the octets of one text of the list, such as a name.
	TrustName = 4096

	// TrustBundle bounds a signed bundle of anchors in octets.
	TrustBundle = 32 << 20

	// TrustState bounds a file in which the store remembers a list or bundles:
	// 20,000 authorities take about 20 MB.
	TrustState = 64 << 20

	// TrustBundles bounds the signers whose bundles a store follows.
	TrustBundles = 64
)

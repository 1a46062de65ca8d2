package limits

// What a program that verifies many documents remembers from one to the next:
// facts about public data that no time, policy or trust changes. Each bound is
// that of one generation (internal/bounded), and two are held.
const (
	// FactEntries bounds remembered outcomes of signature checks of certificates
	// and of lists: some 100 octets each. An archive with more issuers and signers
	// than that checks some of them twice.
	FactEntries = 16 << 10
	// CachedCertificates and CachedCertificateOctets bound certificates that are
	// kept as parsed, which takes about ten times their octets.
	CachedCertificates      = 4096
	CachedCertificateOctets = 2 << 20
)

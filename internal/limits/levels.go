package limits

// Signatures with time stamps and evidence (packages cms and sign, CAdES).
const (
	// StampsPerSigner bounds the time stamps of one signature that are looked
	// at. An archived signature gets one a decade, and one or two from each of a
	// few authorities before that.
	StampsPerSigner = 64

	// EvidenceReferences bounds the references in complete-certificate-refs or
	// complete-revocation-refs; each is compared with all that the signature
	// carries. Real signatures have fewer than 10.
	EvidenceReferences = 1024

	// EvidenceValues bounds the certificates, or the CRLs and OCSP responses, in
	// the values of one signature: as many as SignedData may have.
	EvidenceValues = CMSCertificates

	// HashIndexEntries bounds each list of an ats-hash-index: as many entries as
	// a message may have certificates, revocation data or attribute values.
	HashIndexEntries = 1 << 16
)

package limits

const (
	// ProfileFile bounds one profile of an authority: the shipped ones have
	// less than one KiB, and what was read can be written again within it.
	ProfileFile = 64 << 10
	// ProfileFiles bounds the profiles of an authority, all versions together.
	ProfileFiles = 1024
	// ProfileItems bounds each list in a profile; a subject has some ten
	// attributes, a certificate fewer purposes.
	ProfileItems = 64
	// Approvals bounds how many people a profile may ask for. Two is the rule,
	// three occur; every one costs a signature to be checked at each issue.
	Approvals = 8
	// RequestNote bounds a note to a request in octets.
	RequestNote = 4 << 10
	// Statement bounds the text that an operator signs: eleven short lines.
	Statement = 4 << 10
	// ApprovalSignature bounds the CMS over a statement: one SignerInfo with
	// the signer's chain. With time stamps it may have some 20 KiB.
	ApprovalSignature = 64 << 10
	// RenewalMessage bounds the CMS of a renewal: the request (at most
	// CertificateBytes) with the signer's chain.
	RenewalMessage = 2 * CertificateBytes
	// Operators bounds the people of one authority.
	Operators = 10000
	// BulkRequests bounds one run of the bulk issue: more is a reason to look
	// at what is going on. Memory is not a matter, requests stream.
	BulkRequests = 10_000_000
	// BulkFiles bounds the certificates of a bulk issue that are on their way
	// from the ledger to their files: those of one transaction.
	BulkFiles = 512
	// BulkRow bounds one row of a table of requests in octets.
	BulkRow = 64 << 10
	// RequestAltNames bounds the names of a subjectAltName that somebody asks
	// for: a person has a few addresses, a server some tens of host names.
	RequestAltNames = 100
	// RequestStatements bounds the signed statements of one request: reviews,
	// the approvals and those in place of approvals that no longer count.
	RequestStatements = 64
	// SocketBulk bounds the requests of one line of the bulk issue through the
	// authority's socket: one transaction.
	SocketBulk = 256
	// SocketBulkBytes bounds their octets together: in Base64, with the members
	// around them, they are below SocketRequest.
	SocketBulkBytes = 1 << 20
)

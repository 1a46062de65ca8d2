// Package limits holds every bound on input that the project enforces, each
// with its reason. Loops and allocations whose size the input controls are
// bounded by a constant of this file.
package limits

const (
	// CertificateBytes bounds one certificate or request. The largest real
	// one of the accredited Russian CAs has about 8 KiB; name constraints
	// with thousands of names are the only honest reason for more.
	CertificateBytes = 1 << 20

	// CRLBytes bounds one certificate revocation list that is read into
	// memory. Lists of large CAs reach tens of megabytes.
	CRLBytes = 256 << 20

	// Extensions bounds the extensions of a certificate, request, CRL or CRL
	// entry. Real certificates have at most about 20. Looking for duplicates
	// is quadratic, so the number is small.
	Extensions = 128

	// NameAttributes bounds the attributes of one distinguished name. Real
	// names have at most about 20; comparing multi-valued RDNs is quadratic.
	NameAttributes = 256

	// NameText bounds the octets of a distinguished name that a person types.
	NameText = 16 << 10

	// GeneralNames bounds the names of one alternative-name extension, of one
	// distribution point and of the URLs of one extension.
	GeneralNames = 1024

	// Findings bounds the deviations that one parse records, so that hostile
	// input does not grow memory by a finding for each octet.
	Findings = 256

	// SerialBytes bounds a serial number or CRL number when reading. RFC 5280
	// 4.1.2.2 allows 20 octets; some CAs exceed that, none exceeds 64.
	SerialBytes = 64

	// RequestAttributes bounds the attributes of a certification request.
	RequestAttributes = 64

	// DERDepth bounds the nesting of DER that is checked or converted as a
	// whole tree. CAdES signatures with time stamps inside time stamps stay
	// below 40.
	DERDepth = 64

	// DERElements bounds the number of elements that such a check visits.
	DERElements = 1 << 22

	// OCSPRequestSize bounds an OCSPRequest in octets. One entry takes about
	// 100 octets; the room is for a signed request with its certificates.
	OCSPRequestSize = 64 << 10

	// OCSPRequests bounds the certificates that one OCSPRequest asks for: each
	// costs the responder a look-up and all of them one signature.
	OCSPRequests = 128

	// OCSPResponseSize bounds an OCSPResponse in octets. Real ones have 300
	// octets to 8 KiB, mostly the responder's certificates.
	OCSPResponseSize = 1 << 20

	// OCSPSingles bounds the answers in one OCSPResponse: pre-generated
	// responses may hold more than was asked (RFC 6960, section 4.2.2.3).
	OCSPSingles = 4096

	// OCSPCertificates bounds the certificates in one OCSPResponse, because
	// each may cost a signature verification.
	OCSPCertificates = 32

	// OCSPResponders bounds the certificates that are tried as that of the
	// responder of one response: those that its responderID names. There is one.
	OCSPResponders = 8

	// OCSPCarried bounds the answers in all responses that one message
	// carries: each is compared with each certificate. A message of 500 signers
	// with an answer for each certificate of their chains has 1,500.
	OCSPCarried = 8192

	// OCSPJudged bounds the responses that are checked while one message is
	// verified: each costs up to OCSPResponders signatures.
	OCSPJudged = 4096

	// TimeStampSize bounds a time-stamp token or response in octets. Real ones
	// have 1 to 20 KiB; tokens with archived evidence inside stay below 1 MiB.
	TimeStampSize = 4 << 20
)

// Signed messages (packages internal/der and cms).
const (
	// BERDepth is the deepest nesting that the BER readers follow. A CAdES
	// signature with a time stamp that carries revocation values of its own
	// nests about 25 levels; every level costs a stack frame.
	BERDepth = 48

	// BERSegments is how many segments one constructed string in a structure
	// may have. It does not bound streamed content, whose segments cost no memory.
	BERSegments = 1 << 16

	// BERConvert is the largest structure with indefinite lengths that is
	// converted to DER in memory. Each level of nesting costs a pass over the
	// data, so it is far below CMSElement; large evidence is always DER.
	BERConvert = 4 << 20

	// ArmorHeader is the longest text before and inside the first PEM boundary
	// of a stream (Bag Attributes and the like), and what is looked at to tell
	// what a file is.
	ArmorHeader = 64 << 10

	// ArmorLine is the longest line of a PEM or Base64 text that is collected
	// before it is decoded. Text without line ends is decoded in pieces of this size.
	ArmorLine = 32 << 10

	// ArmorBlocks is how many PEM blocks one file may hold: a full bundle of
	// the accredited authorities has about 2,500 certificates.
	ArmorBlocks = 20000

	// CMSElement is the largest single certificate list, SignerInfo or other
	// part of a signature that is held in memory. An archived signature embeds
	// CRLs, and CRLs of 20 MB exist; the sum is bounded by CMSTotal.
	CMSElement = 32 << 20

	// CMSCertificate is the largest certificate inside a signature; real ones
	// stay below 8 KiB, those with embedded pictures below 100 KiB.
	CMSCertificate = 1 << 20

	// CMSTotal bounds all that is held in memory of one signature: everything
	// but the content, which is streamed.
	CMSTotal = 96 << 20

	// CMSCertificates, CMSRevocations and CMSSigners bound the sets of
	// SignedData. Documents signed by a board have tens of signers, each with a
	// chain of three.
	CMSCertificates = 1000
	CMSRevocations  = 1000
	CMSSigners      = 500

	// CMSDigests bounds digestAlgorithms; each algorithm that is known costs a
	// pass of its own over the content.
	CMSDigests = 64

	// CMSAttributes bounds the attributes of one SignerInfo, and the values of
	// one attribute.
	CMSAttributes = 256

	// CMSCounterDepth is how deep countersignatures of countersignatures are
	// followed.
	CMSCounterDepth = 8

	// PathSignatureChecks bounds the signatures that one path validation
	// verifies. An honest chain needs 2 to 4; a message may carry thousands of
	// certificates with one name, made so that each must be tried.
	PathSignatureChecks = 64

	// PathTotalChecks bounds the signatures of certificates that are verified
	// for one message. 500 signers with a time stamp each need about 3,000.
	PathTotalChecks = 4096

	// PathLength bounds the certificates of one path, the anchor included.
	// Real chains have at most 5.
	PathLength = 12

	// PathTries bounds the paths that are tried where the authorities of the
	// first turn out to be revoked. Cross certificates make 2 or 3.
	PathTries = 4

	// PathCandidates bounds the issuers that are looked at for one
	// certificate. CAs that renewed their key often have about 10 under one name.
	PathCandidates = 256

	// AttachedVerified bounds the countersignatures, nested ones included, and
	// the time stamps that are verified for one signature; honest ones have 1 to
	// 3. AttachedTotal is the bound for all signatures of a message, of which
	// there may be CMSSigners.
	AttachedVerified = 64
	AttachedTotal    = 1024

	// SignerCandidates bounds the certificates that are tried for one signer:
	// anybody can add certificates with the signer's issuer and serial number.
	SignerCandidates = 8

	// RevocationEvidence bounds the lists of one issuer, and the responses about
	// one certificate, that are examined for it: each costs a signature check.
	RevocationEvidence = 64

	// ListIssuers bounds the certificates that are tried as that of a separate
	// key which signed a list. An authority has one or two such keys.
	ListIssuers = 8

	// TrustAnchors bounds the anchors read from one directory. The Russian
	// trust-service list has about 700 current CAs.
	TrustAnchors = 10000

	// PBKDF2Iterations bounds the iterations of one key derivation from a
	// password. GnuTLS writes 600,000 and RFC 9548 files may go above a
	// million; 2^21 with HMAC-Streebog-512 take about 10 s, and 2^31-1, which
	// a hostile file may name, would take hours.
	PBKDF2Iterations = 1 << 21

	// PBKDF2Salt bounds the salt of a key derivation in octets. RFC 9337,
	// section 5.1.1 allows 8 to 32.
	PBKDF2Salt = 256

	// PBKDF2KeyLength bounds the length that a key derivation is asked for in
	// octets: PBMAC1 may ask for more than the 32 that it uses.
	PBKDF2KeyLength = 512

	// KeyFileBytes bounds a file that holds a private key: PFX, PKCS #8, PEM or
	// a container, with its chain.
	KeyFileBytes = 4 << 20

	// PFXIterations bounds the iterations that one PFX costs in all: a MAC and
	// two or three encrypted parts, each with a derivation of its own.
	PFXIterations = 4 * PBKDF2Iterations

	// PFXBags bounds the bags of one PFX. A key and its chain are below 10.
	PFXBags = 1024

	// PFXDepth bounds SafeContents inside SafeContents (RFC 7292, section 4.2.6);
	// nobody nests them.
	PFXDepth = 4

	// KeyMasks bounds the masks of a masked private key. TC26 tools use one.
	KeyMasks = 8

	// ContainerName bounds the characters of a container's name; with four
	// octets each and the suffixes it stays below the 255 octets that file
	// systems allow.
	ContainerName = 48

	// CryptoProPassword bounds the octets of the password of a CryptoPro
	// container; the CSP takes at most 256 characters.
	CryptoProPassword = 1024

	// FetchCRL bounds a CRL that is fetched. Lists of large authorities reach
	// tens of megabytes; what a person hands over as a file may be larger.
	FetchCRL = 64 << 20

	// FetchRedirects bounds the redirects of one request: http to https and
	// one move of the site are two.
	FetchRedirects = 3

	// FetchCache bounds the evidence that a Fetcher keeps in memory.
	FetchCache = 128 << 20

	// FetchURLs bounds the addresses of one certificate that are tried.
	FetchURLs = 8
)

// The journal and the certification authority (packages journal, pki/ca and
// internal/casock).
const (
	// JournalRecord bounds the canonical encoding of one journal record. A
	// record names what was done and to what; documents do not belong in it.
	JournalRecord = 64 << 10

	// JournalLine bounds one line of a journal file: JSON may write an octet
	// of text as six (\u00XX), and names and digests take a little.
	JournalLine = 6*JournalRecord + 1024

	// AuthorityFile bounds config.json, ca.cer and chain.pem: some addresses
	// and a few certificates.
	AuthorityFile = 1 << 20

	// AuthorityChain bounds the certificates above an authority. Real chains
	// have at most 5.
	AuthorityChain = 16

	// SocketRequest bounds one request to `ca serve`: a certification request
	// has a few KiB, in Base64 a third more.
	SocketRequest = 2 << 20

	// SocketResponse bounds one answer of `ca serve`: a CRL of a million
	// entries has about 40 MB, in Base64 a third more.
	SocketResponse = 256 << 20

	// SocketConnections bounds what one user's commands can occupy at once.
	SocketConnections = 64
)

// The PKCS #11 module (package internal/p11module).
const (
	// TokenAttributes bounds the attributes of one template. PKCS #11 v2.40
	// knows about 80.
	TokenAttributes = 128

	// TokenObjectBytes bounds one attribute of an object: certificates and
	// small data, not documents.
	TokenObjectBytes = 1 << 20

	// TokenObjects bounds the objects of one token, and of one session.
	TokenObjects = 4096

	// TokenSessions bounds the sessions of one process: a forgotten
	// C_CloseSession in a loop ends with CKR_SESSION_COUNT and not without memory.
	TokenSessions = 1024

	// TokenPIN bounds a PIN in octets, as passwords of containers are.
	TokenPIN = 1024

	// TokenRandom bounds the octets of one C_GenerateRandom.
	TokenRandom = 16 << 20
)

package oid

// The identifiers that the project knows. Each constant has a row in known.

// Digests of GOST R 34.11 (RFC 9215, RFC 4490).
const (
	Streebog256               OID = "1.2.643.7.1.1.2.2" // streebog256
	Streebog512               OID = "1.2.643.7.1.1.2.3" // streebog512
	GOST341194                OID = "1.2.643.2.2.9"     // gostr3411-94
	GOST341194TestParams      OID = "1.2.643.2.2.30.0"  // gostr3411-94-test
	GOST341194CryptoProParams OID = "1.2.643.2.2.30.1"  // gostr3411-94-cryptopro
	HMACStreebog256           OID = "1.2.643.7.1.1.4.1" // hmac-streebog256
	HMACStreebog512           OID = "1.2.643.7.1.1.4.2" // hmac-streebog512
	HMACGOST341194            OID = "1.2.643.2.2.10"    // hmac-gostr3411-94
)

// Keys and signatures of GOST R 34.10 (RFC 9215, RFC 4491).
const (
	GOST2012_256                OID = "1.2.643.7.1.1.1.1" // gost2012-256
	GOST2012_512                OID = "1.2.643.7.1.1.1.2" // gost2012-512
	GOST2012_256WithStreebog256 OID = "1.2.643.7.1.1.3.2" // gost2012-256-with-streebog256
	GOST2012_512WithStreebog512 OID = "1.2.643.7.1.1.3.3" // gost2012-512-with-streebog512
	GOST2001                    OID = "1.2.643.2.2.19"    // gost2001
	GOST2001WithGOST341194      OID = "1.2.643.2.2.3"     // gost2001-with-gostr3411-94
	GOST2001DH                  OID = "1.2.643.2.2.98"    // gost2001-dh
	GOST94                      OID = "1.2.643.2.2.20"    // gost94
	GOST94WithGOST341194        OID = "1.2.643.2.2.4"     // gost94-with-gostr3411-94
	AgreementGOST2012_256       OID = "1.2.643.7.1.1.6.1" // vko-gost2012-256
	AgreementGOST2012_512       OID = "1.2.643.7.1.1.6.2" // vko-gost2012-512
)

// Parameter sets of GOST R 34.10 (RFC 9215, RFC 4357, RFC 7836).
const (
	CryptoProTest OID = "1.2.643.2.2.35.0"    // cryptopro-test
	CryptoProA    OID = "1.2.643.2.2.35.1"    // cryptopro-a
	CryptoProB    OID = "1.2.643.2.2.35.2"    // cryptopro-b
	CryptoProC    OID = "1.2.643.2.2.35.3"    // cryptopro-c
	CryptoProXchA OID = "1.2.643.2.2.36.0"    // cryptopro-xcha
	CryptoProXchB OID = "1.2.643.2.2.36.1"    // cryptopro-xchb
	TC26_256A     OID = "1.2.643.7.1.2.1.1.1" // tc26-256-a
	TC26_256B     OID = "1.2.643.7.1.2.1.1.2" // tc26-256-b
	TC26_256C     OID = "1.2.643.7.1.2.1.1.3" // tc26-256-c
	TC26_256D     OID = "1.2.643.7.1.2.1.1.4" // tc26-256-d
	TC26_512Test  OID = "1.2.643.7.1.2.1.2.0" // tc26-512-test
	TC26_512A     OID = "1.2.643.7.1.2.1.2.1" // tc26-512-a
	TC26_512B     OID = "1.2.643.7.1.2.1.2.2" // tc26-512-b
	TC26_512C     OID = "1.2.643.7.1.2.1.2.3" // tc26-512-c
)

// Ciphers of GOST R 34.12 and GOST 28147-89 (RFC 9337, RFC 4357, RFC 7836).
const (
	GOST28147              OID = "1.2.643.2.2.21"      // gost28147
	GOST28147MAC           OID = "1.2.643.2.2.22"      // gost28147-mac
	GOST28147ParamZ        OID = "1.2.643.7.1.2.5.1.1" // gost28147-param-z
	GOST28147TestParams    OID = "1.2.643.2.2.31.0"    // gost28147-test
	GOST28147ParamA        OID = "1.2.643.2.2.31.1"    // gost28147-cryptopro-a
	GOST28147ParamB        OID = "1.2.643.2.2.31.2"    // gost28147-cryptopro-b
	GOST28147ParamC        OID = "1.2.643.2.2.31.3"    // gost28147-cryptopro-c
	GOST28147ParamD        OID = "1.2.643.2.2.31.4"    // gost28147-cryptopro-d
	CryptoProKeyWrap       OID = "1.2.643.2.2.13.1"    // cryptopro-keywrap
	GOST28147KeyWrap       OID = "1.2.643.2.2.13.0"    // gost28147-keywrap
	CryptoProKeyMeshing    OID = "1.2.643.2.2.14.1"    // cryptopro-keymeshing
	NoKeyMeshing           OID = "1.2.643.2.2.14.0"    // no-keymeshing
	MagmaCTRACPKM          OID = "1.2.643.7.1.1.5.1.1" // magma-ctr-acpkm
	MagmaCTRACPKMOMAC      OID = "1.2.643.7.1.1.5.1.2" // magma-ctr-acpkm-omac
	KuznyechikCTRACPKM     OID = "1.2.643.7.1.1.5.2.1" // kuznyechik-ctr-acpkm
	KuznyechikCTRACPKMOMAC OID = "1.2.643.7.1.1.5.2.2" // kuznyechik-ctr-acpkm-omac
	MagmaKExp15            OID = "1.2.643.7.1.1.7.1.1" // magma-kexp15
	KuznyechikKExp15       OID = "1.2.643.7.1.1.7.2.1" // kuznyechik-kexp15
	CMSMac                 OID = "1.2.643.7.1.0.6.1.1" // cms-mac-attr
)

// RSA, ECDSA, EdDSA and their digests (RFC 8017, RFC 5480, RFC 5758, RFC 8410).
const (
	RSA             OID = "1.2.840.113549.1.1.1"    // rsa
	RSAPSS          OID = "1.2.840.113549.1.1.10"   // rsa-pss
	MGF1            OID = "1.2.840.113549.1.1.8"    // mgf1
	MD5WithRSA      OID = "1.2.840.113549.1.1.4"    // md5-with-rsa
	SHA1WithRSA     OID = "1.2.840.113549.1.1.5"    // sha1-with-rsa
	SHA224WithRSA   OID = "1.2.840.113549.1.1.14"   // sha224-with-rsa
	SHA256WithRSA   OID = "1.2.840.113549.1.1.11"   // sha256-with-rsa
	SHA384WithRSA   OID = "1.2.840.113549.1.1.12"   // sha384-with-rsa
	SHA512WithRSA   OID = "1.2.840.113549.1.1.13"   // sha512-with-rsa
	ECPublicKey     OID = "1.2.840.10045.2.1"       // ec-public-key
	P224            OID = "1.3.132.0.33"            // p224
	P256            OID = "1.2.840.10045.3.1.7"     // p256
	P384            OID = "1.3.132.0.34"            // p384
	P521            OID = "1.3.132.0.35"            // p521
	ECDSAWithSHA1   OID = "1.2.840.10045.4.1"       // ecdsa-with-sha1
	ECDSAWithSHA224 OID = "1.2.840.10045.4.3.1"     // ecdsa-with-sha224
	ECDSAWithSHA256 OID = "1.2.840.10045.4.3.2"     // ecdsa-with-sha256
	ECDSAWithSHA384 OID = "1.2.840.10045.4.3.3"     // ecdsa-with-sha384
	ECDSAWithSHA512 OID = "1.2.840.10045.4.3.4"     // ecdsa-with-sha512
	Ed25519         OID = "1.3.101.112"             // ed25519
	MD5             OID = "1.2.840.113549.2.5"      // md5
	SHA1            OID = "1.3.14.3.2.26"           // sha1
	SHA224          OID = "2.16.840.1.101.3.4.2.4"  // sha224
	SHA256          OID = "2.16.840.1.101.3.4.2.1"  // sha256
	SHA384          OID = "2.16.840.1.101.3.4.2.2"  // sha384
	SHA512          OID = "2.16.840.1.101.3.4.2.3"  // sha512
	SHA3_256        OID = "2.16.840.1.101.3.4.2.8"  // sha3-256
	SHA3_384        OID = "2.16.840.1.101.3.4.2.9"  // sha3-384
	SHA3_512        OID = "2.16.840.1.101.3.4.2.10" // sha3-512
	HMACSHA1        OID = "1.2.840.113549.2.7"      // hmac-sha1
	HMACSHA224      OID = "1.2.840.113549.2.8"      // hmac-sha224
	HMACSHA256      OID = "1.2.840.113549.2.9"      // hmac-sha256
	HMACSHA384      OID = "1.2.840.113549.2.10"     // hmac-sha384
	HMACSHA512      OID = "1.2.840.113549.2.11"     // hmac-sha512
	HMACSHA512t224  OID = "1.2.840.113549.2.12"     // hmac-sha512-224
	HMACSHA512t256  OID = "1.2.840.113549.2.13"     // hmac-sha512-256
	AES128CBC       OID = "2.16.840.1.101.3.4.1.2"  // aes128-cbc
	AES192CBC       OID = "2.16.840.1.101.3.4.1.22" // aes192-cbc
	AES256CBC       OID = "2.16.840.1.101.3.4.1.42" // aes256-cbc
	DESEDE3CBC      OID = "1.2.840.113549.3.7"      // des-ede3-cbc
)

// Attributes of names (RFC 5280, RFC 4519, order of the FSB No. 795).
const (
	CommonName             OID = "2.5.4.3"                    // CN
	Surname                OID = "2.5.4.4"                    // SN
	SerialNumberAttr       OID = "2.5.4.5"                    // serialNumber
	Country                OID = "2.5.4.6"                    // C
	Locality               OID = "2.5.4.7"                    // L
	StateOrProvince        OID = "2.5.4.8"                    // ST
	StreetAddress          OID = "2.5.4.9"                    // STREET
	Organization           OID = "2.5.4.10"                   // O
	OrganizationalUnit     OID = "2.5.4.11"                   // OU
	Title                  OID = "2.5.4.12"                   // T
	Description            OID = "2.5.4.13"                   // description
	BusinessCategory       OID = "2.5.4.15"                   // businessCategory
	PostalAddress          OID = "2.5.4.16"                   // postalAddress
	PostalCode             OID = "2.5.4.17"                   // postalCode
	TelephoneNumber        OID = "2.5.4.20"                   // telephoneNumber
	NameAttr               OID = "2.5.4.41"                   // name
	GivenName              OID = "2.5.4.42"                   // G
	Initials               OID = "2.5.4.43"                   // initials
	GenerationQualifier    OID = "2.5.4.44"                   // generationQualifier
	DNQualifier            OID = "2.5.4.46"                   // dnQualifier
	Pseudonym              OID = "2.5.4.65"                   // pseudonym
	OrganizationIdentifier OID = "2.5.4.97"                   // organizationIdentifier
	EmailAddress           OID = "1.2.840.113549.1.9.1"       // E
	UnstructuredName       OID = "1.2.840.113549.1.9.2"       // unstructuredName
	UnstructuredAddress    OID = "1.2.840.113549.1.9.8"       // unstructuredAddress
	DomainComponent        OID = "0.9.2342.19200300.100.1.25" // DC
	UserID                 OID = "0.9.2342.19200300.100.1.1"  // UID
	OGRN                   OID = "1.2.643.100.1"              // OGRN
	SNILS                  OID = "1.2.643.100.3"              // SNILS
	INNLE                  OID = "1.2.643.100.4"              // INNLE
	OGRNIP                 OID = "1.2.643.100.5"              // OGRNIP
	INN                    OID = "1.2.643.3.131.1.1"          // INN
)

// Extensions of the qualified certificate (order of the FSB No. 795, RFC 9215).
const (
	SubjectSignTool      OID = "1.2.643.100.111"     // subjectSignTool
	IssuerSignTool       OID = "1.2.643.100.112"     // issuerSignTool
	IdentificationKind   OID = "1.2.643.100.114"     // identificationKind
	PolicyKC1            OID = "1.2.643.100.113.1"   // KC1
	PolicyKC2            OID = "1.2.643.100.113.2"   // KC2
	PolicyKC3            OID = "1.2.643.100.113.3"   // KC3
	PolicyKB1            OID = "1.2.643.100.113.4"   // KB1
	PolicyKB2            OID = "1.2.643.100.113.5"   // KB2
	PolicyKA1            OID = "1.2.643.100.113.6"   // KA1
	CryptoProKeyValidity OID = "1.2.643.2.2.37.3.10" // cryptopro-key-validity
)

// Extensions of certificates and CRLs (RFC 5280).
const (
	SubjectDirectoryAttributes OID = "2.5.29.9"               // subjectDirectoryAttributes
	SubjectKeyIdentifier       OID = "2.5.29.14"              // subjectKeyIdentifier
	KeyUsage                   OID = "2.5.29.15"              // keyUsage
	PrivateKeyUsagePeriod      OID = "2.5.29.16"              // privateKeyUsagePeriod
	SubjectAltName             OID = "2.5.29.17"              // subjectAltName
	IssuerAltName              OID = "2.5.29.18"              // issuerAltName
	BasicConstraints           OID = "2.5.29.19"              // basicConstraints
	CRLNumber                  OID = "2.5.29.20"              // cRLNumber
	ReasonCode                 OID = "2.5.29.21"              // reasonCode
	HoldInstructionCode        OID = "2.5.29.23"              // holdInstructionCode
	InvalidityDate             OID = "2.5.29.24"              // invalidityDate
	DeltaCRLIndicator          OID = "2.5.29.27"              // deltaCRLIndicator
	IssuingDistributionPoint   OID = "2.5.29.28"              // issuingDistributionPoint
	CertificateIssuer          OID = "2.5.29.29"              // certificateIssuer
	NameConstraints            OID = "2.5.29.30"              // nameConstraints
	CRLDistributionPoints      OID = "2.5.29.31"              // cRLDistributionPoints
	CertificatePolicies        OID = "2.5.29.32"              // certificatePolicies
	AnyPolicy                  OID = "2.5.29.32.0"            // anyPolicy
	PolicyMappings             OID = "2.5.29.33"              // policyMappings
	AuthorityKeyIdentifier     OID = "2.5.29.35"              // authorityKeyIdentifier
	PolicyConstraints          OID = "2.5.29.36"              // policyConstraints
	ExtKeyUsage                OID = "2.5.29.37"              // extKeyUsage
	FreshestCRL                OID = "2.5.29.46"              // freshestCRL
	InhibitAnyPolicy           OID = "2.5.29.54"              // inhibitAnyPolicy
	ExpiredCertsOnCRL          OID = "2.5.29.60"              // expiredCertsOnCRL
	AuthorityInfoAccess        OID = "1.3.6.1.5.5.7.1.1"      // authorityInfoAccess
	QCStatements               OID = "1.3.6.1.5.5.7.1.3"      // qcStatements
	SubjectInfoAccess          OID = "1.3.6.1.5.5.7.1.11"     // subjectInfoAccess
	AccessOCSP                 OID = "1.3.6.1.5.5.7.48.1"     // id-ad-ocsp
	AccessCAIssuers            OID = "1.3.6.1.5.5.7.48.2"     // id-ad-caIssuers
	AccessTimeStamping         OID = "1.3.6.1.5.5.7.48.3"     // id-ad-timeStamping
	PolicyCPS                  OID = "1.3.6.1.5.5.7.2.1"      // id-qt-cps
	PolicyUserNotice           OID = "1.3.6.1.5.5.7.2.2"      // id-qt-unotice
	MSCertificateTemplateName  OID = "1.3.6.1.4.1.311.20.2"   // ms-certificateTemplateName
	MSCertificateTemplate      OID = "1.3.6.1.4.1.311.21.7"   // ms-certificateTemplate
	MSCAVersion                OID = "1.3.6.1.4.1.311.21.1"   // ms-caVersion
	MSPreviousCertHash         OID = "1.3.6.1.4.1.311.21.2"   // ms-previousCertHash
	MSCRLNextPublish           OID = "1.3.6.1.4.1.311.21.4"   // ms-crlNextPublish
	MSCRLSelfCDP               OID = "1.3.6.1.4.1.311.21.14"  // ms-crlSelfCDP
	MSApplicationPolicies      OID = "1.3.6.1.4.1.311.21.10"  // ms-applicationPolicies
	MSUPN                      OID = "1.3.6.1.4.1.311.20.2.3" // ms-upn
	NetscapeCertType           OID = "2.16.840.1.113730.1.1"  // netscapeCertType
	NetscapeComment            OID = "2.16.840.1.113730.1.13" // netscapeComment
)

// Extended key usages (RFC 5280, RFC 6960, RFC 3161).
const (
	EKUAny              OID = "2.5.29.37.0"            // anyExtendedKeyUsage
	EKUServerAuth       OID = "1.3.6.1.5.5.7.3.1"      // serverAuth
	EKUClientAuth       OID = "1.3.6.1.5.5.7.3.2"      // clientAuth
	EKUCodeSigning      OID = "1.3.6.1.5.5.7.3.3"      // codeSigning
	EKUEmailProtection  OID = "1.3.6.1.5.5.7.3.4"      // emailProtection
	EKUTimeStamping     OID = "1.3.6.1.5.5.7.3.8"      // timeStamping
	EKUOCSPSigning      OID = "1.3.6.1.5.5.7.3.9"      // OCSPSigning
	EKUDocumentSigning  OID = "1.3.6.1.5.5.7.3.36"     // documentSigning
	EKUMSSmartcardLogon OID = "1.3.6.1.4.1.311.20.2.2" // ms-smartcardLogon
)

// Requests (RFC 2986, RFC 2985).
const (
	ExtensionRequest    OID = "1.2.840.113549.1.9.14"  // extensionRequest
	MSExtensionRequest  OID = "1.3.6.1.4.1.311.2.1.14" // ms-extensionRequest
	ChallengePassword   OID = "1.2.840.113549.1.9.7"   // challengePassword
	ChangeSubjectName   OID = "1.3.6.1.5.5.7.7.36"     // id-cmc-changeSubjectName
	MSOSVersion         OID = "1.3.6.1.4.1.311.13.2.3" // ms-osVersion
	MSRequestClientInfo OID = "1.3.6.1.4.1.311.21.20"  // ms-requestClientInfo
	MSEnrollmentCSP     OID = "1.3.6.1.4.1.311.13.2.2" // ms-enrollmentCSP
)

// Cryptographic message syntax and its attributes (RFC 5652, RFC 5035, RFC 5126).
const (
	Data                        OID = "1.2.840.113549.1.7.1"       // id-data
	SignedData                  OID = "1.2.840.113549.1.7.2"       // id-signedData
	EnvelopedData               OID = "1.2.840.113549.1.7.3"       // id-envelopedData
	SignedAndEnvelopedData      OID = "1.2.840.113549.1.7.4"       // signedAndEnvelopedData
	DigestedData                OID = "1.2.840.113549.1.7.5"       // id-digestedData
	EncryptedData               OID = "1.2.840.113549.1.7.6"       // id-encryptedData
	AuthenticatedData           OID = "1.2.840.113549.1.9.16.1.2"  // id-ct-authData
	AuthEnvelopedData           OID = "1.2.840.113549.1.9.16.1.23" // id-ct-authEnvelopedData
	TSTInfo                     OID = "1.2.840.113549.1.9.16.1.4"  // id-ct-TSTInfo
	AttrContentType             OID = "1.2.840.113549.1.9.3"       // contentType
	AttrMessageDigest           OID = "1.2.840.113549.1.9.4"       // messageDigest
	AttrSigningTime             OID = "1.2.840.113549.1.9.5"       // signingTime
	AttrCounterSignature        OID = "1.2.840.113549.1.9.6"       // countersignature
	AttrSMIMECapabilities       OID = "1.2.840.113549.1.9.15"      // smimeCapabilities
	AttrSigningCertificate      OID = "1.2.840.113549.1.9.16.2.12" // signingCertificate
	AttrSigningCertificateV2    OID = "1.2.840.113549.1.9.16.2.47" // signingCertificateV2
	AttrSignatureTimeStamp      OID = "1.2.840.113549.1.9.16.2.14" // signatureTimeStampToken
	AttrCompleteCertificateRefs OID = "1.2.840.113549.1.9.16.2.21" // completeCertificateRefs
	AttrCompleteRevocationRefs  OID = "1.2.840.113549.1.9.16.2.22" // completeRevocationRefs
	AttrCertificateValues       OID = "1.2.840.113549.1.9.16.2.23" // certificateValues
	AttrRevocationValues        OID = "1.2.840.113549.1.9.16.2.24" // revocationValues
	AttrEscTimeStamp            OID = "1.2.840.113549.1.9.16.2.25" // escTimeStamp
	AttrCertCRLTimeStamp        OID = "1.2.840.113549.1.9.16.2.26" // certCRLTimestamp
	AttrArchiveTimeStampV2      OID = "1.2.840.113549.1.9.16.2.48" // archiveTimeStampV2
	AttrArchiveTimeStampV3      OID = "0.4.0.1733.2.4"             // archiveTimeStampV3
	AttrATSHashIndex            OID = "0.4.0.1733.2.5"             // atsHashIndex
	AttrATSHashIndexV3          OID = "0.4.0.19122.1.5"            // atsHashIndexV3
	AttrMimeType                OID = "0.4.0.1733.2.1"             // mimeType
	AttrContentHint             OID = "1.2.840.113549.1.9.16.2.4"  // contentHint
	AttrCommitmentType          OID = "1.2.840.113549.1.9.16.2.16" // commitmentTypeIndication
	AttrSignerLocation          OID = "1.2.840.113549.1.9.16.2.17" // signerLocation
	AttrSignerAttributes        OID = "1.2.840.113549.1.9.16.2.18" // signerAttributes
	AttrSignaturePolicy         OID = "1.2.840.113549.1.9.16.2.15" // signaturePolicyIdentifier
	AttrContentTimeStamp        OID = "1.2.840.113549.1.9.16.2.20" // contentTimestamp
	AttrAlgorithmProtection     OID = "1.2.840.113549.1.9.52"      // cmsAlgorithmProtection
	RevocationInfoOCSP          OID = "1.3.6.1.5.5.7.16.2"         // id-ri-ocsp-response
)

// OCSP (RFC 6960).
const (
	OCSPBasic               OID = "1.3.6.1.5.5.7.48.1.1" // id-pkix-ocsp-basic
	OCSPNonce               OID = "1.3.6.1.5.5.7.48.1.2" // id-pkix-ocsp-nonce
	OCSPCRLID               OID = "1.3.6.1.5.5.7.48.1.3" // id-pkix-ocsp-crl
	OCSPAcceptableResponses OID = "1.3.6.1.5.5.7.48.1.4" // id-pkix-ocsp-response
	OCSPNoCheck             OID = "1.3.6.1.5.5.7.48.1.5" // id-pkix-ocsp-nocheck
	OCSPArchiveCutoff       OID = "1.3.6.1.5.5.7.48.1.6" // id-pkix-ocsp-archive-cutoff
	OCSPServiceLocator      OID = "1.3.6.1.5.5.7.48.1.7" // id-pkix-ocsp-service-locator
	OCSPPreferredSignature  OID = "1.3.6.1.5.5.7.48.1.8" // id-pkix-ocsp-pref-sig-algs
	OCSPExtendedRevoke      OID = "1.3.6.1.5.5.7.48.1.9" // id-pkix-ocsp-extended-revoke
)

// PKCS #5, #8, #9 and #12 (RFC 8018, RFC 7292, RFC 2985).
const (
	PBES2                OID = "1.2.840.113549.1.5.13"      // PBES2
	PBKDF2               OID = "1.2.840.113549.1.5.12"      // PBKDF2
	PBMAC1               OID = "1.2.840.113549.1.5.14"      // PBMAC1
	KeyBag               OID = "1.2.840.113549.1.12.10.1.1" // keyBag
	PKCS8ShroudedKeyBag  OID = "1.2.840.113549.1.12.10.1.2" // pkcs8ShroudedKeyBag
	CertBag              OID = "1.2.840.113549.1.12.10.1.3" // certBag
	CRLBag               OID = "1.2.840.113549.1.12.10.1.4" // crlBag
	SecretBag            OID = "1.2.840.113549.1.12.10.1.5" // secretBag
	SafeContentsBag      OID = "1.2.840.113549.1.12.10.1.6" // safeContentsBag
	X509CertificateBag   OID = "1.2.840.113549.1.9.22.1"    // x509Certificate
	X509CRLBag           OID = "1.2.840.113549.1.9.23.1"    // x509Crl
	FriendlyName         OID = "1.2.840.113549.1.9.20"      // friendlyName
	LocalKeyID           OID = "1.2.840.113549.1.9.21"      // localKeyId
	CryptoProPBE         OID = "1.2.840.113549.1.12.1.80"   // cryptopro-pbe
	PBEWithSHA1And3DES   OID = "1.2.840.113549.1.12.1.3"    // pbeWithSHAAnd3-KeyTripleDES-CBC
	PBEWithSHA1AndRC2_40 OID = "1.2.840.113549.1.12.1.6"    // pbeWithSHAAnd40BitRC2-CBC
)

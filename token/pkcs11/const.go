package pkcs11

// Numbers of PKCS #11 v2.40 that are used here.
const (
	ckoData        = 0
	ckoCertificate = 1
	ckoPublicKey   = 2
	ckoPrivateKey  = 3
	ckoSecretKey   = 4

	ckkRSA           = 0x00
	ckkEC            = 0x03
	ckkGenericSecret = 0x10
	ckkGOSTR3410     = 0x30

	ckcX509 = 0

	ckaClass              = 0x000
	ckaToken              = 0x001
	ckaPrivate            = 0x002
	ckaLabel              = 0x003
	ckaApplication        = 0x010
	ckaValue              = 0x011
	ckaObjectID           = 0x012
	ckaCertificateType    = 0x080
	ckaIssuer             = 0x081
	ckaSerialNumber       = 0x082
	ckaKeyType            = 0x100
	ckaSubject            = 0x101
	ckaID                 = 0x102
	ckaSensitive          = 0x103
	ckaSign               = 0x108
	ckaVerify             = 0x10A
	ckaDerive             = 0x10C
	ckaModulus            = 0x120
	ckaModulusBits        = 0x121
	ckaPublicExponent     = 0x122
	ckaPrivateExponent    = 0x123
	ckaPrime1             = 0x124
	ckaPrime2             = 0x125
	ckaExponent1          = 0x126
	ckaExponent2          = 0x127
	ckaCoefficient        = 0x128
	ckaValueLen           = 0x161
	ckaExtractable        = 0x162
	ckaECParams           = 0x180
	ckaECPoint            = 0x181
	ckaAlwaysAuthenticate = 0x202
	ckaGOSTR3410Params    = 0x250
	ckaGOSTR3411Params    = 0x251

	ckmRSAKeyPairGen  = 0x0000
	ckmRSAPKCS        = 0x0001
	ckmSHA256RSA      = 0x0040
	ckmSHA384RSA      = 0x0041
	ckmSHA512RSA      = 0x0042
	ckmECKeyPairGen   = 0x1040
	ckmECDSA          = 0x1041
	ckmECDSASHA256    = 0x1044
	ckmECDSASHA384    = 0x1045
	ckmECDSASHA512    = 0x1046
	ckmGOSTKeyPairGen = 0x1200
	ckmGOSTR3410      = 0x1201

	ckuSO              = 0
	ckuUser            = 1
	ckuContextSpecific = 2

	cksROUser = 1
	cksRWUser = 3
	cksRWSO   = 4

	ckfRWSession     = 0x2
	ckfSerialSession = 0x4

	ckfRNG                 = 0x00000001
	ckfWriteProtected      = 0x00000002
	ckfLoginRequired       = 0x00000004
	ckfUserPINInitialized  = 0x00000008
	ckfProtectedPath       = 0x00000100
	ckfTokenInitialized    = 0x00000400
	ckfUserPINCountLow     = 0x00010000
	ckfUserPINFinalTry     = 0x00020000
	ckfUserPINLocked       = 0x00040000
	ckfUserPINToBeChanged  = 0x00080000
	ckfSOPINCountLow       = 0x00100000
	ckfSOPINFinalTry       = 0x00200000
	ckfSOPINLocked         = 0x00400000
	ckfSOPINToBeChanged    = 0x00800000
	ckUnavailable          = ^uint(0)
	ckEffectivelyInfinite  = 0
	ckdNull                = 1 // CKD_NULL: no key derivation after the agreement
	ckTokenLabelBytes      = 32
	tc26                   = 0xD4321000 // NSSCK_VENDOR_PKCS11_RU_TEAM of TC26, in the vendor range
	ckkGOSTR3410x512       = tc26 | 0x03
	ckmGOSTKeyPairGen512   = tc26 | 0x05
	ckmGOSTR3410x512       = tc26 | 0x06
	ckmGOST12Derive        = tc26 | 0x07
	ckmGOSTWithStreebog256 = tc26 | 0x08
	ckmGOSTWithStreebog512 = tc26 | 0x09
)

package p11module

// Numbers of PKCS #11 v2.40 and, with the prefix 0xD4321000, of the Russian
// profile R 50.1.110-2016.
const (
	vendorRU = 0xD4321000

	mechGOSTR3410KeyPairGen             = 0x1200
	mechGOSTR3410                       = 0x1201
	mechGOSTR3410KeyPairGen512          = vendorRU | 0x05
	mechGOSTR3410x512                   = vendorRU | 0x06
	mechGOSTR3410WithStreebog256        = vendorRU | 0x08
	mechGOSTR3410WithStreebog512        = vendorRU | 0x09
	mechStreebog256                     = vendorRU | 0x12
	mechStreebog512                     = vendorRU | 0x13
	kdfNull                             = 0x01
	kdfGOSTR3411x2012                   = vendorRU | 0x26
	keyGOSTR3410                        = 0x30
	keyGOSTR3410x512                    = vendorRU | 0x03
	keyGenericSecret                    = 0x10
	keyGOST28147                        = 0x32
	unavailable                  uint64 = ^uint64(0)
)

// MechanismDerive is CKM_GOSTR3410_12_DERIVE, whose parameter may consist of
// pointers.
const MechanismDerive = vendorRU | 0x07

// Mechanism flags (section 3.5).
const (
	flagDigest          = 0x00000400
	flagSign            = 0x00000800
	flagVerify          = 0x00002000
	flagGenerateKeyPair = 0x00010000
	flagDerive          = 0x00080000
)

// Slot, token and session flags (sections 3.2 and 3.3).
const (
	slotTokenPresent    = 0x1
	slotRemovable       = 0x2
	tokenRNG            = 0x00000001
	tokenLoginRequired  = 0x00000004
	tokenUserPINSet     = 0x00000008
	tokenInitialized    = 0x00000400
	tokenUserPINLow     = 0x00010000
	tokenUserPINFinal   = 0x00020000
	tokenUserPINLocked  = 0x00040000
	tokenSOPINLow       = 0x00100000
	tokenSOPINFinal     = 0x00200000
	tokenSOPINLocked    = 0x00400000
	sessionReadWrite    = 0x2
	sessionSerial       = 0x4
	eventDontBlock      = 0x1
	stateROPublic       = 0
	stateROUser         = 1
	stateRWPublic       = 2
	stateRWUser         = 3
	stateRWSO           = 4
	userSO              = 0
	userUser            = 1
	userContextSpecific = 2
)

// Object classes and the certificate type (section 4).
const (
	classData        = 0
	classCertificate = 1
	classPublicKey   = 2
	classPrivateKey  = 3
	classSecretKey   = 4
	certificateX509  = 0
)

// Attributes (section 4).
const (
	attrClass              = 0x000
	attrToken              = 0x001
	attrPrivate            = 0x002
	attrLabel              = 0x003
	attrApplication        = 0x010
	attrValue              = 0x011
	attrObjectID           = 0x012
	attrCertificateType    = 0x080
	attrIssuer             = 0x081
	attrSerialNumber       = 0x082
	attrTrusted            = 0x086
	attrCertCategory       = 0x087
	attrURL                = 0x089
	attrHashOfSubjectKey   = 0x08A
	attrHashOfIssuerKey    = 0x08B
	attrCheckValue         = 0x090
	attrKeyType            = 0x100
	attrSubject            = 0x101
	attrID                 = 0x102
	attrSensitive          = 0x103
	attrEncrypt            = 0x104
	attrDecrypt            = 0x105
	attrWrap               = 0x106
	attrUnwrap             = 0x107
	attrSign               = 0x108
	attrSignRecover        = 0x109
	attrVerify             = 0x10A
	attrVerifyRecover      = 0x10B
	attrDerive             = 0x10C
	attrStartDate          = 0x110
	attrEndDate            = 0x111
	attrPublicKeyInfo      = 0x129
	attrValueLen           = 0x161
	attrExtractable        = 0x162
	attrLocal              = 0x163
	attrNeverExtractable   = 0x164
	attrAlwaysSensitive    = 0x165
	attrKeyGenMechanism    = 0x166
	attrModifiable         = 0x170
	attrCopyable           = 0x171
	attrDestroyable        = 0x172
	attrAlwaysAuthenticate = 0x202
	attrWrapWithTrusted    = 0x210
	attrGOSTR3410Params    = 0x250
	attrGOSTR3411Params    = 0x251
	attrGOST28147Params    = 0x252
)

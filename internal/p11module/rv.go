package p11module

import "fmt"

// RV is a return value of PKCS #11 (v2.40, section 5.1). It is no error: a
// program on the other side of the C boundary gets the number and nothing else.
type RV uint64

// The return values of this module.
const (
	RVOK                         RV = 0x000
	rvSlotIDInvalid              RV = 0x003
	rvGeneralError               RV = 0x005
	rvFunctionFailed             RV = 0x006
	RVArgumentsBad               RV = 0x007
	rvNoEvent                    RV = 0x008
	rvAttributeReadOnly          RV = 0x010
	RVAttributeSensitive         RV = 0x011
	RVAttributeTypeInvalid       RV = 0x012
	rvAttributeValueInvalid      RV = 0x013
	rvActionProhibited           RV = 0x01B
	rvDataLenRange               RV = 0x021
	rvDeviceError                RV = 0x030
	rvDeviceMemory               RV = 0x031
	rvDeviceRemoved              RV = 0x032
	rvKeyHandleInvalid           RV = 0x060
	rvKeyTypeInconsistent        RV = 0x063
	rvKeyFunctionNotPermitted    RV = 0x068
	rvMechanismInvalid           RV = 0x070
	rvMechanismParamInvalid      RV = 0x071
	rvObjectHandleInvalid        RV = 0x082
	rvOperationActive            RV = 0x090
	rvOperationNotInitialized    RV = 0x091
	rvPINIncorrect               RV = 0x0A0
	rvPINInvalid                 RV = 0x0A1
	rvPINLenRange                RV = 0x0A2
	rvPINLocked                  RV = 0x0A4
	rvSessionCount               RV = 0x0B1
	rvSessionHandleInvalid       RV = 0x0B3
	rvSessionParallelNotSupport  RV = 0x0B4
	rvSessionReadOnly            RV = 0x0B5
	rvSessionExists              RV = 0x0B6
	rvSessionReadOnlyExists      RV = 0x0B7
	rvSessionReadWriteSOExists   RV = 0x0B8
	rvSignatureInvalid           RV = 0x0C0
	rvSignatureLenRange          RV = 0x0C1
	rvTemplateIncomplete         RV = 0x0D0
	rvTemplateInconsistent       RV = 0x0D1
	rvTokenNotPresent            RV = 0x0E0
	rvTokenNotRecognized         RV = 0x0E1
	rvTokenWriteProtected        RV = 0x0E2
	rvUserAlreadyLoggedIn        RV = 0x100
	rvUserNotLoggedIn            RV = 0x101
	rvUserPINNotInitialized      RV = 0x102
	rvUserTypeInvalid            RV = 0x103
	rvUserAnotherAlreadyLoggedIn RV = 0x104
	rvRandomSeedNotSupported     RV = 0x120
	rvDomainParamsInvalid        RV = 0x130
	RVBufferTooSmall             RV = 0x150
	rvCryptokiNotInitialized     RV = 0x190
	rvCryptokiAlreadyInitialized RV = 0x191
)

// String returns the number as the specification's tables print it.
func (r RV) String() string { return fmt.Sprintf("CKR 0x%08X", uint64(r)) }

package pkcs11

import "fmt"

// Code is a return value of a PKCS #11 function (CKR_…).
type Code uint

// The return values that callers branch on; [Code.String] knows the others.
const (
	CodeTokenNotPresent Code = 0x0E0
	CodeDeviceRemoved   Code = 0x032
	CodePINIncorrect    Code = 0x0A0
	CodePINLocked       Code = 0x0A4
)

const (
	ckrOK                     Code = 0x000
	ckrSlotIDInvalid          Code = 0x003
	ckrGeneralError           Code = 0x005
	ckrFunctionFailed         Code = 0x006
	ckrArgumentsBad           Code = 0x007
	ckrAttributeReadOnly      Code = 0x010
	ckrAttributeSensitive     Code = 0x011
	ckrAttributeTypeInvalid   Code = 0x012
	ckrAttributeValueInvalid  Code = 0x013
	ckrDeviceError            Code = 0x030
	ckrFunctionNotSupported   Code = 0x054
	ckrKeyHandleInvalid       Code = 0x060
	ckrKeyFunctionDenied      Code = 0x068
	ckrMechanismInvalid       Code = 0x070
	ckrObjectHandleInvalid    Code = 0x082
	ckrOperationActive        Code = 0x090
	ckrPINInvalid             Code = 0x0A1
	ckrPINLenRange            Code = 0x0A2
	ckrPINExpired             Code = 0x0A3
	ckrSessionClosed          Code = 0x0B0
	ckrSessionCount           Code = 0x0B1
	ckrSessionHandleInvalid   Code = 0x0B3
	ckrSessionReadOnly        Code = 0x0B5
	ckrTemplateIncomplete     Code = 0x0D0
	ckrTemplateInconsistent   Code = 0x0D1
	ckrTokenNotRecognized     Code = 0x0E1
	ckrTokenWriteProtected    Code = 0x0E2
	ckrUserAlreadyLoggedIn    Code = 0x100
	ckrUserNotLoggedIn        Code = 0x101
	ckrCryptokiNotInitialized Code = 0x190
	ckrCryptokiInitialized    Code = 0x191
)

// codeRow is one return value: its stable ID and what a person is told.
type codeRow struct {
	name   string // without CKR_
	id     string // with "pkcs11." before it; never changes
	ru, en string
}

// codeTable is PKCS #11 v2.40's list of return values, as far as the functions
// that are called here return them.
var codeTable = map[Code]codeRow{
	0x001: {"CANCEL", "cancelled", "операция отменена", "the operation was cancelled"},
	0x002: {"HOST_MEMORY", "host-memory", "модулю токена не хватило памяти компьютера", "the token's module ran out of the computer's memory"},
	0x003: {"SLOT_ID_INVALID", "slot", "считыватель исчез: проверьте подключение", "the reader is gone: check how it is plugged in"},
	0x005: {"GENERAL_ERROR", "general", "модуль токена сообщил о неустранимой ошибке", "the token's module reports an unrecoverable error"},
	0x006: {"FUNCTION_FAILED", "failed", "токен не смог выполнить операцию", "the token could not do the operation"},
	0x007: {"ARGUMENTS_BAD", "arguments", "модуль токена не принял параметры вызова", "the token's module refuses the parameters of the call"},
	0x00A: {"CANT_LOCK", "cant-lock", "модуль токена не умеет работать в нескольких потоках", "the token's module cannot work with several threads"},
	0x010: {"ATTRIBUTE_READ_ONLY", "attribute-read-only", "токен не даёт менять это свойство объекта", "the token does not let this attribute be changed"},
	0x011: {"ATTRIBUTE_SENSITIVE", "attribute-sensitive", "токен не выдаёт секретное значение", "the token does not give a secret value away"},
	0x012: {"ATTRIBUTE_TYPE_INVALID", "attribute-type", "токен не знает этого свойства объекта", "the token does not know this attribute"},
	0x013: {"ATTRIBUTE_VALUE_INVALID", "attribute-value", "токен не поддерживает такое значение, например набор параметров ключа", "the token does not support this value, such as the key's parameter set"},
	0x01B: {"ACTION_PROHIBITED", "prohibited", "токен запрещает эту операцию", "the token prohibits this operation"},
	0x020: {"DATA_INVALID", "data", "токен не принял данные", "the token refuses the data"},
	0x021: {"DATA_LEN_RANGE", "data-length", "токен не принял данные такой длины", "the token refuses data of this length"},
	0x030: {"DEVICE_ERROR", "device", "сбой токена или считывателя: переподключите токен", "the token or reader failed: plug it in again"},
	0x031: {"DEVICE_MEMORY", "device-memory", "на токене кончилось место", "the token is full"},
	0x032: {"DEVICE_REMOVED", "removed", "токен вынули во время работы", "the token was removed while it was in use"},
	0x050: {"FUNCTION_CANCELED", "function-cancelled", "операция прервана", "the operation was broken off"},
	0x054: {"FUNCTION_NOT_SUPPORTED", "not-supported", "модуль токена не умеет этого", "the token's module cannot do this"},
	0x060: {"KEY_HANDLE_INVALID", "key-handle", "ключ исчез с токена", "the key is no longer on the token"},
	0x062: {"KEY_SIZE_RANGE", "key-size", "токен не поддерживает ключи такой длины", "the token does not support keys of this size"},
	0x063: {"KEY_TYPE_INCONSISTENT", "key-type", "ключ другого алгоритма", "the key belongs to another algorithm"},
	0x068: {"KEY_FUNCTION_NOT_PERMITTED", "key-function", "токен не разрешает использовать ключ для этого", "the token does not let the key be used for this"},
	0x06A: {"KEY_UNEXTRACTABLE", "key-unextractable", "ключ нельзя извлечь из токена", "the key cannot be taken out of the token"},
	0x070: {"MECHANISM_INVALID", "mechanism", "токен не поддерживает этот алгоритм", "the token does not support this algorithm"},
	0x071: {"MECHANISM_PARAM_INVALID", "mechanism-parameter", "токен не принял параметры алгоритма", "the token refuses the algorithm's parameters"},
	0x082: {"OBJECT_HANDLE_INVALID", "object-handle", "объект исчез с токена", "the object is no longer on the token"},
	0x090: {"OPERATION_ACTIVE", "operation-active", "токен занят предыдущей операцией", "the token is still busy with the operation before"},
	0x091: {"OPERATION_NOT_INITIALIZED", "operation-not-initialized", "токен потерял начатую операцию", "the token lost the operation that was begun"},
	0x0A0: {"PIN_INCORRECT", "pin-incorrect", "неверный PIN", "wrong PIN"},
	0x0A1: {"PIN_INVALID", "pin-invalid", "в PIN есть знаки, которых токен не допускает", "the PIN has characters that the token does not allow"},
	0x0A2: {"PIN_LEN_RANGE", "pin-length", "PIN слишком короткий или слишком длинный для этого токена", "the PIN is too short or too long for this token"},
	0x0A3: {"PIN_EXPIRED", "pin-expired", "срок действия PIN истёк: смените PIN", "the PIN has expired: change it"},
	0x0A4: {"PIN_LOCKED", "pin-locked", "PIN заблокирован: его разблокирует администратор токена", "the PIN is locked: the security officer can unblock it"},
	0x0B0: {"SESSION_CLOSED", "session-closed", "связь с токеном прервалась", "the session with the token was closed"},
	0x0B1: {"SESSION_COUNT", "session-count", "токен не открывает больше сеансов: закройте другие программы", "the token opens no more sessions: close other programs"},
	0x0B3: {"SESSION_HANDLE_INVALID", "session-handle", "связь с токеном потеряна", "the session with the token is lost"},
	0x0B5: {"SESSION_READ_ONLY", "session-read-only", "токен открыт только для чтения", "the token is open for reading only"},
	0x0B6: {"SESSION_EXISTS", "session-exists", "токен занят другим сеансом: закройте его", "the token is in use by another session: close it"},
	0x0B7: {"SESSION_READ_ONLY_EXISTS", "session-read-only-exists", "вход администратора невозможен, пока открыты сеансы для чтения", "the security officer cannot log in while read-only sessions are open"},
	0x0B8: {"SESSION_READ_WRITE_SO_EXISTS", "session-so-exists", "на токене работает администратор: завершите его сеанс", "the security officer is logged in: end that session"},
	0x0D0: {"TEMPLATE_INCOMPLETE", "template-incomplete", "токену не хватает свойств создаваемого объекта", "the token misses attributes of the object to be made"},
	0x0D1: {"TEMPLATE_INCONSISTENT", "template-inconsistent", "токен не принял сочетание свойств объекта", "the token refuses this combination of attributes"},
	0x0E0: {"TOKEN_NOT_PRESENT", "not-present", "токен не вставлен", "the token is not plugged in"},
	0x0E1: {"TOKEN_NOT_RECOGNIZED", "not-recognized", "модуль не узнаёт этот токен", "the module does not recognise this token"},
	0x0E2: {"TOKEN_WRITE_PROTECTED", "write-protected", "токен защищён от записи", "the token is write-protected"},
	0x100: {"USER_ALREADY_LOGGED_IN", "already-logged-in", "вход на токен уже выполнен", "the user is already logged in"},
	0x101: {"USER_NOT_LOGGED_IN", "not-logged-in", "нужен вход на токен по PIN", "the token needs a login with the PIN"},
	0x102: {"USER_PIN_NOT_INITIALIZED", "pin-not-set", "PIN пользователя ещё не задан", "the user PIN has not been set yet"},
	0x103: {"USER_TYPE_INVALID", "user-type", "токен не знает такого вида входа", "the token does not know this kind of login"},
	0x104: {"USER_ANOTHER_ALREADY_LOGGED_IN", "another-logged-in", "на токене уже работает другой пользователь этой программы", "another user of this program is logged in"},
	0x105: {"USER_TOO_MANY_TYPES", "too-many-users", "на токене уже слишком много пользователей", "too many users are logged in"},
	0x130: {"DOMAIN_PARAMS_INVALID", "domain-parameters", "токен не поддерживает этот набор параметров", "the token does not support this parameter set"},
	0x140: {"CURVE_NOT_SUPPORTED", "curve", "токен не поддерживает эту кривую", "the token does not support this curve"},
	0x150: {"BUFFER_TOO_SMALL", "buffer", "модуль токена ошибся в длине ответа", "the token's module gave a wrong length of its answer"},
	0x190: {"CRYPTOKI_NOT_INITIALIZED", "not-initialized", "модуль токена остановлен другой частью программы", "the token's module was stopped by another part of the program"},
	0x191: {"CRYPTOKI_ALREADY_INITIALIZED", "already-initialized", "модуль токена уже запущен другой частью программы", "the token's module was started by another part of the program"},
	0x200: {"FUNCTION_REJECTED", "rejected", "операция отклонена на самом токене", "the operation was rejected at the token itself"},
}

// String returns the name of the specification, as CKR_PIN_INCORRECT.
func (c Code) String() string {
	if c == ckrOK {
		return "CKR_OK"
	}
	if row, ok := codeTable[c]; ok {
		return "CKR_" + row.name
	}
	return fmt.Sprintf("CKR 0x%X", uint(c))
}

// ID returns a stable name for scripts, as pkcs11.pin-incorrect.
func (c Code) ID() string {
	if row, ok := codeTable[c]; ok {
		return "pkcs11." + row.id
	}
	return fmt.Sprintf("pkcs11.code-%x", uint(c))
}

// Sentence returns what a person is told about a return value, in Russian and
// in English, without a full stop. Values that the specification does not name
// are told by their number.
func Sentence(c Code) (ru, en string) {
	if row, ok := codeTable[c]; ok {
		return row.ru, row.en
	}
	return fmt.Sprintf("модуль токена вернул код 0x%X", uint(c)), fmt.Sprintf("the token's module returned code 0x%X", uint(c))
}

// Error is a PKCS #11 function that failed.
type Error struct {
	Op   string // the function, as C_Login
	Code Code
}

// Error names the function and the return value.
func (e *Error) Error() string {
	_, en := Sentence(e.Code)
	return fmt.Sprintf("pkcs11: %s: %s (%s)", e.Op, en, e.Code)
}

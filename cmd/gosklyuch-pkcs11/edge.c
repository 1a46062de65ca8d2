/* The C edge: the list of functions, the check for a fork, and nothing else.
 *
 * After a fork without exec the child has one thread and the Go runtime of its
 * parent without the threads that it needs: entering it would hang. So every
 * function asks first whether this is still the process that loaded the library,
 * in C alone, and answers CKR_GENERAL_ERROR where it is not. */
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "_cgo_export.h"

static pid_t loaded_by;

__attribute__((constructor)) static void remember(void) { loaded_by = getpid(); }

static int forked(void) { return getpid() != loaded_by; }

/* A function NAME with parameters P that calls its Go half with arguments A. */
#define ENTRY(NAME, P, A) \
	static ck_rv c_##NAME P { return forked() ? (ck_rv)RV_GENERAL : go_##NAME A; }

/* A function that this module does not have: only its preconditions count. */
#define ABSENT(NAME, RV, P) \
	static ck_rv c_##NAME P { return forked() ? (ck_rv)RV_GENERAL : go_check(RV); }

#define H ck_ulong session
#define IN(x) ck_byte *x, ck_ulong x##_len
#define OUT(x) ck_byte *x, ck_ulong *x##_len
#define MECH struct ck_mechanism *mech
#define ATTRS(x) struct ck_attribute *x, ck_ulong x##_len

/* Section 5.4: all four functions for locks or none; with functions and without
 * CKF_OS_LOCKING_OK the library would have to use them, and Go cannot.
 * CKF_LIBRARY_CANT_CREATE_OS_THREADS is not refused: the runtime made its threads
 * when the library was loaded, and p11-kit sets the flag for every module. */
static ck_rv c_Initialize(void *reserved)
{
	const struct ck_initialize_args *a = reserved;
	if (forked())
		return RV_GENERAL;
	if (a != NULL) {
		int n = (a->create_mutex != NULL) + (a->destroy_mutex != NULL) + (a->lock_mutex != NULL) + (a->unlock_mutex != NULL);
		if (a->reserved != NULL || (n != 0 && n != 4))
			return RV_ARGUMENTS;
		if (n == 4 && !(a->flags & INIT_OS_LOCKING))
			return RV_CANT_LOCK;
	}
	return go_Initialize();
}

static ck_rv c_Finalize(void *reserved)
{
	if (forked())
		return RV_GENERAL;
	return reserved != NULL ? (ck_rv)RV_ARGUMENTS : go_Finalize();
}

ENTRY(GetInfo, (struct ck_info *info), (info))
ENTRY(GetSlotList, (ck_byte present, ck_ulong *list, ck_ulong *n), (present, list, n))
ENTRY(GetSlotInfo, (ck_ulong slot, struct ck_slot_info *info), (slot, info))
ENTRY(GetTokenInfo, (ck_ulong slot, struct ck_token_info *info), (slot, info))
ENTRY(GetMechanismList, (ck_ulong slot, ck_ulong *list, ck_ulong *n), (slot, list, n))
ENTRY(GetMechanismInfo, (ck_ulong slot, ck_ulong type, struct ck_mechanism_info *info), (slot, type, info))
ENTRY(InitToken, (ck_ulong slot, IN(pin), ck_byte *label), (slot, pin, pin_len, label))
ENTRY(InitPIN, (H, IN(pin)), (session, pin, pin_len))
ENTRY(SetPIN, (H, IN(old), IN(pin)), (session, old, old_len, pin, pin_len))
/* The application's pointer and callback are not kept: nothing is ever notified. */
static ck_rv c_OpenSession(ck_ulong slot, ck_ulong flags, void *application, void *notify, ck_ulong *session)
{
	(void)application;
	(void)notify;
	return forked() ? (ck_rv)RV_GENERAL : go_OpenSession(slot, flags, session);
}
ENTRY(CloseSession, (H), (session))
ENTRY(CloseAllSessions, (ck_ulong slot), (slot))
ENTRY(GetSessionInfo, (H, struct ck_session_info *info), (session, info))
ABSENT(GetOperationState, RV_NOT_SUPPORTED, (H, OUT(state)))
ABSENT(SetOperationState, RV_NOT_SUPPORTED, (H, IN(state), ck_ulong encryption, ck_ulong authentication))
ENTRY(Login, (H, ck_ulong user, IN(pin)), (session, user, pin, pin_len))
ENTRY(Logout, (H), (session))
ENTRY(CreateObject, (H, ATTRS(t), ck_ulong *object), (session, t, t_len, object))
ENTRY(CopyObject, (H, ck_ulong object, ATTRS(t), ck_ulong *made), (session, object, t, t_len, made))
ENTRY(DestroyObject, (H, ck_ulong object), (session, object))
ENTRY(GetObjectSize, (H, ck_ulong object, ck_ulong *size), (session, object, size))
ENTRY(GetAttributeValue, (H, ck_ulong object, ATTRS(t)), (session, object, t, t_len))
ENTRY(SetAttributeValue, (H, ck_ulong object, ATTRS(t)), (session, object, t, t_len))
ENTRY(FindObjectsInit, (H, ATTRS(t)), (session, t, t_len))
ENTRY(FindObjects, (H, ck_ulong *objects, ck_ulong max, ck_ulong *n), (session, objects, max, n))
ENTRY(FindObjectsFinal, (H), (session))
ABSENT(EncryptInit, RV_NOT_SUPPORTED, (H, MECH, ck_ulong key))
ABSENT(Encrypt, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(EncryptUpdate, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(EncryptFinal, RV_NOT_SUPPORTED, (H, OUT(out)))
ABSENT(DecryptInit, RV_NOT_SUPPORTED, (H, MECH, ck_ulong key))
ABSENT(Decrypt, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(DecryptUpdate, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(DecryptFinal, RV_NOT_SUPPORTED, (H, OUT(out)))
ENTRY(DigestInit, (H, MECH), (session, mech))
ENTRY(Digest, (H, IN(data), OUT(out)), (session, data, data_len, out, out_len))
ENTRY(DigestUpdate, (H, IN(data)), (session, data, data_len))
ABSENT(DigestKey, RV_NOT_SUPPORTED, (H, ck_ulong key))
ENTRY(DigestFinal, (H, OUT(out)), (session, out, out_len))
ENTRY(SignInit, (H, MECH, ck_ulong key), (session, mech, key))
ENTRY(Sign, (H, IN(data), OUT(out)), (session, data, data_len, out, out_len))
ENTRY(SignUpdate, (H, IN(data)), (session, data, data_len))
ENTRY(SignFinal, (H, OUT(out)), (session, out, out_len))
ABSENT(SignRecoverInit, RV_NOT_SUPPORTED, (H, MECH, ck_ulong key))
ABSENT(SignRecover, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ENTRY(VerifyInit, (H, MECH, ck_ulong key), (session, mech, key))
ENTRY(Verify, (H, IN(data), IN(sig)), (session, data, data_len, sig, sig_len))
ENTRY(VerifyUpdate, (H, IN(data)), (session, data, data_len))
ENTRY(VerifyFinal, (H, IN(sig)), (session, sig, sig_len))
ABSENT(VerifyRecoverInit, RV_NOT_SUPPORTED, (H, MECH, ck_ulong key))
ABSENT(VerifyRecover, RV_NOT_SUPPORTED, (H, IN(sig), OUT(out)))
ABSENT(DigestEncryptUpdate, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(DecryptDigestUpdate, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(SignEncryptUpdate, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(DecryptVerifyUpdate, RV_NOT_SUPPORTED, (H, IN(data), OUT(out)))
ABSENT(GenerateKey, RV_NOT_SUPPORTED, (H, MECH, ATTRS(t), ck_ulong *key))
ENTRY(GenerateKeyPair, (H, MECH, ATTRS(pub), ATTRS(priv), ck_ulong *pub_key, ck_ulong *priv_key),
      (session, mech, pub, pub_len, priv, priv_len, pub_key, priv_key))
ABSENT(WrapKey, RV_NOT_SUPPORTED, (H, MECH, ck_ulong wrapping, ck_ulong key, OUT(out)))
ABSENT(UnwrapKey, RV_NOT_SUPPORTED, (H, MECH, ck_ulong unwrapping, IN(wrapped), ATTRS(t), ck_ulong *key))
ENTRY(DeriveKey, (H, MECH, ck_ulong base, ATTRS(t), ck_ulong *key), (session, mech, base, t, t_len, key))
/* The seed is not looked at. */
static ck_rv c_SeedRandom(ck_ulong session, IN(seed))
{
	(void)seed;
	(void)seed_len;
	return forked() ? (ck_rv)RV_GENERAL : go_SeedRandom(session);
}
ENTRY(GenerateRandom, (H, IN(out)), (session, out, out_len))
ABSENT(GetFunctionStatus, RV_NOT_PARALLEL, (H))
ABSENT(CancelFunction, RV_NOT_PARALLEL, (H))
ENTRY(WaitForSlotEvent, (ck_ulong flags, ck_ulong *slot, void *reserved), (flags, slot, reserved))

struct ck_function_list;
static ck_rv c_GetFunctionList(const struct ck_function_list **list);

#define EACH(F) \
	F(Initialize) F(Finalize) F(GetInfo) F(GetFunctionList) F(GetSlotList) F(GetSlotInfo) F(GetTokenInfo) \
	F(GetMechanismList) F(GetMechanismInfo) F(InitToken) F(InitPIN) F(SetPIN) F(OpenSession) F(CloseSession) \
	F(CloseAllSessions) F(GetSessionInfo) F(GetOperationState) F(SetOperationState) F(Login) F(Logout) \
	F(CreateObject) F(CopyObject) F(DestroyObject) F(GetObjectSize) F(GetAttributeValue) F(SetAttributeValue) \
	F(FindObjectsInit) F(FindObjects) F(FindObjectsFinal) F(EncryptInit) F(Encrypt) F(EncryptUpdate) F(EncryptFinal) \
	F(DecryptInit) F(Decrypt) F(DecryptUpdate) F(DecryptFinal) F(DigestInit) F(Digest) F(DigestUpdate) F(DigestKey) \
	F(DigestFinal) F(SignInit) F(Sign) F(SignUpdate) F(SignFinal) F(SignRecoverInit) F(SignRecover) F(VerifyInit) \
	F(Verify) F(VerifyUpdate) F(VerifyFinal) F(VerifyRecoverInit) F(VerifyRecover) F(DigestEncryptUpdate) \
	F(DecryptDigestUpdate) F(SignEncryptUpdate) F(DecryptVerifyUpdate) F(GenerateKey) F(GenerateKeyPair) F(WrapKey) \
	F(UnwrapKey) F(DeriveKey) F(SeedRandom) F(GenerateRandom) F(GetFunctionStatus) F(CancelFunction) F(WaitForSlotEvent)

/* CK_FUNCTION_LIST: the version and 68 pointers in the order of the specification. */
#define MEMBER(NAME) __typeof__(&c_##NAME) NAME;
#define VALUE(NAME) c_##NAME,
struct ck_function_list {
	struct ck_version version;
	EACH(MEMBER)
};

static const struct ck_function_list functions = { { 2, 40 }, EACH(VALUE) };

static ck_rv c_GetFunctionList(const struct ck_function_list **list)
{
	if (list == NULL)
		return RV_ARGUMENTS;
	*list = &functions;
	return RV_OK;
}

/* The one symbol that the library exports. */
__attribute__((visibility("default"))) ck_rv C_GetFunctionList(const struct ck_function_list **list)
{
	return c_GetFunctionList(list);
}

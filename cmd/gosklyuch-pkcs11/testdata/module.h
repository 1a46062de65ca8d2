/* What the C programs of the tests share: the list of functions as an array. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cryptoki.h"

/* Indices into CK_FUNCTION_LIST after the version. */
enum {
	F_Initialize, F_Finalize, F_GetInfo, F_GetFunctionList, F_GetSlotList, F_GetSlotInfo, F_GetTokenInfo, F_GetMechanismList,
	F_GetMechanismInfo, F_InitToken, F_InitPIN, F_SetPIN, F_OpenSession, F_CloseSession, F_CloseAllSessions, F_GetSessionInfo,
	F_GetOperationState, F_SetOperationState, F_Login, F_Logout, F_CreateObject, F_CopyObject, F_DestroyObject,
	F_GetObjectSize, F_GetAttributeValue, F_SetAttributeValue, F_FindObjectsInit, F_FindObjects, F_FindObjectsFinal,
	F_EncryptInit, F_DigestInit = 37, F_Digest, F_DigestUpdate, F_DigestKey, F_DigestFinal, F_SignInit, F_Sign,
	F_GenerateRandom = 64, F_GetFunctionStatus, F_CancelFunction, F_WaitForSlotEvent, F_COUNT
};

typedef ck_rv (*any)(unsigned long, ...);
struct list { struct ck_version version; any f[F_COUNT]; };

static struct list *load(const char *path)
{
	struct list *l = NULL;
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_rv (*get)(struct list **);
	if (lib == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	*(void **)&get = dlsym(lib, "C_GetFunctionList");
	if (get == NULL || get(NULL) != RV_ARGUMENTS || get(&l) != RV_OK || l->version.major != 2 || l->version.minor != 40)
		exit(3);
	return l;
}

/* NULL pointers, lengths that lie, wrong arguments of C_Initialize. */
#include "module.h"

static int failed;

static void expect(const char *what, ck_rv got, ck_rv want)
{
	if (got != want) {
		printf("%s: 0x%lx, want 0x%lx\n", what, got, want);
		failed = 1;
	}
}

static void initialize(struct list *l)
{
	struct ck_initialize_args a = { 0 };

	expect("not initialized", l->f[F_GetInfo](0), 0x190);
	expect("not initialized", l->f[F_EncryptInit](0), 0x190);
	expect("C_Finalize early", l->f[F_Finalize](0), 0x190);
	a.reserved = &a;
	expect("reserved", l->f[F_Initialize]((unsigned long)&a), RV_ARGUMENTS);
	a.reserved = NULL;
	a.lock_mutex = &a;
	expect("one lock function", l->f[F_Initialize]((unsigned long)&a), RV_ARGUMENTS);
	a.create_mutex = a.destroy_mutex = a.unlock_mutex = &a;
	expect("own locks only", l->f[F_Initialize]((unsigned long)&a), RV_CANT_LOCK);
	a.flags = INIT_OS_LOCKING | INIT_NO_OS_THREADS; /* as p11-kit does */
	expect("C_Initialize", l->f[F_Initialize]((unsigned long)&a), RV_OK);
	expect("twice", l->f[F_Initialize](0), 0x191);
	expect("C_Finalize's argument", l->f[F_Finalize](1), RV_ARGUMENTS);
}

static void pointers(struct list *l, ck_ulong s)
{
	struct ck_attribute bad = { 3, NULL, 5 }, many = { 3, "x", 1 };
	struct ck_mechanism streebog = { 0xD4321012, NULL, 0 }, lying = { 0xD4321012, NULL, 7 };
	ck_ulong n = 0, obj;
	ck_byte buf[64];

	expect("C_GetInfo", l->f[F_GetInfo](0), RV_ARGUMENTS);
	expect("C_GetSlotList", l->f[F_GetSlotList](0, &n, NULL), RV_ARGUMENTS);
	expect("C_GetSlotList, small", l->f[F_GetSlotList](0, &obj, &n), 0x150);
	expect("C_GetTokenInfo", l->f[F_GetTokenInfo](0, NULL), RV_ARGUMENTS);
	expect("C_GetMechanismInfo", l->f[F_GetMechanismInfo](0, 0x1201UL, NULL), RV_ARGUMENTS);
	expect("C_OpenSession", l->f[F_OpenSession](0, 4UL, NULL, NULL, NULL), RV_ARGUMENTS);
	expect("C_Login without PIN", l->f[F_Login](s, 1UL, NULL, 0UL), RV_ARGUMENTS);
	expect("C_SetPIN", l->f[F_SetPIN](s, NULL, 0UL, buf, 4UL), RV_ARGUMENTS);
	expect("C_InitToken without label", l->f[F_InitToken](0, buf, 4UL, NULL), RV_ARGUMENTS);
	expect("C_CreateObject", l->f[F_CreateObject](s, &bad, 1UL, &obj), RV_ARGUMENTS);
	expect("C_CreateObject, NULL", l->f[F_CreateObject](s, NULL, 1UL, &obj), RV_ARGUMENTS);
	expect("C_CreateObject, count", l->f[F_CreateObject](s, &many, ~0UL, &obj), RV_ARGUMENTS);
	expect("C_CreateObject, result", l->f[F_CreateObject](s, &many, 1UL, NULL), RV_ARGUMENTS);
	expect("C_GetAttributeValue", l->f[F_GetAttributeValue](s, 1UL, NULL, 0UL), RV_ARGUMENTS);
	expect("C_DigestInit, NULL", l->f[F_DigestInit](s, NULL), RV_ARGUMENTS);
	expect("C_DigestInit, parameter", l->f[F_DigestInit](s, &lying), RV_ARGUMENTS);
	expect("C_DigestInit", l->f[F_DigestInit](s, &streebog), RV_OK);
	expect("C_Digest, data", l->f[F_Digest](s, NULL, 5UL, buf, &n), RV_ARGUMENTS);
	expect("C_Digest, length", l->f[F_Digest](s, buf, 5UL, buf, NULL), RV_ARGUMENTS);
	expect("C_Digest, huge", l->f[F_Digest](s, buf, ~0UL, buf, &n), RV_ARGUMENTS);
	n = 5;
	expect("C_Digest, small", l->f[F_Digest](s, NULL, 0UL, buf, &n), 0x150);
	if (n != 32)
		expect("the length that is needed", n, 32);
	expect("a pointer to nowhere", l->f[F_Digest](s, (void *)0x10000, 5UL, buf, &n), RV_GENERAL);
	n = 64;
	expect("C_FindObjects", l->f[F_FindObjects](s, NULL, 1UL, &n), RV_ARGUMENTS);
	expect("C_GenerateRandom", l->f[F_GenerateRandom](s, NULL, 5UL), RV_ARGUMENTS);
	expect("C_WaitForSlotEvent", l->f[F_WaitForSlotEvent](1, NULL, NULL), RV_ARGUMENTS);
	expect("C_GetFunctionStatus", l->f[F_GetFunctionStatus](s), RV_NOT_PARALLEL);
	expect("C_CancelFunction", l->f[F_CancelFunction](s), RV_NOT_PARALLEL);
	expect("C_EncryptInit", l->f[F_EncryptInit](s), RV_NOT_SUPPORTED);
	expect("C_DigestKey", l->f[F_DigestKey](s), RV_NOT_SUPPORTED);
}

int main(int argc, char **argv)
{
	struct list *l = load(argv[1]);
	ck_ulong s = 0;
	ck_byte label[32];

	(void)argc;
	memset(label, ' ', sizeof label);
	initialize(l);
	expect("C_InitToken", l->f[F_InitToken](0, "12345678", 8UL, label), RV_OK);
	expect("C_OpenSession", l->f[F_OpenSession](0, 6UL, NULL, NULL, &s), RV_OK);
	pointers(l, s);
	expect("C_Finalize", l->f[F_Finalize](0), RV_OK);
	expect("C_Initialize again", l->f[F_Initialize](0), RV_OK);
	expect("old session", l->f[F_CloseSession](s), 0xB3);
	printf(failed ? "failed\n" : "all as expected\n");
	return 0;
}

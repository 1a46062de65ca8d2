/* The types of PKCS #11 v2.40 that this module uses, laid out as sections 3
 * and 5 of the specification say. Written for this project; names are our own. */
#ifndef GOSKLYUCH_CRYPTOKI_H
#define GOSKLYUCH_CRYPTOKI_H

typedef unsigned char ck_byte;
typedef unsigned long ck_ulong;
typedef unsigned long ck_rv;

enum { RV_OK = 0x0, RV_GENERAL = 0x5, RV_ARGUMENTS = 0x7, RV_CANT_LOCK = 0xA,
       RV_NOT_PARALLEL = 0x51, RV_NOT_SUPPORTED = 0x54 };

/* CK_C_INITIALIZE_ARGS.flags */
enum { INIT_NO_OS_THREADS = 0x1, INIT_OS_LOCKING = 0x2 };

struct ck_version { ck_byte major, minor; };

struct ck_info {
	struct ck_version cryptoki;
	ck_byte manufacturer[32];
	ck_ulong flags;
	ck_byte library[32];
	struct ck_version version;
};

struct ck_slot_info {
	ck_byte description[64];
	ck_byte manufacturer[32];
	ck_ulong flags;
	struct ck_version hardware, firmware;
};

struct ck_token_info {
	ck_byte label[32];
	ck_byte manufacturer[32];
	ck_byte model[16];
	ck_byte serial[16];
	ck_ulong flags;
	ck_ulong max_sessions, sessions;
	ck_ulong max_rw_sessions, rw_sessions;
	ck_ulong max_pin, min_pin;
	ck_ulong total_public, free_public, total_private, free_private;
	struct ck_version hardware, firmware;
	ck_byte utc_time[16];
};

struct ck_session_info { ck_ulong slot, state, flags, device_error; };
struct ck_mechanism_info { ck_ulong min_key, max_key, flags; };
struct ck_attribute { ck_ulong type; void *value; ck_ulong len; };
struct ck_mechanism { ck_ulong type; void *param; ck_ulong len; };

/* The parameter of VKO in the form with pointers. */
struct ck_gost_derive { ck_ulong kdf; ck_byte *pub; ck_ulong pub_len; ck_byte *ukm; ck_ulong ukm_len; };

struct ck_initialize_args {
	void *create_mutex, *destroy_mutex, *lock_mutex, *unlock_mutex; /* pointers to functions */
	ck_ulong flags;
	void *reserved;
};

#endif

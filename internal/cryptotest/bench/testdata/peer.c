/*
 * peer OPERATION PARAMETER SECONDS prints how many operations a second
 * libcrypto with gost-engine does: the best slice of 2 ms. The engine comes
 * from OPENSSL_CONF.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *what)
{
	fprintf(stderr, "peer: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* now is the processor time used, so that other work does not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

typedef void operation(void);

static EVP_PKEY_CTX *pctx;
static EVP_MD_CTX *mctx;
static EVP_CIPHER_CTX *cctx;
static const EVP_MD *md;
static const EVP_CIPHER *cipher;
static unsigned char digest[64], sig[256], key[64], iv[64];
static unsigned char *message, *output;
static size_t digest_len, sig_len, message_len;

static void do_sign(void)
{
	size_t n = sizeof sig;

	if (EVP_PKEY_sign(pctx, sig, &n, digest, digest_len) <= 0)
		die("sign");
	sig_len = n;
}

static void do_verify(void)
{
	if (EVP_PKEY_verify(pctx, sig, sig_len, digest, digest_len) != 1)
		die("verify");
}

static void do_digest(void)
{
	unsigned char out[EVP_MAX_MD_SIZE];

	if (!EVP_DigestInit_ex(mctx, md, NULL) ||
	    !EVP_DigestUpdate(mctx, message, message_len) ||
	    !EVP_DigestFinal_ex(mctx, out, NULL))
		die("digest");
}

static void do_cipher(void)
{
	int n, m;

	if (!EVP_EncryptInit_ex(cctx, cipher, NULL, key, iv) ||
	    !EVP_EncryptUpdate(cctx, output, &n, message, (int)message_len) ||
	    !EVP_EncryptFinal_ex(cctx, output + n, &m))
		die("cipher");
}

/* make_key leaves a context for a new key of ALG:PARAMSET in pctx. */
static void make_key(const char *alg, const char *paramset)
{
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_id(OBJ_txt2nid(alg), NULL);

	if (gen == NULL || EVP_PKEY_keygen_init(gen) <= 0 ||
	    EVP_PKEY_CTX_ctrl_str(gen, "paramset", paramset) <= 0 ||
	    EVP_PKEY_keygen(gen, &pkey) <= 0)
		die("key generation");
	EVP_PKEY_CTX_free(gen);
	pctx = EVP_PKEY_CTX_new(pkey, NULL);
	digest_len = strstr(alg, "512") != NULL ? 64 : 32;
	if (pctx == NULL || EVP_PKEY_sign_init(pctx) <= 0)
		die("sign init");
}

static operation *setup(const char *op, char *param)
{
	char *colon = strchr(param, ':');

	if (colon == NULL)
		die("the parameter has no colon");
	*colon++ = 0;
	memset(digest, 0x5a, sizeof digest);
	if (strcmp(op, "sign") == 0 || strcmp(op, "verify") == 0) {
		make_key(param, colon);
		do_sign();
		if (op[0] == 's')
			return do_sign;
		if (EVP_PKEY_verify_init(pctx) <= 0)
			die("verify init");
		return do_verify;
	}
	message_len = strtoul(colon, NULL, 10);
	message = calloc(1, message_len + 1);
	output = calloc(1, message_len + 64);
	if (strcmp(op, "digest") == 0) {
		md = EVP_get_digestbyname(param);
		mctx = EVP_MD_CTX_new();
		if (md == NULL || mctx == NULL)
			die("no such digest");
		return do_digest;
	}
	if (strcmp(op, "cipher") == 0) {
		cipher = EVP_get_cipherbyname(param);
		cctx = EVP_CIPHER_CTX_new();
		if (cipher == NULL || cctx == NULL)
			die("no such cipher");
		return do_cipher;
	}
	die("no such operation");
	return NULL;
}

int main(int argc, char **argv)
{
	operation *f;
	double end, best = 0;
	long batch = 1;

	if (argc != 4)
		die("usage: peer OPERATION PARAMETER SECONDS");
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	f = setup(argv[1], argv[2]);
	f();
	end = now() + strtod(argv[3], NULL);
	while (now() < end) {
		double start = now(), elapsed;
		long i;

		for (i = 0; i < batch; i++)
			f();
		elapsed = now() - start;
		if (elapsed < 0.002 && batch < 1L << 30) {
			/* Slices shorter than 2 ms are not counted. */
			if (elapsed < 0.0018)
				batch = elapsed < 0.0002 ? batch * 8 : batch * 0.0021 / elapsed + 1;
			else
				batch++;
			continue;
		}
		if (batch / elapsed > best)
			best = batch / elapsed;
	}
	printf("%.1f\n", best);
	return 0;
}

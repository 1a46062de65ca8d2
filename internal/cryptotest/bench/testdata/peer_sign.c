/*
 * peer_sign CERT KEY signs the documents whose names come on standard input, one
 * a line, and writes each detached signature beside its document with the suffix
 * .peer, as `openssl cms -sign -binary -nosmimecap -outform DER` does, with
 * libcrypto and gost-engine from OPENSSL_CONF.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *name)
{
	fprintf(stderr, "peer_sign: %s: %s\n", what, name);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static BIO *open_file(const char *name, const char *mode)
{
	BIO *b = BIO_new_file(name, mode);

	if (b == NULL)
		die("open", name);
	return b;
}

int main(int argc, char **argv)
{
	static char doc[4096], sig[4200];
	EVP_PKEY *key;
	X509 *cert;
	BIO *b;

	if (argc != 3)
		die("usage", "peer_sign CERT KEY");
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	b = open_file(argv[1], "rb");
	cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	b = open_file(argv[2], "rb");
	key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	BIO_free(b);
	if (cert == NULL || key == NULL)
		die("certificate or key", argv[1]);
	while (fgets(doc, sizeof doc, stdin) != NULL) {
		CMS_ContentInfo *cms;
		BIO *in, *out;

		doc[strcspn(doc, "\n")] = 0;
		snprintf(sig, sizeof sig, "%s.peer", doc);
		in = open_file(doc, "rb");
		cms = CMS_sign(cert, key, NULL, in, CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP);
		if (cms == NULL)
			die("sign", doc);
		out = open_file(sig, "wb");
		if (i2d_CMS_bio(out, cms) != 1)
			die("write", sig);
		CMS_ContentInfo_free(cms);
		BIO_free(in);
		BIO_free(out);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

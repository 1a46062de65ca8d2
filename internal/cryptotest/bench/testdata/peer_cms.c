/*
 * peer_cms detached|attached ROOTS LISTS verifies the signatures whose names
 * come on standard input, one a line; of detached ones the document's name
 * comes first. Each is verified as `openssl cms -verify -crl_check_all` does,
 * with libcrypto and gost-engine from OPENSSL_CONF.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *name)
{
	fprintf(stderr, "peer_cms: %s: %s\n", what, name);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static BIO *open_file(const char *name)
{
	BIO *b = BIO_new_file(name, "rb");

	if (b == NULL)
		die("open", name);
	return b;
}

/* new_store holds the anchors and the revocation lists, read once. */
static X509_STORE *new_store(const char *roots, const char *lists)
{
	X509_STORE *store = X509_STORE_new();
	BIO *b = open_file(roots);
	X509 *cert;
	X509_CRL *crl;

	while ((cert = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		if (!X509_STORE_add_cert(store, cert))
			die("anchor", roots);
	BIO_free(b);
	b = open_file(lists);
	while ((crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)) != NULL)
		if (!X509_STORE_add_crl(store, crl))
			die("list", lists);
	BIO_free(b);
	ERR_clear_error();
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return store;
}

static int next_line(char *line, int size)
{
	if (fgets(line, size, stdin) == NULL)
		return 0;
	line[strcspn(line, "\n")] = 0;
	return 1;
}

int main(int argc, char **argv)
{
	static char doc[4096], sig[4096];
	X509_STORE *store;
	int detached;

	if (argc != 4)
		die("usage", "peer_cms detached|attached ROOTS LISTS");
	detached = strcmp(argv[1], "detached") == 0;
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	store = new_store(argv[2], argv[3]);
	while ((!detached || next_line(doc, sizeof doc)) && next_line(sig, sizeof sig)) {
		BIO *in = open_file(sig), *content = detached ? open_file(doc) : NULL;
		CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);

		if (cms == NULL)
			die("read", sig);
		if (CMS_verify(cms, NULL, store, content, NULL, CMS_BINARY) != 1)
			die("verify", sig);
		CMS_ContentInfo_free(cms);
		BIO_free(in);
		BIO_free(content);
	}
	X509_STORE_free(store);
	return 0;
}

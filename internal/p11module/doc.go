// Package p11module is a PKCS #11 v2.40 module over software containers, in
// pure Go: what the specification calls Cryptoki, without its C types. The C
// edge in cmd/gosklyuch-pkcs11 turns pointers into slices and calls the methods
// of [Module], one for each function.
//
// Slots and tokens. Slot 0 holds the keyring: a token of its own in the folder
// "pkcs11.token" beside the containers, with a label, a security officer, a
// user and any number of keys, certificates and data objects. It is what
// C_InitToken, C_InitPIN and C_GenerateKeyPair work on. Each container with a
// GOST R 34.10-2012 key is a slot of its own: a token with the container's
// label, the first half of the key identifier as serial number, the container's
// password as PIN, and one key pair with its certificates. Slot numbers above 0
// are given in the order in which containers are met and hold until C_Finalize;
// programs should address tokens by label or serial number.
//
// PINs. The keyring's have at least 8 characters, digits alone are allowed; ten
// wrong ones lock it until the security officer gives a new one with C_InitPIN,
// by which no key is lost. That guards against a person at the keyboard: whoever
// has the files can try as often as he likes, at the price of one derivation
// (soft.Iterations) a guess. A container's PIN is its password, with the policy
// of package soft and no limit of tries.
//
// Mechanisms and constants are those of PKCS #11 v2.40, section 2.45 of its
// mechanisms, and of the Russian profile R 50.1.110-2016: key pairs of 256 and
// 512 bits, signatures over a digest or with Streebog inside, Streebog itself,
// and VKO. Keys, digests and signatures have the byte order of RFC 9215: a
// public value is X‖Y little-endian, a private one little-endian, a signature
// s‖r big-endian.
//
// Every call may come from any thread. Checks go in the order of the
// specification: whether the module is initialized, the handle, the arguments,
// the state, and only then the work.
package p11module

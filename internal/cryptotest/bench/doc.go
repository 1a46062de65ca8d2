// Package bench compares the speed of this module's cryptography with
// OpenSSL's gost-engine in the same run and prints one table of ratios.
//
//	go test -tags bench -run TestRatios -v ./internal/cryptotest/bench
//
// Flags after the package: -args -seconds 1 (per measurement), -only REGEXP
// (rows by name).
//
// The peer is testdata/peer.c, compiled against libcrypto (Debian: gcc,
// libssl-dev, libengine-gost-openssl). Both sides take the best of many slices
// of 2 ms of processor time, so that a busy machine disturbs the ratio little;
// absolute figures are the machine's. The test prints and never fails on a figure.
//
// A row names an operation of peer.c, its parameter, our counterpart and the
// target ratio. To add rows, append to the slice that a function such as
// signatureRows returns and list that function in rowSources. peer.c offers
//
//	sign    ALG:PARAMSET   EVP_PKEY_sign of a fixed digest
//	verify  ALG:PARAMSET   EVP_PKEY_verify
//	digest  NAME:OCTETS    EVP_DigestInit, Update, Final over one message
//	cipher  NAME:OCTETS    EVP_EncryptInit, Update, Final over one message
package bench

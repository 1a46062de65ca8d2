// Package bench compares the speed of this module with that of OpenSSL and
// gost-engine in the same run, and prints one table of primitives and one of
// jobs: ours, the peer, the ratio and the target.
//
//	make bench                                       # about five minutes
//	go test -tags bench -run TestRatios -v ./internal/cryptotest/bench -args …
//
// Flags after -args:
//
//	-only REGEXP      rows by name
//	-primitives       no jobs; -nothing-but-jobs the other way round
//	-seconds 0.5      processor time for one measurement of a primitive
//	-rounds 2         how often a job is done by each side, in turn
//	-documents, -signers, -file, -large   sizes of the jobs
//	-jobs FOLDER      keep what the verification jobs are made of
//	-o FILE           write the tables into a Markdown file between its markers,
//	                  and a line with the key ratios to its history
//
// For a short look: -seconds 0.1 -rounds 1 -documents 1000 -file 100000000
// -large 400000000. The test fails where the work was not done, never on a figure.
//
// # Primitives
//
// The peer is testdata/peer.c, compiled against libcrypto (Debian: gcc,
// libssl-dev, libengine-gost-openssl). Both sides take the best of many slices
// of 2 ms of processor time, so that a busy machine disturbs the ratio little;
// absolute figures are the machine's. Each row is measured again by the same
// package built with the tag purego, which is the portable code. Of the two
// targets that one counts whose code the processor can run.
//
// To add rows, append to the slice that a function such as signatureRows returns
// and list that function in rowSources. peer.c offers
//
//	sign    ALG:PARAMSET   EVP_PKEY_sign of a fixed digest
//	verify  ALG:PARAMSET   EVP_PKEY_verify
//	digest  NAME:OCTETS    EVP_DigestInit, Update, Final over one message
//	cipher  NAME:OCTETS    EVP_EncryptInit, Update, Final over one message
//
// # Jobs
//
// A job is work that a user waits for: the program as it is delivered against
// the peer's program, or a small C program that does many in one process. The
// best of the rounds counts, by the clock and in processor time of all threads.
// The clock decides where a target is set; on a busy machine the ratio of
// processor times says more.
//
// To add jobs, write a function that returns them and list it in jobSources.
package bench

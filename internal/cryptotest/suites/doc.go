// Package suites runs larger test suites that are not part of this repository:
// a folder named by $GOSKLYUCH_SUITES with fixtures made by OpenSSL, GnuTLS and
// Bouncy Castle (fixtures/manifest.json) and a corpus of real files (corpus/).
// It holds tests only. Without the variable every test says that it is skipped.
//
// The fixtures are given to the built program as a process; what it is given
// follows from an entry's arguments by the one table in commands_test.go.
package suites

// Package postgres starts PostgreSQL servers for tests: the one of Debian's
// package, in a directory of the test, listening on a Unix socket only. Where
// the tests run as root, the servers run as the user postgres (or nobody),
// since PostgreSQL refuses root.
package postgres

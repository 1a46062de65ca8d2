package limits

import "time"

// Bounds of what an authority serves to everybody: OCSP, lists, certificates
// and time stamps.
const (
	// OCSPPrepared bounds the answers that are signed ahead. With the
	// certificate of a delegated key one takes 1 KiB, 2 GiB in all; the
	// operator says how many are wanted.
	OCSPPrepared = 2_000_000

	// OCSPChanged bounds the certificates of which a cache remembers that they
	// were revoked, held or released in the last while; beyond it everything is
	// forgotten instead.
	OCSPChanged = 1 << 14

	// JournalFollowed bounds the records of other nodes that are read at a time
	// to find out which certificates they revoked; where there are more, a
	// cache forgets everything instead.
	JournalFollowed = 4096

	// ServedAuthorities bounds the authorities that one process serves: each
	// holds a ledger and a key, on a database also some connections.
	ServedAuthorities = 32

	// ListRate is the speed, in octets a second, below which a client that
	// fetches a revocation list is given up: a list of 46 MB may take 24
	// minutes.
	ListRate = 32 << 10

	// LedgerProbe is how long a ledger may take to answer one question before
	// it counts as away.
	LedgerProbe = 3 * time.Second
)

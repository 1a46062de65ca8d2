package limits

import "time"

// Bounds of the authority's service over HTTPS: EST and the API of requests.
const (
	// CAServerBody bounds the body of one request in octets: a request for a
	// certificate of CertificateBytes in Base64, with room for line breaks, or a
	// statement with its signature.
	CAServerBody = 2 << 20

	// CAServerUnknown bounds the body of a request whose sender nobody knows
	// yet: a challenge with its signature, certificates included.
	CAServerUnknown = 128 << 10

	// CAServerDepth bounds the nesting of JSON that is sent: one object.
	CAServerDepth = 4

	// CAServerScan bounds the certificates or records that are looked at for
	// one page where a filter lets few of them pass: some 50 ms.
	CAServerScan = 20_000

	// CAServerPeriod bounds the period of one question about days and ends of
	// validity: longer than any certificate.
	CAServerPeriod = 50 * 366 * 24 * time.Hour

	// CAServerPage bounds the entries of one page of a list.
	CAServerPage = 500

	// CAServerClients bounds the addresses whose rate is remembered one by one;
	// those beyond it share one allowance. One takes about 100 octets.
	CAServerClients = 1 << 16

	// CAServerSessions bounds the sessions of operators: several for each of
	// the people of a large authority.
	CAServerSessions = 4096

	// CAServerPasswords bounds the passwords that are checked at a time: each
	// takes a processor for tens of milliseconds.
	CAServerPasswords = 2

	// CAServerRefusals bounds the refusals a minute that all strangers together,
	// and each person who is known, may put on record: each is a synced write, and the journal is kept for ever.
	CAServerRefusals = 60

	// CAServerChallenge is how long a challenge may be answered: time to sign on
	// a token with a PIN.
	CAServerChallenge = 5 * time.Minute

	// CAServerSession is how long a session lasts: a working day.
	CAServerSession = 8 * time.Hour

	// CAServerIdle ends a session that nobody uses: a browser that was left.
	CAServerIdle = time.Hour

	// CAServerOwnSessions bounds the sessions of one operator, so that one
	// person cannot take those of all; the one used longest ago ends.
	CAServerOwnSessions = 16

	// ESTBody bounds a request for a certificate by EST in octets of Base64: a
	// machine's, which many send at a time.
	ESTBody = 256 << 10

	// ESTAccounts bounds the accounts of EST clients in one file.
	ESTAccounts = 10_000

	// ESTAccountsBytes bounds that file.
	ESTAccountsBytes = 4 << 20
)
